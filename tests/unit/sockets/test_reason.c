/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/cmocka.h"
#include "support/descriptor.h"
#include "support/namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
    static struct proc_root root;
    proc_root_listener(&root);
    *state = &root;
    return 0;
}

static int tear_down(void **state)
{
    proc_root_remove(*state);
    return 0;
}

static void test_reason_when_processes_are_hidden_then_permission(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp", tcp_listener);
    assert_int_equal(reason_of(&root, 0), PH_OWNER_UNKNOWN_PERMISSION);
    proc_root_remove(&root);
}

static void test_reason_when_inside_a_pid_namespace_then_other_namespace(void **state)
{
    proc_root_link(*state, "self/ns/pid", "pid:[4026532001]");
    assert_int_equal(reason_of(*state, 1), PH_OWNER_UNKNOWN_OTHER_NAMESPACE);
}

static void test_reason_when_outmost_then_kernel(void **state)
{
    proc_root_link(*state, "self/ns/pid", "pid:[4026531836]");
    assert_int_equal(reason_of(*state, 1), PH_OWNER_UNKNOWN_KERNEL);
}

static void test_reason_when_descriptors_are_in_a_message_then_in_flight(void **state)
{
    struct proc_root *root = *state;
    proc_root_write(root, "net/unix", UNIX_HEADING "0: 00000003 00000000 00000000 0001 03 200\n");
    proc_root_link(root, "50/fd/9", "socket:[200]");
    proc_root_write(root, "50/fdinfo/9", "pos:\t0\nflags:\t02\nscm_fds: 0\n");
    assert_int_equal(reason_of(root, 1), PH_OWNER_UNKNOWN_KERNEL);
    proc_root_write(root, "50/fdinfo/9", "pos:\t0\nflags:\t02\nscm_fds: 2\n");
    assert_int_equal(reason_of(root, 1), PH_OWNER_UNKNOWN_IN_FLIGHT);
}

static void test_reason_without_inode_are_told_by_state(void **state)
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

static void test_reason_when_closed_since_then_orphan(void **state)
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
    proc_root_write(root, "net/tcp", tcp_listener);
    snapshot = take_from(root);
    assert_int_equal(unlink(path), 0); /* cannot be read again: nobody is declared closed */
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_unknown, PH_OWNER_UNKNOWN_KERNEL);
    ph_snapshot_unref(snapshot);
}

/* Sockets without inode must not make one long chain in an index: this would take minutes. */
static void test_reason_when_very_many_have_no_inode_then_still_linear(void **state)
{
    enum { COUNT = 60000, LINE = 80 };
    struct proc_root *root = *state;
    char *table = malloc((size_t)COUNT * LINE + 1000);
    assert_non_null(table);
    char *at = table + snprintf(table, COUNT, "%s", tcp_listener);
    for (unsigned i = 0; i < COUNT; i++) {
        at += snprintf(at, LINE, "   2: 0100007F:0050 0100007F:%04X 06 0:0 3:0 0 0 0 0\n", i);
    }
    proc_root_write(root, "net/tcp", table);
    free(table);
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_count(snapshot), COUNT + 2);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 1);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_unknown, PH_OWNER_UNKNOWN_KERNEL);
    assert_int_equal(ph_snapshot_at(snapshot, 5)->owner_unknown, PH_OWNER_UNKNOWN_TIME_WAIT);
    ph_snapshot_unref(snapshot);
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
        skip_because("only root can act as another user");
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
        TEST(test_reason_when_processes_are_hidden_then_permission),
        TEST(test_reason_when_inside_a_pid_namespace_then_other_namespace),
        TEST(test_reason_when_outmost_then_kernel),
        TEST(test_reason_when_descriptors_are_in_a_message_then_in_flight),
        TEST(test_reason_without_inode_are_told_by_state),
        TEST(test_reason_when_closed_since_then_orphan),
        TEST(test_reason_when_very_many_have_no_inode_then_still_linear),
        cmocka_unit_test(test_real_socket_before_accept_and_after_close),
        cmocka_unit_test(test_real_socket_inside_a_message_is_in_flight),
        cmocka_unit_test(test_real_socket_of_another_user_is_a_matter_of_permission),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
