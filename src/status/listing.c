/* SPDX-License-Identifier: MIT
 *
 * Lists with their envelope, and ph_status_list(), which runs them without a server.
 */
#include "status/listing.h"

#include "base/clock.h"
#include "status/escape.h"

#include <porthole/status.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS_AGE_MS = 5000 };

/* What a list has to look at. Nothing fits some filters; an envelope wants sources all the same. */
static unsigned protocols_wanted(const struct ph__query *query)
{
    bool all = query->kind->without_snapshot || query->kind->of_owners;
    unsigned protocols = all ? PH_PROTOCOLS_ALL : ph_filter_protocols(query->filter);
    return protocols ? protocols : PH_PROTOCOLS_ALL;
}

struct ph_findings *ph__recent_findings(struct ph_doctor *doctor)
{
    struct ph_findings *findings = NULL;
    return ph_doctor_look(doctor, FINDINGS_AGE_MS, &findings, NULL) < 0 ? NULL : findings;
}

static int take_snapshot(const struct ph__query *query, struct ph_sockets *sockets,
                         unsigned protocols, struct ph_snapshot **ret_snapshot)
{
    if (!query->filtered || !query->kind->narrows) {
        return ph_sockets_snapshot_of(sockets, protocols, query->max_age_ms, ret_snapshot);
    }
    return ph_sockets_snapshot_matching(sockets, query->filter, protocols,
                                        ph__query_is_joined(query), query->max_age_ms,
                                        ret_snapshot);
}

int ph__view_open(const struct ph__query *query, struct ph_sockets *sockets,
                  struct ph_doctor *doctor, const struct ph_server *server,
                  struct ph__view *ret_view)
{
    const struct ph__list_kind *kind = query->kind;
    bool owners = kind->of_owners || ph__query_needs_owners(query);
    unsigned wanted = protocols_wanted(query);
    struct ph__view view = {.owners = owners, .protocols = wanted};
    if (kind->protocols & wanted) {
        view.protocols = kind->protocols & wanted; /* the others are nothing to speak of here */
    }
    /* Why a socket has no owner is in part told by the unix sockets. */
    unsigned looked_at = wanted | (owners ? PH_PROTOCOL_BIT(PH_PROTOCOL_UNIX) : 0);
    int err = take_snapshot(query, sockets, looked_at, &view.snapshot);
    if (err == PH_ERR_SOURCE && kind->without_snapshot) {
        view.owners = false;
        err = 0;
    } else if (!err && owners) {
        err = ph_snapshot_owners(view.snapshot);
    }
    if (!err && view.snapshot && !ph_filter_is_told(query->filter, view.snapshot)) {
        err = PH_ERR_UNTOLD;
    }
    if (!err && view.snapshot && ph__query_needs_details(query)) {
        err = ph_details_new(&view.details, view.snapshot, NULL, 0);
    }
    if (!err && kind->open) {
        err = kind->open(&view, server);
    }
    if (err < 0) {
        ph_details_free(view.details);
        ph_snapshot_unref(view.snapshot);
        return err;
    }
    if (doctor && view.snapshot && ph__query_needs_findings(query)) {
        view.findings = ph__recent_findings(doctor);
    }
    *ret_view = view;
    return 0;
}

void ph__write_taken(struct ph__buf *buf, const struct ph_snapshot *snapshot)
{
    char text[PH__RFC3339_TEXT];
    uint64_t taken = snapshot ? ph_snapshot_taken_unix_ms(snapshot) : ph__clock_unix_ms();
    ph__format_rfc3339(taken, text, sizeof text);
    ph__buf_printf(buf, "\"taken_at\":\"%s\",\"age_ms\":", text);
    ph__buf_put_u64(buf, snapshot ? ph_snapshot_age_ms(snapshot) : 0);
}

void ph__write_sources(struct ph__buf *buf, const struct ph_snapshot *snapshot, unsigned protocols)
{
    char before = '{';
    if (!snapshot) {
        ph__buf_puts(buf, "null");
        return;
    }
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        enum ph_protocol protocol = (enum ph_protocol)i;
        const char *reason = NULL;
        if (!(protocols & PH_PROTOCOL_BIT(i))) {
            continue;
        }
        enum ph_source source = ph_snapshot_source(snapshot, protocol, &reason);
        ph__buf_printf(buf, "%c\"%s\":{\"source\":\"%s\",\"reason\":", before,
                       ph_protocol_name(protocol), ph_source_name(source));
        if (reason) {
            ph__buf_put_json(buf, reason, strlen(reason));
        } else {
            ph__buf_puts(buf, "null");
        }
        ph__buf_putc(buf, '}');
        before = ',';
    }
    ph__buf_putc(buf, '}');
}

static void write_json_envelope(struct ph__list *list, const char *name)
{
    struct ph__buf *buf = ph__list_before(list);
    const struct ph__view *view = ph__list_view(list);
    const struct ph_snapshot *snapshot = view->snapshot;
    ph__buf_putc(buf, '{');
    ph__write_taken(buf, snapshot);
    ph__buf_puts(buf, ",\"sources\":");
    ph__write_sources(buf, snapshot, view->protocols);
    ph__buf_puts(buf, ",\"matched\":");
    ph__buf_put_u64(buf, ph__list_matched(list));
    ph__buf_puts(buf, ",\"returned\":");
    ph__buf_put_u64(buf, ph__list_returned(list));
    ph__buf_printf(buf, ",\"%s\":[\n", name);
    ph__buf_puts(ph__list_after(list), "\n]}\n");
}

/* A protocol without a source must not look like one without sockets. */
static void write_text_notes(struct ph__list *list)
{
    struct ph__buf *buf = ph__list_after(list);
    const struct ph__view *view = ph__list_view(list);
    const struct ph_snapshot *snapshot = view->snapshot;
    for (int i = 0; snapshot && i < PH_PROTOCOL_COUNT; i++) {
        enum ph_protocol protocol = (enum ph_protocol)i;
        const char *reason = NULL;
        if (!(view->protocols & PH_PROTOCOL_BIT(i)) ||
            ph_snapshot_source(snapshot, protocol, &reason) != PH_SOURCE_UNAVAILABLE) {
            continue;
        }
        ph__buf_printf(buf, "# %s: unavailable", ph_protocol_name(protocol));
        if (reason) {
            ph__buf_puts(buf, ": ");
            ph__escape_text(buf, reason, strlen(reason));
        }
        ph__buf_putc(buf, '\n');
    }
}

int ph__listing_new(struct ph__list **ret_list, const struct ph__query *query,
                    struct ph_sockets *sockets, struct ph_doctor *doctor,
                    const struct ph_server *server)
{
    struct ph__view view;
    int err = ph__view_open(query, sockets, doctor, server, &view);
    if (err < 0) {
        return err;
    }
    /* Where only the filter wanted them, they are not shown. */
    view.owners = view.owners && query->owners;
    struct ph__list *list = NULL;
    err = ph__list_new(&list, query, &view);
    if (err < 0) {
        ph__view_close(query->kind, &view);
        return err;
    }
    if (query->format == PH__FORMAT_JSON) {
        write_json_envelope(list, query->kind->name);
    } else if (query->format == PH__FORMAT_TEXT) {
        write_text_notes(list);
    }
    *ret_list = list;
    return 0;
}

static int read_params(struct ph__query *query, const struct ph_status_param *params,
                       size_t param_count, char *problem, size_t problem_size)
{
    for (size_t i = 0; i < param_count; i++) {
        const char *name = params[i].name;
        if (!ph__param_find(query->kind->params, name) && !ph__param_find(ph__list_params, name)) {
            ph__param_unknown(name, query->kind->params, ph__list_params, problem, problem_size);
            return PH_ERR_PARAMETER;
        }
        int err = ph__query_set(query, name, params[i].value, problem, problem_size);
        if (err < 0) {
            return err;
        }
    }
    if (query->format == PH__FORMAT_COUNT) {
        query->format = PH__FORMAT_JSON;
    }
    ph__query_finish(query);
    return 0;
}

static int write_all(struct ph__list *list, int (*write)(void *user, const char *text, size_t size),
                     void *user)
{
    enum { PIECE = 16384 };
    char *piece = malloc(PIECE);
    if (!piece) {
        return -ENOMEM;
    }
    int err = 0;
    for (;;) {
        ssize_t size = ph__list_generate(list, piece, PIECE);
        if (size <= 0) {
            err = (int)size;
            break;
        }
        err = write(user, piece, (size_t)size);
        if (err < 0) {
            break;
        }
    }
    free(piece);
    return err < 0 ? err : 0;
}

int ph_status_list(struct ph_sockets *sockets, const char *list_name,
                   const struct ph_status_param *params, size_t param_count,
                   int (*write)(void *user, const char *text, size_t size), void *user,
                   char *problem, size_t problem_size)
{
    static const struct ph__list_kind *const kinds[] = {&ph__list_sockets, &ph__list_ports,
                                                        &ph__list_processes};
    const struct ph__list_kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        kind = strcmp(kinds[i]->name, list_name) == 0 ? kinds[i] : kind;
    }
    if (!kind) {
        return -ENOENT;
    }
    struct ph__query query;
    int err = ph__query_init(&query, kind);
    if (err < 0) {
        return err;
    }
    struct ph__list *list = NULL;
    err = read_params(&query, params, param_count, problem, problem_size);
    err = err ? err : ph__listing_new(&list, &query, sockets, NULL, NULL);
    ph__query_done(&query);
    if (err == PH_ERR_UNTOLD) {
        snprintf(problem, problem_size, "%s", PH__UNTOLD_PROBLEM);
        err = PH_ERR_PARAMETER;
    }
    if (!err) {
        err = write_all(list, write, user);
    }
    ph__list_free(list);
    return err;
}
