/* SPDX-License-Identifier: MIT
 *
 * The hash table: open addressing, at most half full, linear probing.
 */
#include "sockets/index.h"

#include "base/clock.h"
#include "sockets/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 64 };

void ph__index_init(struct ph__index *index, uint64_t seed)
{
    *index = (struct ph__index){.seed = seed};
}

void ph__index_done(struct ph__index *index)
{
    ph__pages_free(index->slots, index->mask + 1, sizeof *index->slots);
    ph__index_init(index, index->seed);
}

uint64_t ph__index_hash(const struct ph__index *index, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    uint64_t hash = index->seed ^ size;
    while (size > 0) {
        uint64_t word = 0;
        size_t piece = size < sizeof word ? size : sizeof word;
        memcpy(&word, from, piece);
        hash = ph__index_mix(hash ^ word) + index->seed;
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
    return ph__index_mix(seed);
}

static size_t slot_of(const struct ph__index *index, uint64_t key)
{
    return (size_t)ph__index_mix(key ^ index->seed) & index->mask;
}

static void place(struct ph__index *index, uint64_t key, uint32_t next_value)
{
    size_t at = slot_of(index, key);
    while (index->slots[at].next_value != 0) {
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct ph__index_slot){.key = key, .next_value = next_value};
}

static int resize(struct ph__index *index, size_t slots)
{
    struct ph__index old = *index;
    struct ph__index_slot *more = ph__pages_new(slots, sizeof *more);
    if (!more) {
        return -ENOMEM;
    }
    index->slots = more;
    index->mask = slots - 1;
    for (size_t i = 0; old.slots && i <= old.mask; i++) {
        if (old.slots[i].next_value != 0) {
            place(index, old.slots[i].key, old.slots[i].next_value);
        }
    }
    ph__pages_free(old.slots, old.mask + 1, sizeof *old.slots);
    return 0;
}

int ph__index_reserve(struct ph__index *index, size_t count)
{
    size_t slots = index->slots ? index->mask + 1 : FIRST_SLOTS;
    while (slots / 2 < count) {
        if (slots > SIZE_MAX / 2) {
            return -ENOMEM;
        }
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
    place(index, key, value + 1);
    index->count++;
    return 0;
}

void ph__index_clear(struct ph__index *index)
{
    if (index->slots) {
        memset(index->slots, 0, (index->mask + 1) * sizeof *index->slots);
    }
    index->count = 0;
}

void ph__index_prefetch(const struct ph__index *index, uint64_t key)
{
    if (index->slots) {
        __builtin_prefetch(&index->slots[slot_of(index, key)]);
    }
}

static uint32_t walk(const struct ph__index *index, uint64_t key, size_t at, size_t *cursor)
{
    while (index->slots[at].next_value != 0) {
        if (index->slots[at].key == key) {
            *cursor = at;
            return index->slots[at].next_value - 1;
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
