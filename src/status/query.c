/* SPDX-License-Identifier: MIT
 *
 * The parameters that all lists share. Those that are not listed here are filters.
 */
#include "status/query.h"

#include "status/escape.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static int take_sort(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_limit(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_fields(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_format(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_max_age(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_owners(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_details(struct ph__query *query, const char *value, char *problem, size_t size);
static int take_schema(struct ph__query *query, const char *value, char *problem, size_t size);

/* Each may come once. */
static const struct {
    const char *name;
    int (*take)(struct ph__query *query, const char *value, char *problem, size_t size);
} takers[] = {
    {"sort", take_sort},       {"limit", take_limit},        {"fields", take_fields},
    {"format", take_format},   {"max_age_ms", take_max_age}, {"owners", take_owners},
    {"details", take_details}, {"schema", take_schema},
};

int ph__query_init(struct ph__query *query, const struct ph__list_kind *kind)
{
    *query = (struct ph__query){
        .kind = kind,
        .choice.kind = kind,
        .limit = SIZE_MAX,
        .format = PH__FORMAT_COUNT,
        .max_age_ms = PH__MAX_AGE_DEFAULT_MS,
        .owners = true,
    };
    return ph_filter_new(&query->filter);
}

void ph__query_done(struct ph__query *query)
{
    ph_filter_free(query->filter);
    query->filter = NULL;
}

/* The column whose name has these `size` bytes, or NULL. */
static const struct ph__column *find_column(const struct ph__list_kind *kind, const char *name,
                                            size_t size)
{
    for (size_t i = 0; i < kind->column_count; i++) {
        const struct ph__column *column = &kind->columns[i];
        if (strlen(column->name) == size && memcmp(column->name, name, size) == 0) {
            return column;
        }
    }
    return NULL;
}

static int refuse_field(const struct ph__query *query, const char *parameter, const char *name,
                        char *problem, size_t size)
{
    char quoted[PH__QUOTE_TEXT];
    int length = snprintf(problem, size, "%s: there is no field %s; accepted: ", parameter,
                          ph__quote(quoted, name));
    size_t at = length > 0 ? (size_t)length : 0;
    bool details = false;
    for (size_t i = 0; i < query->kind->column_count && at < size; i++) {
        const struct ph__column *column = &query->kind->columns[i];
        details |= (column->flags & PH__COLUMN_DETAILS) != 0;
        if (!(column->flags & PH__COLUMN_DETAILS)) {
            length = snprintf(problem + at, size - at, "%s%s", i ? ", " : "", column->name);
            at += length > 0 ? (size_t)length : 0;
        }
    }
    if (details && at < size) {
        snprintf(problem + at, size - at, ", details, and what details=true adds");
    }
    return PH_ERR_PARAMETER;
}

static int take_sort(struct ph__query *query, const char *value, char *problem, size_t size)
{
    bool descending = value[0] == '-';
    const char *name = value + descending;
    query->sort = find_column(query->kind, name, strlen(name));
    if (!query->sort) {
        return refuse_field(query, "sort", name, problem, size);
    }
    query->descending = descending;
    return 0;
}

static int take_limit(struct ph__query *query, const char *value, char *problem, size_t size)
{
    uint64_t number = 0;
    int err = ph__param_number("limit", value, UINT32_MAX, &number, problem, size);
    query->limit = err ? query->limit : (size_t)number;
    return err;
}

static bool is_chosen(const struct ph__choice *choice, const struct ph__column *column)
{
    for (size_t i = 0; i < choice->count; i++) {
        if (choice->columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* A field that is named twice is shown once: a JSON object has a key only once. */
static int take_fields(struct ph__query *query, const char *value, char *problem, size_t size)
{
    const char *name = value;
    for (;;) {
        size_t length = strcspn(name, ",");
        const struct ph__column *column = find_column(query->kind, name, length);
        if (!column) {
            char wrong[PH__QUOTE_TEXT];
            snprintf(wrong, sizeof wrong, "%.*s", (int)(length < 200 ? length : 200), name);
            return refuse_field(query, "fields", wrong, problem, size);
        }
        if (!is_chosen(&query->choice, column)) {
            ph__choice_add(&query->choice, column);
        }
        if (name[length] == '\0') {
            return 0;
        }
        name += length + 1;
    }
}

static int take_format(struct ph__query *query, const char *value, char *problem, size_t size)
{
    enum ph__format format = ph__format_find(value);
    if (format == PH__FORMAT_COUNT) {
        char quoted[PH__QUOTE_TEXT];
        snprintf(problem, size, "format: %s is not accepted; wanted is json, ndjson, csv or text.",
                 ph__quote(quoted, value));
        return PH_ERR_PARAMETER;
    }
    query->format = format;
    return 0;
}

static int take_max_age(struct ph__query *query, const char *value, char *problem, size_t size)
{
    uint64_t number = 0;
    int err = ph__param_number("max_age_ms", value, UINT_MAX, &number, problem, size);
    query->max_age_ms = err ? query->max_age_ms : (unsigned)number;
    return err;
}

static int take_owners(struct ph__query *query, const char *value, char *problem, size_t size)
{
    return ph__param_bool("owners", value, &query->owners, problem, size);
}

static int take_details(struct ph__query *query, const char *value, char *problem, size_t size)
{
    return ph__param_bool("details", value, &query->details, problem, size);
}

static int take_schema(struct ph__query *query, const char *value, char *problem, size_t size)
{
    query->schema = ph__schema_find(value);
    if (!query->schema) {
        char quoted[PH__QUOTE_TEXT];
        snprintf(problem, size, "schema: %s is not accepted; wanted is otel, ecs or osquery.",
                 ph__quote(quoted, value));
        return PH_ERR_PARAMETER;
    }
    return 0;
}

/* The states of a kind that has its own; several by comma. */
static int take_states(struct ph__query *query, const char *value, char *problem, size_t size)
{
    const char *const *states = query->kind->states;
    uint32_t mask = 0;
    for (const char *name = value;; name++) {
        size_t length = strcspn(name, ",");
        size_t i = 0;
        while (states[i] && (strlen(states[i]) != length || memcmp(states[i], name, length) != 0)) {
            i++;
        }
        if (!states[i]) {
            break;
        }
        mask |= 1U << i;
        name += length;
        if (*name == '\0') {
            /* Given twice, both have to hold; what can never hold is a bit that no row has. */
            query->states = query->states ? query->states & mask : mask;
            query->states = query->states ? query->states : 1U << 31;
            return 0;
        }
    }
    char quoted[PH__QUOTE_TEXT];
    int length = snprintf(problem, size,
                          "state: %s is not accepted; wanted are: ", ph__quote(quoted, value));
    for (size_t i = 0, at = length > 0 ? (size_t)length : 0; states[i] && at < size; i++) {
        length = snprintf(problem + at, size - at, "%s%s", i ? ", " : "", states[i]);
        at += length > 0 ? (size_t)length : 0;
    }
    return PH_ERR_PARAMETER;
}

static int take_filter(struct ph__query *query, const char *name, const char *value, char *problem,
                       size_t size)
{
    query->filtered = true;
    return ph_filter_add(query->filter, name, value, problem, size);
}

int ph__query_set(struct ph__query *query, const char *name, const char *value, char *problem,
                  size_t problem_size)
{
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++) {
        if (strcmp(takers[i].name, name) != 0) {
            continue;
        }
        if (query->seen & 1U << i) {
            snprintf(problem, problem_size, "%s: comes more than once; wanted is one.", name);
            return PH_ERR_PARAMETER;
        }
        query->seen |= 1U << i;
        return takers[i].take(query, value, problem, problem_size);
    }
    if (query->kind->states && strcmp(name, "state") == 0) {
        return take_states(query, value, problem, problem_size);
    }
    return take_filter(query, name, value, problem, problem_size);
}

/* What has not been switched off. */
static bool is_wanted(const struct ph__query *query, const struct ph__column *column)
{
    return (query->owners || !(column->flags & PH__COLUMN_OWNERS)) &&
           (query->details || !(column->flags & PH__COLUMN_DETAILS));
}

/* What is shown when no fields were named. */
static bool is_default(const struct ph__query *query, const struct ph__column *column)
{
    if (!is_wanted(query, column)) {
        return false;
    }
    if (query->format == PH__FORMAT_TEXT) {
        return column->flags & PH__COLUMN_SHOWN;
    }
    return !(column->flags & PH__COLUMN_EXTRA);
}

/* All that the schema has a name for. */
static void choose_schema(struct ph__query *query)
{
    for (size_t i = 0; i < query->schema->count; i++) {
        const struct ph__schema_field *field = &query->schema->fields[i];
        const struct ph__column *column =
            field->own ? field->own : find_column(query->kind, field->of, strlen(field->of));
        if (is_wanted(query, column)) {
            ph__choice_add_as(&query->choice, column, field->name);
        }
    }
}

/* A column under the names that the schema has for it; where it has none, under its own. */
static void add_renamed(struct ph__query *query, const struct ph__column *column)
{
    size_t before = query->choice.count;
    for (size_t i = 0; i < query->schema->count; i++) {
        const struct ph__schema_field *field = &query->schema->fields[i];
        if (strcmp(field->of, column->name) == 0) {
            ph__choice_add_as(&query->choice, field->own ? field->own : column, field->name);
        }
    }
    if (query->choice.count == before) {
        ph__choice_add(&query->choice, column);
    }
}

static void rename_choice(struct ph__query *query)
{
    const struct ph__choice named = query->choice;
    query->choice.count = 0;
    for (size_t i = 0; i < named.count; i++) {
        add_renamed(query, named.columns[i]);
    }
}

void ph__query_finish(struct ph__query *query)
{
    if (query->choice.count > 0) {
        if (query->schema) {
            rename_choice(query);
        }
        return;
    }
    if (query->schema) {
        choose_schema(query);
        return;
    }
    for (size_t i = 0; i < query->kind->column_count; i++) {
        const struct ph__column *column = &query->kind->columns[i];
        if (is_default(query, column)) {
            ph__choice_add(&query->choice, column);
        }
    }
}

/* Whether the order or a chosen column has any of these flags. */
static bool has_column(const struct ph__query *query, unsigned flags)
{
    bool has = query->sort && (query->sort->flags & flags);
    for (size_t i = 0; i < query->choice.count && !has; i++) {
        has = query->choice.columns[i]->flags & flags;
    }
    return has;
}

bool ph__query_needs_owners(const struct ph__query *query)
{
    if (query->filtered && ph_filter_needs_owners(query->filter)) {
        return true;
    }
    return query->owners && has_column(query, PH__COLUMN_OWNERS);
}

bool ph__query_needs_findings(const struct ph__query *query)
{
    return query->owners && has_column(query, PH__COLUMN_FINDINGS);
}

bool ph__query_needs_details(const struct ph__query *query)
{
    return has_column(query, PH__COLUMN_DETAILS);
}

bool ph__query_is_joined(const struct ph__query *query)
{
    /* Why a socket has no owner depends on its direction. */
    return has_column(query, PH__COLUMN_JOINED | (query->owners ? PH__COLUMN_OWNERS : 0));
}
