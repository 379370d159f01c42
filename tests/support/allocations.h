/* SPDX-License-Identifier: MIT
 *
 * Allocations that fail when a test wants them to. For programs registered with ALLOCATIONS, and
 * for one source of such a program.
 */
#ifndef PORTHOLE_TESTS_ALLOCATIONS_H
#define PORTHOLE_TESTS_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* How many allocations succeed before the first that fails; negative: all succeed. */
static long allocations_left = -1;
/* Whether those behind the first failure succeed again. */
static bool allocations_recover;
static unsigned long allocations_failed;

static bool allocation_fails(void)
{
    if (allocations_left < 0) {
        return false;
    }
    if (allocations_left > 0) {
        allocations_left--;
        return false;
    }
    if (allocations_recover) {
        allocations_left = -1;
    }
    allocations_failed++;
    return true;
}

/* Lets `count` allocations succeed, then one fail, or all. */
static inline void fail_allocations(long count, bool recover)
{
    allocations_left = count;
    allocations_recover = recover;
    allocations_failed = 0;
}

/* Lets all succeed again; tells whether one has failed meanwhile. */
static inline bool stop_failing(void)
{
    allocations_left = -1;
    return allocations_failed > 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return allocation_fails() ? NULL : __real_strndup(text, size);
}

#endif
