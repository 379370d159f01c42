/* SPDX-License-Identifier: MIT
 *
 * Fails the n-th allocation: for tests linked with WRAP malloc calloc realloc. Include it in one
 * source of a test.
 */
#ifndef PORTHOLE_TESTS_ALLOC_H
#define PORTHOLE_TESTS_ALLOC_H

#include <stddef.h>

static int allocations_left = -1; /* negative: all succeed */

static int next_allocation_fails(void)
{
    if (allocations_left == 0) {
        return 1;
    }
    allocations_left -= allocations_left > 0;
    return 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return next_allocation_fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return next_allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return next_allocation_fails() ? NULL : __real_realloc(old, size);
}

#endif
