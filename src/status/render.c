/* SPDX-License-Identifier: MIT
 *
 * Rows as JSON, CSV and aligned text.
 */
#include "status/render.h"

#include "base/decimal.h"
#include "status/escape.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    GAP = 2,        /* spaces between columns */
    WIDTH_MAX = 64, /* a longer cell pushes its line's rest to the right, not every line's */
};

void ph__choice_add(struct ph__choice *choice, const struct ph__column *column)
{
    ph__choice_add_as(choice, column, column->name);
}

void ph__choice_add_as(struct ph__choice *choice, const struct ph__column *column, const char *name)
{
    size_t from = choice->count ? choice->key_end[choice->count - 1] : 0;
    size_t left = sizeof choice->keys - from;
    int length = snprintf(choice->keys + from, left, ",\"%s\":", name);
    assert(length > 0 && (size_t)length < left);
    choice->columns[choice->count] = column;
    choice->key_end[choice->count++] = (uint16_t)(from + (size_t)length);
}

/* The name of a column is what stands in its key: `,"name":`. */
static const char *name_of(const struct ph__choice *choice, size_t column, size_t *ret_size)
{
    size_t from = column ? choice->key_end[column - 1] : 0;
    *ret_size = choice->key_end[column] - from - strlen(",\"\":");
    return choice->keys + from + strlen(",\"");
}

static const void *item_of(const struct ph__choice *choice, const struct ph__view *view, size_t row)
{
    return choice->kind && choice->kind->item ? choice->kind->item(view, row) : NULL;
}

void ph__render_get(const struct ph__choice *choice, const struct ph__column *column,
                    const struct ph__view *view, size_t row, struct ph__buf *scratch,
                    struct ph__value *ret_value)
{
    ph__buf_reset(scratch);
    *ret_value = (struct ph__value){
        .item = item_of(choice, view, row), .which = column->which, .scratch = scratch};
    column->get(view, row, ret_value);
}

/* A failure in the scratch buffer, which the next cell resets, becomes one of `buf`. */
static void get(const struct ph__choice *choice, size_t column, const struct ph__view *view,
                size_t row, struct ph__buf *buf, struct ph__buf *scratch, struct ph__value *value)
{
    ph__render_get(choice, choice->columns[column], view, row, scratch, value);
    if (ph__buf_error(scratch)) {
        buf->error = ph__buf_error(scratch);
    }
}

/* Room for `size` bytes at the end of `buf`, which are not in it yet; NULL after a failure. */
static inline char *room(struct ph__buf *buf, size_t size)
{
    bool there = buf->capacity - buf->size >= size && !buf->limit && !buf->error && buf->data;
    return there ? buf->data + buf->size : ph__buf_reserve(buf, size);
}

/* Copies up to 16 bytes faster than a call of memcpy() would. */
static inline char *put(char *to, const char *text, size_t size)
{
    if (size > 16) {
        memcpy(to, text, size);
    } else if (size >= 8) {
        memcpy(to, text, 8);
        memcpy(to + size - 8, text + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, text, 4);
        memcpy(to + size - 4, text + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = text[i];
        }
    }
    return to + size;
}

static bool is_plain(const struct ph__value *value)
{
    bool plain = true;
    for (size_t i = 0; !value->plain && i < value->size && plain; i++) {
        unsigned char c = (unsigned char)value->text[i];
        plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    }
    return plain;
}

/* The same bytes as ph__value_write_json(), which most cells take no part of. */
static inline void put_cell_json(const struct ph__value *value, struct ph__buf *buf)
{
    if (value->kind == PH__VALUE_TEXT && is_plain(value)) {
        char *to = room(buf, value->size + 2);
        if (to) {
            *to++ = '"';
            to = put(to, value->text, value->size);
            *to++ = '"';
            buf->size += value->size + 2;
        }
    } else if (value->kind == PH__VALUE_INT && value->number >= 0) {
        char *to = room(buf, PH__DECIMAL_TEXT);
        buf->size += to ? (size_t)(ph__decimal_put(to, (uint64_t)value->number) - to) : 0;
    } else if (value->kind == PH__VALUE_NULL) {
        char *to = room(buf, 4);
        if (to) {
            memcpy(to, "null", 4);
            buf->size += 4;
        }
    } else {
        ph__value_write_json(value, buf);
    }
}

/* `,"name":`, or without the comma. Most keys are short: they are copied as 32 bytes, of which
 * those behind the key are overwritten by what follows. */
static inline void put_key(const struct ph__choice *choice, size_t column, struct ph__buf *buf)
{
    enum { STEP = 32 };
    size_t from = column ? choice->key_end[column - 1] : 1;
    size_t size = choice->key_end[column] - from;
    char *to = room(buf, size + STEP);
    if (!to) {
        return;
    }
    if (size <= STEP && from + STEP <= sizeof choice->keys) {
        memcpy(to, choice->keys + from, STEP);
    } else {
        memcpy(to, choice->keys + from, size);
    }
    buf->size += size;
}

void ph__render_json(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch)
{
    struct ph__value value = {.item = item_of(choice, view, row), .scratch = scratch};
    ph__buf_putc(buf, '{');
    ph__buf_reset(scratch);
    for (size_t i = 0; i < choice->count; i++) {
        const struct ph__column *column = choice->columns[i];
        put_key(choice, i, buf);
        if (column->json) {
            column->json(view, row, buf);
            continue;
        }
        value.kind = PH__VALUE_NULL;
        value.which = column->which;
        scratch->size = 0;
        column->get(view, row, &value);
        put_cell_json(&value, buf);
    }
    if (ph__buf_error(scratch)) { /* stays until it is reset */
        buf->error = ph__buf_error(scratch);
    }
    ph__buf_putc(buf, '}');
}

void ph__render_csv_head(const struct ph__choice *choice, struct ph__buf *buf)
{
    for (size_t i = 0; i < choice->count; i++) {
        size_t size;
        const char *name = name_of(choice, i, &size);
        ph__buf_puts(buf, i ? "," : "");
        ph__buf_append(buf, name, size);
    }
    ph__buf_append(buf, "\r\n", 2);
}

void ph__render_csv(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                    struct ph__buf *buf, struct ph__buf *scratch)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct ph__value value;
        get(choice, i, view, row, buf, scratch, &value);
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
        size_t size;
        (void)name_of(choice, i, &size);
        choice->widths[i] = (unsigned)size;
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
    /* Nothing stands behind the last. */
    for (size_t i = 0; i + 1 < choice->count; i++) {
        struct ph__value value;
        ph__buf_reset(flat);
        get(choice, i, view, row, flat, scratch, &value);
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
        size_t size;
        const char *name = name_of(choice, i, &size);
        for (size_t j = 0; j < size; j++) {
            ph__buf_putc(buf, (char)toupper((unsigned char)name[j]));
        }
        if (i + 1 < choice->count) {
            put_gap(buf, size, choice->widths[i]);
        }
    }
    ph__buf_putc(buf, '\n');
}

void ph__render_text(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch)
{
    for (size_t i = 0; i < choice->count; i++) {
        struct ph__value value;
        get(choice, i, view, row, buf, scratch, &value);
        size_t width = put_cell(&value, buf);
        if (i + 1 < choice->count) {
            put_gap(buf, width, choice->widths[i]);
        }
    }
    ph__buf_putc(buf, '\n');
}
