/* SPDX-License-Identifier: MIT
 *
 * What a scan takes over from the one before. A child holds many sockets, and moves them among
 * its descriptors when told to; the number of descriptors stays the same meanwhile.
 */
#include "sockets/holders.h"

#include "sockets/files.h"
#include "sockets/process.h"
#include "sockets/thread.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's sockets have descriptors that others hardly have. */
enum { FIRST_FD = 700, SOCKETS = 150, SPARE_FD = 950, ROUNDS = 100, MANY = 1200 };

static bool without_threads;
static atomic_uint links_read; /* of the child */

bool __real_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user);
bool __wrap_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user);
bool __wrap_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user)
{
    return !without_threads && __real_ph__thread_start(ret_thread, run, user);
}

ssize_t __real_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size)
{
    long fd = strtol(path, NULL, 10);
    atomic_fetch_add(&links_read, fd >= FIRST_FD && fd <= SPARE_FD);
    return __real_readlinkat(folder, path, buffer, size);
}

struct fixture {
    int proc;
    pid_t child;
    int orders; /* a byte each */
    int answers;
};

/* Moves its first socket to the spare descriptor and back, or computes until it is told to stop. */
static void obey(int orders, int answers)
{
    bool away = false;
    volatile bool computing = false;
    char order;
    while (computing || read(orders, &order, 1) == 1) {
        if (order == 'm') {
            int from = away ? SPARE_FD : FIRST_FD;
            int to = away ? FIRST_FD : SPARE_FD;
            away = !away;
            if (dup2(from, to) < 0 || close(from) < 0) {
                _exit(1);
            }
        }
        if (order == 'c' && !computing) {
            computing = true;
            (void)fcntl(orders, F_SETFL, O_NONBLOCK);
        } else if (computing) {
            if (read(orders, &order, 1) == 0) {
                _exit(0);
            }
            continue;
        }
        if (write(answers, &order, 1) != 1) {
            _exit(1);
        }
    }
    _exit(0);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    int orders[2];
    int answers[2];
    fixture.proc = ph__files_open_folder(AT_FDCWD, "/proc");
    assert_true(fixture.proc >= 0);
    assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
    assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
    without_threads = false;
    fixture.child = fork();
    assert_true(fixture.child >= 0);
    if (fixture.child == 0) {
        close(orders[1]);
        for (int i = 0; i < SOCKETS; i++) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (fd < 0 || dup2(fd, FIRST_FD + i) < 0 || close(fd) < 0) {
                _exit(1);
            }
        }
        char ready = 'r';
        if (write(answers[1], &ready, 1) != 1) {
            _exit(1);
        }
        obey(orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    fixture.orders = orders[1];
    fixture.answers = answers[0];
    char byte;
    assert_int_equal(read(fixture.answers, &byte, 1), 1);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->orders);
    close(fixture->answers);
    int status;
    assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
    assert_int_equal(status, 0);
    close(fixture->proc);
    return 0;
}

static void tell(const struct fixture *fixture, char order)
{
    char answer;
    assert_int_equal(write(fixture->orders, &order, 1), 1);
    assert_int_equal(read(fixture->answers, &answer, 1), 1);
}

static struct ph__holders scan(const struct fixture *fixture, const struct ph__holders *before)
{
    struct ph__holders holders;
    atomic_store(&links_read, 0);
    assert_int_equal(ph__holders_scan(&holders, fixture->proc, before, 2), 0);
    return holders;
}

static struct ph__holder *find(const struct ph__holders *holders, pid_t pid)
{
    size_t i = 0;
    while (i < holders->count && holders->items[i].pid != pid) {
        i++;
    }
    assert_true(i < holders->count);
    return &holders->items[i];
}

static uint64_t inode_at(const struct ph__holders *holders, pid_t pid, int fd)
{
    const struct ph__holder *holder = find(holders, pid);
    for (size_t i = 0; i < holder->count; i++) {
        const struct ph__holding *holding = &holders->holdings[holder->first + i];
        if (holding->fd == fd) {
            return holding->inode;
        }
    }
    return 0;
}

/* Scans until the child has gone to sleep, and been taken over. */
static struct ph__holders scan_asleep(const struct fixture *fixture)
{
    struct ph__holders holders = scan(fixture, NULL);
    do {
        struct ph__holders next = scan(fixture, &holders);
        ph__holders_done(&holders);
        holders = next;
    } while (atomic_load(&links_read) > 0);
    return holders;
}

static void test_scan_when_out_of_memory_then_enomem_everywhere(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_listener(&root);
    int proc = ph__files_open_folder(AT_FDCWD, root.path);
    struct ph__holders holders;
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        fail_allocations(fails, false);
        err = ph__holders_scan(&holders, proc, NULL, 2);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
    }
    assert_true(fails >= 2);
    assert_int_equal(holders.count, 1);
    ph__holders_done(&holders);
    close(proc);
    proc_root_remove(&root);
}

static void test_scan_when_process_has_not_run_then_taken_over(void **state)
{
    struct fixture *fixture = *state;
    struct ph__holders holders = scan_asleep(fixture);
    for (int i = 0; i < SOCKETS; i++) {
        assert_true(inode_at(&holders, fixture->child, FIRST_FD + i) > 0);
    }
    ph__holders_done(&holders);
}

/* What is remembered belongs to another process of that number, or cannot be trusted. */
static void test_scan_when_memory_is_of_another_process_then_read_again(void **state)
{
    struct fixture *fixture = *state;
    struct ph__holders before = scan_asleep(fixture);
    struct ph__holder *holder = find(&before, fixture->child);
    struct ph__holder good = *holder;
    for (int i = 0; i < 3; i++) {
        *holder = good;
        holder->start += i == 0;
        holder->clock_ns = i == 1 ? 0 : good.clock_ns + (i == 2);
        struct ph__holders holders = scan(fixture, &before);
        assert_true(atomic_load(&links_read) >= SOCKETS);
        ph__holders_done(&holders);
    }
    ph__holders_done(&before);
}

/* The answer comes before the child sleeps: often it still runs, and its clock lags behind. */
static void test_scan_when_sockets_have_moved_then_never_where_they_were(void **state)
{
    struct fixture *fixture = *state;
    struct ph__holders before = scan_asleep(fixture);
    uint64_t inode = inode_at(&before, fixture->child, FIRST_FD);
    assert_true(inode > 0);
    for (int i = 0; i < ROUNDS; i++) {
        bool away = i % 2 == 0;
        tell(fixture, 'm');
        struct ph__holders holders = scan(fixture, &before);
        assert_int_equal(inode_at(&holders, fixture->child, SPARE_FD), away ? inode : 0);
        assert_int_equal(inode_at(&holders, fixture->child, FIRST_FD), away ? 0 : inode);
        ph__holders_done(&before);
        before = holders;
    }
    ph__holders_done(&before);
}

static void test_scan_when_process_computes_then_read_each_time(void **state)
{
    struct fixture *fixture = *state;
    struct ph__holders before = scan_asleep(fixture);
    tell(fixture, 'c');
    for (int i = 0; i < 5; i++) {
        struct ph__holders holders = scan(fixture, &before);
        assert_true(atomic_load(&links_read) >= SOCKETS);
        ph__holders_done(&before);
        before = holders;
    }
    ph__holders_done(&before);
}

/* One process with so many descriptors that two threads share its links, or one has to do. */
static void test_scan_when_links_are_many_then_all_are_read(void **state)
{
    struct fixture *fixture = *state;
    int fds[MANY];
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(socket_fd >= 0);
    for (int i = 0; i < MANY; i++) {
        fds[i] = fcntl(socket_fd, F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0) {
            fail_msg("descriptor %d: too low a limit", i);
        }
    }
    for (int i = 0; i < 2; i++) {
        without_threads = i == 1;
        struct ph__holders holders = scan(fixture, NULL);
        for (int k = 0; k < MANY; k++) {
            assert_true(inode_at(&holders, getpid(), fds[k]) == inode_of(socket_fd));
        }
        ph__holders_done(&holders);
    }
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
    close(socket_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_when_out_of_memory_then_enomem_everywhere),
        TEST(test_scan_when_process_has_not_run_then_taken_over),
        TEST(test_scan_when_memory_is_of_another_process_then_read_again),
        TEST(test_scan_when_sockets_have_moved_then_never_where_they_were),
        TEST(test_scan_when_process_computes_then_read_each_time),
        TEST(test_scan_when_links_are_many_then_all_are_read),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
