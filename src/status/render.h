/* SPDX-License-Identifier: MIT
 *
 * One row in one format. What stands around the rows (envelope, commas) is list.c's.
 */
#ifndef PORTHOLE_STATUS_RENDER_H
#define PORTHOLE_STATUS_RENDER_H

#include "base/buf.h"
#include "status/columns.h"

#include <stddef.h>
#include <stdint.h>

/* Room for the keys of a row; a test sees to it that those of every list fit. */
enum { PH__KEYS_TEXT = 3072 };

/* A schema (schemas.h) may make several columns of one. */
enum { PH__CHOICE_MAX = PH__COLUMNS_MAX + 8 };

/* The columns chosen for a reply. */
struct ph__choice {
    const struct ph__list_kind *kind;
    const struct ph__column *columns[PH__CHOICE_MAX];
    size_t count;
    char keys[PH__KEYS_TEXT];         /* JSON: `,"name":` of each column */
    uint16_t key_end[PH__CHOICE_MAX]; /* where each ends in `keys` */
    unsigned widths[PH__CHOICE_MAX];  /* text format: characters each column needs */
};

/* Adds a column. */
void ph__choice_add(struct ph__choice *choice, const struct ph__column *column);

/* The same under another name, of letters, digits, dots and underscores. */
void ph__choice_add_as(struct ph__choice *choice, const struct ph__column *column,
                       const char *name);

/* The value of one cell. `scratch` keeps an error, which the next cell forgets. */
void ph__render_get(const struct ph__choice *choice, const struct ph__column *column,
                    const struct ph__view *view, size_t row, struct ph__buf *scratch,
                    struct ph__value *ret_value);

/* `scratch` is for the columns; what stands in it is lost. */

/* {"id":"tcp-1",...} without a line end. */
void ph__render_json(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch);

/* Names, then rows; lines end in CR LF. */
void ph__render_csv_head(const struct ph__choice *choice, struct ph__buf *buf);
void ph__render_csv(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                    struct ph__buf *buf, struct ph__buf *scratch);

/* Aligned columns with their names in capitals on top; lines end in LF. The widths begin as
 * those of the names, and ph__render_text_measure() widens them for a row. `flat` is scratch;
 * its error tells whether it worked. */
void ph__render_text_begin(struct ph__choice *choice);
void ph__render_text_measure(struct ph__choice *choice, const struct ph__view *view, size_t row,
                             struct ph__buf *flat, struct ph__buf *scratch);
void ph__render_text_head(const struct ph__choice *choice, struct ph__buf *buf);
void ph__render_text(const struct ph__choice *choice, const struct ph__view *view, size_t row,
                     struct ph__buf *buf, struct ph__buf *scratch);

#endif
