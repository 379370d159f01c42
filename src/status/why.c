/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/why: one port explained, as JSON.
 */
#include "status/document.h"
#include "status/listing.h"
#include "status/rows.h"

#include <porthole/doctor.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const struct ph__param ph__why_params[] = {
    {"port", PH__PARAM_INTEGER, false, "Port number, 1 to 65535; wanted"},
    {"protocol", PH__PARAM_TEXT, false, "tcp (the default) or udp"},
    {"address", PH__PARAM_TEXT, false, "address to bind to; default 0.0.0.0, and :: apart"},
    {"probe", PH__PARAM_BOOLEAN, false, "true also tries a real bind, and a connect to loopback"},
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

const char ph__why_answer[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"taken_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"age_ms\":{\"type\":\"integer\"},"
    "\"protocol\":{\"enum\":[\"tcp\",\"udp\"]},"
    "\"port\":{\"type\":\"integer\"},"
    "\"service\":{\"type\":[\"string\",\"null\"]},"
    "\"bind\":{\"type\":\"object\",\"properties\":{"
    "\"verdict\":{\"enum\":[\"free\",\"in_use\",\"time_wait_only\",\"taken_by_outbound\","
    "\"privileged\",\"address_not_local\",\"bound_not_listening\"]},"
    "\"error\":{\"type\":[\"string\",\"null\"]},"
    "\"certain\":{\"type\":\"boolean\"},"
    "\"reason\":{\"type\":\"string\"},"
    "\"holders\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    "\"ipv6\":{\"type\":[\"object\",\"null\"]}}},"
    "\"reach\":{\"type\":\"object\",\"properties\":{"
    "\"verdict\":{\"enum\":[\"nobody\",\"loopback\",\"link\",\"private\",\"everyone\"]},"
    "\"reason\":{\"type\":\"string\"},"
    "\"addresses\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}},"
    "\"health\":{\"type\":\"object\",\"properties\":{\"findings\":{\"type\":[\"array\","
    "\"null\"],\"items\":{\"type\":\"object\"}}}},"
    "\"advice\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"probe\":{\"type\":[\"object\",\"null\"]}}}";

static int read_question(const struct ph__asked *asked, struct ph_why_question *ret_question)
{
    uint64_t port = 0;
    uint64_t max_age_ms = PH__MAX_AGE_DEFAULT_MS;
    struct ph_why_question question = {.address = asked->param(asked->from, "address")};
    int err = ph__asked_number(asked, "port", UINT16_MAX, &port);
    err = err ? err : ph__asked_number(asked, "max_age_ms", UINT_MAX, &max_age_ms);
    err = err ? err : ph__asked_bool(asked, "probe", &question.probe);
    question.protocol = ph__asked_protocol(asked);
    question.port = (uint16_t)port;
    question.max_age_ms = (unsigned)max_age_ms;
    *ret_question = question;
    return err;
}

const char *ph__error_name(int error)
{
    switch (error) {
    case 0:
        return NULL;
    case -EADDRINUSE:
        return "EADDRINUSE";
    case -EADDRNOTAVAIL:
        return "EADDRNOTAVAIL";
    case -EACCES:
        return "EACCES";
    case -EAFNOSUPPORT:
        return "EAFNOSUPPORT";
    case -EINVAL:
        return "EINVAL";
    case -ECONNREFUSED:
        return "ECONNREFUSED";
    case -ETIMEDOUT:
        return "ETIMEDOUT";
    case -EHOSTUNREACH:
        return "EHOSTUNREACH";
    case -ENETUNREACH:
        return "ENETUNREACH";
    case -EPERM:
        return "EPERM";
    default:
        return ph_strerror(error);
    }
}

static void add_end(struct ph__json *json, const struct ph_socket *socket)
{
    char text[PH_SOCKET_ID_TEXT];
    ph_socket_id(socket, text, sizeof text);
    ph__json_text(json, "socket_id", text);
    ph__json_text(json, "state", ph_state_name(socket->state));
    ph_socket_local_address(socket, text, sizeof text);
    ph__json_text(json, "local_address", text);
    ph_socket_remote_address(socket, text, sizeof text);
    ph__json_text(json, "remote_address", socket->has_remote ? text : NULL);
    ph__json_known(json, "remote_port", socket->has_remote ? socket->remote_port : -1);
    ph__json_text(json, "owner_unknown",
                  socket->owner_unknown == PH_OWNER_UNKNOWN_NONE
                      ? NULL
                      : ph_owner_unknown_name(socket->owner_unknown));
}

static void add_holder(struct ph__json *json, const struct ph_why_holder *holder)
{
    static const struct ph_process nobody = {.pid = -1};
    const struct ph_process *process = holder->process ? holder->process : &nobody;
    ph__json_begin_object(json, NULL);
    ph__json_known(json, "pid", process->pid);
    ph__json_text(json, "command", process->command);
    ph__json_text(json, "user", process->user);
    ph__json_text(json, "unit", process->unit);
    ph__json_text(json, "container", process->container);
    if (holder->since_unix_ms) {
        ph__json_time(json, "since", holder->since_unix_ms);
    } else {
        ph__json_null(json, "since");
    }
    add_end(json, holder->socket);
    ph__json_end(json);
}

/* The members, into the object that is open. */
static void add_bind(struct ph__json *json, const struct ph_why_bind *bind)
{
    ph__json_text(json, "address", bind->address);
    ph__json_bool(json, "v6only", bind->v6only);
    ph__json_text(json, "verdict", ph_bind_name(bind->verdict));
    ph__json_text(json, "error", ph__error_name(bind->error));
    ph__json_bool(json, "certain", bind->certain);
    ph__json_text(json, "reason", bind->reason);
    ph__json_u64(json, "sockets", bind->socket_count);
    ph__json_begin_array(json, "holders");
    for (size_t i = 0; i < bind->holder_count; i++) {
        add_holder(json, &bind->holders[i]);
    }
    ph__json_end(json);
}

static void add_reach(struct ph__json *json, const struct ph_why *why)
{
    ph__json_begin_object(json, "reach");
    ph__json_text(json, "verdict", ph_reach_name(why->reach));
    ph__json_text(json, "reason", why->reach_reason);
    ph__json_begin_array(json, "addresses");
    for (size_t i = 0; i < why->address_count; i++) {
        ph__json_begin_object(json, NULL);
        ph__json_text(json, "address", why->addresses[i].address);
        ph__json_text(json, "scope", ph_scope_name(why->addresses[i].scope));
        ph__json_end(json);
    }
    ph__json_end(json);
    ph__json_end(json);
}

/* The findings about the port and its sockets. */
static void add_findings(struct ph__json *json, const struct ph_why *why,
                         const struct ph_findings *findings)
{
    if (!findings) {
        ph__json_null(json, "findings");
        return;
    }
    const struct ph_finding *finding;
    ph__json_begin_array(json, "findings");
    for (size_t i = 0; (finding = ph_findings_at(findings, i)); i++) {
        if (ph__finding_is_about(finding, PH_SUBJECT_PORT, why->protocol, why->port)) {
            ph__json_begin_object(json, NULL);
            ph__json_text(json, "id", finding->id);
            ph__json_text(json, "severity", ph_severity_name(finding->severity));
            ph__json_text(json, "title", finding->title);
            ph__json_text(json, "advice", finding->advice);
            ph__json_end(json);
        }
    }
    ph__json_end(json);
}

static void add_health(struct ph__json *json, const struct ph_why *why,
                       const struct ph_findings *findings)
{
    const struct ph_port *row = why->row;
    bool tcp = why->protocol == PH_PROTOCOL_TCP;
    ph__json_begin_object(json, "health");
    ph__json_known(json, "accept_queue", row ? row->accept_queue : -1);
    ph__json_known(json, "backlog", row ? row->backlog : -1);
    ph__json_known(json, "unaccepted", row && tcp ? (int64_t)row->unaccepted : -1);
    ph__json_known(json, "drops", row ? row->drops : -1);
    if (!row) {
        ph__json_null(json, "connections");
    } else {
        ph__json_begin_object(json, "connections");
        for (int i = 0; i < PH_STATE_COUNT; i++) {
            if (row->connections[i] > 0) {
                ph__json_u64(json, ph_state_name((enum ph_state)i), row->connections[i]);
            }
        }
        ph__json_end(json);
    }
    add_findings(json, why, findings);
    ph__json_end(json);
}

static void add_probe(struct ph__json *json, const struct ph_why_probe *probe)
{
    if (!probe) {
        ph__json_null(json, "probe");
        return;
    }
    ph__json_begin_object(json, "probe");
    ph__json_text(json, "bind", probe->bind_error ? ph__error_name(probe->bind_error) : "ok");
    ph__json_text(json, "bind_ipv6",
                  !probe->has_ipv6         ? NULL
                  : probe->bind_ipv6_error ? ph__error_name(probe->bind_ipv6_error)
                                           : "ok");
    if (probe->has_connect) {
        ph__json_begin_object(json, "connect");
        ph__json_text(json, "address", probe->connect_address);
        ph__json_text(json, "result",
                      probe->connect_error ? ph__error_name(probe->connect_error) : "ok");
        ph__json_u64(json, "time_us", probe->connect_us);
        ph__json_end(json);
    } else {
        ph__json_null(json, "connect");
    }
    ph__json_end(json);
}

static void add_why(struct ph__json *json, const struct ph_why *why,
                    const struct ph_findings *findings)
{
    ph__json_time(json, "taken_at", ph_snapshot_taken_unix_ms(why->snapshot));
    ph__json_u64(json, "age_ms", ph_snapshot_age_ms(why->snapshot));
    ph__json_text(json, "protocol", ph_protocol_name(why->protocol));
    ph__json_u64(json, "port", why->port);
    ph__json_text(json, "service", why->service);
    ph__json_begin_object(json, "bind");
    add_bind(json, &why->bind);
    if (why->bind_ipv6) {
        ph__json_begin_object(json, "ipv6");
        add_bind(json, why->bind_ipv6);
        ph__json_end(json);
    } else {
        ph__json_null(json, "ipv6");
    }
    ph__json_end(json);
    add_reach(json, why);
    add_health(json, why, findings);
    ph__json_begin_array(json, "advice");
    for (size_t i = 0; i < why->advice_count; i++) {
        ph__json_text(json, NULL, why->advice[i]);
    }
    ph__json_end(json);
    add_probe(json, why->probe);
}

/* NULL where the doctor cannot look: the rest is known all the same. */
static struct ph_findings *look(const struct ph__asked *asked)
{
    struct ph_doctor *doctor = asked->doctor;
    if (!doctor && ph_doctor_new(&doctor, asked->sockets) < 0) {
        return NULL;
    }
    struct ph_findings *findings = ph__recent_findings(doctor);
    if (doctor != asked->doctor) {
        ph_doctor_free(doctor);
    }
    return findings;
}

void ph__why_add(struct ph__json *json, const struct ph__asked *asked, const struct ph_why *why)
{
    struct ph_findings *findings = look(asked);
    add_why(json, why, findings);
    ph_findings_unref(findings);
}

int ph__why_document(struct ph__json *json, const struct ph__asked *asked)
{
    struct ph_why_question question;
    struct ph_why *why = NULL;
    int err = read_question(asked, &question);
    err = err ? err
              : ph_why_new(&why, asked->sockets, &question, asked->problem, asked->problem_size);
    if (!err) {
        ph__why_add(json, asked, why);
    }
    ph_why_free(why);
    return err;
}

int ph__serve_why(struct ph__call *call)
{
    return ph__document_reply(call, ph__why_document);
}
