/* SPDX-License-Identifier: MIT
 *
 * A descriptor that becomes readable at a time, timerfd_create(2): for loops that are not ours and
 * know descriptors only.
 */
#ifndef PORTHOLE_NET_TIMER_H
#define PORTHOLE_NET_TIMER_H

#include <stdint.h>

struct ph__timer {
    int fd;          /* owned; -1: none */
    uint64_t due_ms; /* CLOCK_MONOTONIC; 0: not set */
};

/* An initialiser: no descriptor yet. */
#define PH__TIMER_CLOSED \
    {                    \
        .fd = -1         \
    }

/* Returns 0 or a negative errno of timerfd_create(2). */
int ph__timer_init(struct ph__timer *timer);
void ph__timer_done(struct ph__timer *timer);

/*
 * Has it fire at `due_ms` or earlier: a time that is set already and not later stays, so that a
 * time which is put off again and again costs no system call. Returns 0 or a negative errno.
 */
int ph__timer_set(struct ph__timer *timer, uint64_t due_ms);

/* It has fired: it is not readable any more, and not set. */
void ph__timer_clear(struct ph__timer *timer);

#endif
