/* SPDX-License-Identifier: MIT
 *
 * Memory for arrays that may become large. A large one is mapped on its own, so that it goes back
 * to the kernel when it is freed, and in huge pages where the kernel has them: walking 100,000
 * rows in no order costs more for the translation of addresses than for anything else.
 */
#ifndef PORTHOLE_SOCKETS_PAGES_H
#define PORTHOLE_SOCKETS_PAGES_H

#include <stddef.h>

/* From this size on an array is mapped. */
enum { PH__PAGES_LARGE = 512 * 1024 };

/* Zeroed memory for `count` items of `size` bytes each, neither 0. @return NULL without memory. */
void *ph__pages_new(size_t count, size_t size);

/* Moves the items to room for more of them, zeroed behind the old ones. @return NULL without
 * memory: then the old ones stay as they are. `items` may be NULL, with an old count of 0. */
void *ph__pages_grow(void *items, size_t old_count, size_t count, size_t size);

/* Takes the same numbers as ph__pages_new(); NULL is allowed. */
void ph__pages_free(void *items, size_t count, size_t size);

#endif
