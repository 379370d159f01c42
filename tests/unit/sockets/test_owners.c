/* SPDX-License-Identifier: MIT */
#include "sockets/process.h"

#include "support.h"
#include "support/cmocka.h"

#include "sockets/files.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int allocations_left = -1;  /* negative: all succeed */
static const char *refused_folder; /* opening it fails with `refusal` */
static const char *refused_link;   /* reading it fails with `refusal` */
static int refusal;                /* errno */
static int later_start;            /* added to every second start time that is read */
static atomic_uint scans;          /* of the list of processes */

static bool may_allocate(void)
{
    if (allocations_left == 0) {
        return false;
    }
    allocations_left -= allocations_left > 0;
    return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return may_allocate() ? __real_realloc(old, size) : NULL;
}

int __real_ph__files_open_folder(int folder, const char *path);
int __wrap_ph__files_open_folder(int folder, const char *path);
int __wrap_ph__files_open_folder(int folder, const char *path)
{
    atomic_fetch_add(&scans, strcmp(path, ".") == 0);
    if (refused_folder && strcmp(path, refused_folder) == 0) {
        return -refusal;
    }
    return __real_ph__files_open_folder(folder, path);
}

ssize_t __real_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size)
{
    if (refused_link && strcmp(path, refused_link) == 0) {
        errno = refusal;
        return -1;
    }
    return __real_readlinkat(folder, path, buffer, size);
}

int __real_ph__process_start(int folder, const char *path, uint64_t *ret_start);
int __wrap_ph__process_start(int folder, const char *path, uint64_t *ret_start);
int __wrap_ph__process_start(int folder, const char *path, uint64_t *ret_start)
{
    int err = __real_ph__process_start(folder, path, ret_start);
    if (err == 0 && strcmp(path, "..") != 0) {
        *ret_start += (uint64_t)later_start;
    }
    return err;
}

/* ---- on a folder that stands for /proc ---- */

static const char tcp_table[] =
    TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 100\n"
                "   1: 0100007F:0050 0100007F:9C40 01 0:0 0:0 0 0 0 101\n";

static int set_up(void **state)
{
    static struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp", tcp_table);
    proc_root_process(&root, 1, "init", 0);
    proc_root_process(&root, 50, "srv", 33);
    proc_root_link(&root, "50/fd/0", "/dev/null");
    proc_root_link(&root, "50/fd/3", "socket:[100]");
    proc_root_link(&root, "50/fd/5", "socket:[100]");
    refused_folder = refused_link = NULL;
    later_start = 0;
    *state = &root;
    return 0;
}

static int tear_down(void **state)
{
    proc_root_remove(*state);
    return 0;
}

static struct ph_snapshot *take_with_owners(const struct proc_root *root)
{
    struct ph_snapshot *snapshot = take_from(root);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    return snapshot;
}

static enum ph_owner_unknown reason_of(const struct proc_root *root, size_t row)
{
    struct ph_snapshot *snapshot = take_with_owners(root);
    const struct ph_socket *socket = ph_snapshot_at(snapshot, row);
    assert_non_null(socket);
    enum ph_owner_unknown reason = socket->owner_unknown;
    ph_snapshot_unref(snapshot);
    return reason;
}

static void test_owners_when_out_of_memory_then_enomem_and_tried_again(void **state)
{
    struct ph_snapshot *snapshot = take_from(*state);
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        allocations_left = fails;
        err = ph_snapshot_owners(snapshot);
        allocations_left = -1;
        assert_true(err == 0 || err == -ENOMEM);
    }
    assert_true(fails > 5);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_out_of_descriptors_then_error_and_tried_again(void **state)
{
    struct proc_root *root = *state;
    struct ph_snapshot *snapshot = take_from(root);
    const char *const folders[] = {root->path, ".", "50/fd"};
    for (size_t i = 0; i < 3; i++) {
        refused_folder = folders[i];
        refusal = i % 2 ? ENFILE : EMFILE;
        assert_int_equal(ph_snapshot_owners(snapshot), -refusal);
    }
    refused_folder = NULL;
    refused_link = "3";
    refusal = ENOMEM;
    assert_int_equal(ph_snapshot_owners(snapshot), -ENOMEM);
    refused_link = NULL;
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 0);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_process_may_not_be_read_then_permission(void **state)
{
    refused_folder = "50/fd";
    refusal = EACCES;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
    refusal = EPERM;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
    refused_folder = NULL;
    refused_link = "3"; /* the folder can be listed, its links not be read */
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
}

static void test_owners_when_processes_are_hidden_then_permission(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp", tcp_table);
    assert_int_equal(reason_of(&root, 0), PH_OWNER_UNKNOWN_PERMISSION);
    proc_root_remove(&root);
}

static void test_owners_when_pid_was_recycled_then_nobody_is_blamed(void **state)
{
    later_start = 1;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_KERNEL);
    later_start = 0;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_NONE);
}

static void test_owners_when_process_or_descriptor_vanishes_then_left_out(void **state)
{
    struct proc_root *root = *state;
    refused_folder = "50/fd";
    refusal = ENOENT;
    assert_int_equal(reason_of(root, 0), PH_OWNER_UNKNOWN_KERNEL);
    refused_folder = NULL;
    refused_link = "3";
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 1);
    ph_snapshot_unref(snapshot);
    refused_link = NULL;
    proc_root_write(root, "50/status", "Name:\tsrv\n"); /* ended between two files */
    assert_int_equal(reason_of(root, 0), PH_OWNER_UNKNOWN_KERNEL);
}

static void test_owners_when_inside_a_pid_namespace_then_other_namespace(void **state)
{
    proc_root_link(*state, "self/ns/pid", "pid:[4026532001]");
    assert_int_equal(reason_of(*state, 1), PH_OWNER_UNKNOWN_OTHER_NAMESPACE);
}

static void test_owners_when_outmost_then_kernel(void **state)
{
    proc_root_link(*state, "self/ns/pid", "pid:[4026531836]");
    assert_int_equal(reason_of(*state, 1), PH_OWNER_UNKNOWN_KERNEL);
}

static void test_owners_when_descriptors_are_in_a_message_then_in_flight(void **state)
{
    struct proc_root *root = *state;
    proc_root_write(root, "net/unix", UNIX_HEADING "0: 00000003 00000000 00000000 0001 03 200\n");
    proc_root_link(root, "50/fd/9", "socket:[200]");
    proc_root_write(root, "50/fdinfo/9", "pos:\t0\nflags:\t02\nscm_fds: 0\n");
    assert_int_equal(reason_of(root, 1), PH_OWNER_UNKNOWN_KERNEL);
    proc_root_write(root, "50/fdinfo/9", "pos:\t0\nflags:\t02\nscm_fds: 2\n");
    assert_int_equal(reason_of(root, 1), PH_OWNER_UNKNOWN_IN_FLIGHT);
}

static void test_owners_without_inode_are_told_by_state(void **state)
{
    static const struct {
        const char *row;
        enum ph_owner_unknown reason;
    } cases[] = {
        {"   0: 0100007F:0050 0100007F:9C40 01 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_NOT_ACCEPTED},
        {"   0: 0100007F:9C40 0100007F:0050 01 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_ORPHAN},
        {"   0: 0100007F:0050 0100007F:9C40 08 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_NOT_ACCEPTED},
        {"   0: 0100007F:0050 0100007F:9C40 03 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_HANDSHAKE},
        {"   0: 0100007F:0050 0100007F:9C40 06 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_TIME_WAIT},
        {"   0: 0100007F:0050 0100007F:9C40 04 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_ORPHAN},
        {"   0: 0100007F:0050 0100007F:9C40 05 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_ORPHAN},
        {"   0: 0100007F:0050 0100007F:9C40 09 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_ORPHAN},
        {"   0: 0100007F:0050 0100007F:9C40 0B 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_ORPHAN},
        {"   0: 0100007F:0050 00000000:0000 0A 0:0 0:0 0 0 0 0\n", PH_OWNER_UNKNOWN_KERNEL},
    };
    struct proc_root *root = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char table[256];
        snprintf(table, sizeof table, "%s%s", TCP_HEADING, cases[i].row);
        proc_root_write(root, "net/tcp", table);
        assert_int_equal(reason_of(root, 0), cases[i].reason);
    }
}

static void test_owners_when_closed_since_then_orphan(void **state)
{
    struct proc_root *root = *state;
    struct ph_snapshot *snapshot = take_from(root);
    proc_root_write(root, "net/tcp",
                    TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 100\n");
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_unknown, PH_OWNER_UNKNOWN_NONE);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_unknown, PH_OWNER_UNKNOWN_ORPHAN);
    ph_snapshot_unref(snapshot);

    char path[100];
    snprintf(path, sizeof path, "%s/net/tcp", root->path);
    proc_root_write(root, "net/tcp", tcp_table);
    snapshot = take_from(root);
    assert_int_equal(unlink(path), 0); /* cannot be read again: nobody is declared closed */
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_unknown, PH_OWNER_UNKNOWN_KERNEL);
    ph_snapshot_unref(snapshot);
}

/* Sockets without inode must not make one long chain in an index: this would take minutes. */
static void test_owners_when_very_many_have_no_inode_then_still_linear(void **state)
{
    enum { COUNT = 60000, LINE = 80 };
    struct proc_root *root = *state;
    char *table = malloc((size_t)COUNT * LINE + 1000);
    assert_non_null(table);
    char *at = table + sprintf(table, "%s", tcp_table);
    for (unsigned i = 0; i < COUNT; i++) {
        at += sprintf(at, "   2: 0100007F:0050 0100007F:%04X 06 0:0 3:0 0 0 0 0\n", i);
    }
    proc_root_write(root, "net/tcp", table);
    free(table);
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_count(snapshot), COUNT + 2);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_unknown, PH_OWNER_UNKNOWN_KERNEL);
    assert_int_equal(ph_snapshot_at(snapshot, 5)->owner_unknown, PH_OWNER_UNKNOWN_TIME_WAIT);
    ph_snapshot_unref(snapshot);
}

static void test_owners_all_are_kept_with_what_is_known_of_them(void **state)
{
    struct proc_root *root = *state;
    proc_root_process(root, 60, "x) S 1 (y", 4294967294U);
    proc_root_link(root, "60/fd/7", "socket:[100]");
    proc_root_write(root, "50/cgroup", "0::/system.slice/srv.service\n");
    struct ph_snapshot *snapshot = take_with_owners(root);
    const struct ph_socket *socket = ph_snapshot_at(snapshot, 0);
    assert_int_equal(socket->owner_count, 3);
    assert_int_equal(socket->owner_unknown, PH_OWNER_UNKNOWN_NONE);
    assert_true(has_owner(snapshot, socket, 50, 3));
    assert_true(has_owner(snapshot, socket, 50, 5));
    assert_true(has_owner(snapshot, socket, 60, 7));
    for (uint32_t i = 0; i < 3; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (process->pid == 50) {
            assert_string_equal(process->command, "srv");
            assert_int_equal(process->uid, 33);
            assert_string_equal(process->unit, "srv.service");
            assert_null(process->container);
        } else {
            assert_string_equal(process->command, "x) S 1 (y");
            assert_null(process->user);
            assert_null(process->unit);
        }
    }
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_names_are_hostile_then_ignored(void **state)
{
    struct proc_root *root = *state;
    proc_root_process(root, 70, "\x1b[31m\n\n", 0);
    static const char *const links[] = {
        "socket:[",   "socket:[x]", "socket:[-1]", "socket:", "socket:[99999999999999999999999]",
        "socket:[0]", "x"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "70/fd/%zu", i);
        proc_root_link(root, path, links[i]);
    }
    proc_root_link(root, "70/fd/x", "socket:[101]");
    proc_root_link(root, "70/fd/99999999999", "socket:[101]");
    proc_root_link(root, "99999999999/fd/1", "socket:[101]");
    proc_root_link(root, "12x/fd/1", "socket:[101]");
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_count, 0);
    ph_snapshot_unref(snapshot);
}

static void *ask_for_owners(void *snapshot)
{
    return (void *)(intptr_t)ph_snapshot_owners(snapshot);
}

static void test_owners_when_many_ask_then_one_scan(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    struct ph_snapshot *snapshot = take_from(*state);
    atomic_store(&scans, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_owners, snapshot), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(atomic_load(&scans), 1);
    ph_snapshot_unref(snapshot);
}

/* ---- on this machine ---- */

static void test_real_socket_of_two_processes_has_both(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int hold[2];
    int listener = open_listener(AF_INET, 5, &address, &size);
    int copy = dup(listener);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) < 0); /* until the parent closes its end */
    }
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    const struct ph_socket *row = find_fd(snapshot, listener);
    assert_non_null(row);
    assert_int_equal(row->owner_count, 4);
    assert_true(has_owner(snapshot, row, getpid(), listener));
    assert_true(has_owner(snapshot, row, getpid(), copy));
    assert_true(has_owner(snapshot, row, child, listener));
    assert_true(has_owner(snapshot, row, child, copy));
    const struct ph_process *process = ph_snapshot_owner(snapshot, row, 0).process;
    assert_int_equal(process->uid, geteuid());
    assert_non_null(strstr("test_sockets_owners", process->command));
    ph_snapshot_unref(snapshot);
    close(hold[0]);
    close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(copy);
    close(listener);
}

static void test_real_socket_before_accept_and_after_close(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int listener = open_listener(AF_INET, 5, &address, &size);
    int waiting = open_connected(&address, size);
    unsigned port = local_port(listener);
    unsigned client_port = local_port(waiting);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    const struct ph_socket *row =
        find_ports(snapshot, PH_PROTOCOL_TCP, PH_STATE_ESTABLISHED, port, client_port);
    assert_non_null(row);
    assert_int_equal(row->owner_unknown, PH_OWNER_UNKNOWN_NOT_ACCEPTED);
    assert_int_equal(row->direction, PH_DIRECTION_INBOUND);
    assert_ptr_equal(ph_snapshot_peer(snapshot, row), find_fd(snapshot, waiting));
    ph_snapshot_unref(snapshot);

    /* Closed with the other end still open: the kernel finishes what no process owns. */
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    close(waiting);
    await_readable(server);
    snapshot = await_row(NULL, PH_PROTOCOL_TCP, PH_STATE_FIN_WAIT2, client_port, port, &row);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(row->owner_unknown, PH_OWNER_UNKNOWN_ORPHAN);
    row = find_fd(snapshot, server);
    assert_int_equal(row->state, PH_STATE_CLOSE_WAIT);
    assert_true(has_owner(snapshot, row, getpid(), server));
    ph_snapshot_unref(snapshot);

    /* Both ends closed: time_wait on the side that closed first. */
    close(server);
    snapshot = await_row(NULL, PH_PROTOCOL_TCP, PH_STATE_TIME_WAIT, client_port, port, &row);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(row->owner_unknown, PH_OWNER_UNKNOWN_TIME_WAIT);
    assert_int_equal(row->direction, PH_DIRECTION_OUTBOUND);
    assert_false(row->uid_known);
    ph_snapshot_unref(snapshot);
    close(listener);
}

static void send_descriptor(int over, int fd)
{
    char byte = 'x';
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    assert_int_equal(sendmsg(over, &message, 0), 1);
}

static void test_real_socket_inside_a_message_is_in_flight(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int pair[2];
    int listener = open_listener(AF_INET, 5, &address, &size);
    unsigned port = local_port(listener);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    send_descriptor(pair[0], listener);
    close(listener);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    const struct ph_socket *row = find_ports(snapshot, PH_PROTOCOL_TCP, PH_STATE_LISTEN, port, 0);
    assert_non_null(row);
    assert_int_equal(row->owner_count, 0);
    assert_int_equal(row->owner_unknown, PH_OWNER_UNKNOWN_IN_FLIGHT);
    ph_snapshot_unref(snapshot);
    close(pair[0]);
    close(pair[1]);
}

/* In a child without privileges: the parent's socket is seen, its owner is not. */
static void test_real_socket_of_another_user_is_a_matter_of_permission(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    enum { NOBODY = 65534 };
    if (geteuid() != 0) {
        skip();
    }
    int listener = open_listener(AF_INET, 5, &address, &size);
    uint64_t inode = inode_of(listener);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ph_sockets *sockets = NULL;
        struct ph_snapshot *snapshot = NULL;
        close(listener);
        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || ph_sockets_new(&sockets, NULL) < 0 ||
            ph_sockets_snapshot(sockets, 0, &snapshot) < 0 || ph_snapshot_owners(snapshot) < 0) {
            _exit(100);
        }
        for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
            const struct ph_socket *row = ph_snapshot_at(snapshot, i);
            if (row->inode == inode) {
                _exit(row->owner_count == 0 ? (int)row->owner_unknown : 101);
            }
        }
        _exit(102);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PH_OWNER_UNKNOWN_PERMISSION);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_owners_when_out_of_memory_then_enomem_and_tried_again),
        TEST(test_owners_when_out_of_descriptors_then_error_and_tried_again),
        TEST(test_owners_when_process_may_not_be_read_then_permission),
        TEST(test_owners_when_processes_are_hidden_then_permission),
        TEST(test_owners_when_pid_was_recycled_then_nobody_is_blamed),
        TEST(test_owners_when_process_or_descriptor_vanishes_then_left_out),
        TEST(test_owners_when_inside_a_pid_namespace_then_other_namespace),
        TEST(test_owners_when_outmost_then_kernel),
        TEST(test_owners_when_descriptors_are_in_a_message_then_in_flight),
        TEST(test_owners_without_inode_are_told_by_state),
        TEST(test_owners_when_closed_since_then_orphan),
        TEST(test_owners_when_very_many_have_no_inode_then_still_linear),
        TEST(test_owners_all_are_kept_with_what_is_known_of_them),
        TEST(test_owners_when_names_are_hostile_then_ignored),
        TEST(test_owners_when_many_ask_then_one_scan),
        cmocka_unit_test(test_real_socket_of_two_processes_has_both),
        cmocka_unit_test(test_real_socket_before_accept_and_after_close),
        cmocka_unit_test(test_real_socket_inside_a_message_is_in_flight),
        cmocka_unit_test(test_real_socket_of_another_user_is_a_matter_of_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
