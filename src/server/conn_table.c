/* SPDX-License-Identifier: MIT
 *
 * The table of connections.
 */
#include "server/conn_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 128, VIEW_TRIES = 16 };

/* Release and acquire keep the fields between the two changes of the version, on both sides. */
#define PUT(field, value) atomic_store_explicit(&(field), (value), memory_order_release)
#define GET(field) atomic_load_explicit(&(field), memory_order_acquire)

_Static_assert(sizeof(struct ph__sockaddr) <= PH__PEER_WORDS * sizeof(uint32_t), "a peer fits");

int ph__conn_table_init(struct ph__conn_table *table, unsigned connections_max)
{
    *table = (struct ph__conn_table){.max = connections_max, .last_id = table->last_id};
    table->chunks_max = (connections_max + CHUNK - 1) / CHUNK;
    table->chunks = calloc(table->chunks_max, sizeof(struct ph__conn *));
    if (!table->chunks) {
        return -ENOMEM;
    }
    int err = pthread_mutex_init(&table->lock, NULL);
    if (err) {
        free(table->chunks);
        table->chunks = NULL;
        return -err;
    }
    return 0;
}

void ph__conn_table_done(struct ph__conn_table *table)
{
    if (!table->chunks) {
        return;
    }
    for (unsigned i = 0; i < GET(table->chunk_count); i++) {
        free(table->chunks[i]);
    }
    free(table->chunks);
    table->chunks = NULL;
    pthread_mutex_destroy(&table->lock);
}

/* With the lock held. */
static bool add_chunk(struct ph__conn_table *table)
{
    unsigned count = GET(table->chunk_count);
    struct ph__conn *chunk = count < table->chunks_max ? calloc(CHUNK, sizeof *chunk) : NULL;
    if (!chunk) {
        return false;
    }
    for (int i = CHUNK - 1; i >= 0; i--) {
        chunk[i].fd = -1;
        chunk[i].index = count * CHUNK + (unsigned)i;
        chunk[i].next = table->free;
        table->free = &chunk[i];
    }
    table->chunks[count] = chunk;
    atomic_store_explicit(&table->chunk_count, count + 1, memory_order_release);
    return true;
}

/* Makes the version odd before the fields change, and even behind. */
static void change_version(struct ph__conn *conn)
{
    PUT(conn->version, GET(conn->version) + 1);
}

static void put_peer(struct ph__conn *conn, const struct ph__sockaddr *peer)
{
    uint32_t words[PH__PEER_WORDS] = {0};
    memcpy(words, peer, sizeof *peer);
    for (int i = 0; i < PH__PEER_WORDS; i++) {
        PUT(conn->peer[i], words[i]);
    }
}

static struct ph__sockaddr get_peer(const struct ph__conn *conn)
{
    uint32_t words[PH__PEER_WORDS];
    for (int i = 0; i < PH__PEER_WORDS; i++) {
        words[i] = GET(conn->peer[i]);
    }
    struct ph__sockaddr peer;
    memcpy(&peer, words, sizeof peer);
    return peer;
}

struct ph__conn *ph__conn_table_take(struct ph__conn_table *table, struct ph__worker *worker,
                                     int fd, const struct ph__sockaddr *peer, uint64_t accepted_us,
                                     int32_t accept_wait_ms)
{
    pthread_mutex_lock(&table->lock);
    struct ph__conn *conn = NULL;
    if (table->used < table->max && (table->free || add_chunk(table))) {
        conn = table->free;
        table->free = conn->next;
        table->used++;
        change_version(conn);
        PUT(conn->id, ++table->last_id);
    }
    pthread_mutex_unlock(&table->lock);
    if (!conn) {
        return NULL;
    }
    conn->deadline = (struct ph__deadline){0};
    conn->next = NULL;
    PUT(conn->worker, worker);
    conn->exchange = NULL;
    conn->fd = fd;
    conn->readable = conn->writable = conn->hangup = conn->dead = conn->in_ready = false;
    conn->wrapped = false;
    conn->restart = PH__RESTART;
    PUT(conn->requests, 0);
    PUT(conn->accepted_us, accepted_us);
    PUT(conn->route, PH__NO_ROUTE);
    put_peer(conn, peer);
    PUT(conn->accept_wait_ms, accept_wait_ms);
    PUT(conn->first_byte_us, PH__NO_FIRST_BYTE);
    PUT(conn->state, PH__CONN_ACCEPTED);
    change_version(conn);
    return conn;
}

void ph__conn_table_give(struct ph__conn_table *table, struct ph__conn *conn)
{
    change_version(conn);
    PUT(conn->state, PH__CONN_CLOSED);
    change_version(conn);
    conn->fd = -1;
    pthread_mutex_lock(&table->lock);
    conn->next = table->free;
    table->free = conn;
    table->used--;
    pthread_mutex_unlock(&table->lock);
}

unsigned ph__conn_table_slots(const struct ph__conn_table *table)
{
    return atomic_load_explicit(&table->chunk_count, memory_order_acquire) * CHUNK;
}

struct ph__conn *ph__conn_table_slot(const struct ph__conn_table *table, unsigned index)
{
    return &table->chunks[index / CHUNK][index % CHUNK];
}

uint64_t ph__conn_table_name(const struct ph__conn *conn)
{
    uint32_t version = atomic_load_explicit(&conn->version, memory_order_relaxed);
    return (uint64_t)version << 32 | conn->index;
}

struct ph__conn *ph__conn_table_named(const struct ph__conn_table *table, uint64_t name)
{
    struct ph__conn *conn = ph__conn_table_slot(table, (uint32_t)name);
    return ph__conn_table_name(conn) == name ? conn : NULL;
}

static bool try_view(const struct ph__conn *conn, struct ph__conn_view *view)
{
    uint32_t before = GET(conn->version);
    view->id = GET(conn->id);
    view->accepted_us = GET(conn->accepted_us);
    view->requests = GET(conn->requests);
    view->first_byte_us = GET(conn->first_byte_us);
    view->accept_wait_ms = GET(conn->accept_wait_ms);
    view->state = (enum ph__conn_state)GET(conn->state);
    view->route = GET(conn->route);
    view->peer = get_peer(conn);
    view->worker = GET(conn->worker);
    return (before & 1) == 0 && GET(conn->version) == before;
}

bool ph__conn_table_view(const struct ph__conn_table *table, unsigned index,
                         struct ph__conn_view *ret_view)
{
    const struct ph__conn *conn = ph__conn_table_slot(table, index);
    struct ph__conn_view view;
    for (int i = 0; i < VIEW_TRIES; i++) {
        if (try_view(conn, &view)) {
            if (view.state == PH__CONN_CLOSED) {
                return false;
            }
            *ret_view = view;
            return true;
        }
    }
    return false; /* it changes hands all the time: as good as not there */
}
