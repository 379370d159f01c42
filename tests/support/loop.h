/* SPDX-License-Identifier: MIT
 *
 * Waiting in an event loop where a signal, be it a sanitizer's, does not count.
 */
#ifndef PORTHOLE_TESTS_LOOP_H
#define PORTHOLE_TESTS_LOOP_H

#include "base/clock.h"
#include "net/loop.h"

/* ph__loop_wait() until there are events, or the time is over. */
static inline int loop_wait_uninterrupted(struct ph__loop *loop,
                                          struct ph__event events[PH__LOOP_BATCH], int timeout_ms)
{
    const uint64_t give_up = ph__clock_ms() + (uint64_t)timeout_ms;
    int count = 0;
    while (count == 0 && ph__clock_ms() < give_up) {
        count = ph__loop_wait(loop, events, timeout_ms);
    }
    return count;
}

#endif
