/* SPDX-License-Identifier: MIT */
#include "sockets/unix_diag.h"

#include "support.h"
#include "support/cmocka.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>

/* A message that is built up. */
struct built {
    unsigned char bytes[512];
    size_t size;
};

static struct built build(unsigned type, unsigned state)
{
    struct built built = {.size = sizeof(struct unix_diag_msg)};
    struct unix_diag_msg message = {
        .udiag_family = AF_UNIX,
        .udiag_type = (uint8_t)type,
        .udiag_state = (uint8_t)state,
        .udiag_ino = 77,
        .udiag_cookie = {1, 2},
    };
    memcpy(built.bytes, &message, sizeof message);
    return built;
}

static void add(struct built *built, unsigned type, const void *data, size_t size)
{
    struct nlattr header = {.nla_len = (uint16_t)(sizeof header + size),
                            .nla_type = (uint16_t)type};
    memcpy(built->bytes + built->size, &header, sizeof header);
    memcpy(built->bytes + built->size + sizeof header, data, size);
    built->size += sizeof header + (size + 3) / 4 * 4;
}

static struct ph_socket parse(const struct built *built)
{
    struct ph_socket socket;
    assert_int_equal(ph__unix_diag_parse(built->bytes, built->size, &socket), 1);
    return socket;
}

static int parse_exact(const unsigned char *payload, size_t size)
{
    struct ph_socket socket;
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, payload, size);
    int got = ph__unix_diag_parse(copy, size, &socket);
    if (got == 1 && socket.path) {
        assert_true(socket.path_size <= size);
        assert_true((const unsigned char *)socket.path + socket.path_size <= copy + size);
    }
    free(copy);
    return got;
}

static void test_parse_when_cut_anywhere_then_no_harm(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("unix.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    for (size_t i = 0; i < recorded.count; i++) {
        for (size_t cut = 0; cut < recorded.messages[i].size; cut++) {
            int got = parse_exact(recorded.messages[i].payload, cut);
            assert_true(got == -EBADMSG || (got == 1 && cut >= sizeof(struct unix_diag_msg)));
        }
    }
}

static void test_parse_when_any_byte_is_changed_then_no_harm(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("unix.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    for (size_t i = 0; i < recorded.count; i++) {
        unsigned char copy[512];
        size_t size = recorded.messages[i].size;
        assert_true(size <= sizeof copy);
        for (size_t at = 0; at < size * 256; at++) {
            memcpy(copy, recorded.messages[i].payload, size);
            copy[at / 256] = (unsigned char)at;
            int got = parse_exact(copy, size);
            assert_true(got == -EBADMSG || got == 0 || got == 1);
        }
    }
}

static void test_parse_when_attributes_are_too_short_then_unknown(void **state)
{
    (void)state;
    struct built built = build(SOCK_STREAM, 1);
    add(&built, UNIX_DIAG_NAME, "", 0);
    add(&built, UNIX_DIAG_PEER, "abc", 3);
    add(&built, UNIX_DIAG_RQLEN, "abcdefg", 7);
    add(&built, UNIX_DIAG_MEMINFO, "abcdefgh", 8);
    add(&built, 7, "ab", 2);
    struct ph_socket socket = parse(&built);
    assert_null(socket.path);
    assert_int_equal(socket.peer_inode, 0);
    assert_int_equal(socket.receive_queue_bytes, -1);
    assert_int_equal(socket.drops, -1);
    assert_false(socket.uid_known);
}

static void test_parse_names_of_both_kinds(void **state)
{
    (void)state;
    struct built plain = build(SOCK_STREAM, 10);
    add(&plain, UNIX_DIAG_NAME, "/run/x\0junk", 11);
    struct ph_socket socket = parse(&plain);
    assert_false(socket.abstract);
    assert_int_equal(socket.path_size, 6);
    assert_memory_equal(socket.path, "/run/x", 6);
    assert_int_equal(socket.state, PH_STATE_LISTEN);

    struct built abstract = build(SOCK_DGRAM, 7);
    add(&abstract, UNIX_DIAG_NAME, "\0a\0b\n", 5);
    socket = parse(&abstract);
    assert_true(socket.abstract);
    assert_int_equal(socket.path_size, 4);
    assert_memory_equal(socket.path, "a\0b\n", 4);
    assert_int_equal(socket.state, PH_STATE_UNCONNECTED);
}

static void test_parse_datagram_is_connected_by_its_own_peer(void **state)
{
    (void)state;
    uint32_t peer = 99;
    struct built client = build(SOCK_DGRAM, 1);
    add(&client, UNIX_DIAG_PEER, &peer, sizeof peer);
    assert_int_equal(parse(&client).state, PH_STATE_CONNECTED);
    assert_int_equal(parse(&client).peer_inode, 99);
    struct built server = build(SOCK_DGRAM, 1);
    assert_int_equal(parse(&server).state, PH_STATE_UNCONNECTED);
    struct built stream = build(SOCK_STREAM, 1);
    assert_int_equal(parse(&stream).state, PH_STATE_ESTABLISHED);
    struct built closing = build(SOCK_STREAM, 7);
    assert_int_equal(parse(&closing).state, PH_STATE_UNCONNECTED);
}

static void test_parse_when_listener_then_queue_and_backlog(void **state)
{
    (void)state;
    struct unix_diag_rqlen queues = {.udiag_rqueue = 2, .udiag_wqueue = 128};
    uint32_t memory[9] = {0, 0, 0, 0, 0, 0, 0, 0, 6};
    uint32_t uid = 1000;
    struct built listener = build(SOCK_STREAM, 10);
    add(&listener, UNIX_DIAG_RQLEN, &queues, sizeof queues);
    add(&listener, UNIX_DIAG_MEMINFO, memory, sizeof memory);
    add(&listener, 7, &uid, sizeof uid);
    struct ph_socket socket = parse(&listener);
    assert_int_equal(socket.accept_queue, 2);
    assert_int_equal(socket.backlog, 128);
    assert_int_equal(socket.receive_queue_bytes, -1);
    assert_int_equal(socket.drops, 6);
    assert_int_equal(socket.uid, 1000);
    assert_true(socket.uid_known);
    assert_true(socket.cookie == ((uint64_t)2 << 32 | 1));
    struct built connected = build(SOCK_STREAM, 1);
    add(&connected, UNIX_DIAG_RQLEN, &queues, sizeof queues);
    assert_int_equal(parse(&connected).receive_queue_bytes, 2);
    assert_int_equal(parse(&connected).accept_queue, -1);
}

static void test_parse_recorded(void **state)
{
    (void)state;
    struct recorded recorded;
    if (!read_recorded("unix.bin", &recorded)) {
        skip_because("what was recorded is little-endian, this machine is not");
    }
    unsigned abstract = 0;
    unsigned sequenced = 0;
    for (size_t i = 0; i < recorded.count; i++) {
        struct ph_socket socket;
        assert_int_equal(
            ph__unix_diag_parse(recorded.messages[i].payload, recorded.messages[i].size, &socket),
            1);
        if (socket.abstract) {
            abstract++;
            assert_int_equal(socket.path_size, 9);
            assert_memory_equal(socket.path, "abs\0tract", 9);
            assert_int_equal(socket.state, PH_STATE_UNCONNECTED);
            assert_int_equal(socket.receive_queue_bytes, 3);
        }
        sequenced += socket.type == SOCK_SEQPACKET;
        if (socket.state == PH_STATE_LISTEN) {
            assert_int_equal(socket.accept_queue, 1);
            assert_int_equal(socket.backlog, 3);
        }
    }
    assert_int_equal(recorded.count, 8);
    assert_int_equal(abstract, 1);
    assert_int_equal(sequenced, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_cut_anywhere_then_no_harm),
        cmocka_unit_test(test_parse_when_any_byte_is_changed_then_no_harm),
        cmocka_unit_test(test_parse_when_attributes_are_too_short_then_unknown),
        cmocka_unit_test(test_parse_names_of_both_kinds),
        cmocka_unit_test(test_parse_datagram_is_connected_by_its_own_peer),
        cmocka_unit_test(test_parse_when_listener_then_queue_and_backlog),
        cmocka_unit_test(test_parse_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
