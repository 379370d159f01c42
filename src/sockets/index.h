/* SPDX-License-Identifier: MIT
 *
 * A hash table from 64-bit keys to row numbers, so that joins over 100,000 sockets stay linear.
 *
 * The key is a number that tells rows apart (an inode) or a hash of what does (an address and a
 * port); in the second case the caller walks all values of a key and compares the rows itself.
 */
#ifndef PORTHOLE_SOCKETS_INDEX_H
#define PORTHOLE_SOCKETS_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define PH__INDEX_NONE UINT32_MAX

struct ph__index_slot {
    uint64_t key;
    uint32_t next_value; /* the value and 1, so that zeroed memory is free slots */
};

struct ph__index {
    struct ph__index_slot *slots; /* NULL until the first put; owned */
    size_t mask;                  /* number of slots, less one */
    size_t count;
    uint64_t seed; /* random, so that nobody can choose addresses that collide */
};

/* Spreads a number over all bits; every bit of the input reaches the lowest ones. */
static inline uint64_t ph__index_mix(uint64_t number)
{
    number ^= number >> 32;
    number *= 0xD6E8FEB86659FD93U;
    number ^= number >> 32;
    number *= 0xD6E8FEB86659FD93U;
    return number ^ (number >> 32);
}

/* Nothing is allocated yet. */
void ph__index_init(struct ph__index *index, uint64_t seed);

void ph__index_done(struct ph__index *index);

/* Makes room for `count` values in one step. @return 0; -ENOMEM. */
int ph__index_reserve(struct ph__index *index, size_t count);

/* Adds a value below PH__INDEX_NONE; a key may have several. @return 0; -ENOMEM. */
int ph__index_put(struct ph__index *index, uint64_t key, uint32_t value);

/* Forgets all values, keeps the memory. */
void ph__index_clear(struct ph__index *index);

/* Starts fetching what ph__index_find() and ph__index_put() of a key will read. */
void ph__index_prefetch(const struct ph__index *index, uint64_t key);

/* The first value of a key, or PH__INDEX_NONE; `cursor` is for ph__index_next(). */
uint32_t ph__index_find(const struct ph__index *index, uint64_t key, size_t *cursor);

/* The next value of the same key, or PH__INDEX_NONE. */
uint32_t ph__index_next(const struct ph__index *index, uint64_t key, size_t *cursor);

/* A key out of bytes, mixed with the seed. */
uint64_t ph__index_hash(const struct ph__index *index, const void *bytes, size_t size);

/* A number to use as a seed. */
uint64_t ph__index_seed(void);

#endif
