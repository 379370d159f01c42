/* SPDX-License-Identifier: MIT */
#include "sockets/inet_diag.h"

#include "support.h"
#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

/* A message without attributes. */
static struct inet_diag_msg message_of(unsigned family, unsigned state)
{
    return (struct inet_diag_msg){
        .idiag_family = (uint8_t)family,
        .idiag_state = (uint8_t)state,
        .id = {.idiag_sport = htons(80), .idiag_dport = htons(5000)},
        .idiag_rqueue = 3,
        .idiag_wqueue = 4,
        .idiag_uid = 1000,
        .idiag_inode = 55,
    };
}

static struct ph_socket parse(enum ph_protocol protocol, const struct inet_diag_msg *message)
{
    struct ph_socket socket;
    assert_int_equal(
        ph__inet_diag_parse(protocol, (const unsigned char *)message, sizeof *message, &socket), 1);
    return socket;
}

static void test_parse_when_family_or_state_is_foreign_then_left_out(void **state)
{
    (void)state;
    struct ph_socket socket;
    struct inet_diag_msg messages[] = {message_of(AF_UNIX, 1), message_of(AF_INET, 0),
                                       message_of(AF_INET, 14), message_of(AF_INET6, 255)};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        assert_int_equal(ph__inet_diag_parse(PH_PROTOCOL_TCP, (unsigned char *)&messages[i],
                                             sizeof messages[i], &socket),
                         0);
    }
}

/* Copies into memory of exactly this size, so that reading beyond it is seen. */
static int parse_exact(enum ph_protocol protocol, const unsigned char *payload, size_t size)
{
    struct ph_socket socket;
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, payload, size);
    int got = ph__inet_diag_parse(protocol, copy, size, &socket);
    free(copy);
    return got;
}

static void test_parse_when_cut_anywhere_then_refused_or_whole_attributes(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("tcp4.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    for (size_t i = 0; i < recorded.count; i++) {
        for (size_t cut = 0; cut < recorded.messages[i].size; cut++) {
            int got = parse_exact(PH_PROTOCOL_TCP, recorded.messages[i].payload, cut);
            assert_true(got == -EBADMSG || (got == 1 && cut >= sizeof(struct inet_diag_msg)));
        }
    }
}

static void test_parse_when_any_byte_is_changed_then_no_harm(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("tcp6.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    for (size_t i = 0; i < recorded.count; i++) {
        unsigned char copy[1024];
        size_t size = recorded.messages[i].size;
        assert_true(size <= sizeof copy);
        for (size_t at = 0; at < size * 256; at++) {
            memcpy(copy, recorded.messages[i].payload, size);
            copy[at / 256] = (unsigned char)at;
            int got = parse_exact(PH_PROTOCOL_TCP, copy, size);
            assert_true(got == -EBADMSG || got == 0 || got == 1);
        }
    }
}

static void test_parse_tells_every_state(void **state)
{
    (void)state;
    static const enum ph_state states[] = {
        PH_STATE_ESTABLISHED, PH_STATE_SYN_SENT,  PH_STATE_SYN_RECV, PH_STATE_FIN_WAIT1,
        PH_STATE_FIN_WAIT2,   PH_STATE_TIME_WAIT, PH_STATE_CLOSED,   PH_STATE_CLOSE_WAIT,
        PH_STATE_LAST_ACK,    PH_STATE_LISTEN,    PH_STATE_CLOSING,  PH_STATE_SYN_RECV,
        PH_STATE_CLOSED,
    };
    for (unsigned i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct inet_diag_msg message = message_of(AF_INET, i + 1);
        assert_int_equal(parse(PH_PROTOCOL_TCP, &message).state, states[i]);
        assert_int_equal(parse(PH_PROTOCOL_UDP, &message).state,
                         i == 0 ? PH_STATE_CONNECTED : PH_STATE_UNCONNECTED);
    }
}

static void test_parse_when_listener_then_queue_and_backlog_and_no_bytes(void **state)
{
    (void)state;
    struct inet_diag_msg message = message_of(AF_INET, 10);
    message.idiag_rqueue = UINT32_MAX;
    struct ph_socket socket = parse(PH_PROTOCOL_TCP, &message);
    assert_true(socket.accept_queue == UINT32_MAX);
    assert_int_equal(socket.backlog, 4);
    assert_int_equal(socket.receive_queue_bytes, -1);
    assert_int_equal(socket.send_queue_bytes, -1);
    assert_false(socket.has_remote);
    assert_int_equal(socket.remote_port, 0);
}

static void test_parse_when_connected_then_bytes_and_no_queue(void **state)
{
    (void)state;
    struct inet_diag_msg message = message_of(AF_INET, 1);
    message.idiag_timer = 4;
    message.idiag_expires = UINT32_MAX;
    message.idiag_retrans = 200;
    message.id.idiag_cookie[0] = 7;
    message.id.idiag_cookie[1] = 0x80000000;
    struct ph_socket socket = parse(PH_PROTOCOL_TCP, &message);
    assert_int_equal(socket.receive_queue_bytes, 3);
    assert_int_equal(socket.send_queue_bytes, 4);
    assert_int_equal(socket.accept_queue, -1);
    assert_int_equal(socket.backlog, -1);
    assert_int_equal(socket.drops, -1);
    assert_int_equal(socket.local_port, 80);
    assert_int_equal(socket.remote_port, 5000);
    assert_int_equal(socket.timer, PH_TIMER_PERSIST);
    assert_true(socket.timer_expires_ms == UINT32_MAX);
    assert_int_equal(socket.retransmits, 200);
    assert_true(socket.cookie == UINT64_C(0x8000000000000007));
    assert_true(socket.uid_known);
    assert_false(socket.v6only_known);
}

static void test_parse_when_uid_is_not_told_then_unknown(void **state)
{
    (void)state;
    static const unsigned without_uid[] = {3, 6, 12};
    for (size_t i = 0; i < 3; i++) {
        struct inet_diag_msg message = message_of(AF_INET, without_uid[i]);
        assert_false(parse(PH_PROTOCOL_TCP, &message).uid_known);
    }
    struct inet_diag_msg orphan = message_of(AF_INET, 5);
    orphan.idiag_inode = orphan.idiag_uid = 0;
    assert_false(parse(PH_PROTOCOL_TCP, &orphan).uid_known);
    orphan.idiag_inode = 9;
    assert_true(parse(PH_PROTOCOL_TCP, &orphan).uid_known);
}

static void test_parse_recorded_ipv4(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("tcp4.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    unsigned states[PH_STATE_COUNT] = {0};
    for (size_t i = 0; i < recorded.count; i++) {
        struct ph_socket socket;
        assert_int_equal(ph__inet_diag_parse(PH_PROTOCOL_TCP, recorded.messages[i].payload,
                                             recorded.messages[i].size, &socket),
                         1);
        states[socket.state]++;
        assert_int_equal(socket.family, PH_FAMILY_IPV4);
        assert_memory_equal(socket.local_address, "\x7f\0\0\1", 4);
        assert_true(socket.cookie != 0);
        assert_int_equal(socket.drops, socket.state == PH_STATE_TIME_WAIT ? -1 : 0);
        if (socket.state == PH_STATE_LISTEN) {
            assert_int_equal(socket.accept_queue, 1);
            assert_int_equal(socket.backlog, 5);
        }
        if (socket.state == PH_STATE_TIME_WAIT) {
            assert_int_equal(socket.timer, PH_TIMER_TIME_WAIT);
            assert_in_range(socket.timer_expires_ms, 1, 60000);
        }
    }
    assert_int_equal(states[PH_STATE_LISTEN], 1);
    assert_int_equal(states[PH_STATE_CLOSED], 1);
    assert_int_equal(states[PH_STATE_TIME_WAIT], 1);
    assert_int_equal(states[PH_STATE_FIN_WAIT1], 1);
    assert_int_equal(states[PH_STATE_CLOSE_WAIT], 1);
    assert_int_equal(states[PH_STATE_ESTABLISHED], 8);
}

static void test_parse_recorded_ipv6_and_udp(void **state)
{
    (void)state;
    struct recorded recorded;
    struct ph_socket socket;
    if (!read_recorded("tcp6.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    assert_int_equal(recorded.count, 3);
    assert_int_equal(ph__inet_diag_parse(PH_PROTOCOL_TCP, recorded.messages[0].payload,
                                         recorded.messages[0].size, &socket),
                     1);
    assert_int_equal(socket.state, PH_STATE_LISTEN);
    assert_int_equal(socket.family, PH_FAMILY_IPV6);
    assert_true(socket.v6only_known);
    assert_true(socket.v6only);
    assert_int_equal(socket.backlog, 7);

    assert_true(read_recorded("udp4.bin", &recorded));
    assert_int_equal(recorded.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ph__inet_diag_parse(PH_PROTOCOL_UDP, recorded.messages[i].payload,
                                             recorded.messages[i].size, &socket),
                         1);
        assert_int_equal(socket.type, SOCK_DGRAM);
        assert_int_equal(socket.has_remote, socket.state == PH_STATE_CONNECTED);
        assert_int_equal(socket.drops, 0);
        assert_int_equal(socket.receive_queue_bytes > 0, socket.state == PH_STATE_UNCONNECTED);
    }
}

static void test_request_asks_for_bound_sockets_too(void **state)
{
    (void)state;
    unsigned char bytes[PH__INET_DIAG_REQUEST];
    struct inet_diag_req_v2 request;
    ph__inet_diag_request(PH_PROTOCOL_UDP, PH_FAMILY_IPV6, NULL, PH__EXTENT_ROW, bytes);
    memcpy(&request, bytes, sizeof request);
    assert_int_equal(request.sdiag_family, AF_INET6);
    assert_int_equal(request.sdiag_protocol, IPPROTO_UDP);
    assert_int_equal(request.idiag_states, 0x3FFE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_family_or_state_is_foreign_then_left_out),
        cmocka_unit_test(test_parse_when_cut_anywhere_then_refused_or_whole_attributes),
        cmocka_unit_test(test_parse_when_any_byte_is_changed_then_no_harm),
        cmocka_unit_test(test_parse_tells_every_state),
        cmocka_unit_test(test_parse_when_listener_then_queue_and_backlog_and_no_bytes),
        cmocka_unit_test(test_parse_when_connected_then_bytes_and_no_queue),
        cmocka_unit_test(test_parse_when_uid_is_not_told_then_unknown),
        cmocka_unit_test(test_parse_recorded_ipv4),
        cmocka_unit_test(test_parse_recorded_ipv6_and_udp),
        cmocka_unit_test(test_request_asks_for_bound_sockets_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
