/* SPDX-License-Identifier: MIT
 *
 * Snapshots of a machine that does not hold still: other processes open and close sockets of all
 * kinds, and begin and end, while it is looked at. What lives all the time has to be in each, once.
 *
 * In a network namespace, with processes of its own, which are ended by their pid and end by
 * themselves with this one.
 */
#include "support.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVING = 60, CHURNERS = 2, HELD = 400, SNAPSHOTS = 30, FDS_MAX = LIVING * 6 + 1 };

struct living {
    int fds[FDS_MAX];
    size_t count;
    union any_address address;
    socklen_t size;
};

static void keep(struct living *living, int fd)
{
    assert_true(fd >= 0 && living->count < FDS_MAX);
    living->fds[living->count++] = fd;
}

static void open_living(struct living *living)
{
    int listener = open_listener(AF_INET, 1000, &living->address, &living->size);
    keep(living, listener);
    for (int i = 0; i < LIVING; i++) {
        union any_address ignored;
        socklen_t size;
        int pair[2];
        keep(living, open_connected(&living->address, living->size));
        keep(living, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
        keep(living, open_bound(i % 2 ? AF_INET : AF_INET6, SOCK_DGRAM, &ignored, &size));
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        keep(living, pair[0]);
        keep(living, pair[1]);
    }
}

/* One more socket, chosen by its number; connections leave nothing behind. */
static int open_one(const struct sockaddr *address, socklen_t size, unsigned number)
{
    static const struct linger reset = {.l_onoff = 1};
    static const struct sockaddr_in any = {.sin_family = AF_INET};
    if (number % 4 == 3) {
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    bool stream = number % 4 != 2;
    int fd = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd >= 0 && stream) {
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        (void)connect(fd, address, size);
    } else if (fd >= 0) {
        (void)bind(fd, (const struct sockaddr *)&any, sizeof any);
    }
    return fd;
}

/* Opens and closes for ever; now and then another process has them for a moment, too. */
static void churn(const struct sockaddr *address, socklen_t size)
{
    static int fds[HELD];
    memset(fds, -1, sizeof fds);
    for (unsigned number = 0;; number++) {
        int *place = &fds[number * 7919 % HELD];
        if (*place >= 0) {
            close(*place);
        }
        *place = open_one(address, size, number);
        if (number % 512 == 0) {
            pid_t child = fork();
            if (child == 0) {
                _exit(0);
            }
            (void)waitpid(child, NULL, 0);
        }
    }
}

static int listen_for_churn(union any_address *ret_address, socklen_t *ret_size)
{
    return open_listener(AF_INET, 4096, ret_address, ret_size);
}

static pid_t start_churn(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        union any_address address;
        socklen_t size;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        if (getppid() != parent || listen_for_churn(&address, &size) < 0) {
            _exit(1);
        }
        churn(&address.plain, size);
    }
    return child;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static void assert_no_duplicates(const struct ph_snapshot *snapshot)
{
    size_t count = ph_snapshot_count(snapshot);
    uint64_t *cookies = calloc(count + 1, sizeof *cookies);
    assert_non_null(cookies);
    for (size_t i = 0; i < count; i++) {
        cookies[i] = ph_snapshot_at(snapshot, i)->cookie;
    }
    qsort(cookies, count, sizeof *cookies, compare_numbers);
    for (size_t i = 1; i < count; i++) {
        assert_true(cookies[i] == 0 || cookies[i] != cookies[i - 1]);
    }
    free(cookies);
}

static size_t count_inode(const struct ph_snapshot *snapshot, uint64_t inode)
{
    size_t count = 0;
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        count += ph_snapshot_at(snapshot, i)->inode == inode;
    }
    return count;
}

static void assert_living(const struct living *living, const struct ph_snapshot *snapshot)
{
    for (size_t i = 0; i < living->count; i++) {
        if (count_inode(snapshot, inode_of(living->fds[i])) != 1) {
            fail_msg("socket %zu of %zu is not there once", i, living->count);
        }
    }
}

static void assert_owned(const struct living *living, struct ph_snapshot *snapshot)
{
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        for (uint32_t k = 0; k < row->owner_count; k++) {
            struct ph_owner owner = ph_snapshot_owner(snapshot, row, k);
            assert_true(owner.process->pid > 0 && owner.process->command);
        }
    }
    for (size_t i = 0; i < living->count; i += 7) {
        const struct ph_socket *row = find_fd(snapshot, living->fds[i]);
        assert_non_null(row);
        assert_true(has_owner(snapshot, row, getpid(), living->fds[i]));
    }
}

static void end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_snapshot_when_others_open_and_close_then_what_lives_is_there_once(void **state)
{
    (void)state;
    static struct living living;
    pid_t churners[CHURNERS];
    struct ph_sockets *sockets = NULL;
    size_t most = 0;
    if (!enter_namespace()) {
        skip_because("namespaces are not allowed");
    }
    for (size_t i = 0; i < CHURNERS; i++) {
        churners[i] = start_churn();
    }
    open_living(&living);
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    for (int i = 0; i < SNAPSHOTS; i++) {
        struct ph_snapshot *snapshot = NULL;
        assert_int_equal(ph_sockets_snapshot(sockets, 0, &snapshot), 0);
        most = ph_snapshot_count(snapshot) > most ? ph_snapshot_count(snapshot) : most;
        assert_no_duplicates(snapshot);
        assert_living(&living, snapshot);
        if (i % 5 == 0) {
            assert_owned(&living, snapshot);
        }
        ph_snapshot_unref(snapshot);
    }
    for (size_t i = 0; i < CHURNERS; i++) {
        end(churners[i]);
    }
    assert_true(most > living.count + HELD); /* else nobody churned */
    ph_sockets_free(sockets);
    while (living.count > 0) {
        close(living.fds[--living.count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_when_others_open_and_close_then_what_lives_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
