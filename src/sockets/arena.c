/* SPDX-License-Identifier: MIT
 *
 * The arena: chunks in a list, each filled from its beginning.
 */
#include "sockets/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 16 * 1024 - 64 };

struct ph__arena_chunk {
    struct ph__arena_chunk *next;
    size_t size;
    size_t used;
    max_align_t bytes[];
};

void *ph__arena_alloc(struct ph__arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t align = _Alignof(max_align_t);
    size_t rounded = (size + align - 1) / align * align;
    struct ph__arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < rounded) {
        size_t capacity = rounded > CHUNK_SIZE ? rounded : CHUNK_SIZE;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk) {
            return NULL;
        }
        *chunk = (struct ph__arena_chunk){.next = arena->chunks, .size = capacity};
        arena->chunks = chunk;
    }
    void *room = (unsigned char *)chunk->bytes + chunk->used;
    chunk->used += rounded;
    return room;
}

char *ph__arena_copy(struct ph__arena *arena, const void *bytes, size_t size)
{
    char *copy = size < SIZE_MAX ? ph__arena_alloc(arena, size + 1) : NULL;
    if (copy) {
        if (size) {
            memcpy(copy, bytes, size);
        }
        copy[size] = '\0';
    }
    return copy;
}

void ph__arena_done(struct ph__arena *arena)
{
    while (arena->chunks) {
        struct ph__arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
}
