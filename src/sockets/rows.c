/* SPDX-License-Identifier: MIT
 *
 * Rows: a growing array, and an index over what tells sockets apart.
 */
#include "sockets/rows.h"

#include "sockets/pages.h"

#include <errno.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void ph__rows_init(struct ph__rows *rows, struct ph__arena *texts, size_t max, uint64_t seed)
{
    /* Row numbers are 32 bits wide in the index, and its last number means "none". */
    size_t most = PH__INDEX_NONE - 1;
    *rows = (struct ph__rows){.texts = texts, .max = max < most ? max : most};
    ph__index_init(&rows->seen, seed);
}

void ph__rows_done(struct ph__rows *rows)
{
    ph__pages_free(rows->items, rows->capacity, sizeof *rows->items);
    rows->items = NULL;
    rows->count = rows->capacity = 0;
    ph__index_done(&rows->seen);
}

struct ph_socket ph__rows_blank(enum ph_protocol protocol, enum ph_family family)
{
    return (struct ph_socket){
        .protocol = protocol,
        .family = family,
        .accept_queue = -1,
        .backlog = -1,
        .receive_queue_bytes = -1,
        .send_queue_bytes = -1,
        .drops = -1,
        .timer_expires_ms = -1,
        .peer = -1,
    };
}

/* The kernel's cookie is unique for all sockets; an inode is for all that have one. */
static uint64_t key_of(const struct ph__rows *rows, const struct ph_socket *row)
{
    if (row->cookie) {
        return row->cookie;
    }
    if (row->inode) {
        return row->inode;
    }
    uint8_t tuple[40] = {(uint8_t)row->protocol, (uint8_t)row->family};
    memcpy(tuple + 2, &row->local_port, 2);
    memcpy(tuple + 4, &row->remote_port, 2);
    memcpy(tuple + 8, row->local_address, 16);
    memcpy(tuple + 24, row->remote_address, 16);
    return ph__index_hash(&rows->seen, tuple, sizeof tuple);
}

static bool same_socket(const struct ph_socket *a, const struct ph_socket *b)
{
    if (a->protocol != b->protocol || a->cookie != b->cookie) {
        return false;
    }
    if (a->cookie) {
        return true;
    }
    if (a->inode || b->inode) {
        return a->inode == b->inode;
    }
    return a->family == b->family && a->interface == b->interface &&
           a->local_port == b->local_port && a->remote_port == b->remote_port &&
           memcmp(a->local_address, b->local_address, sizeof a->local_address) == 0 &&
           memcmp(a->remote_address, b->remote_address, sizeof a->remote_address) == 0;
}

static struct ph_socket *find_same(const struct ph__rows *rows, uint64_t key,
                                   const struct ph_socket *row)
{
    size_t cursor;
    uint32_t at = ph__index_find(&rows->seen, key, &cursor);
    while (at != PH__INDEX_NONE && !same_socket(&rows->items[at], row)) {
        at = ph__index_next(&rows->seen, key, &cursor);
    }
    return at == PH__INDEX_NONE ? NULL : &rows->items[at];
}

static int set_capacity(struct ph__rows *rows, size_t capacity)
{
    struct ph_socket *items = ph__pages_grow(rows->items, rows->capacity, capacity, sizeof *items);
    if (!items) {
        return -ENOMEM;
    }
    rows->items = items;
    rows->capacity = capacity;
    return 0;
}

int ph__rows_reserve(struct ph__rows *rows, size_t count)
{
    size_t wanted = count < rows->max ? count : rows->max;
    int err = wanted > rows->capacity ? set_capacity(rows, wanted) : 0;
    return err == 0 && wanted > 0 ? ph__index_reserve(&rows->seen, wanted) : err;
}

static int grow(struct ph__rows *rows)
{
    if (rows->count >= rows->max) {
        return PH_ERR_LIMIT;
    }
    if (rows->count < rows->capacity) {
        return 0;
    }
    return set_capacity(rows, rows->capacity ? rows->capacity * 2 : FIRST_CAPACITY);
}

/* Unix sockets that wait to be accepted have neither number where they come from /proc, and are
 * several: they cannot be told apart. */
static bool can_be_known_again(const struct ph_socket *row)
{
    return row->protocol != PH_PROTOCOL_UNIX || row->cookie || row->inode;
}

int ph__rows_add(struct ph__rows *rows, const struct ph_socket *row)
{
    const char *path = NULL;
    bool lookup = can_be_known_again(row);
    uint64_t key = lookup ? key_of(rows, row) : 0;
    struct ph_socket *place = lookup ? find_same(rows, key, row) : NULL;
    if (row->path) {
        path = ph__arena_copy(rows->texts, row->path, row->path_size);
        if (!path) {
            return -ENOMEM;
        }
    }
    if (!place) {
        int err = grow(rows);
        if (err == 0 && lookup) {
            err = ph__index_put(&rows->seen, key, (uint32_t)rows->count);
        }
        if (err < 0) {
            return err;
        }
        place = &rows->items[rows->count++];
    }
    *place = *row;
    place->path = path;
    return 0;
}

void ph__rows_truncate(struct ph__rows *rows, size_t count)
{
    if (count >= rows->count) {
        return;
    }
    rows->count = count;
    ph__index_clear(&rows->seen);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *row = &rows->items[i];
        if (can_be_known_again(row)) {
            /* Cannot fail: it held more before. */
            (void)ph__index_put(&rows->seen, key_of(rows, row), (uint32_t)i);
        }
    }
}
