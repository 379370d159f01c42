/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/sockets/{id}: one socket and its other end.
 */
#include "status/endpoints.h"
#include "status/escape.h"
#include "status/listing.h"
#include "status/rows.h"

const struct ph__param ph__socket_params[] = {
    {"id", PH__PARAM_TEXT, true, "Id of a socket, as lists give it"},
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

static int reply(struct ph__call *call, struct ph_snapshot *snapshot,
                 const struct ph_socket *socket)
{
    int err = ph_snapshot_owners(snapshot);
    if (err < 0) {
        return err;
    }
    const struct ph_socket *ends[] = {socket, ph_snapshot_peer(snapshot, socket)};
    struct ph__view view = {.snapshot = snapshot, .owners = true, .data = ends};
    err = ph_details_new(&view.details, snapshot, ends, ends[1] ? 2 : 1);
    if (err < 0) {
        return err;
    }
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_putc(&buf, '{');
    ph__write_taken(&buf, snapshot);
    ph__buf_puts(&buf, ",\"socket\":");
    ph__row_write(&ph__list_sockets, &view, 0, &buf);
    ph__buf_puts(&buf, ",\"peer\":");
    if (ends[1]) {
        ph__row_write(&ph__list_sockets, &view, 1, &buf);
    } else {
        ph__buf_puts(&buf, "null");
    }
    ph__buf_puts(&buf, "}\n");
    ph_details_free(view.details);
    return ph__reply_buf(call->res, "application/json", &buf);
}

/* An id may be younger than the snapshot that is shared, so a new one is asked before "gone". */
static int find(struct ph_sockets *sockets, unsigned max_age_ms, const char *id,
                struct ph_snapshot **ret_snapshot, const struct ph_socket **ret_socket)
{
    struct ph_snapshot *snapshot = NULL;
    int err = ph_sockets_snapshot(sockets, max_age_ms, &snapshot);
    const struct ph_socket *socket = err < 0 ? NULL : ph_snapshot_find(snapshot, id);
    if (!err && !socket && max_age_ms > 0) {
        ph_snapshot_unref(snapshot);
        snapshot = NULL;
        err = ph_sockets_snapshot(sockets, 0, &snapshot);
        socket = err < 0 ? NULL : ph_snapshot_find(snapshot, id);
    }
    if (err < 0) {
        return err;
    }
    *ret_snapshot = snapshot;
    *ret_socket = socket;
    return 0;
}

int ph__serve_socket(struct ph__call *call)
{
    char problem[PH__PROBLEM_TEXT];
    unsigned max_age_ms = 0;
    if (ph__read_max_age(call->req, &max_age_ms, problem, sizeof problem) < 0) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    const char *id = ph_request_param(call->req, "id");
    struct ph_snapshot *snapshot = NULL;
    const struct ph_socket *socket = NULL;
    int err = find(call->status->sockets, max_age_ms, id, &snapshot, &socket);
    if (err < 0) {
        return ph__reply_failure(call->res, err);
    }
    if (socket) {
        err = reply(call, snapshot, socket);
    } else {
        char quoted[PH__QUOTE_TEXT];
        err = ph_reply_problem(call->res, 404, "There is no socket %s (any more).",
                               ph__quote(quoted, id));
    }
    ph_snapshot_unref(snapshot);
    return err;
}
