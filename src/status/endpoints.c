/* SPDX-License-Identifier: MIT
 *
 * The table of endpoints, and what all of them do before their own handler runs.
 */
#include "status/endpoints.h"

#include "status/guard.h"
#include "status/listing.h"

#include <porthole/guard.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    BLOCKING = PH__ENDPOINT_BLOCKING,
    OPEN = PH__ENDPOINT_OPEN,
    PAGE = PH__ENDPOINT_PAGE,
    EVENTS = PH__ENDPOINT_EVENTS,
    PROBE = PH__ENDPOINT_PROBE
};

#define TAKEN                                                                           \
    "\"taken_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"age_ms\":{\"type\":" \
    "\"integer\"}"
#define ROW(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define ROWS(name) "{\"type\":\"array\",\"items\":" ROW(name) "}"
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

#define STATUS_SCHEMA OBJECT("\"status\":{\"type\":\"string\"}")
#define SOCKET_SCHEMA                                                       \
    OBJECT(TAKEN ",\"socket\":" ROW("Socket") ",\"peer\":{\"anyOf\":[" ROW( \
        "Socket") ",{\"type\":\"null\"}]}")
#define PORT_SCHEMA                                                                               \
    OBJECT(TAKEN ",\"port\":{\"type\":\"integer\"},\"ports\":" ROWS("Port") ",\"sockets\":" ROWS( \
        "Socket"))
const struct ph__endpoint ph__endpoints[] = {
    {.path = "/", .summary = "The status page", .handle = ph__serve_page, .flags = OPEN | PAGE},
    {.path = "/healthz",
     .summary = "Whether the server is alive",
     .handle = ph__serve_healthz,
     .flags = OPEN,
     .answer = STATUS_SCHEMA},
    {.path = "/readyz",
     .summary = "Whether the server takes new work: 503 while it drains",
     .handle = ph__serve_readyz,
     .flags = OPEN,
     .answer = STATUS_SCHEMA},
    {.path = "/api/v1", .summary = "Every endpoint with its parameters", .handle = ph__serve_index},
    {.path = "/api/v1/openapi.json",
     .summary = "This API as an OpenAPI 3.1 document",
     .handle = ph__serve_openapi},
    {.path = "/api/v1/server",
     .summary = "This server: workers, totals, latency, limits in force",
     .handle = ph__serve_server},
    {.path = "/api/v1/connections",
     .summary = "This server's own connections and where each stands",
     .handle = ph__serve_list,
     .list = &ph__list_connections,
     .flags = BLOCKING},
    {.path = "/api/v1/sockets",
     .summary = "Every socket on this machine",
     .handle = ph__serve_list,
     .list = &ph__list_sockets,
     .params = ph__sockets_params,
     .flags = BLOCKING},
    {.path = "/api/v1/sockets/:id",
     .summary = "One socket, and its other end where that is on this machine",
     .handle = ph__serve_socket,
     .params = ph__socket_params,
     .flags = BLOCKING,
     .answer = SOCKET_SCHEMA},
    {.path = "/api/v1/ports",
     .summary = "Every port that is listened on (TCP) or bound (UDP)",
     .handle = ph__serve_list,
     .list = &ph__list_ports,
     .flags = BLOCKING},
    {.path = "/api/v1/ports/:port",
     .summary = "All that is known of one port",
     .handle = ph__serve_port,
     .params = ph__port_params,
     .flags = BLOCKING,
     .answer = PORT_SCHEMA},
    {.path = "/api/v1/processes",
     .summary = "Every process that holds sockets, with its descriptors against their limit",
     .handle = ph__serve_list,
     .list = &ph__list_processes,
     .flags = BLOCKING},
    {.path = "/api/v1/summary",
     .summary = "Sockets by protocol and state, and the kernel's counters",
     .handle = ph__serve_summary,
     .params = ph__summary_params,
     .flags = BLOCKING},
    {.path = "/api/v1/why",
     .summary = "One port explained: can it be bound, who has it, who can reach it, what to do",
     .handle = ph__serve_why,
     .params = ph__why_params,
     .flags = BLOCKING,
     .answer = ph__why_answer},
    {.path = "/api/v1/probe",
     .summary = "One real attempt to reach a port of this machine's loopback, step by step",
     .handle = ph__serve_probe,
     .params = ph__probe_params,
     .flags = BLOCKING | PROBE,
     .answer = ph__probe_answer},
    {.path = "/api/v1/findings",
     .summary = "What is wrong now, with evidence and advice",
     .handle = ph__serve_findings,
     .params = ph__findings_params,
     .flags = BLOCKING,
     .answer = ph__findings_answer},
    {.path = "/api/v1/events",
     .summary = "What changes, as Server-Sent Events",
     .handle = ph__serve_events,
     .params = ph__events_params,
     .flags = EVENTS,
     .media_type = "text/event-stream"},
    {.path = "/metrics",
     .summary = "Metrics in Prometheus' text format, or OpenMetrics when asked for",
     .handle = ph__serve_metrics,
     .params = ph__metrics_params,
     .flags = BLOCKING,
     .media_type = "text/plain"},
};
const size_t ph__endpoint_count = sizeof ph__endpoints / sizeof ph__endpoints[0];

bool ph__endpoint_is_there(const struct ph__status *status, const struct ph__endpoint *endpoint)
{
    return status->probe || !(endpoint->flags & PROBE);
}

struct header {
    const char *name;
    const char *value;
};

static const struct header common_headers[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {NULL, NULL},
};

static const struct header api_headers[] = {
    {"Cache-Control", "no-store"},
    {NULL, NULL},
};

static const struct header page_headers[] = {
    {"Cache-Control", "no-cache"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {NULL, NULL},
};

static int add_headers(struct ph_response *res, const struct header *headers)
{
    for (; headers->name; headers++) {
        int err = ph_response_header(res, headers->name, headers->value);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static int refuse_host(struct ph__call *call)
{
    return ph_reply_problem(call->res, 421,
                            "The Host header names a host that this server does not answer for; "
                            "use an IP address, localhost, this machine's name, or a name "
                            "given with --allow-host.");
}

/* Looks for a query parameter that the endpoint does not have, or that comes twice; whether it
 * may in a list, the query itself knows. @return whether there is one. */
static bool find_wrong(const struct ph__call *call, char *problem, size_t size)
{
    const struct ph__endpoint *endpoint = call->endpoint;
    const struct ph__param *more = endpoint->list ? ph__list_params : NULL;
    for (size_t i = 0; i < ph_request_query_count(call->req); i++) {
        const char *name = NULL;
        const char *value = NULL;
        if (ph_request_query_at(call->req, i, &name, &value) < 0) {
            break;
        }
        const struct ph__param *param = ph__param_find(endpoint->params, name);
        if ((!param || param->in_path) && !ph__param_find(more, name)) {
            ph__param_unknown(name, endpoint->params, more, problem, size);
            return true;
        }
        if (param && ph_request_query(call->req, name) != value) {
            snprintf(problem, size, "%s: comes more than once; wanted is one.", name);
            return true;
        }
    }
    return false;
}

int ph__endpoint_enter(struct ph__call *call)
{
    const struct ph__status *status = call->status;
    unsigned flags = call->endpoint->flags;
    int err = add_headers(call->res, common_headers);
    if (!err && !(flags & EVENTS)) {
        err = add_headers(call->res, flags & PAGE ? page_headers : api_headers);
    }
    if (err < 0) {
        return err;
    }
    if (!ph__guard_host(ph_request_header(call->req, "Host"), status->hostname,
                        (const char *const *)status->hosts)) {
        return refuse_host(call);
    }
    if (status->token && !(flags & OPEN) && !ph_guard_has_bearer(call->req, status->token)) {
        return ph_guard_bearer(call->req, call->res, status->token);
    }
    char problem[PH__PROBLEM_TEXT];
    if (!(flags & PAGE) && find_wrong(call, problem, sizeof problem)) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    return call->endpoint->handle(call);
}

int ph__read_max_age(const struct ph_request *req, unsigned *ret_max_age_ms, char *problem,
                     size_t problem_size)
{
    const char *value = ph_request_query(req, "max_age_ms");
    uint64_t number = PH__MAX_AGE_DEFAULT_MS;
    int err =
        value ? ph__param_number("max_age_ms", value, UINT_MAX, &number, problem, problem_size) : 0;
    if (err < 0) {
        return err;
    }
    *ret_max_age_ms = (unsigned)number;
    return 0;
}

int ph__read_owners(const struct ph_request *req, bool *ret_owners, char *problem,
                    size_t problem_size)
{
    const char *value = ph_request_query(req, "owners");
    return value ? ph__param_bool("owners", value, ret_owners, problem, problem_size) : 0;
}

int ph__reply_failure(struct ph_response *res, int err)
{
    if (err == PH_ERR_SOURCE) {
        return ph_reply_problem(res, 503,
                                "The kernel offers neither sock_diag nor /proc/net, so its "
                                "sockets cannot be read.");
    }
    if (err == -EBUSY) {
        int failed = ph_response_header(res, "Retry-After", "1");
        return failed ? failed
                      : ph_reply_problem(res, 503,
                                         "Slow clients are still reading older lists; try again, "
                                         "or accept one of them with a larger max_age_ms.");
    }
    if (err == PH_ERR_LIMIT) {
        return ph_reply_problem(res, 503,
                                "There are more sockets than the configured limit allows.");
    }
    if (err == PH_ERR_UNTOLD) {
        return ph_reply_problem(res, 403, "%s", PH__UNTOLD_PROBLEM);
    }
    return err;
}

static int read_query(struct ph__call *call, struct ph__query *query, char *problem, size_t size)
{
    for (size_t i = 0; i < ph_request_query_count(call->req); i++) {
        const char *name = NULL;
        const char *value = NULL;
        int err = ph_request_query_at(call->req, i, &name, &value);
        err = err ? err : ph__query_set(query, name, value, problem, size);
        if (err < 0) {
            return err;
        }
    }
    if (query->format == PH__FORMAT_COUNT) {
        query->format = ph__negotiate(ph_request_header(call->req, "Accept"));
    }
    return 0;
}

static int reply_list(struct ph__call *call, struct ph__query *query)
{
    if (query->format == PH__FORMAT_COUNT) {
        return ph_reply_problem(call->res, 406,
                                "The Accept header takes none of application/json, "
                                "application/x-ndjson, text/csv and text/plain.");
    }
    ph__query_finish(query);
    struct ph__list *list = NULL;
    int err = ph_response_header(call->res, "Vary", "Accept");
    err = err ? err
              : ph__listing_new(&list, query, call->status->sockets, call->status->doctor,
                                ph_request_server(call->req));
    if (err < 0) {
        return ph__reply_failure(call->res, err);
    }
    err = ph_reply_generate(call->res, 200, ph__format_content_type(query->format),
                            ph__list_generate, list, ph__list_free);
    if (err < 0) {
        ph__list_free(list);
    }
    return err;
}

int ph__serve_list(struct ph__call *call)
{
    struct ph__query query;
    int err = ph__query_init(&query, call->endpoint->list);
    if (err < 0) {
        return err;
    }
    char problem[PH__PROBLEM_TEXT] = "";
    err = read_query(call, &query, problem, sizeof problem);
    if (err == PH_ERR_PARAMETER) {
        err = ph_reply_problem(call->res, 400, "%s", problem);
    } else if (!err) {
        err = reply_list(call, &query);
    }
    ph__query_done(&query);
    return err;
}
