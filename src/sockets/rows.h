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

#include <stdbool.h>

struct ph__rows {
    struct ph_socket *items; /* owned */
    size_t count;
    size_t settled; /* so many of them are known to be all different, and are in `seen` */
    size_t capacity;
    size_t max;              /* count never exceeds this */
    size_t lent_max;         /* what `max` is when nothing is lent */
    struct ph__arena *texts; /* where paths are kept; borrowed */
    struct ph__index seen;
};

void ph__rows_init(struct ph__rows *rows, struct ph__arena *texts, size_t max, uint64_t seed);
void ph__rows_done(struct ph__rows *rows);

/* Takes the memory of rows that nobody needs any more; these are then empty. */
void ph__rows_recycle(struct ph__rows *rows, struct ph__rows *old);

/* Makes room for `count` rows in one step. @return 0; -ENOMEM. */
int ph__rows_reserve(struct ph__rows *rows, size_t count);

/* A socket of which nothing is known: every number says "unknown". */
struct ph_socket ph__rows_blank(enum ph_protocol protocol, enum ph_family family);

/* Copies the row and its path. @return 0; -ENOMEM; PH_ERR_LIMIT. */
int ph__rows_add(struct ph__rows *rows, const struct ph_socket *row);

/* Lends the upper half of the free room, for rows without paths that somebody else adds meanwhile.
 * Neither of the two grows then: they are full sooner. @return false where there is no room. */
bool ph__rows_lend(struct ph__rows *rows, struct ph__rows *ret_upper);

/* Ends that, and adds those rows. */
void ph__rows_take_back(struct ph__rows *rows, struct ph__rows *upper);

/* Of a socket that was added several times only the newest row stays, in the place of the oldest.
 * @return 0; -ENOMEM. */
int ph__rows_settle(struct ph__rows *rows);

/* Drops all rows from `count` on. */
void ph__rows_truncate(struct ph__rows *rows, size_t count);

#endif
