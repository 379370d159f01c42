/* SPDX-License-Identifier: MIT
 *
 * What a list is made of: columns, each of which can give its value for a row. The engine
 * (list.h) filters, sorts and writes rows of any kind from these tables, and the OpenAPI document
 * describes rows from them.
 */
#ifndef PORTHOLE_STATUS_COLUMNS_H
#define PORTHOLE_STATUS_COLUMNS_H

#include "base/buf.h"
#include "status/params.h"

#include <porthole/details.h>
#include <porthole/doctor.h>
#include <porthole/server.h>
#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ph__value_kind {
    PH__VALUE_NULL,
    PH__VALUE_BOOL,
    PH__VALUE_INT,
    PH__VALUE_TEXT,
    PH__VALUE_DECIMAL, /* of a column where all have as many digits behind the point */
};

/* One cell. `text` may point into the snapshot, into `scratch`, or at a constant. */
struct ph__value {
    const void *item; /* what the row shows, where the kind has `item`: looked up once a row */
    unsigned which;   /* what the column's `which` says */
    enum ph__value_kind kind;
    bool plain;     /* text that no format needs to escape: no stranger chose it */
    int64_t number; /* of a BOOL (0 or 1) or an INT; of a DECIMAL without the point */
    const char *text;
    size_t size;
    struct ph__buf *scratch; /* for columns that make their text; empty before each use */
};

void ph__value_null(struct ph__value *value);
void ph__value_bool(struct ph__value *value, bool flag);
void ph__value_int(struct ph__value *value, int64_t number);
void ph__value_text(struct ph__value *value, const char *text); /* NULL: null */

/* The same of a word of ours: a name out of a table, an address, an id. */
void ph__value_word(struct ph__value *value, const char *text);

/* A number where anything below zero means unknown. */
void ph__value_known(struct ph__value *value, int64_t number);

/* What has been written to the scratch buffer; null when that is nothing. */
void ph__value_scratch(struct ph__value *value);
void ph__value_scratch_word(struct ph__value *value);

/* A number with a fraction: `scaled` has that many digits behind the point. Written to the scratch
 * buffer. */
void ph__value_decimal(struct ph__value *value, int64_t scaled, int digits);

/* Appends the value as JSON. */
void ph__value_write_json(const struct ph__value *value, struct ph__buf *buf);

/* Appends a text as JSON; NULL gives null. */
void ph__put_text(struct ph__buf *buf, const char *text);

/* What the rows of a list are taken from. */
struct ph__view {
    struct ph_snapshot *snapshot; /* one reference; NULL where the list does without */
    unsigned protocols;           /* that the list is about, a bit each */
    bool owners;                  /* owners have been looked up */
    void *data;                   /* belongs to the list kind */
    struct ph_findings *findings; /* one reference; NULL: nobody looked */
    struct ph_details *details;   /* owned; likewise */
};

enum {
    PH__COLUMN_OWNERS = 1,    /* needs the owners */
    PH__COLUMN_SHOWN = 2,     /* in the text format when no fields were named */
    PH__COLUMN_EXTRA = 4,     /* elsewhere only when named */
    PH__COLUMN_JOINED = 8,    /* tells of other sockets than the row's */
    PH__COLUMN_FINDINGS = 16, /* needs the doctor's findings */
    PH__COLUMN_DETAILS = 32,  /* needs the details, and comes unasked only with all of them */
};

struct ph__column {
    const char *name;
    const char *description;
    const char *schema; /* JSON schema of the value, without null */
    unsigned flags;
    void (*get)(const struct ph__view *view, size_t row, struct ph__value *value);
    /* For arrays and objects: writes the value as JSON. `get` then gives a short text. */
    void (*json)(const struct ph__view *view, size_t row, struct ph__buf *buf);
    unsigned which; /* for a `get` that several columns share */
};

#define PH__SCHEMA_TEXT "{\"type\":\"string\"}"
#define PH__SCHEMA_RATIO "{\"type\":\"number\"}"
#define PH__SCHEMA_INTEGER "{\"type\":\"integer\"}"
#define PH__SCHEMA_BOOLEAN "{\"type\":\"boolean\"}"

enum { PH__COLUMNS_MAX = 120 };

/* A kind of list. */
struct ph__list_kind {
    const char *name;     /* "sockets": the last word of the path, and the key of the rows */
    const char *row_name; /* "Socket": names the schema of a row */
    const struct ph__column *columns;
    size_t column_count;            /* at most PH__COLUMNS_MAX */
    const struct ph__param *params; /* beside those of all lists; NULL: none */

    /* Fills in view->data; on failure there is nothing to close. NULL: no data. */
    int (*open)(struct ph__view *view, const struct ph_server *server);
    void (*close)(struct ph__view *view);
    size_t (*count)(const struct ph__view *view);
    const void *(*item)(const struct ph__view *view, size_t row); /* NULL: columns need none */
    bool (*match)(const struct ph__view *view, size_t row, const struct ph_filter *filter);

    /* Where rows have states of their own, in place of a socket's: their names, ending in NULL,
     * and which one a row is in. NULL for the states of sockets. */
    const char *const *states;
    size_t (*state)(const struct ph__view *view, size_t row);

    bool of_owners;     /* rows are owners with all their sockets, whatever the filter is about */
    unsigned protocols; /* that the list is about, a bit each; 0: all */

    bool narrows; /* a row tells of one socket, and only of those that the filter matches */
    bool without_snapshot; /* a machine without any source has this list all the same */
};

extern const struct ph__list_kind ph__list_sockets;
extern const struct ph__list_kind ph__list_ports;
extern const struct ph__list_kind ph__list_processes;
extern const struct ph__list_kind ph__list_connections;

#endif
