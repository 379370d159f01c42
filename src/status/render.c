/* SPDX-License-Identifier: MIT
 *
 * Rows as JSON, CSV and aligned text.
 */
#include "status/render.h"

#include "status/escape.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    GAP = 2,        /* spaces between columns */
    WIDTH_MAX = 64, /* a longer cell pushes its line's rest to the right, not every line's */
};

/* A failure in the scratch buffer, which the next cell resets, becomes one of `buf`. */
static void get(const struct ph__column *column, const struct ph__view *view, size_t row,
                struct ph__buf *buf, struct ph__buf *scratch, struct ph__value *value)
{
    ph__buf_reset(scratch);
    *value = (struct ph__value){.scratch = scratch};
    column->get(view, row, value);
    if (ph__buf_error(scratch)) {
        buf->error = ph__buf_error(scratch);
    }
}

void ph__render_json(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch)
{
    ph__buf_putc(buf, '{');
    for (size_t i = 0; i < choice->count; i++) {
        const struct ph__column *column = choice->columns[i];
        ph__buf_puts(buf, i ? ",\"" : "\"");
        ph__buf_puts(buf, column->name);
        ph__buf_append(buf, "\":", 2);
        if (column->json) {
            column->json(view, row, buf);
            continue;
        }
        struct ph__value value;
        get(column, view, row, buf, scratch, &value);
        ph__value_write_json(&value, buf);
    }
    ph__buf_putc(buf, '}');
}

void ph__render_csv_head(const struct ph__choice *choice, struct ph__buf *buf)
{
    for (size_t i = 0; i < choice->count; i++) {
        ph__buf_puts(buf, i ? "," : "");
        ph__buf_puts(buf, choice->columns[i]->name);
    }
    ph__buf_append(buf, "\r\n", 2);
}

void ph__render_csv(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                    struct ph__buf *buf, struct ph__buf *scratch)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct ph__value value;
        get(choice->columns[i], view, row, buf, scratch, &value);
        ph__buf_puts(buf, i ? "," : "");
        if (value.kind == PH__VALUE_TEXT) {
            ph__escape_csv(buf, value.text, value.size);
        } else if (value.kind != PH__VALUE_NULL) {
            ph__value_write_json(&value, buf);
        }
    }
    ph__buf_append(buf, "\r\n", 2);
}

void ph__render_text_begin(struct ph__choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        choice->widths[i] = (unsigned)strlen(choice->columns[i]->name);
    }
}

/* Appends one cell and returns its width. */
static size_t put_cell(const struct ph__value *value, struct ph__buf *buf)
{
    if (value->kind == PH__VALUE_NULL) {
        ph__buf_putc(buf, '-');
        return 1;
    }
    if (value->kind == PH__VALUE_TEXT) {
        return ph__escape_text(buf, value->text, value->size);
    }
    size_t before = buf->size;
    ph__value_write_json(value, buf);
    return buf->size - before;
}

void ph__render_text_measure(struct ph__choice *choice, const struct ph__view *view, size_t row,
                             struct ph__buf *flat, struct ph__buf *scratch)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct ph__value value;
        ph__buf_reset(flat);
        get(choice->columns[i], view, row, flat, scratch, &value);
        size_t width = put_cell(&value, flat);
        if (ph__buf_error(flat)) {
            return;
        }
        if (width <= WIDTH_MAX && width > choice->widths[i]) {
            choice->widths[i] = (unsigned)width;
        }
    }
}

static void put_gap(struct ph__buf *buf, size_t width, size_t wanted)
{
    static const char spaces[WIDTH_MAX + GAP + 1] =
        "                                                                  ";
    size_t count = width < wanted ? wanted - width + GAP : GAP;
    ph__buf_append(buf, spaces, count < sizeof spaces ? count : sizeof spaces - 1);
}

void ph__render_text_head(const struct ph__choice *choice, struct ph__buf *buf)
{
    for (size_t i = 0; i < choice->count; i++) {
        const char *name = choice->columns[i]->name;
        for (const char *c = name; *c; c++) {
            ph__buf_putc(buf, (char)toupper((unsigned char)*c));
        }
        if (i + 1 < choice->count) {
            put_gap(buf, strlen(name), choice->widths[i]);
        }
    }
    ph__buf_putc(buf, '\n');
}

void ph__render_text(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct ph__value value;
        get(choice->columns[i], view, row, buf, scratch, &value);
        size_t width = put_cell(&value, buf);
        if (i + 1 < choice->count) {
            put_gap(buf, width, choice->widths[i]);
        }
    }
    ph__buf_putc(buf, '\n');
}
