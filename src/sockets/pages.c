/* SPDX-License-Identifier: MIT
 *
 * Large arrays by mmap(2), small ones by calloc(3).
 */
#include "sockets/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *ph__pages_new(size_t count, size_t size)
{
    if (count > SIZE_MAX / 2 / size) {
        return NULL;
    }
    if (count * size < PH__PAGES_LARGE) {
        return calloc(count, size);
    }
    void *items =
        mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (items == MAP_FAILED) {
        return NULL;
    }
    /* A kernel without huge pages refuses, and all works as well. */
    (void)madvise(items, count * size, MADV_HUGEPAGE);
    return items;
}

void *ph__pages_grow(void *items, size_t old_count, size_t count, size_t size)
{
    void *more = ph__pages_new(count, size);
    if (more && items) {
        memcpy(more, items, old_count * size);
        ph__pages_free(items, old_count, size);
    }
    return more;
}

void ph__pages_free(void *items, size_t count, size_t size)
{
    if (!items || count * size < PH__PAGES_LARGE) {
        free(items);
        return;
    }
    (void)munmap(items, count * size);
}
