/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/ports/{port}: the rows of one port, and every socket that has it, streamed.
 */
#include "status/endpoints.h"
#include "status/listing.h"
#include "status/rows.h"

#include <stdio.h>

const struct ph__param ph__port_params[] = {
    {"port", PH__PARAM_INTEGER, true, "Port number, 1 to 65535"},
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

static int write_head(struct ph__buf *buf, struct ph_snapshot *snapshot,
                      struct ph_findings *findings, uint16_t port)
{
    struct ph_ports *ports = NULL;
    int err = ph_ports_new(&ports, snapshot);
    if (err < 0) {
        return err;
    }
    const struct ph__view view = {
        .snapshot = snapshot, .owners = true, .data = ports, .findings = findings};
    ph__buf_putc(buf, '{');
    ph__write_taken(buf, snapshot);
    ph__buf_printf(buf, ",\"port\":%u,\"ports\":[", port);
    bool first = true;
    for (size_t i = 0; i < ph_ports_count(ports); i++) {
        if (ph_ports_at(ports, i)->port == port) {
            ph__buf_puts(buf, first ? "" : ",");
            ph__row_write(&ph__list_ports, &view, i, buf);
            first = false;
        }
    }
    ph__buf_puts(buf, "],\"sockets\":[\n");
    ph_ports_free(ports);
    return ph__buf_error(buf);
}

/* The sockets with this local port, as a list of which only the rows are used. */
static int make_list(struct ph__call *call, uint16_t port, unsigned max_age_ms,
                     struct ph__list **ret_list)
{
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    struct ph__query query;
    int err = ph__query_init(&query, &ph__list_sockets);
    if (err < 0) {
        return err;
    }
    char problem[PH__PROBLEM_TEXT];
    struct ph__view view = {.snapshot = NULL};
    struct ph__list *list = NULL;
    query.format = PH__FORMAT_JSON;
    ph__query_finish(&query);
    err = ph__query_set(&query, "local_port", text, problem, sizeof problem);
    query.max_age_ms = max_age_ms;
    err = err ? err : ph__view_open(&query, call->status->sockets, NULL, NULL, &view);
    if (!err) {
        err = ph__list_new(&list, &query, &view);
        if (err < 0) {
            ph__view_close(query.kind, &view);
        }
    }
    ph__query_done(&query);
    if (err < 0) {
        return err;
    }
    *ret_list = list;
    return 0;
}

int ph__serve_port(struct ph__call *call)
{
    char problem[PH__PROBLEM_TEXT];
    unsigned max_age_ms = 0;
    uint64_t port = 0;
    const char *text = ph_request_param(call->req, "port");
    if (ph__param_number("port", text, UINT16_MAX, &port, problem, sizeof problem) < 0 ||
        ph__read_max_age(call->req, &max_age_ms, problem, sizeof problem) < 0) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    if (port == 0) {
        return ph_reply_problem(call->res, 400,
                                "port: 0 is no port; wanted is a number from 1 to 65535.");
    }
    struct ph__list *list = NULL;
    int err = make_list(call, (uint16_t)port, max_age_ms, &list);
    if (err < 0) {
        return ph__reply_failure(call->res, err);
    }
    struct ph_findings *findings = ph__recent_findings(call->status->doctor);
    err =
        write_head(ph__list_before(list), ph__list_view(list)->snapshot, findings, (uint16_t)port);
    ph_findings_unref(findings);
    ph__buf_puts(ph__list_after(list), "\n]}\n");
    err = err ? err
              : ph_reply_generate(call->res, 200, "application/json", ph__list_generate, list,
                                  ph__list_free);
    if (err < 0) {
        ph__list_free(list);
    }
    return err;
}
