/* SPDX-License-Identifier: MIT
 *
 * Values of cells.
 */
#include "status/columns.h"

#include <string.h>

void ph__value_null(struct ph__value *value)
{
    value->kind = PH__VALUE_NULL;
}

void ph__value_bool(struct ph__value *value, bool flag)
{
    value->kind = PH__VALUE_BOOL;
    value->number = flag;
}

void ph__value_int(struct ph__value *value, int64_t number)
{
    value->kind = PH__VALUE_INT;
    value->number = number;
}

void ph__value_known(struct ph__value *value, int64_t number)
{
    value->kind = number < 0 ? PH__VALUE_NULL : PH__VALUE_INT;
    value->number = number;
}

void ph__value_text(struct ph__value *value, const char *text)
{
    value->kind = text ? PH__VALUE_TEXT : PH__VALUE_NULL;
    value->plain = false;
    value->text = text;
    value->size = text ? strlen(text) : 0;
}

void ph__value_word(struct ph__value *value, const char *text)
{
    ph__value_text(value, text);
    value->plain = true;
}

void ph__value_scratch(struct ph__value *value)
{
    value->kind = value->scratch->size > 0 ? PH__VALUE_TEXT : PH__VALUE_NULL;
    value->plain = false;
    value->text = value->scratch->data;
    value->size = value->scratch->size;
}

void ph__value_scratch_word(struct ph__value *value)
{
    ph__value_scratch(value);
    value->plain = true;
}

void ph__value_decimal(struct ph__value *value, int64_t scaled, int digits)
{
    double one = 1;
    for (int i = 0; i < digits; i++) {
        one *= 10;
    }
    ph__buf_printf(value->scratch, "%.*f", digits, (double)scaled / one);
    ph__value_scratch_word(value);
    value->kind = PH__VALUE_DECIMAL;
    value->number = scaled;
}

void ph__value_write_json(const struct ph__value *value, struct ph__buf *buf)
{
    switch (value->kind) {
    case PH__VALUE_NULL:
        ph__buf_append(buf, "null", 4);
        break;
    case PH__VALUE_BOOL:
        ph__buf_puts(buf, value->number ? "true" : "false");
        break;
    case PH__VALUE_INT:
        ph__buf_put_i64(buf, value->number);
        break;
    case PH__VALUE_TEXT:
        ph__buf_put_json(buf, value->text, value->size);
        break;
    case PH__VALUE_DECIMAL:
        ph__buf_append(buf, value->text, value->size);
        break;
    }
}

void ph__put_text(struct ph__buf *buf, const char *text)
{
    if (text) {
        ph__buf_put_json(buf, text, strlen(text));
    } else {
        ph__buf_append(buf, "null", 4);
    }
}
