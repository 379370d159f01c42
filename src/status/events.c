/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/events: what changes, as Server-Sent Events.
 */
#include "status/collector.h"
#include "status/endpoints.h"

#include <porthole/watch.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct ph__param ph__events_params[] = {
    {"types", PH__PARAM_TEXT, false,
     "types of events, joined by commas: port_opened, port_closed, connection_opened, "
     "connection_closed, finding_raised, finding_cleared, summary; default: all"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

/* The first that is no type, or NULL. */
static const char *find_wrong(const char *types, size_t *ret_size)
{
    for (const char *at = types; at; at = at[*ret_size] ? at + *ret_size + 1 : NULL) {
        *ret_size = strcspn(at, ",");
        if (ph_event_find(at, *ret_size) == PH_EVENT_COUNT) {
            return at;
        }
    }
    return NULL;
}

/* The stream brings its own fields; a refusal must not be kept by caches either. */
static int refuse(struct ph_response *res, int status, const char *detail)
{
    int err = ph_response_header(res, "Cache-Control", "no-store");
    return err < 0 ? err : ph_reply_problem(res, status, "%s", detail);
}

int ph__serve_events(struct ph__call *call)
{
    const char *types = ph_request_query(call->req, "types");
    size_t size = 0;
    const char *wrong = types ? find_wrong(types, &size) : NULL;
    if (wrong) {
        char problem[PH__PROBLEM_TEXT];
        snprintf(
            problem, sizeof problem,
            "types: \"%.*s\" is no type of event; wanted are some of port_opened, port_closed, "
            "connection_opened, connection_closed, finding_raised, finding_cleared and "
            "summary, joined by commas.",
            size > 100 ? 100 : (int)size, wrong);
        return refuse(call->res, 400, problem);
    }
    if (!call->status->collector) {
        return refuse(call->res, 501, "This server runs without threads, and events need one.");
    }
    int err = ph_channel_subscribe(ph__collector_channel(call->status->collector), call->req,
                                   call->res, types);
    return err == -EINVAL ? refuse(call->res, 400, "types: more than 255 bytes.") : err;
}
