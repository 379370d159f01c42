/* SPDX-License-Identifier: MIT
 *
 * The timer by its real clock: a time that has passed is readable at once, one in an hour is not.
 */
#include "net/timer.h"

#include "support/cmocka.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

enum { HOUR_MS = 3600 * 1000 };

static int failing_create, failing_set; /* an errno; 0: works */
static int sets;                        /* calls of timerfd_settime(2) */

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *due,
                           struct itimerspec *before);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *due,
                           struct itimerspec *before);

int __wrap_timerfd_create(int clock, int flags)
{
    errno = failing_create;
    return failing_create ? -1 : __real_timerfd_create(clock, flags);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *due,
                           struct itimerspec *before)
{
    sets++;
    errno = failing_set;
    return failing_set ? -1 : __real_timerfd_settime(fd, flags, due, before);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool readable(const struct ph__timer *timer, int wait_ms)
{
    struct pollfd watched = {.fd = timer->fd, .events = POLLIN};
    return poll(&watched, 1, wait_ms) == 1;
}

static void test_init_when_no_descriptor_then_errno_and_closed(void **state)
{
    (void)state;
    struct ph__timer timer;
    failing_create = EMFILE;
    assert_int_equal(ph__timer_init(&timer), -EMFILE);
    failing_create = 0;
    assert_int_equal(timer.fd, -1);
    ph__timer_done(&timer);
}

static void test_set_when_it_fails_then_errno_and_a_retry_works(void **state)
{
    (void)state;
    struct ph__timer timer;
    assert_int_equal(ph__timer_init(&timer), 0);
    failing_set = EINVAL;
    assert_int_equal(ph__timer_set(&timer, now_ms()), -EINVAL);
    failing_set = 0;
    assert_int_equal(ph__timer_set(&timer, now_ms()), 0);
    assert_true(readable(&timer, 60000));
    ph__timer_done(&timer);
}

static void test_set_then_readable_when_due_and_not_before(void **state)
{
    (void)state;
    struct ph__timer timer;
    assert_int_equal(ph__timer_init(&timer), 0);
    assert_false(readable(&timer, 0));
    assert_int_equal(ph__timer_set(&timer, now_ms() + HOUR_MS), 0);
    assert_false(readable(&timer, 0));
    uint64_t due = now_ms() + 10;
    assert_int_equal(ph__timer_set(&timer, due), 0);
    assert_true(readable(&timer, 60000));
    assert_true(now_ms() >= due);
    ph__timer_clear(&timer);
    assert_false(readable(&timer, 0));
    ph__timer_clear(&timer); /* once more does no harm */
    ph__timer_done(&timer);
}

static void test_set_when_put_off_then_no_call_and_an_earlier_time_counts(void **state)
{
    (void)state;
    struct ph__timer timer;
    assert_int_equal(ph__timer_init(&timer), 0);
    sets = 0;
    uint64_t due = now_ms() + HOUR_MS;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(ph__timer_set(&timer, due + i), 0);
    }
    assert_int_equal(sets, 1);
    assert_int_equal(ph__timer_set(&timer, 0), 0); /* long past */
    assert_int_equal(sets, 2);
    assert_true(readable(&timer, 60000));
    ph__timer_clear(&timer);
    assert_int_equal(ph__timer_set(&timer, due), 0);
    assert_int_equal(sets, 3);
    assert_false(readable(&timer, 0));
    ph__timer_done(&timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_when_no_descriptor_then_errno_and_closed),
        cmocka_unit_test(test_set_when_it_fails_then_errno_and_a_retry_works),
        cmocka_unit_test(test_set_then_readable_when_due_and_not_before),
        cmocka_unit_test(test_set_when_put_off_then_no_call_and_an_earlier_time_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
