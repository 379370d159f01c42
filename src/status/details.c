/* SPDX-License-Identifier: MIT
 *
 * The details of a socket as columns: one each, and all in one line.
 */
#include "status/rows.h"

void ph__get_detail(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_detail detail = (enum ph_detail)value->which;
    const struct ph_socket *socket = value->item;
    (void)row;
    if (!view->details) {
        return;
    }
    int64_t number = ph_details_number(view->details, socket, detail);
    switch (ph_detail_kind(detail)) {
    case PH_DETAIL_TEXT:
        ph__value_text(value, ph_details_text(view->details, socket, detail));
        break;
    case PH_DETAIL_INTEGER:
        ph__value_known(value, number);
        break;
    case PH_DETAIL_BOOLEAN:
        if (number >= 0) {
            ph__value_bool(value, number);
        }
        break;
    case PH_DETAIL_RATIO:
        if (number >= 0) {
            ph__value_decimal(value, number, 3);
        }
        break;
    }
}

/* Begins a word of the line. */
static void put_name(enum ph_detail detail, struct ph__buf *line)
{
    ph__buf_puts(line, line->size ? " " : "");
    ph__buf_puts(line, ph_detail_name(detail));
}

static void put_text(enum ph_detail detail, const char *text, struct ph__buf *line)
{
    if (text) {
        put_name(detail, line);
        ph__buf_putc(line, ':');
        ph__buf_puts(line, text);
    }
}

static void put_number(enum ph_detail detail, int64_t number, struct ph__buf *line)
{
    enum ph_detail_kind kind = ph_detail_kind(detail);
    if (number <= 0) {
        return;
    }
    put_name(detail, line);
    if (kind == PH_DETAIL_INTEGER) {
        ph__buf_putc(line, ':');
        ph__buf_put_i64(line, number);
    } else if (kind == PH_DETAIL_RATIO) {
        ph__buf_printf(line, ":%.3f", (double)number / 1000);
    }
}

/* As ss -i has it: "congestion_control:cubic cwnd:10 sack ...", without zeros and flags unset. */
void ph__get_details(const struct ph__view *view, size_t row, struct ph__value *value)
{
    (void)row;
    for (int i = 0; view->details && i < PH_DETAIL_COUNT; i++) {
        enum ph_detail detail = (enum ph_detail)i;
        if (ph_detail_kind(detail) == PH_DETAIL_TEXT) {
            put_text(detail, ph_details_text(view->details, value->item, detail), value->scratch);
        } else {
            put_number(detail, ph_details_number(view->details, value->item, detail),
                       value->scratch);
        }
    }
    ph__value_scratch(value);
}
