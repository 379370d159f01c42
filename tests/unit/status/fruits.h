/* SPDX-License-Identifier: MIT
 *
 * A list kind of a few made-up rows, for tests of the engine: numbers, texts, nulls, flags and an
 * array, with a name that is hostile everywhere.
 */
#ifndef PORTHOLE_TESTS_FRUITS_H
#define PORTHOLE_TESTS_FRUITS_H

#include "status/columns.h"

#include <string.h>

struct fruit {
    const char *name; /* NULL: unknown */
    int64_t weight;   /* -1: unknown */
    bool ripe;
    unsigned state;
};

#define HOSTILE "=\x1b[31m\"x\",\n\xFF"

static const struct fruit fruits[] = {
    {"pear", 120, true, 0},  {"apple", 9, false, 1},  {NULL, 120, true, 1},
    {HOSTILE, -1, false, 0}, {"appl", 1000, true, 0}, {"fig", -1, false, 1},
};
enum { FRUIT_COUNT = sizeof fruits / sizeof fruits[0] };

static unsigned fruits_closed; /* how often a view was closed */

static void fruit_name(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, ((const struct fruit *)view->data)[row].name);
}

static void fruit_weight(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, ((const struct fruit *)view->data)[row].weight);
}

static void fruit_ripe(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_bool(value, ((const struct fruit *)view->data)[row].ripe);
}

static void fruit_label(const struct ph__view *view, size_t row, struct ph__value *value)
{
    (void)view;
    ph__buf_printf(value->scratch, "label-%zu", row);
    ph__value_scratch(value);
}

static void fruit_seeds(const struct ph__view *view, size_t row, struct ph__value *value)
{
    (void)view;
    ph__buf_printf(value->scratch, "%zu,%zu", row, row + 1);
    ph__value_scratch(value);
}

static void fruit_seeds_json(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    (void)view;
    ph__buf_printf(buf, "[%zu,%zu]", row, row + 1);
}

static const struct ph__column fruit_columns[] = {
    {"name", "Name", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, fruit_name, NULL, 0},
    {"weight", "Weight", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN, fruit_weight, NULL, 0},
    {"ripe", "Ripe", PH__SCHEMA_BOOLEAN, 0, fruit_ripe, NULL, 0},
    {"seeds", "Seeds", "{\"type\":\"array\"}", PH__COLUMN_OWNERS, fruit_seeds, fruit_seeds_json, 0},
    {"label", "Label", PH__SCHEMA_TEXT, PH__COLUMN_EXTRA, fruit_label, NULL, 0},
};

static size_t fruit_count(const struct ph__view *view)
{
    (void)view;
    return FRUIT_COUNT;
}

static size_t fruit_state(const struct ph__view *view, size_t row)
{
    return ((const struct fruit *)view->data)[row].state;
}

static void fruit_close(struct ph__view *view)
{
    fruits_closed += view->data != NULL;
}

/* Odd rows match any filter. */
static bool fruit_match(const struct ph__view *view, size_t row, const struct ph_filter *filter)
{
    (void)view;
    (void)filter;
    return row % 2 == 1;
}

static const char *const fruit_states[] = {"hanging", "fallen", NULL};

static const struct ph__list_kind fruit_kind = {
    .name = "fruits",
    .row_name = "Fruit",
    .columns = fruit_columns,
    .column_count = sizeof fruit_columns / sizeof fruit_columns[0],
    .close = fruit_close,
    .count = fruit_count,
    .match = fruit_match,
    .states = fruit_states,
    .state = fruit_state,
};

static inline struct ph__view fruit_view(void)
{
    /* The engine only hands the pointer back to the columns, which do not write. */
    return (struct ph__view){.data = (void *)(uintptr_t)fruits};
}

#endif
