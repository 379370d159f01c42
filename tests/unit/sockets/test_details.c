/* SPDX-License-Identifier: MIT
 *
 * Details of real sockets, compared with what their owner is told by getsockopt(2).
 */
#include <porthole/details.h>

#include "sockets/netlink.h"
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned dumps;  /* so far */
static int failing = 0; /* what dumps return; 0: they work */

int __real_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user);
int __wrap_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user);

int __wrap_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user)
{
    dumps++;
    return failing ? failing : __real_ph__netlink_dump(netlink, request, message, user);
}

/* A connection that has carried something both ways. */
static struct {
    int listener, client, accepted;
    struct ph_snapshot *snapshot;
} machine;

static int set_up(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    char bytes[8];
    machine.listener = open_listener(AF_INET, 5, &address, &size);
    machine.client = open_connected(&address, size);
    machine.accepted = accept4(machine.listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(machine.accepted >= 0);
    assert_int_equal(send(machine.client, "question", 8, 0), 8);
    assert_int_equal(recv(machine.accepted, bytes, sizeof bytes, MSG_WAITALL), 8);
    assert_int_equal(send(machine.accepted, "answer", 6, 0), 6);
    assert_int_equal(recv(machine.client, bytes, 6, MSG_WAITALL), 6);
    machine.snapshot = take_snapshot(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    failing = 0;
    ph_snapshot_unref(machine.snapshot);
    close(machine.listener);
    close(machine.client);
    close(machine.accepted);
    return 0;
}

/* Of all sockets, or of this one. */
static struct ph_details *details_of(const struct ph_socket *only)
{
    struct ph_details *details = NULL;
    assert_int_equal(ph_details_new(&details, machine.snapshot, only ? &only : NULL, 1), 0);
    return details;
}

static struct tcp_info info_of(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info;
}

static int option_of(int fd, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* Nothing moves on the connection meanwhile: what does not count time is the same. */
static void assert_as_getsockopt(const struct ph_details *details, int fd)
{
    const struct ph_socket *row = find_fd(machine.snapshot, fd);
    const struct tcp_info info = info_of(fd);
    char name[16] = "";
    socklen_t size = sizeof name;
    const struct {
        enum ph_detail detail;
        uint64_t expected;
    } numbers[] = {
        {PH_DETAIL_RTT_US, info.tcpi_rtt},
        {PH_DETAIL_RTTVAR_US, info.tcpi_rttvar},
        {PH_DETAIL_RTO_US, info.tcpi_rto},
        {PH_DETAIL_CWND, info.tcpi_snd_cwnd},
        {PH_DETAIL_MSS_BYTES, info.tcpi_snd_mss},
        {PH_DETAIL_PMTU_BYTES, info.tcpi_pmtu},
        {PH_DETAIL_SENT_BYTES, info.tcpi_bytes_sent - info.tcpi_bytes_retrans},
        {PH_DETAIL_ACKED_BYTES, info.tcpi_bytes_acked},
        {PH_DETAIL_RECEIVED_BYTES, info.tcpi_bytes_received},
        {PH_DETAIL_SENT_SEGMENTS, info.tcpi_segs_out},
        {PH_DETAIL_RECEIVED_SEGMENTS, info.tcpi_segs_in},
        {PH_DETAIL_SENT_DATA_SEGMENTS, info.tcpi_data_segs_out},
        {PH_DETAIL_RETRANSMISSIONS, info.tcpi_total_retrans},
        {PH_DETAIL_SEND_WSCALE, info.tcpi_snd_wscale},
        {PH_DETAIL_RECEIVE_WSCALE, info.tcpi_rcv_wscale},
        {PH_DETAIL_SACK, (info.tcpi_options & TCPI_OPT_SACK) != 0},
        {PH_DETAIL_RECEIVE_BUFFER_BYTES, (uint64_t)option_of(fd, SOL_SOCKET, SO_RCVBUF)},
        {PH_DETAIL_SEND_BUFFER_BYTES, (uint64_t)option_of(fd, SOL_SOCKET, SO_SNDBUF)},
    };
    assert_non_null(row);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(ph_details_number(details, row, numbers[i].detail), numbers[i].expected);
    }
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
    assert_string_equal(ph_details_text(details, row, PH_DETAIL_CONGESTION_CONTROL), name);
    assert_string_equal(ph_details_text(details, row, PH_DETAIL_SHUTDOWN), "none");
}

static void test_new_then_as_getsockopt_says(void **state)
{
    (void)state;
    struct ph_details *details = details_of(NULL);
    assert_as_getsockopt(details, machine.client);
    assert_as_getsockopt(details, machine.accepted);
    const struct ph_socket *listener = find_fd(machine.snapshot, machine.listener);
    assert_int_equal(ph_details_number(details, listener, PH_DETAIL_CWND), -1);
    assert_int_equal(ph_details_number(details, listener, PH_DETAIL_RECEIVE_BUFFER_BYTES),
                     option_of(machine.listener, SOL_SOCKET, SO_RCVBUF));
    ph_details_free(details);
    ph_details_free(NULL);
}

/* The one that is asked for has them, its other end has not. */
static void test_new_when_of_some_then_of_those_only(void **state)
{
    (void)state;
    const struct ph_socket *client = find_fd(machine.snapshot, machine.client);
    const struct ph_socket *accepted = find_fd(machine.snapshot, machine.accepted);
    struct ph_details *details = details_of(client);
    assert_as_getsockopt(details, machine.client);
    assert_int_equal(ph_details_number(details, accepted, PH_DETAIL_CWND), -1);
    ph_details_free(details);
    const struct ph_socket *const both[] = {client, accepted};
    assert_int_equal(ph_details_new(&details, machine.snapshot, both, 2), 0);
    assert_as_getsockopt(details, machine.client);
    assert_as_getsockopt(details, machine.accepted);
    ph_details_free(details);
}

static void test_new_when_of_each_kind_of_socket_then_found(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int pair[2];
    int udp = open_bound(AF_INET, SOCK_DGRAM, &address, &size);
    int udp6 = open_bound(AF_INET6, SOCK_DGRAM, &address, &size);
    const int tos = 0x10;
    assert_int_equal(setsockopt(udp, IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    const int fds[] = {udp, udp6, pair[0], machine.listener};
    for (size_t i = 0; i < 4; i++) {
        const struct ph_socket *row = find_fd(snapshot, fds[i]);
        struct ph_details *details = NULL;
        assert_int_equal(ph_details_new(&details, snapshot, &row, 1), 0);
        assert_int_equal(ph_details_number(details, row, PH_DETAIL_RECEIVE_BUFFER_BYTES),
                         option_of(fds[i], SOL_SOCKET, SO_RCVBUF));
        if (fds[i] == udp) {
            assert_int_equal(ph_details_number(details, row, PH_DETAIL_TOS), tos);
        }
        if (fds[i] == pair[0]) {
            assert_string_equal(ph_details_text(details, row, PH_DETAIL_SHUTDOWN), "send");
        }
        ph_details_free(details);
        close(fds[i] == machine.listener ? -1 : fds[i]);
    }
    close(pair[1]);
    ph_snapshot_unref(snapshot);
}

static void test_new_when_a_socket_is_gone_then_unknown(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int udp = open_bound(AF_INET, SOCK_DGRAM, &address, &size);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    const struct ph_socket *row = find_fd(snapshot, udp);
    struct ph_details *details = NULL;
    close(udp);
    assert_int_equal(ph_details_new(&details, snapshot, NULL, 0), 0);
    assert_int_equal(ph_details_number(details, row, PH_DETAIL_RECEIVE_BUFFER_BYTES), -1);
    ph_details_free(details);
    ph_snapshot_unref(snapshot);
}

static void test_new_when_asked_for_all_again_then_the_kernel_is_not(void **state)
{
    (void)state;
    struct ph_details *first = details_of(NULL);
    unsigned before = dumps;
    struct ph_details *second = details_of(NULL);
    assert_int_equal(dumps, before);
    ph_details_free(first);
    assert_as_getsockopt(second, machine.client);
    ph_details_free(second);
}

/* Details of a snapshot that was narrowed are those of its sockets. */
static void test_new_when_the_snapshot_is_narrowed_then_of_its_sockets(void **state)
{
    (void)state;
    struct ph_sockets *sockets = NULL;
    struct ph_filter *filter = NULL;
    char port[16];
    char problem[100];
    snprintf(port, sizeof port, "%u", local_port(machine.client));
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "local_port", port, problem, sizeof problem), 0);
    ph_snapshot_unref(machine.snapshot);
    assert_int_equal(ph_sockets_snapshot_matching(sockets, filter, PH_PROTOCOL_BIT(PH_PROTOCOL_TCP),
                                                  false, 0, &machine.snapshot),
                     0);
    struct ph_details *details = details_of(NULL);
    assert_as_getsockopt(details, machine.client);
    ph_details_free(details);
    ph_filter_free(filter);
    ph_sockets_free(sockets);
}

static void test_new_when_the_kernel_refuses_then_nothing_is_known(void **state)
{
    (void)state;
    const struct ph_socket *row = find_fd(machine.snapshot, machine.client);
    static const int refusals[] = {-ENOENT, -EPERM, -EBADMSG, -ETIMEDOUT};
    for (size_t i = 0; i < 4; i++) {
        failing = refusals[i];
        struct ph_details *details = details_of(row);
        assert_int_equal(ph_details_number(details, row, PH_DETAIL_CWND), -1);
        assert_null(ph_details_text(details, row, PH_DETAIL_CONGESTION_CONTROL));
        ph_details_free(details);
    }
}

static void test_new_when_from_procfs_then_the_kernel_is_not_asked(void **state)
{
    (void)state;
    const struct ph_sockets_config by_procfs = {.procfs_only = true};
    struct ph_snapshot *snapshot = take_snapshot(&by_procfs);
    struct ph_details *details = NULL;
    unsigned before = dumps;
    assert_int_equal(ph_details_new(&details, snapshot, NULL, 0), 0);
    assert_int_equal(dumps, before);
    assert_int_equal(ph_details_number(details, find_fd(snapshot, machine.client), PH_DETAIL_CWND),
                     -1);
    ph_details_free(details);
    ph_snapshot_unref(snapshot);
}

static void test_new_when_out_of_memory_then_enomem_and_later_again(void **state)
{
    (void)state;
    const struct ph_socket *row = find_fd(machine.snapshot, machine.client);
    for (int all = 0; all < 2; all++) {
        int left = 0;
        for (bool failed = true; failed; left++) {
            struct ph_details *details = NULL;
            fail_allocations(left, false);
            int err = ph_details_new(&details, machine.snapshot, all ? NULL : &row, 1);
            failed = stop_failing();
            assert_int_equal(err, failed ? -ENOMEM : 0);
            assert_int_equal(details == NULL, failed);
            ph_details_free(details);
        }
        assert_true(left > 3);
    }
}

static void test_new_when_out_of_descriptors_then_emfile(void **state)
{
    (void)state;
    struct ph_details *details = NULL;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int err = ph_details_new(&details, machine.snapshot, NULL, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, -EMFILE);
    assert_null(details);
}

static void test_map_names_are_different_and_described(void **state)
{
    (void)state;
    for (int i = 0; i < PH_DETAIL_COUNT; i++) {
        enum ph_detail detail = (enum ph_detail)i;
        assert_true(strlen(ph_detail_description(detail)) > 5);
        assert_non_null(ph_detail_ss_name(detail));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(ph_detail_name((enum ph_detail)k), ph_detail_name(detail));
        }
    }
    assert_int_equal(ph_detail_kind(PH_DETAIL_SACK), PH_DETAIL_BOOLEAN);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_new_then_as_getsockopt_says),
        EACH(test_new_when_of_some_then_of_those_only),
        EACH(test_new_when_of_each_kind_of_socket_then_found),
        EACH(test_new_when_a_socket_is_gone_then_unknown),
        EACH(test_new_when_asked_for_all_again_then_the_kernel_is_not),
        EACH(test_new_when_the_snapshot_is_narrowed_then_of_its_sockets),
        EACH(test_new_when_the_kernel_refuses_then_nothing_is_known),
        EACH(test_new_when_from_procfs_then_the_kernel_is_not_asked),
        EACH(test_new_when_out_of_memory_then_enomem_and_later_again),
        EACH(test_new_when_out_of_descriptors_then_emfile),
        cmocka_unit_test(test_map_names_are_different_and_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
