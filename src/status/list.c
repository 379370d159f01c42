/* SPDX-License-Identifier: MIT
 *
 * A list in the making. Rows are written one at a time into a buffer of their own, from which
 * pieces of any size are taken: a row may be cut anywhere, and goes on in the next piece.
 */
#include "status/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ph__list {
    const struct ph__list_kind *kind;
    struct ph__view view;
    struct ph__choice choice;
    enum ph__format format;
    uint32_t *rows; /* in order; `returned` of them */
    size_t matched;
    size_t returned;
    size_t next; /* row to write next */
    enum { BEFORE, ROWS, AFTER, END } phase;
    struct ph__buf pending; /* written, but not taken from `taken` on */
    size_t taken;
    struct ph__buf after;
    struct ph__buf scratch;
};

/* The value that a row is sorted by. */
struct key {
    enum ph__value_kind kind;
    uint32_t row;
    int64_t number;
    size_t text; /* offset into the texts */
    size_t size;
};

struct sorter {
    const char *texts;
    int sign; /* -1: largest first */
};

void ph__view_close(const struct ph__list_kind *kind, struct ph__view *view)
{
    if (kind->close) {
        kind->close(view);
    }
    ph_snapshot_unref(view->snapshot);
    ph_findings_unref(view->findings);
    ph_details_free(view->details);
    *view = (struct ph__view){.snapshot = NULL};
}

static int compare_texts(const struct sorter *sorter, const struct key *a, const struct key *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size ? memcmp(sorter->texts + a->text, sorter->texts + b->text, size) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Nulls last in either direction; equal rows keep their order. */
static int compare_keys(const void *left, const void *right, void *context)
{
    const struct sorter *sorter = context;
    const struct key *a = left;
    const struct key *b = right;
    int order = 0;
    if (a->kind == PH__VALUE_NULL || b->kind == PH__VALUE_NULL) {
        order = (a->kind == PH__VALUE_NULL) - (b->kind == PH__VALUE_NULL);
    } else if (a->kind == PH__VALUE_TEXT && b->kind == PH__VALUE_TEXT) {
        order = sorter->sign * compare_texts(sorter, a, b);
    } else {
        order = sorter->sign * ((a->number > b->number) - (a->number < b->number));
    }
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

static void read_key(struct ph__list *list, const struct ph__column *column, struct ph__buf *texts,
                     struct key *key)
{
    struct ph__value value;
    ph__render_get(&list->choice, column, &list->view, key->row, &list->scratch, &value);
    key->kind = value.kind;
    key->number = value.number;
    if (value.kind == PH__VALUE_TEXT) {
        key->text = texts->size;
        key->size = value.size;
        ph__buf_append(texts, value.text, value.size);
    }
}

/* Values are read once a row, since making one may cost more than comparing two. */
static int sort_rows(struct ph__list *list, const struct ph__query *query)
{
    if (!query->sort || list->matched < 2) {
        return 0;
    }
    struct ph__buf texts;
    ph__buf_init(&texts, 0);
    int err = -ENOMEM;
    struct key *keys = calloc(list->matched, sizeof *keys);
    if (!keys) {
        goto out;
    }
    for (size_t i = 0; i < list->matched; i++) {
        keys[i].row = list->rows[i];
        read_key(list, query->sort, &texts, &keys[i]);
        if (ph__buf_error(&list->scratch)) {
            goto out;
        }
    }
    err = ph__buf_error(&texts);
    if (err < 0) {
        goto out;
    }
    struct sorter sorter = {texts.data, query->descending ? -1 : 1};
    qsort_r(keys, list->matched, sizeof *keys, compare_keys, &sorter);
    for (size_t i = 0; i < list->matched; i++) {
        list->rows[i] = keys[i].row;
    }
out:
    free(keys);
    ph__buf_done(&texts);
    return err;
}

static bool matches(const struct ph__list *list, const struct ph__query *query, size_t row)
{
    if (query->states && !(query->states & 1U << query->kind->state(&list->view, row))) {
        return false;
    }
    return !query->filtered || query->kind->match(&list->view, row, query->filter);
}

static int collect_rows(struct ph__list *list, const struct ph__query *query)
{
    size_t count = query->kind->count(&list->view);
    /* Without an order the rows beyond the limit are only counted. */
    size_t keep = query->sort || query->limit > count ? count : query->limit;
    list->rows = calloc(keep ? keep : 1, sizeof *list->rows);
    if (!list->rows) {
        return -ENOMEM;
    }
    size_t matched = 0;
    for (size_t row = 0; row < count; row++) {
        if (!matches(list, query, row)) {
            continue;
        }
        if (matched < keep) {
            list->rows[matched] = (uint32_t)row;
        }
        matched++;
    }
    list->matched = matched;
    list->returned = list->matched < query->limit ? list->matched : query->limit;
    return 0;
}

/* What a filter left over need not take the room of what it was chosen from. */
static void shrink_rows(struct ph__list *list)
{
    size_t count = list->returned ? list->returned : 1;
    uint32_t *rows = realloc(list->rows, count * sizeof *rows);
    if (rows) {
        list->rows = rows;
    }
}

static int measure_rows(struct ph__list *list)
{
    if (list->format != PH__FORMAT_TEXT) {
        return 0;
    }
    ph__render_text_begin(&list->choice);
    for (size_t i = 0; i < list->returned; i++) {
        ph__render_text_measure(&list->choice, &list->view, list->rows[i], &list->pending,
                                &list->scratch);
        int err = ph__buf_error(&list->pending);
        if (err < 0) {
            return err;
        }
    }
    ph__buf_reset(&list->pending);
    return 0;
}

int ph__list_new(struct ph__list **ret_list, const struct ph__query *query, struct ph__view *view)
{
    struct ph__list *list = calloc(1, sizeof *list);
    if (!list) {
        return -ENOMEM;
    }
    list->kind = query->kind;
    list->choice = query->choice;
    list->format = query->format;
    list->view = *view;
    ph__buf_init(&list->pending, 0);
    ph__buf_init(&list->after, 0);
    ph__buf_init(&list->scratch, 0);
    int err = collect_rows(list, query);
    err = err ? err : sort_rows(list, query);
    err = err ? err : measure_rows(list);
    if (err < 0) {
        list->view = (struct ph__view){.snapshot = NULL}; /* still the caller's */
        list->kind = NULL;
        ph__list_free(list);
        return err;
    }
    shrink_rows(list);
    *view = (struct ph__view){.snapshot = NULL};
    *ret_list = list;
    return 0;
}

void ph__list_free(void *user)
{
    struct ph__list *list = user;
    if (!list) {
        return;
    }
    if (list->kind) {
        ph__view_close(list->kind, &list->view);
    }
    free(list->rows);
    ph__buf_done(&list->pending);
    ph__buf_done(&list->after);
    ph__buf_done(&list->scratch);
    free(list);
}

size_t ph__list_matched(const struct ph__list *list)
{
    return list->matched;
}

size_t ph__list_returned(const struct ph__list *list)
{
    return list->returned;
}

const struct ph__view *ph__list_view(const struct ph__list *list)
{
    return &list->view;
}

struct ph__buf *ph__list_before(struct ph__list *list)
{
    return &list->pending;
}

struct ph__buf *ph__list_after(struct ph__list *list)
{
    return &list->after;
}

static void write_row(struct ph__list *list, size_t index)
{
    struct ph__buf *buf = &list->pending;
    size_t row = list->rows[index];
    switch (list->format) {
    case PH__FORMAT_CSV:
        ph__render_csv(&list->choice, &list->view, row, buf, &list->scratch);
        break;
    case PH__FORMAT_TEXT:
        ph__render_text(&list->choice, &list->view, row, buf, &list->scratch);
        break;
    case PH__FORMAT_JSON:
        if (index > 0) {
            ph__buf_append(buf, ",\n", 2);
        }
        ph__render_json(&list->choice, &list->view, row, buf, &list->scratch);
        break;
    case PH__FORMAT_NDJSON:
    case PH__FORMAT_COUNT:
        ph__render_json(&list->choice, &list->view, row, buf, &list->scratch);
        ph__buf_putc(buf, '\n');
        break;
    }
}

/* Writes the next thing into the empty buffer. @return false when there is nothing left. */
static bool write_next(struct ph__list *list)
{
    switch (list->phase) {
    case BEFORE:
        list->phase = ROWS;
        if (list->format == PH__FORMAT_CSV) {
            ph__render_csv_head(&list->choice, &list->pending);
        } else if (list->format == PH__FORMAT_TEXT) {
            ph__render_text_head(&list->choice, &list->pending);
        }
        return true;
    case ROWS:
        if (list->next < list->returned) {
            write_row(list, list->next++);
        } else {
            list->phase = AFTER;
        }
        return true;
    case AFTER:
        list->phase = END;
        ph__buf_append(&list->pending, list->after.data ? list->after.data : "", list->after.size);
        return true;
    case END:
        break;
    }
    return false;
}

ssize_t ph__list_generate(void *user, char *buffer, size_t size)
{
    struct ph__list *list = user;
    size_t written = 0;
    while (written < size) {
        int err = ph__buf_error(&list->pending);
        err = err ? err : ph__buf_error(&list->after);
        if (err < 0) {
            return err;
        }
        size_t left = list->pending.size - list->taken;
        if (left == 0) {
            ph__buf_reset(&list->pending);
            list->taken = 0;
            if (!write_next(list)) {
                break;
            }
            continue;
        }
        size_t part = left < size - written ? left : size - written;
        memcpy(buffer + written, list->pending.data + list->taken, part);
        list->taken += part;
        written += part;
    }
    return (ssize_t)written;
}
