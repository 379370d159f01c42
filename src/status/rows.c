/* SPDX-License-Identifier: MIT
 *
 * Single rows, and replies made of them.
 */
#include "status/rows.h"

#include <porthole/http.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ph__choice_all(struct ph__choice *choice, const struct ph__list_kind *kind, bool details)
{
    const unsigned left_out = PH__COLUMN_EXTRA | (details ? 0 : PH__COLUMN_DETAILS);
    choice->kind = kind;
    choice->count = 0;
    for (size_t i = 0; i < kind->column_count; i++) {
        if (!(kind->columns[i].flags & left_out)) {
            ph__choice_add(choice, &kind->columns[i]);
        }
    }
}

void ph__row_write(const struct ph__list_kind *kind, const struct ph__view *view, size_t row,
                   struct ph__buf *buf)
{
    struct ph__choice choice;
    ph__choice_all(&choice, kind, view->details != NULL);
    struct ph__buf scratch;
    ph__buf_init(&scratch, 0);
    ph__render_json(&choice, view, row, buf, &scratch);
    ph__buf_done(&scratch);
}

const struct ph_socket *ph__socket_row(const struct ph__view *view, size_t row)
{
    if (view->data) {
        return ((const struct ph_socket *const *)view->data)[row];
    }
    return ph_snapshot_at(view->snapshot, row);
}

bool ph__finding_is_about(const struct ph_finding *finding, enum ph_subject subject,
                          enum ph_protocol protocol, uint64_t number)
{
    if (subject == PH_SUBJECT_PROCESS) {
        return finding->subject == subject && (uint64_t)finding->pid == number;
    }
    return (finding->subject == PH_SUBJECT_PORT || finding->subject == PH_SUBJECT_SOCKET) &&
           finding->protocol == protocol && finding->port == number;
}

void ph__put_findings(const struct ph__view *view, enum ph_subject subject,
                      enum ph_protocol protocol, uint64_t number, bool json, struct ph__buf *buf)
{
    if (!view->findings) {
        ph__buf_puts(buf, json ? "null" : "");
        return;
    }
    size_t put = 0;
    ph__buf_puts(buf, json ? "[" : "");
    for (size_t i = 0; i < ph_findings_count(view->findings); i++) {
        const struct ph_finding *finding = ph_findings_at(view->findings, i);
        if (!ph__finding_is_about(finding, subject, protocol, number)) {
            continue;
        }
        ph__buf_puts(buf, put++ == 0 ? "" : json ? "," : " ");
        if (json) {
            ph__buf_put_json(buf, finding->id, strlen(finding->id));
        } else {
            ph__buf_puts(buf, finding->id);
        }
    }
    ph__buf_puts(buf, json ? "]" : "");
}

int ph__reply_buf(struct ph_response *res, const char *content_type, struct ph__buf *buf)
{
    int err = ph__buf_error(buf);
    size_t size = buf->size;
    char *data = err ? NULL : ph__buf_take(buf);
    if (!data) {
        err = err ? err : ph__buf_error(buf);
        ph__buf_done(buf);
        return err;
    }
    err = ph_reply_take(res, 200, content_type, data, size, free);
    if (err < 0) {
        free(data);
    }
    return err;
}
