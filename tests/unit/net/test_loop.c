/* SPDX-License-Identifier: MIT
 *
 * The event loop on real descriptors. A wait that should find something is given a minute, one
 * that should find nothing does not wait at all.
 */
#include "net/loop.h"

#include "support/cmocka.h"
#include "support/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LONG_MS = 60000 };

/* ---- system calls that fail, or are interrupted ---- */

static int failing_create, failing_eventfd, failing_ctl, failing_wait; /* an errno; 0: works */
static int signal_before_wait;                                         /* 0: none */

int __real_epoll_create1(int flags);
int __real_eventfd(unsigned value, int flags);
int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);
int __wrap_epoll_create1(int flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);

static bool fails(int *failing)
{
    if (!*failing) {
        return false;
    }
    errno = *failing;
    *failing = 0;
    return true;
}

int __wrap_epoll_create1(int flags)
{
    return fails(&failing_create) ? -1 : __real_epoll_create1(flags);
}

int __wrap_eventfd(unsigned value, int flags)
{
    return fails(&failing_eventfd) ? -1 : __real_eventfd(value, flags);
}

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    return fails(&failing_ctl) ? -1 : __real_epoll_ctl(epoll_fd, operation, fd, event);
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms)
{
    if (signal_before_wait) {
        raise(signal_before_wait);
    }
    return fails(&failing_wait) ? -1 : __real_epoll_wait(epoll_fd, events, max, timeout_ms);
}

/* ---- fixtures ---- */

static struct ph__loop loop;
static struct ph__event events[PH__LOOP_BATCH];
static int ends[2]; /* of a stream; ends[0] is the one the loop watches */
enum { ITEM = 4711 };

static int set_up(void **state)
{
    (void)state;
    int err = ph__loop_init(&loop);
    return err < 0 ? err : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int tear_down(void **state)
{
    (void)state;
    ph__loop_done(&loop);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void wait_for_one(void)
{
    assert_int_equal(loop_wait_uninterrupted(&loop, events, LONG_MS), 1);
}

/* Waits for one event of the item and returns what it says. */
static unsigned wait_for_item(void)
{
    wait_for_one();
    assert_int_equal(events[0].item, ITEM);
    return events[0].events;
}

static void assert_nothing(void)
{
    assert_int_equal(ph__loop_wait(&loop, events, 0), 0);
}

static void send_byte(int fd)
{
    assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

static void receive_byte(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
}

/* ---- refusals ---- */

static void test_init_when_a_system_call_fails_then_its_errno_and_closed(void **state)
{
    (void)state;
    static const struct {
        int *failing;
        int error;
    } cases[] = {{&failing_create, EMFILE}, {&failing_eventfd, ENFILE}, {&failing_ctl, ENOSPC}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ph__loop broken;
        int next = dup(0);
        close(next); /* the number the next descriptor gets, if none has been lost */
        *cases[i].failing = cases[i].error;
        assert_int_equal(ph__loop_init(&broken), -cases[i].error);
        assert_int_equal(broken.epoll_fd, -1);
        assert_int_equal(broken.wake_fd, -1);
        ph__loop_done(&broken);
        int now = dup(0);
        assert_int_equal(now, next);
        close(now);
    }
}

static void test_add_when_descriptor_is_bad_then_errno(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, -1, ITEM), -EBADF);
    assert_int_equal(ph__loop_add_listener(&loop, -1, ITEM), -EBADF);
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), -EEXIST);
}

static void test_wait_when_epoll_fails_then_errno(void **state)
{
    (void)state;
    failing_wait = EBADF;
    assert_int_equal(ph__loop_wait(&loop, events, 0), -EBADF);
}

static void test_wake_when_closed_then_nothing_and_errno_stays(void **state)
{
    (void)state;
    struct ph__loop closed = PH__LOOP_CLOSED;
    errno = 4711;
    ph__loop_wake(&closed);
    assert_int_equal(errno, 4711);
    ph__loop_done(&closed);
    ph__loop_done(&closed);
}

/* ---- descriptors ---- */

static void test_wait_when_nothing_is_ready_then_zero(void **state)
{
    (void)state;
    assert_nothing();
    assert_int_equal(ph__loop_wait(&loop, events, 1), 0);
}

static void test_add_when_writable_then_announces_itself_once(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    assert_int_equal(wait_for_item(), PH__EVENT_WRITE);
    assert_nothing();
}

static void test_wait_when_bytes_come_then_one_event_each_time(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    wait_for_item();
    send_byte(ends[1]);
    assert_int_equal(wait_for_item(), PH__EVENT_READ | PH__EVENT_WRITE);
    assert_nothing(); /* edge-triggered: the byte is still there */
    send_byte(ends[1]);
    assert_true(wait_for_item() & PH__EVENT_READ);
}

static void test_wait_when_peer_shuts_down_then_hangup_and_read(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    wait_for_item();
    assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
    unsigned seen = wait_for_item();
    assert_true(seen & PH__EVENT_HANGUP);
    assert_true(seen & PH__EVENT_READ);
}

static void test_wait_when_peer_closes_then_all_events(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    wait_for_item();
    close(ends[1]);
    assert_int_equal(wait_for_item(),
                     PH__EVENT_READ | PH__EVENT_WRITE | PH__EVENT_HANGUP | PH__EVENT_DEAD);
    ends[1] = dup(ends[0]); /* for the teardown */
}

static void test_wait_when_room_comes_back_then_write(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    wait_for_item();
    static const char block[65536];
    size_t filled = 0;
    ssize_t sent;
    while ((sent = send(ends[0], block, sizeof block, MSG_NOSIGNAL)) > 0) {
        filled += (size_t)sent;
    }
    assert_int_equal(errno, EAGAIN);
    assert_true(filled > 0);
    assert_nothing();
    char sink[65536];
    while (recv(ends[1], sink, sizeof sink, 0) > 0) {
        ;
    }
    assert_true(wait_for_item() & PH__EVENT_WRITE);
}

static void test_remove_then_no_more_events_and_add_works_again(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    ph__loop_remove(&loop, ends[0]);
    send_byte(ends[1]);
    assert_nothing();
    assert_int_equal(ph__loop_add(&loop, ends[0], ITEM), 0);
    assert_true(wait_for_item() & PH__EVENT_READ);
}

static void test_listener_when_not_read_then_event_again_and_never_write(void **state)
{
    (void)state;
    assert_int_equal(ph__loop_add_listener(&loop, ends[0], ITEM), 0);
    assert_nothing();
    send_byte(ends[1]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_for_item(), PH__EVENT_READ);
    }
    receive_byte(ends[0]);
    assert_nothing();
}

static void test_wait_when_more_are_ready_than_a_batch_then_all_come_in_turn(void **state)
{
    (void)state;
    enum { PAIRS = PH__LOOP_BATCH };
    int pairs[PAIRS][2];
    bool seen[2 * PAIRS] = {0};
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
        assert_int_equal(ph__loop_add(&loop, pairs[i][0], (uint64_t)(2 * i)), 0);
        assert_int_equal(ph__loop_add(&loop, pairs[i][1], (uint64_t)(2 * i + 1)), 0);
    }
    int total = 0;
    while (total < 2 * PAIRS) {
        int count = ph__loop_wait(&loop, events, LONG_MS);
        assert_in_range(count, 1, PH__LOOP_BATCH);
        for (int i = 0; i < count; i++) {
            assert_in_range(events[i].item, 0, 2 * PAIRS - 1);
            assert_false(seen[events[i].item]);
            seen[events[i].item] = true;
        }
        total += count;
    }
    for (int i = 0; i < PAIRS; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

/* ---- wake ---- */

static void test_wake_when_several_times_then_one_event_that_says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        ph__loop_wake(&loop);
    }
    wait_for_one();
    assert_true(events[0].item == PH__LOOP_WOKEN);
    assert_nothing();
    ph__loop_wake(&loop);
    wait_for_one();
}

static void *wake(void *user)
{
    ph__loop_wake(user);
    return NULL;
}

static void test_wake_when_another_thread_waits_then_it_returns(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake, &loop), 0);
    wait_for_one();
    assert_true(events[0].item == PH__LOOP_WOKEN);
    pthread_join(thread, NULL);
}

static void wake_from_signal(int signal_number)
{
    (void)signal_number;
    ph__loop_wake(&loop);
}

static void ignore_signal(int signal_number)
{
    (void)signal_number;
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    assert_int_equal(sigaction(signal_number, &action, NULL), 0);
}

static void test_wake_when_signal_comes_just_before_the_wait_then_it_returns(void **state)
{
    (void)state;
    handle(SIGUSR1, wake_from_signal);
    signal_before_wait = SIGUSR1;
    int count = ph__loop_wait(&loop, events, -1);
    signal_before_wait = 0;
    handle(SIGUSR1, SIG_DFL);
    assert_int_equal(count, 1);
    assert_true(events[0].item == PH__LOOP_WOKEN);
}

/* The timer goes on firing, so it does not matter whether the wait has begun the first time. */
static void test_wait_when_signal_interrupts_then_zero(void **state)
{
    (void)state;
    handle(SIGALRM, ignore_signal);
    const struct itimerval often = {.it_interval = {.tv_usec = 2000},
                                    .it_value = {.tv_usec = 2000}};
    const struct itimerval never = {0};
    setitimer(ITIMER_REAL, &often, NULL);
    int count = ph__loop_wait(&loop, events, -1);
    setitimer(ITIMER_REAL, &never, NULL);
    handle(SIGALRM, SIG_DFL);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_when_a_system_call_fails_then_its_errno_and_closed),
        cmocka_unit_test_setup_teardown(test_add_when_descriptor_is_bad_then_errno, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_epoll_fails_then_errno, set_up, tear_down),
        cmocka_unit_test(test_wake_when_closed_then_nothing_and_errno_stays),
        cmocka_unit_test_setup_teardown(test_wait_when_nothing_is_ready_then_zero, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_add_when_writable_then_announces_itself_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_bytes_come_then_one_event_each_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_peer_shuts_down_then_hangup_and_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_peer_closes_then_all_events, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_room_comes_back_then_write, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_remove_then_no_more_events_and_add_works_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_listener_when_not_read_then_event_again_and_never_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_wait_when_more_are_ready_than_a_batch_then_all_come_in_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wake_when_several_times_then_one_event_that_says_so,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wake_when_another_thread_waits_then_it_returns, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_wake_when_signal_comes_just_before_the_wait_then_it_returns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wait_when_signal_interrupts_then_zero, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
