/* SPDX-License-Identifier: MIT */
#include "sockets/procfs.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char tcp_line[] =
    "   3: 0100007F:1F90 0A00020A:C350 01 00000004:00000003 04:0000000A 00000007  1000        0 "
    "31337 2 0000000033438c80 20 4 30 10 -1";
static const char tcp6_line[] =
    "   0: 0000000000000000FFFF00000100007F:0050 00000000000000000000000001000000:EA22 08 "
    "00000000:00000001 00:00000000 00000000     0        0 99 1 0000000000000000 20 0 0 10 -1";
static const char udp_line[] =
    " 2779: 0100007F:C023 00000000:0000 07 00000000:00000340 00:00000000 00000000 65534        0 "
    "161995 2 0000000033438c80 17";

/* Addresses are words in the byte order of the machine; the lines above are little-endian. */
static bool is_little_endian(void)
{
    return htonl(1) != 1;
}

static bool parse(enum ph_protocol protocol, enum ph_family family, const char *line,
                  struct ph_socket *ret_socket)
{
    /* In memory of exactly this size, so that reading beyond it is seen. */
    size_t size = strlen(line);
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, line, size + 1);
    bool parsed = ph__procfs_parse_inet(protocol, family, copy, ret_socket);
    free(copy);
    return parsed;
}

static void test_parse_when_line_is_no_row_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
        "   0: 0100007F:1F90",
        "   0: 0100007F:1F90 00000000:0000",
        "   0: 0100007F:1F90 00000000:0000 0A",
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0",
        "   0: 0100007F:1F90 00000000:0000 00 0:0 0:0 0 0 0 5",
        "   0: 0100007F:1F90 00000000:0000 0E 0:0 0:0 0 0 0 5",
        "   0: 0100007F:1F90 00000000:0000 FFF 0:0 0:0 0 0 0 5",
        "   0: 0100007F:11F90 00000000:0000 0A 0:0 0:0 0 0 0 5",
        "   0: 100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5",
        "   0: 0100007G:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5",
        "   0: 00100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5",
        "   x: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5",
        "   0: 0100007F:1F90 00000000:0000 0A 100000000:0 0:0 0 0 0 5",
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 4294967296 0 5",
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 99999999999999999999",
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 -1 0 5",
    };
    struct ph_socket socket;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4, wrong[i], &socket));
        assert_false(ph__procfs_parse_unix(wrong[i], strlen(wrong[i]), &socket));
    }
    assert_false(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV6, tcp_line, &socket));
    assert_false(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4, tcp6_line, &socket));
}

static void test_parse_when_cut_anywhere_then_refused_before_the_inode(void **state)
{
    (void)state;
    struct ph_socket socket;
    size_t inode_at = (size_t)(strstr(tcp_line, "31337") - tcp_line);
    for (size_t cut = 0; cut < sizeof tcp_line - 1; cut++) {
        char line[sizeof tcp_line];
        memcpy(line, tcp_line, cut);
        line[cut] = '\0';
        bool parsed = parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4, line, &socket);
        assert_int_equal(parsed, cut > inode_at);
    }
}

static void test_parse_when_any_byte_is_changed_then_no_harm(void **state)
{
    (void)state;
    struct ph_socket socket;
    for (size_t at = 0; at < (sizeof udp_line - 1) * 255; at++) {
        char line[sizeof udp_line];
        memcpy(line, udp_line, sizeof line);
        line[at / 255] = (char)(at % 255 + 1);
        if (parse(PH_PROTOCOL_UDP, PH_FAMILY_IPV4, line, &socket)) {
            assert_true(socket.drops >= -1);
        }
    }
}

static void test_parse_tcp_row(void **state)
{
    (void)state;
    struct ph_socket socket;
    if (!is_little_endian()) {
        skip_because("the tables are little-endian, this machine is not");
    }
    assert_true(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4, tcp_line, &socket));
    assert_int_equal(socket.state, PH_STATE_ESTABLISHED);
    assert_memory_equal(socket.local_address, "\x7f\0\0\1", 4);
    assert_memory_equal(socket.remote_address, "\x0a\2\0\x0a", 4);
    assert_int_equal(socket.local_port, 8080);
    assert_int_equal(socket.remote_port, 50000);
    assert_true(socket.has_remote);
    assert_int_equal(socket.send_queue_bytes, 4);
    assert_int_equal(socket.receive_queue_bytes, 3);
    assert_int_equal(socket.timer, PH_TIMER_PERSIST);
    assert_int_equal(socket.timer_expires_ms, 100);
    assert_int_equal(socket.retransmits, 7);
    assert_int_equal(socket.uid, 1000);
    assert_true(socket.uid_known);
    assert_int_equal(socket.inode, 31337);
    assert_int_equal(socket.cookie, 0);
    assert_int_equal(socket.drops, -1);
    assert_int_equal(socket.type, SOCK_STREAM);
}

static void test_parse_tcp6_row(void **state)
{
    (void)state;
    struct ph_socket socket;
    uint8_t mapped[16];
    if (!is_little_endian()) {
        skip_because("the tables are little-endian, this machine is not");
    }
    inet_pton(AF_INET6, "::ffff:127.0.0.1", mapped);
    assert_true(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV6, tcp6_line, &socket));
    assert_memory_equal(socket.local_address, mapped, 16);
    assert_memory_equal(socket.remote_address, &in6addr_loopback, 16);
    assert_int_equal(socket.state, PH_STATE_CLOSE_WAIT);
    assert_false(socket.v6only_known);
}

static void test_parse_listener_has_queue_but_no_backlog(void **state)
{
    (void)state;
    struct ph_socket socket;
    assert_true(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4,
                      "   0: 00000000:07E8 00000000:0000 0A 00000000:00000002 00:00000000 00000000 "
                      "    0        0 1151 1 0 100 0 0 10 0",
                      &socket));
    assert_int_equal(socket.state, PH_STATE_LISTEN);
    assert_int_equal(socket.accept_queue, 2);
    assert_int_equal(socket.backlog, -1);
    assert_int_equal(socket.receive_queue_bytes, -1);
    assert_false(socket.has_remote);
}

static void test_parse_time_wait_and_handshake_have_no_user(void **state)
{
    (void)state;
    struct ph_socket socket;
    assert_true(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4,
                      "   5: 0100007F:A886 0100007F:C065 06 00000000:00000000 03:0000176F 00000000 "
                      "    0        0 0 3 000000003888aa3f",
                      &socket));
    assert_int_equal(socket.state, PH_STATE_TIME_WAIT);
    assert_int_equal(socket.timer, PH_TIMER_TIME_WAIT);
    assert_int_equal(socket.timer_expires_ms, 59990);
    assert_false(socket.uid_known);
    assert_true(parse(PH_PROTOCOL_TCP, PH_FAMILY_IPV4,
                      "   5: 0100007F:A886 0100007F:C065 03 00000000:00000000 01:0000006F 00000000 "
                      " 1000        0 0 3 000000003888aa3f",
                      &socket));
    assert_false(socket.uid_known);
    assert_int_equal(socket.uid, 0);
}

static void test_parse_udp_row(void **state)
{
    (void)state;
    struct ph_socket socket;
    assert_true(parse(PH_PROTOCOL_UDP, PH_FAMILY_IPV4, udp_line, &socket));
    assert_int_equal(socket.state, PH_STATE_UNCONNECTED);
    assert_int_equal(socket.receive_queue_bytes, 0x340);
    assert_int_equal(socket.drops, 17);
    assert_int_equal(socket.local_port, 49187);
    assert_int_equal(socket.type, SOCK_DGRAM);
}

static struct ph_socket parse_unix(const char *line)
{
    struct ph_socket socket;
    assert_true(ph__procfs_parse_unix(line, strlen(line), &socket));
    return socket;
}

static void test_parse_unix_rows(void **state)
{
    (void)state;
    struct ph_socket socket =
        parse_unix("00000000f3d2b177: 00000002 00000000 00010000 0001 01 16199 /run/a b");
    assert_int_equal(socket.state, PH_STATE_LISTEN);
    assert_int_equal(socket.inode, 16199);
    assert_string_equal(socket.path, "/run/a b");
    assert_int_equal(socket.path_size, 8);
    assert_false(socket.abstract);
    assert_false(socket.uid_known);
    assert_int_equal(socket.accept_queue, -1);

    socket = parse_unix("0000000000000000: 00000003 00000000 00000000 0001 03 161999");
    assert_int_equal(socket.state, PH_STATE_ESTABLISHED);
    assert_null(socket.path);
    socket = parse_unix("0000000000000000: 00000003 00000000 00000000 0001 02     0 /run/a");
    assert_int_equal(socket.state, PH_STATE_ESTABLISHED);
    assert_int_equal(socket.inode, 0);
    socket = parse_unix("0000000000000000: 00000003 00000000 00000000 0002 03 5 @x@y");
    assert_true(socket.abstract);
    assert_string_equal(socket.path, "x@y");
    assert_int_equal(socket.state, PH_STATE_UNCONNECTED);
    socket = parse_unix("0000000000000000: 00000003 00000000 00000000 0002 03 5");
    assert_int_equal(socket.state, PH_STATE_CONNECTED);
    socket = parse_unix("0000000000000000: 00000003 00000000 00000000 0002 01 5 ");
    assert_int_equal(socket.state, PH_STATE_UNCONNECTED);
    assert_null(socket.path);
}

static void test_parse_unix_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Num       RefCount Protocol Flags    Type St Inode Path",
        "0000000000000000 00000003 00000000 00000000 0002 03 5",
        "0000000000000000: 00000003 00000000 00000000 0002 03",
        "0000000000000000: 00000003 00000000 00000000 0002 03 5/run",
        "0000000000000000: 00000003 00000000 00000000 10002 03 5 /run",
        "what follows a line end in a path",
    };
    struct ph_socket socket;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ph__procfs_parse_unix(wrong[i], strlen(wrong[i]), &socket));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_line_is_no_row_then_refused),
        cmocka_unit_test(test_parse_when_cut_anywhere_then_refused_before_the_inode),
        cmocka_unit_test(test_parse_when_any_byte_is_changed_then_no_harm),
        cmocka_unit_test(test_parse_tcp_row),
        cmocka_unit_test(test_parse_tcp6_row),
        cmocka_unit_test(test_parse_listener_has_queue_but_no_backlog),
        cmocka_unit_test(test_parse_time_wait_and_handshake_have_no_user),
        cmocka_unit_test(test_parse_udp_row),
        cmocka_unit_test(test_parse_unix_rows),
        cmocka_unit_test(test_parse_unix_when_malformed_then_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
