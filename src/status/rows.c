/* SPDX-License-Identifier: MIT
 *
 * Single rows, and replies made of them.
 */
#include "status/rows.h"

#include <porthole/http.h>

#include <errno.h>
#include <stdlib.h>

void ph__choice_all(struct ph__choice *choice, const struct ph__list_kind *kind)
{
    choice->kind = kind;
    choice->count = 0;
    for (size_t i = 0; i < kind->column_count; i++) {
        if (!(kind->columns[i].flags & PH__COLUMN_EXTRA)) {
            ph__choice_add(choice, &kind->columns[i]);
        }
    }
}

void ph__row_write(const struct ph__list_kind *kind, const struct ph__view *view, size_t row,
                   struct ph__buf *buf)
{
    struct ph__choice choice;
    ph__choice_all(&choice, kind);
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

int ph__reply_buf(struct ph_response *res, struct ph__buf *buf)
{
    int err = ph__buf_error(buf);
    size_t size = buf->size;
    char *data = err ? NULL : ph__buf_take(buf);
    if (!data) {
        err = err ? err : ph__buf_error(buf);
        ph__buf_done(buf);
        return err;
    }
    err = ph_reply_take(res, 200, "application/json", data, size, free);
    if (err < 0) {
        free(data);
    }
    return err;
}
