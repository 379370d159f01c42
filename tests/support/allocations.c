/* SPDX-License-Identifier: MIT
 *
 * The linker puts these functions in place of the real ones; see porthole_test().
 */
#include "support/allocations.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic long allocations_left = -1; /* negative: all succeed */
static _Atomic bool allocations_recover;
static _Atomic unsigned long allocations_failed;
static _Thread_local bool this_thread_is_spared;

static bool allocation_fails(void)
{
    long left = allocations_left;
    long after;
    do {
        if (left < 0 || this_thread_is_spared) {
            return false;
        }
        after = left > 0 ? left - 1 : allocations_recover ? -1 : 0;
    } while (!atomic_compare_exchange_weak(&allocations_left, &left, after));
    allocations_failed += left == 0;
    return left == 0;
}

void fail_allocations(long count, bool recover)
{
    allocations_left = -1; /* nobody counts while the rest changes */
    allocations_recover = recover;
    allocations_failed = 0;
    allocations_left = count;
}

bool stop_failing(void)
{
    allocations_left = -1;
    return allocations_failed > 0;
}

void spare_this_thread(bool spared)
{
    this_thread_is_spared = spared;
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
