/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/summary: sockets by protocol and state, how many have a visible owner, and the
 * counters of the kernel.
 */
#include "status/endpoints.h"
#include "status/json.h"
#include "status/listing.h"

#include <stdlib.h>

const struct ph__param ph__summary_params[] = {
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {"owners", PH__PARAM_BOOLEAN, false, "false leaves the owners out, which is cheaper"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

/* Whether sockets of a protocol can be in a state, so that zero of them is worth saying. */
static bool can_be(enum ph_protocol protocol, enum ph_state state)
{
    switch (protocol) {
    case PH_PROTOCOL_TCP:
    case PH_PROTOCOL_MPTCP:
        return state < PH_STATE_CONNECTED;
    case PH_PROTOCOL_UDP:
    case PH_PROTOCOL_UDPLITE:
    case PH_PROTOCOL_RAW:
    case PH_PROTOCOL_NETLINK:
        return state == PH_STATE_CONNECTED || state == PH_STATE_UNCONNECTED;
    case PH_PROTOCOL_UNIX:
        return state == PH_STATE_LISTEN || state == PH_STATE_ESTABLISHED ||
               state == PH_STATE_CONNECTED || state == PH_STATE_UNCONNECTED;
    case PH_PROTOCOL_PACKET:
        return state == PH_STATE_UNCONNECTED;
    case PH_PROTOCOL_VSOCK:
        return state == PH_STATE_LISTEN || state == PH_STATE_ESTABLISHED;
    case PH_PROTOCOL_COUNT:
        break;
    }
    return false;
}

static void add_protocol(struct ph__json *json, const struct ph_snapshot *snapshot,
                         enum ph_protocol protocol)
{
    ph__json_begin_object(json, ph_protocol_name(protocol));
    if (ph_snapshot_source(snapshot, protocol, NULL) == PH_SOURCE_UNAVAILABLE) {
        ph__json_null(json, "total");
        ph__json_null(json, "states");
        ph__json_end(json);
        return;
    }
    size_t total = 0;
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        total += ph_snapshot_state_count(snapshot, protocol, (enum ph_state)i);
    }
    ph__json_u64(json, "total", total);
    ph__json_begin_object(json, "states");
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        enum ph_state state = (enum ph_state)i;
        size_t count = ph_snapshot_state_count(snapshot, protocol, state);
        if (count > 0 || can_be(protocol, state)) {
            ph__json_u64(json, ph_state_name(state), count);
        }
    }
    ph__json_end(json);
    ph__json_end(json);
}

static void add_owners(struct ph__json *json, const struct ph_snapshot *snapshot)
{
    size_t visible = 0;
    size_t hidden = 0;
    size_t reasons[PH_OWNER_UNKNOWN_COUNT] = {0};
    size_t count = ph_snapshot_count(snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (socket->owner_count > 0) {
            visible++;
            continue;
        }
        hidden++;
        reasons[socket->owner_unknown]++;
    }
    ph__json_begin_object(json, "owners");
    ph__json_u64(json, "visible", visible);
    ph__json_u64(json, "hidden", hidden);
    ph__json_begin_object(json, "reasons");
    for (int i = PH_OWNER_UNKNOWN_NONE + 1; i < PH_OWNER_UNKNOWN_COUNT; i++) {
        ph__json_u64(json, ph_owner_unknown_name((enum ph_owner_unknown)i), reasons[i]);
    }
    ph__json_end(json);
    ph__json_end(json);
}

static void add_kernel(struct ph__json *json, const struct ph_sockets *sockets)
{
    struct ph_counters counters;
    ph_sockets_counters(sockets, &counters);
    ph__json_begin_object(json, "kernel");
#define ADD_COUNTER(name) ph__json_known(json, #name, counters.name);
    PH_COUNTER_MAP(ADD_COUNTER)
#undef ADD_COUNTER
    ph__json_end(json);
}

static void add_sources(struct ph__json *json, const struct ph_snapshot *snapshot)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__write_sources(&buf, snapshot, PH_PROTOCOLS_ALL);
    char *text = ph__buf_take(&buf);
    ph__json_raw(json, "sources", text);
    free(text);
    ph__buf_done(&buf);
}

static int reply(struct ph__call *call, const struct ph_snapshot *snapshot, bool owners)
{
    struct ph__json json;
    ph__json_init(&json);
    ph__json_time(&json, "taken_at", ph_snapshot_taken_unix_ms(snapshot));
    ph__json_u64(&json, "age_ms", ph_snapshot_age_ms(snapshot));
    add_sources(&json, snapshot);
    ph__json_begin_object(&json, "protocols");
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        add_protocol(&json, snapshot, (enum ph_protocol)i);
    }
    ph__json_end(&json);
    if (owners) {
        add_owners(&json, snapshot);
    }
    add_kernel(&json, call->status->sockets);
    return ph__json_reply(&json, call->res, 200);
}

int ph__serve_summary(struct ph__call *call)
{
    char problem[PH__PROBLEM_TEXT];
    unsigned max_age_ms = 0;
    bool owners = true;
    int err = ph__read_max_age(call->req, &max_age_ms, problem, sizeof problem);
    err = err ? err : ph__read_owners(call->req, &owners, problem, sizeof problem);
    if (err < 0) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    struct ph_snapshot *snapshot = NULL;
    err = ph_sockets_snapshot(call->status->sockets, max_age_ms, &snapshot);
    if (!err && owners) {
        err = ph_snapshot_owners(snapshot);
    }
    err = err ? ph__reply_failure(call->res, err) : reply(call, snapshot, owners);
    ph_snapshot_unref(snapshot);
    return err;
}
