/* SPDX-License-Identifier: MIT
 *
 * The timer.
 */
#include "net/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int ph__timer_init(struct ph__timer *timer)
{
    *timer = (struct ph__timer)PH__TIMER_CLOSED;
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return timer->fd < 0 ? -errno : 0;
}

void ph__timer_done(struct ph__timer *timer)
{
    if (timer->fd >= 0) {
        close(timer->fd);
    }
    *timer = (struct ph__timer)PH__TIMER_CLOSED;
}

int ph__timer_set(struct ph__timer *timer, uint64_t due_ms)
{
    if (timer->due_ms && timer->due_ms <= due_ms) {
        return 0;
    }
    struct itimerspec due = {
        .it_value = {.tv_sec = (time_t)(due_ms / 1000),
                     .tv_nsec = (long)(due_ms % 1000) * 1000000 + 1}, /* all zero would unset it */
    };
    if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &due, NULL) < 0) {
        return -errno;
    }
    timer->due_ms = due_ms ? due_ms : 1;
    return 0;
}

void ph__timer_clear(struct ph__timer *timer)
{
    uint64_t count;
    ssize_t got = read(timer->fd, &count, sizeof count); /* EAGAIN: cleared already */
    (void)got;
    timer->due_ms = 0;
}
