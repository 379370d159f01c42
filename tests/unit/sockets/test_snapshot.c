/* SPDX-License-Identifier: MIT
 *
 * Real sockets, seen by sock_diag and by /proc/net: what both can tell has to agree.
 */
#include "support.h"
#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct ph_sockets_config by_procfs = {.procfs_only = true};

/* One of each source, taken one after the other. */
struct both {
    struct ph_snapshot *diag;
    struct ph_snapshot *proc;
};

static struct both take_both(void)
{
    return (struct both){take_snapshot(NULL), take_snapshot(&by_procfs)};
}

static void drop(struct both *both)
{
    ph_snapshot_unref(both->diag);
    ph_snapshot_unref(both->proc);
}

static void assert_same_address(const struct ph_socket *a, const struct ph_socket *b)
{
    assert_int_equal(a->local_port, b->local_port);
    assert_memory_equal(a->local_address, b->local_address, sizeof a->local_address);
    assert_int_equal(a->has_remote, b->has_remote);
    assert_int_equal(a->remote_port, b->remote_port);
    assert_memory_equal(a->remote_address, b->remote_address, sizeof a->remote_address);
}

/* Everything that both sources tell. */
static void assert_same(const struct ph_socket *diag, const struct ph_socket *proc)
{
    assert_non_null(diag);
    assert_non_null(proc);
    assert_int_equal(diag->protocol, proc->protocol);
    assert_int_equal(diag->family, proc->family);
    assert_int_equal(diag->state, proc->state);
    assert_int_equal(diag->type, proc->type);
    assert_int_equal(diag->direction, proc->direction);
    assert_int_equal(diag->scope, proc->scope);
    assert_same_address(diag, proc);
    assert_int_equal(diag->inode, proc->inode);
    assert_int_equal(diag->abstract, proc->abstract);
    assert_int_equal(diag->path != NULL, proc->path != NULL);
    if (diag->path) {
        assert_int_equal(diag->path_size, proc->path_size);
        assert_memory_equal(diag->path, proc->path, diag->path_size);
    }
    assert_int_equal(proc->cookie, 0);
    assert_true(diag->cookie != 0);
    if (diag->protocol == PH_PROTOCOL_UNIX) {
        return; /* the table has neither users nor queues */
    }
    assert_int_equal(diag->uid, proc->uid);
    assert_int_equal(diag->uid_known, proc->uid_known);
    assert_int_equal(diag->accept_queue, proc->accept_queue);
    assert_int_equal(diag->receive_queue_bytes, proc->receive_queue_bytes);
    assert_int_equal(diag->timer, proc->timer);
    if (diag->protocol == PH_PROTOCOL_UDP) {
        assert_int_equal(diag->drops, proc->drops);
    }
}

static void assert_same_fd(const struct both *both, int fd, enum ph_state state,
                           enum ph_direction direction)
{
    const struct ph_socket *row = find_fd(both->diag, fd);
    assert_same(row, find_fd(both->proc, fd));
    assert_int_equal(row->state, state);
    assert_int_equal(row->direction, direction);
    assert_int_equal(row->uid, geteuid());
}

/* A listener, one connection accepted with five bytes in it, one that waits. */
static void check_tcp(int family)
{
    union any_address address;
    socklen_t size;
    int listener = open_listener(family, 9, &address, &size);
    int client = open_connected(&address, size);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    int waiting = open_connected(&address, size);
    assert_int_equal(write(client, "hello", 5), 5);
    await_readable(server);
    struct both both = take_both();
    assert_same_fd(&both, listener, PH_STATE_LISTEN, PH_DIRECTION_LISTEN);
    assert_same_fd(&both, client, PH_STATE_ESTABLISHED, PH_DIRECTION_OUTBOUND);
    assert_same_fd(&both, server, PH_STATE_ESTABLISHED, PH_DIRECTION_INBOUND);
    const struct ph_socket *row = find_fd(both.diag, listener);
    assert_int_equal(row->accept_queue, 1);
    assert_int_equal(row->backlog, 9);
    assert_int_equal(row->receive_queue_bytes, -1);
    assert_int_equal(row->drops, 0);
    assert_int_equal(row->scope, PH_SCOPE_LOOPBACK);
    assert_int_equal(row->v6only_known, family == AF_INET6);
    row = find_fd(both.diag, server);
    assert_int_equal(row->receive_queue_bytes, 5);
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, client));
    row = find_fd(both.proc, client);
    assert_ptr_equal(ph_snapshot_peer(both.proc, row), find_fd(both.proc, server));

    unsigned port = local_port(listener);
    unsigned from = local_port(waiting);
    row = find_ports(both.diag, PH_PROTOCOL_TCP, PH_STATE_ESTABLISHED, port, from);
    assert_same(row, find_ports(both.proc, PH_PROTOCOL_TCP, PH_STATE_ESTABLISHED, port, from));
    assert_int_equal(row->inode, 0);
    assert_int_equal(row->direction, PH_DIRECTION_INBOUND);
    drop(&both);
    close(waiting);
    close(server);
    close(client);
    close(listener);
}

static void test_tcp_over_ipv4(void **state)
{
    (void)state;
    check_tcp(AF_INET);
}

static void test_tcp_over_ipv6(void **state)
{
    (void)state;
    check_tcp(AF_INET6);
}

/* A listener on [::] answers IPv4, too: its end is mapped, the client's is not. */
static void test_tcp_when_mapped_then_ends_are_joined(void **state)
{
    (void)state;
    union any_address address = {.ipv6 = {.sin6_family = AF_INET6}};
    socklen_t size = sizeof address.ipv6;
    int off = 0;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
    assert_int_equal(bind(listener, &address.plain, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    union any_address target = {.ipv4 = {.sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)local_port(listener)),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    int client = open_connected(&target, sizeof target.ipv4);
    int server = accept(listener, NULL, NULL);
    struct both both = take_both();
    assert_same_fd(&both, server, PH_STATE_ESTABLISHED, PH_DIRECTION_INBOUND);
    assert_same_fd(&both, client, PH_STATE_ESTABLISHED, PH_DIRECTION_OUTBOUND);
    const struct ph_socket *row = find_fd(both.diag, listener);
    assert_true(row->v6only_known);
    assert_false(row->v6only);
    assert_int_equal(row->scope, PH_SCOPE_ALL);
    row = find_fd(both.diag, server);
    char text[PH_ADDRESS_TEXT];
    ph_socket_remote_address(row, text, sizeof text);
    assert_string_equal(text, "::ffff:127.0.0.1");
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, client));
    drop(&both);
    close(server);
    close(client);
    close(listener);
}

static void test_tcp_when_half_closed_and_when_time_wait(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int listener = open_listener(AF_INET, 5, &address, &size);
    int client = open_connected(&address, size);
    int server = accept(listener, NULL, NULL);
    unsigned port = local_port(listener);
    unsigned from = local_port(client);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    await_readable(server);
    const struct ph_socket *row;
    ph_snapshot_unref(await_row(NULL, PH_PROTOCOL_TCP, PH_STATE_FIN_WAIT2, from, port, &row));
    struct both both = take_both();
    assert_same_fd(&both, client, PH_STATE_FIN_WAIT2, PH_DIRECTION_OUTBOUND);
    assert_same_fd(&both, server, PH_STATE_CLOSE_WAIT, PH_DIRECTION_INBOUND);
    drop(&both);
    close(server);
    close(client);
    both.diag = await_row(NULL, PH_PROTOCOL_TCP, PH_STATE_TIME_WAIT, from, port, &row);
    both.proc = take_snapshot(&by_procfs);
    assert_same(row, find_ports(both.proc, PH_PROTOCOL_TCP, PH_STATE_TIME_WAIT, from, port));
    assert_int_equal(row->direction, PH_DIRECTION_OUTBOUND);
    assert_int_equal(row->timer, PH_TIMER_TIME_WAIT);
    assert_in_range(row->timer_expires_ms, 1, 60000);
    assert_false(row->uid_known);
    assert_int_equal(row->inode, 0);
    drop(&both);
    close(listener);
}

/* With a full accept queue the kernel drops a SYN; with deferred acceptance it keeps a finished
 * handshake waiting for data. */
static void test_tcp_handshakes(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int listener = open_listener(AF_INET, 0, &address, &size);
    int filler = open_connected(&address, size);
    int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(caller, &address.plain, size), -1);
    assert_int_equal(errno, EINPROGRESS);
    struct both both = take_both();
    assert_same_fd(&both, caller, PH_STATE_SYN_SENT, PH_DIRECTION_OUTBOUND);
    assert_int_equal(find_fd(both.diag, caller)->timer, PH_TIMER_RETRANSMIT);
    assert_int_equal(find_fd(both.diag, listener)->accept_queue, 1);
    assert_int_equal(find_fd(both.diag, listener)->backlog, 0);
    drop(&both);
    close(caller);
    close(filler);
    close(listener);

    int seconds = 30;
    listener = open_bound(AF_INET, SOCK_STREAM, &address, &size);
    assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds),
                     0);
    assert_int_equal(listen(listener, 5), 0);
    int silent = open_connected(&address, size);
    unsigned port = local_port(listener);
    unsigned from = local_port(silent);
    const struct ph_socket *row;
    both.diag = await_row(NULL, PH_PROTOCOL_TCP, PH_STATE_SYN_RECV, port, from, &row);
    both.proc = take_snapshot(&by_procfs);
    assert_same(row, find_ports(both.proc, PH_PROTOCOL_TCP, PH_STATE_SYN_RECV, port, from));
    assert_int_equal(row->direction, PH_DIRECTION_INBOUND);
    assert_false(row->uid_known);
    assert_int_equal(ph_snapshot_owners(both.diag), 0);
    assert_int_equal(row->owner_unknown, PH_OWNER_UNKNOWN_HANDSHAKE);
    drop(&both);
    close(silent);
    close(listener);
}

static void test_tcp_when_bound_but_not_listening_then_closed(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int fd = open_bound(AF_INET, SOCK_STREAM, &address, &size);
    struct both both = take_both();
    const struct ph_socket *row = find_fd(both.diag, fd);
    assert_non_null(row);
    assert_int_equal(row->state, PH_STATE_CLOSED);
    assert_int_equal(row->local_port, local_port(fd));
    assert_int_equal(row->scope, PH_SCOPE_LOOPBACK);
    assert_int_equal(row->direction, PH_DIRECTION_NONE);
    assert_false(row->has_remote);
    assert_null(find_fd(both.proc, fd)); /* /proc/net/tcp leaves these out */
    drop(&both);
    close(fd);
}

static void check_udp(int family)
{
    union any_address address;
    socklen_t size;
    int server = open_bound(family, SOCK_DGRAM, &address, &size);
    int client = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &address.plain, size), 0);
    assert_int_equal(write(client, "datagram", 8), 8);
    await_readable(server);
    struct both both = take_both();
    assert_same_fd(&both, server, PH_STATE_UNCONNECTED, PH_DIRECTION_NONE);
    assert_same_fd(&both, client, PH_STATE_CONNECTED, PH_DIRECTION_OUTBOUND);
    const struct ph_socket *row = find_fd(both.diag, server);
    assert_true(row->receive_queue_bytes > 0);
    assert_int_equal(row->scope, PH_SCOPE_LOOPBACK);
    assert_int_equal(row->drops, 0);
    drop(&both);
    close(client);
    close(server);
}

static void test_udp_over_both_families(void **state)
{
    (void)state;
    check_udp(AF_INET);
    check_udp(AF_INET6);
}

/* Its smallest buffer holds few datagrams: the others are dropped, and counted at this socket. */
static void test_udp_when_buffer_is_full_then_drops(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int least = 0;
    int server = open_bound(AF_INET, SOCK_DGRAM, &address, &size);
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    assert_int_equal(connect(client, &address.plain, size), 0);
    char data[1000] = {0};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(write(client, data, sizeof data), sizeof data);
    }
    struct both both = take_both();
    assert_same_fd(&both, server, PH_STATE_UNCONNECTED, PH_DIRECTION_NONE);
    assert_true(find_fd(both.diag, server)->drops > 0);
    drop(&both);
    close(client);
    close(server);
}

static int open_unix(int type, const char *name, size_t name_size)
{
    union any_address address = {.local = {.sun_family = AF_UNIX}};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    memcpy(address.local.sun_path, name, name_size);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_size);
    assert_int_equal(bind(fd, &address.plain, size), 0);
    return fd;
}

static int connect_unix(int type, const char *name, size_t name_size)
{
    union any_address address = {.local = {.sun_family = AF_UNIX}};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    memcpy(address.local.sun_path, name, name_size);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_size);
    assert_int_equal(connect(fd, &address.plain, size), 0);
    return fd;
}

static void test_unix_sockets(void **state)
{
    (void)state;
    struct proc_root folder; /* only a place for a path */
    proc_root_make(&folder);
    char path[100];
    int path_size = snprintf(path, sizeof path, "%s/listener", folder.path);
    int listener = open_unix(SOCK_STREAM, path, (size_t)path_size);
    assert_int_equal(listen(listener, 4), 0);
    int client = connect_unix(SOCK_STREAM, path, (size_t)path_size);
    int server = accept(listener, NULL, NULL);
    int waiting = connect_unix(SOCK_STREAM, path, (size_t)path_size);
    char name[40] = "";
    int name_size = 1 + snprintf(name + 1, sizeof name - 1, "porthole-test-%d", (int)getpid());
    int log = open_unix(SOCK_DGRAM, name, (size_t)name_size);
    int logger = connect_unix(SOCK_DGRAM, name, (size_t)name_size);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(client, "abc", 3), 3);
    struct both both = take_both();

    const struct ph_socket *row = find_fd(both.diag, listener);
    assert_same(row, find_fd(both.proc, listener));
    assert_int_equal(row->state, PH_STATE_LISTEN);
    assert_int_equal(row->accept_queue, 1);
    assert_int_equal(row->backlog, 4);
    assert_int_equal(row->path_size, path_size);
    assert_memory_equal(row->path, path, (size_t)path_size);
    assert_int_equal(row->uid, geteuid());
    assert_true(row->uid_known);
    row = find_fd(both.diag, server);
    assert_int_equal(row->direction, PH_DIRECTION_INBOUND);
    assert_int_equal(row->state, PH_STATE_ESTABLISHED);
    assert_int_equal(row->receive_queue_bytes, 3);
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, client));
    row = find_fd(both.diag, client);
    assert_int_equal(row->direction, PH_DIRECTION_OUTBOUND);
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, server));
    assert_non_null(find_fd(both.diag, waiting));
    row = find_fd(both.diag, log);
    assert_same(row, find_fd(both.proc, log));
    assert_true(row->abstract);
    assert_int_equal(row->path_size, name_size - 1);
    assert_int_equal(row->state, PH_STATE_UNCONNECTED);
    row = find_fd(both.diag, logger);
    assert_int_equal(row->state, PH_STATE_CONNECTED);
    assert_int_equal(find_fd(both.proc, logger)->state, PH_STATE_CONNECTED);
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, log));
    row = find_fd(both.diag, pair[0]);
    assert_same(row, find_fd(both.proc, pair[0]));
    assert_int_equal(row->direction, PH_DIRECTION_LOCAL);
    assert_int_equal(row->type, SOCK_SEQPACKET);
    assert_ptr_equal(ph_snapshot_peer(both.diag, row), find_fd(both.diag, pair[1]));
    drop(&both);
    int all[] = {listener, client, server, waiting, log, logger, pair[0], pair[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        close(all[i]);
    }
    proc_root_remove(&folder);
}

static void test_rows_are_counted_and_found_by_id(void **state)
{
    (void)state;
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    size_t counts[PH_PROTOCOL_COUNT][PH_STATE_COUNT] = {{0}};
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        char id[PH_SOCKET_ID_TEXT];
        counts[row->protocol][row->state]++;
        assert_true(ph_socket_id(row, id, sizeof id) > 0);
        assert_ptr_equal(ph_snapshot_find(snapshot, id), row);
    }
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        for (int k = 0; k < PH_STATE_COUNT; k++) {
            assert_int_equal(
                ph_snapshot_state_count(snapshot, (enum ph_protocol)i, (enum ph_state)k),
                counts[i][k]);
        }
    }
    assert_int_equal(ph_snapshot_state_count(snapshot, PH_PROTOCOL_COUNT, PH_STATE_LISTEN), 0);
    assert_null(ph_snapshot_at(snapshot, ph_snapshot_count(snapshot)));
    assert_string_equal(ph_snapshot_user(snapshot, 0), "root");
    assert_null(ph_snapshot_user(snapshot, 4242424242U));
    assert_string_equal(ph_snapshot_interface(snapshot, 1), "lo");
    assert_null(ph_snapshot_interface(snapshot, 0));
    assert_null(ph_snapshot_interface(snapshot, 0x7FFFFFFF));
    ph_snapshot_unref(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_over_ipv4),
        cmocka_unit_test(test_tcp_over_ipv6),
        cmocka_unit_test(test_tcp_when_mapped_then_ends_are_joined),
        cmocka_unit_test(test_tcp_when_half_closed_and_when_time_wait),
        cmocka_unit_test(test_tcp_handshakes),
        cmocka_unit_test(test_tcp_when_bound_but_not_listening_then_closed),
        cmocka_unit_test(test_udp_over_both_families),
        cmocka_unit_test(test_udp_when_buffer_is_full_then_drops),
        cmocka_unit_test(test_unix_sockets),
        cmocka_unit_test(test_rows_are_counted_and_found_by_id),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
