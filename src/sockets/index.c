/* SPDX-License-Identifier: MIT
 *
 * The hash table: open addressing, at most half full, linear probing.
 */
#include "sockets/index.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 64 };

void ph__index_init(struct ph__index *index, uint64_t seed)
{
    *index = (struct ph__index){.seed = seed};
}

void ph__index_done(struct ph__index *index)
{
    free(index->slots);
    ph__index_init(index, index->seed);
}

/* Spreads a key over all bits; every bit of the input reaches the lowest ones. */
static uint64_t mix(uint64_t key)
{
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93U;
    key ^= key >> 32;
    key *= 0xD6E8FEB86659FD93U;
    return key ^ (key >> 32);
}

uint64_t ph__index_hash(const struct ph__index *index, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    uint64_t hash = index->seed ^ size;
    while (size > 0) {
        uint64_t word = 0;
        size_t piece = size < sizeof word ? size : sizeof word;
        memcpy(&word, from, piece);
        hash = mix(hash ^ word) + index->seed;
        from += piece;
        size -= piece;
    }
    return hash;
}

uint64_t ph__index_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = ph__clock_us(); /* early at boot; nobody attacks yet */
    }
    return mix(seed);
}

static size_t slot_of(const struct ph__index *index, uint64_t key)
{
    return (size_t)mix(key ^ index->seed) & index->mask;
}

static void place(struct ph__index *index, uint64_t key, uint32_t value)
{
    size_t at = slot_of(index, key);
    while (index->slots[at].value != PH__INDEX_NONE) {
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct ph__index_slot){.key = key, .value = value};
}

static int resize(struct ph__index *index, size_t slots)
{
    struct ph__index old = *index;
    if (slots > SIZE_MAX / sizeof *index->slots) {
        return -ENOMEM;
    }
    index->slots = malloc(slots * sizeof *index->slots);
    if (!index->slots) {
        index->slots = old.slots;
        return -ENOMEM;
    }
    index->mask = slots - 1;
    for (size_t i = 0; i < slots; i++) {
        index->slots[i].value = PH__INDEX_NONE;
    }
    for (size_t i = 0; old.slots && i <= old.mask; i++) {
        if (old.slots[i].value != PH__INDEX_NONE) {
            place(index, old.slots[i].key, old.slots[i].value);
        }
    }
    free(old.slots);
    return 0;
}

int ph__index_reserve(struct ph__index *index, size_t count)
{
    size_t slots = index->slots ? index->mask + 1 : FIRST_SLOTS;
    while (slots / 2 < count) {
        slots *= 2;
    }
    return index->slots && slots == index->mask + 1 ? 0 : resize(index, slots);
}

int ph__index_put(struct ph__index *index, uint64_t key, uint32_t value)
{
    int err = ph__index_reserve(index, index->count + 1);
    if (err < 0) {
        return err;
    }
    place(index, key, value);
    index->count++;
    return 0;
}

void ph__index_clear(struct ph__index *index)
{
    for (size_t i = 0; index->slots && i <= index->mask; i++) {
        index->slots[i].value = PH__INDEX_NONE;
    }
    index->count = 0;
}

static uint32_t walk(const struct ph__index *index, uint64_t key, size_t at, size_t *cursor)
{
    while (index->slots[at].value != PH__INDEX_NONE) {
        if (index->slots[at].key == key) {
            *cursor = at;
            return index->slots[at].value;
        }
        at = (at + 1) & index->mask;
    }
    return PH__INDEX_NONE;
}

uint32_t ph__index_find(const struct ph__index *index, uint64_t key, size_t *cursor)
{
    return index->slots ? walk(index, key, slot_of(index, key), cursor) : PH__INDEX_NONE;
}

uint32_t ph__index_next(const struct ph__index *index, uint64_t key, size_t *cursor)
{
    return walk(index, key, (*cursor + 1) & index->mask, cursor);
}
