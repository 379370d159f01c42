/* SPDX-License-Identifier: MIT
 *
 * All connections of a server, in chunks that never move and are freed only with the table.
 *
 * The acceptor takes slots and workers give them back, under a lock that no request ever
 * touches. Any thread may look at the slots without a lock: each carries a version that is odd
 * while the slot changes hands, and a reader that sees it change looks again.
 */
#ifndef PORTHOLE_SERVER_CONN_TABLE_H
#define PORTHOLE_SERVER_CONN_TABLE_H

#include "server/conn.h"

#include <pthread.h>

struct ph__conn_table {
    pthread_mutex_t lock;
    struct ph__conn *free;    /* by ph__conn.next */
    struct ph__conn **chunks; /* room for all from the beginning */
    _Atomic unsigned chunk_count;
    unsigned chunks_max;
    unsigned used, max; /* slots in use, and how many may be */
    uint64_t last_id;
};

/* The table is zeroed, or has been done with: ids go on where they were. 0 or -ENOMEM. */
int ph__conn_table_init(struct ph__conn_table *table, unsigned connections_max);
void ph__conn_table_done(struct ph__conn_table *table);

/* Takes a slot in state accepted; NULL: all are in use, or there is no memory. */
struct ph__conn *ph__conn_table_take(struct ph__conn_table *table, struct ph__worker *worker,
                                     int fd, const struct ph__sockaddr *peer, uint64_t accepted_us,
                                     int32_t accept_wait_ms);

/* A number for the connection in this slot that no later one there has: the loop's item. */
uint64_t ph__conn_table_name(const struct ph__conn *conn);

/* The connection of that name, for its worker; NULL when it is gone. */
struct ph__conn *ph__conn_table_named(const struct ph__conn_table *table, uint64_t name);

/* Gives a slot back. */
void ph__conn_table_give(struct ph__conn_table *table, struct ph__conn *conn);

/* What is copied of a connection for the eyes of others. */
struct ph__conn_view {
    uint64_t id;
    uint64_t accepted_us;
    uint32_t requests;
    uint32_t first_byte_us;
    int32_t accept_wait_ms;
    enum ph__conn_state state;
    uint16_t route; /* its index plus one; PH__NO_ROUTE */
    struct ph__sockaddr peer;
    struct ph__worker *worker;
};

/* How many slots there are to look at, used or not. */
unsigned ph__conn_table_slots(const struct ph__conn_table *table);

/* Slot `index` itself, for its worker. */
struct ph__conn *ph__conn_table_slot(const struct ph__conn_table *table, unsigned index);

/* Copies what slot `index` says; false when no connection is there. */
bool ph__conn_table_view(const struct ph__conn_table *table, unsigned index,
                         struct ph__conn_view *ret_view);

#endif
