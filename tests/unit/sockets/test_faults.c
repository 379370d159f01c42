/* SPDX-License-Identifier: MIT
 *
 * The whole walk, from observer to ports, when memory or descriptors run out at any step, and
 * while sockets come and go.
 */
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Everything that allocates, from the observer to the ports. @return the first failure. */
static int run_everything(const struct ph_sockets_config *cfg)
{
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    struct ph_ports *ports = NULL;
    int err = ph_sockets_new(&sockets, cfg);
    if (err == 0) {
        err = ph_sockets_snapshot(sockets, 0, &snapshot);
    }
    if (err == 0) {
        err = ph_snapshot_owners(snapshot);
    }
    if (err == 0) {
        err = ph_ports_new(&ports, snapshot);
    }
    ph_ports_free(ports);
    ph_snapshot_unref(snapshot);
    ph_sockets_free(sockets);
    return err;
}

static void sweep_allocations(const struct ph_sockets_config *cfg)
{
    int failures = 0;
    for (int i = 0;; i++) {
        fail_allocations(i, false);
        int err = run_everything(cfg);
        if (!stop_failing()) {
            assert_int_equal(err, 0);
            break;
        }
        /* Names of users and services are left out without memory; all else fails. */
        assert_true(err == -ENOMEM || err == 0);
        failures += err == -ENOMEM;
    }
    assert_true(failures > 10);
}

/* A /proc with one process: the real one may have thousands, which are not to the point here. */
static void make_small_proc(struct proc_root *root)
{
    proc_root_make(root);
    proc_root_write(root, "net/tcp",
                    TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 100\n");
    proc_root_write(root, "net/unix",
                    UNIX_HEADING "0: 00000003 00000000 00010000 0001 01 200 /run/x\n");
    proc_root_process(root, 1, "init", 0);
    proc_root_link(root, "1/fd/3", "socket:[100]");
    proc_root_write(root, "1/cgroup", "0::/init.scope\n");
}

static void test_everything_when_out_of_memory_anywhere_then_enomem(void **state)
{
    (void)state;
    struct proc_root root;
    union any_address address;
    socklen_t size;
    int listener = open_listener(AF_INET, 5, &address, &size);
    int client = open_connected(&address, size);
    make_small_proc(&root);
    sweep_allocations(&(struct ph_sockets_config){.proc_root = root.path});
    sweep_allocations(&(struct ph_sockets_config){.proc_root = root.path, .procfs_only = true});
    proc_root_remove(&root);
    close(client);
    close(listener);
}

static void test_everything_when_out_of_descriptors_anywhere_then_emfile(void **state)
{
    (void)state;
    struct rlimit limit;
    struct proc_root root;
    make_small_proc(&root);
    struct ph_sockets_config cfg = {.proc_root = root.path};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = limit;
    int lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    int err = -EMFILE;
    int failures = 0;
    for (low.rlim_cur = (rlim_t)lowest; err != 0; low.rlim_cur++) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        err = run_everything(&cfg);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_true(err == 0 || err == -EMFILE);
        failures += err == -EMFILE;
    }
    assert_true(failures >= 2);
    proc_root_remove(&root);
}

/* Sockets that come and go while the tables are read. */
struct churn {
    pthread_t thread;
    union any_address address;
    socklen_t size;
    atomic_bool stop;
    atomic_uint rounds;
};

static void *open_and_close(void *user)
{
    struct churn *churn = user;
    while (!atomic_load(&churn->stop)) {
        int pair[2];
        /* Not to wait when the accept queue is full. */
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool paired = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
        struct linger at_once = {.l_onoff = 1};
        if (tcp >= 0 && udp >= 0 && paired) {
            setsockopt(tcp, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            (void)connect(udp, &churn->address.plain, churn->size);
            (void)connect(tcp, &churn->address.plain, churn->size);
        }
        close(tcp);
        close(udp);
        if (paired) {
            close(pair[0]);
            close(pair[1]);
        }
        atomic_fetch_add(&churn->rounds, 1);
    }
    return NULL;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void assert_no_duplicates(const struct ph_snapshot *snapshot)
{
    size_t count = ph_snapshot_count(snapshot);
    uint64_t *cookies = malloc(count * sizeof *cookies);
    assert_non_null(cookies);
    for (size_t i = 0; i < count; i++) {
        cookies[i] = ph_snapshot_at(snapshot, i)->cookie;
        assert_true(cookies[i] != 0);
    }
    qsort(cookies, count, sizeof *cookies, compare_numbers);
    for (size_t i = 1; i < count; i++) {
        assert_true(cookies[i] != cookies[i - 1]);
    }
    free(cookies);
}

static void test_snapshot_when_sockets_come_and_go_then_no_duplicate_and_none_missed(void **state)
{
    (void)state;
    enum { LASTING = 400, UNIX_LASTING = 200, SNAPSHOTS = 40 };
    static int lasting[LASTING + UNIX_LASTING];
    struct churn churn = {.size = 0};
    int listener = open_listener(AF_INET, 100, &churn.address, &churn.size);
    for (int i = 0; i < LASTING; i += 2) {
        lasting[i] = open_connected(&churn.address, churn.size);
        lasting[i + 1] = accept(listener, NULL, NULL);
        assert_true(lasting[i + 1] >= 0);
    }
    for (int i = LASTING; i < LASTING + UNIX_LASTING; i += 2) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &lasting[i]), 0);
    }
    assert_int_equal(pthread_create(&churn.thread, NULL, open_and_close, &churn), 0);
    for (int i = 0; i < SNAPSHOTS; i++) {
        unsigned before = atomic_load(&churn.rounds);
        while (atomic_load(&churn.rounds) == before) {
        }
        struct ph_snapshot *snapshot = take_snapshot(NULL);
        assert_no_duplicates(snapshot);
        for (int k = 0; k < LASTING + UNIX_LASTING; k++) {
            assert_non_null(find_fd(snapshot, lasting[k]));
        }
        ph_snapshot_unref(snapshot);
    }
    atomic_store(&churn.stop, true);
    assert_int_equal(pthread_join(churn.thread, NULL), 0);
    for (int i = 0; i < LASTING + UNIX_LASTING; i++) {
        close(lasting[i]);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_when_out_of_memory_anywhere_then_enomem),
        cmocka_unit_test(test_everything_when_out_of_descriptors_anywhere_then_emfile),
        cmocka_unit_test(test_snapshot_when_sockets_come_and_go_then_no_duplicate_and_none_missed),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
