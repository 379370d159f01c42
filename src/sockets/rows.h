/* SPDX-License-Identifier: MIT
 *
 * The rows of a snapshot while it is being gathered. A dump may show a socket twice when others
 * come and go meanwhile, and the kernel does not say so; the rows keep one of each.
 */
#ifndef PORTHOLE_SOCKETS_ROWS_H
#define PORTHOLE_SOCKETS_ROWS_H

#include "sockets/arena.h"
#include "sockets/index.h"

#include <porthole/sockets.h>

struct ph__rows {
    struct ph_socket *items; /* owned */
    size_t count;
    size_t capacity;
    size_t max;              /* count never exceeds this */
    struct ph__arena *texts; /* where paths are kept; borrowed */
    struct ph__index seen;
};

void ph__rows_init(struct ph__rows *rows, struct ph__arena *texts, size_t max, uint64_t seed);
void ph__rows_done(struct ph__rows *rows);

/* Makes room for `count` rows in one step. @return 0; -ENOMEM. */
int ph__rows_reserve(struct ph__rows *rows, size_t count);

/* A socket of which nothing is known: every number says "unknown". */
struct ph_socket ph__rows_blank(enum ph_protocol protocol, enum ph_family family);

/* Copies the row and its path; of a socket seen before only the newest row stays.
 * @return 0; -ENOMEM; PH_ERR_LIMIT. */
int ph__rows_add(struct ph__rows *rows, const struct ph_socket *row);

/* Drops all rows from `count` on. */
void ph__rows_truncate(struct ph__rows *rows, size_t count);

#endif
