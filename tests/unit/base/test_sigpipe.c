/* SPDX-License-Identifier: MIT */
#include "base/sigpipe.h"

#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool is_pending(void)
{
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    return sigismember(&pending, SIGPIPE) == 1;
}

static bool is_blocked(void)
{
    sigset_t blocked;
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
    return sigismember(&blocked, SIGPIPE) == 1;
}

/* What this program would not survive outside of hold and release. */
static void write_to_nobody(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

static void test_release_when_it_was_raised_then_taken_away(void **state)
{
    sigset_t before;
    (void)state;
    ph__sigpipe_hold(&before);
    write_to_nobody();
    assert_true(is_pending());
    errno = EPIPE;
    ph__sigpipe_release(&before, true);
    assert_int_equal(errno, EPIPE);
    assert_false(is_pending());
    assert_false(is_blocked());
}

static void test_release_when_it_was_not_raised_then_does_not_wait(void **state)
{
    sigset_t before;
    (void)state;
    ph__sigpipe_hold(&before);
    errno = EAGAIN;
    ph__sigpipe_release(&before, true);
    assert_int_equal(errno, EAGAIN);
    assert_false(is_blocked());
}

/* A thread that holds it back by itself takes it by itself. */
static void test_release_when_the_thread_blocks_it_then_it_stays(void **state)
{
    sigset_t own;
    sigset_t before;
    sigset_t unused;
    (void)state;
    ph__sigpipe_hold(&own);
    ph__sigpipe_hold(&before);
    write_to_nobody();
    ph__sigpipe_release(&before, true);
    assert_true(is_pending());
    assert_true(is_blocked());
    ph__sigpipe_hold(&unused);
    ph__sigpipe_release(&own, true);
    assert_false(is_pending());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_release_when_it_was_raised_then_taken_away),
        cmocka_unit_test(test_release_when_it_was_not_raised_then_does_not_wait),
        cmocka_unit_test(test_release_when_the_thread_blocks_it_then_it_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
