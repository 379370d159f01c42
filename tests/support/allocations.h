/* SPDX-License-Identifier: MIT
 *
 * Allocations that fail when a test wants them to: malloc and its kin, wherever the program itself
 * calls them (shared libraries keep theirs). For programs registered with ALLOCATIONS.
 */
#ifndef PORTHOLE_TESTS_ALLOCATIONS_H
#define PORTHOLE_TESTS_ALLOCATIONS_H

#include <stdbool.h>

/* Lets `count` allocations succeed, on all threads together; then one fails, or with `recover`
 * false all those behind it as well. */
void fail_allocations(long count, bool recover);

/* Lets all succeed again; tells whether one has failed since fail_allocations(). */
bool stop_failing(void);

/* While spared, the calling thread's allocations succeed and do not count. */
void spare_this_thread(bool spared);

#endif
