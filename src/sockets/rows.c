/* SPDX-License-Identifier: MIT
 *
 * Rows: a growing array, and an index over what tells sockets apart.
 */
#include "sockets/rows.h"

#include "sockets/pages.h"

#include <errno.h>
#include <string.h>

enum { FIRST_CAPACITY = 64, BLOCK = 32 };

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
    rows->count = rows->settled = rows->capacity = 0;
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
        .receive_buffer_bytes = -1,
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

void ph__rows_recycle(struct ph__rows *rows, struct ph__rows *old)
{
    ph__pages_free(rows->items, rows->capacity, sizeof *rows->items);
    rows->items = old->items;
    rows->capacity = old->capacity;
    old->items = NULL;
    ph__rows_done(old);
}

int ph__rows_reserve(struct ph__rows *rows, size_t count)
{
    size_t wanted = count < rows->max ? count : rows->max;
    return wanted > rows->capacity ? set_capacity(rows, wanted) : 0;
}

/* Unix sockets that wait to be accepted have neither number where they come from /proc, and are
 * several: they cannot be told apart. */
static bool can_be_known_again(const struct ph_socket *row)
{
    return row->protocol != PH_PROTOCOL_UNIX || row->cookie || row->inode;
}

/* Moves a row to where the next one that stays goes, or puts it in the place of an older one.
 * @return where the next one goes. */
static size_t settle_row(struct ph__rows *rows, size_t from, size_t to, uint64_t key)
{
    const struct ph_socket *row = &rows->items[from];
    if (can_be_known_again(row)) {
        struct ph_socket *same = find_same(rows, key, row);
        if (same) {
            *same = *row;
            return to;
        }
        /* Cannot fail: there is room. */
        (void)ph__index_put(&rows->seen, key, (uint32_t)to);
    }
    if (to != from) {
        rows->items[to] = *row;
    }
    return to + 1;
}

/* In blocks: the memory that a row's slot is in is asked for while the rows before it are worked
 * on, because slots lie in no order. */
int ph__rows_settle(struct ph__rows *rows)
{
    uint64_t keys[BLOCK];
    size_t to = rows->settled;
    size_t end = 0;
    int err = to < rows->count ? ph__index_reserve(&rows->seen, rows->count) : 0;
    if (err < 0) {
        return err;
    }
    for (size_t from = to; from < rows->count; from = end) {
        end = from + BLOCK < rows->count ? from + BLOCK : rows->count;
        for (size_t i = from; i < end; i++) {
            keys[i - from] = key_of(rows, &rows->items[i]);
            ph__index_prefetch(&rows->seen, keys[i - from]);
        }
        for (size_t i = from; i < end; i++) {
            to = settle_row(rows, i, to, keys[i - from]);
        }
    }
    rows->count = rows->settled = to;
    return 0;
}

/* Finds the place of one more row, where a row that was seen before makes room if need be. */
static int find_place(struct ph__rows *rows, const struct ph_socket *row, size_t *ret_place)
{
    if (rows->count >= rows->max) {
        int err = ph__rows_settle(rows);
        if (err < 0) {
            return err;
        }
    }
    if (rows->count >= rows->max) {
        struct ph_socket *same =
            can_be_known_again(row) ? find_same(rows, key_of(rows, row), row) : NULL;
        if (!same) {
            return PH_ERR_LIMIT;
        }
        *ret_place = (size_t)(same - rows->items);
        return 0;
    }
    if (rows->count == rows->capacity) {
        int err = set_capacity(rows, rows->capacity ? rows->capacity * 2 : FIRST_CAPACITY);
        if (err < 0) {
            return err;
        }
    }
    *ret_place = rows->count++;
    return 0;
}

int ph__rows_add(struct ph__rows *rows, const struct ph_socket *row)
{
    const char *path = NULL;
    size_t place;
    if (row->path) {
        path = ph__arena_copy(rows->texts, row->path, row->path_size);
        if (!path) {
            return -ENOMEM;
        }
    }
    int err = find_place(rows, row, &place);
    if (err == 0) {
        rows->items[place] = *row;
        rows->items[place].path = path;
    }
    return err;
}

bool ph__rows_lend(struct ph__rows *rows, struct ph__rows *ret_upper)
{
    size_t used = rows->count + (rows->capacity - rows->count) / 2;
    size_t room = rows->capacity < rows->max ? rows->capacity : rows->max;
    if (room <= used || used == rows->count) {
        return false;
    }
    ph__rows_init(ret_upper, rows->texts, room - used, rows->seen.seed);
    ret_upper->items = rows->items + used;
    ret_upper->capacity = room - used;
    rows->lent_max = rows->max;
    rows->max = used;
    return true;
}

void ph__rows_take_back(struct ph__rows *rows, struct ph__rows *upper)
{
    if (upper->count > 0) {
        memmove(rows->items + rows->count, upper->items, upper->count * sizeof *rows->items);
    }
    rows->count += upper->count;
    rows->max = rows->lent_max;
    upper->items = NULL; /* was ours */
    upper->capacity = 0;
    ph__rows_done(upper);
}

void ph__rows_truncate(struct ph__rows *rows, size_t count)
{
    if (count >= rows->count) {
        return;
    }
    rows->count = count;
    if (count < rows->settled) {
        rows->settled = 0;
        ph__index_clear(&rows->seen);
        /* Cannot fail: it held more before. */
        (void)ph__rows_settle(rows);
    }
}
