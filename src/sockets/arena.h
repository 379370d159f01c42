/* SPDX-License-Identifier: MIT
 *
 * Memory for many small things that live and die together: nothing is freed singly.
 */
#ifndef PORTHOLE_SOCKETS_ARENA_H
#define PORTHOLE_SOCKETS_ARENA_H

#include <stddef.h>

struct ph__arena_chunk;

struct ph__arena {
    struct ph__arena_chunk *chunks; /* the newest first; owned */
};

/* `size` bytes for any type, uninitialised; NULL without memory. */
void *ph__arena_alloc(struct ph__arena *arena, size_t size);

/* A copy with a NUL behind it; NULL without memory. */
char *ph__arena_copy(struct ph__arena *arena, const void *bytes, size_t size);

/* Frees everything; the arena can be used again. */
void ph__arena_done(struct ph__arena *arena);

#endif
