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

static void put(const struct ph_details *details, const struct ph_socket *socket,
                enum ph_detail detail, struct ph__buf *line)
{
    const char *name = ph_detail_name(detail);
    const char *text = ph_details_text(details, socket, detail);
    int64_t number = ph_details_number(details, socket, detail);
    const char *before = line->size ? " " : "";
    if (text) {
        ph__buf_printf(line, "%s%s:%s", before, name, text);
    } else if (ph_detail_kind(detail) == PH_DETAIL_BOOLEAN && number > 0) {
        ph__buf_printf(line, "%s%s", before, name);
    } else if (ph_detail_kind(detail) == PH_DETAIL_RATIO && number >= 0) {
        ph__buf_printf(line, "%s%s:%.3f", before, name, (double)number / 1000);
    } else if (ph_detail_kind(detail) == PH_DETAIL_INTEGER && number > 0) {
        ph__buf_printf(line, "%s%s:%lld", before, name, (long long)number);
    }
}

/* As ss -i has it: "congestion_control:cubic cwnd:10 sack ...", without zeros and flags unset. */
void ph__get_details(const struct ph__view *view, size_t row, struct ph__value *value)
{
    (void)row;
    for (int i = 0; view->details && i < PH_DETAIL_COUNT; i++) {
        put(view->details, value->item, (enum ph_detail)i, value->scratch);
    }
    ph__value_scratch(value);
}
