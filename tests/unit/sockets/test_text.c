/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/cmocka.h"

#include "sockets/rows.h"

#include <arpa/inet.h>
#include <string.h>

static void assert_id(const struct ph_socket *socket, const char *expected)
{
    char id[PH_SOCKET_ID_TEXT];
    assert_int_equal(ph_socket_id(socket, id, sizeof id), strlen(expected));
    assert_string_equal(id, expected);
}

static void assert_path(const char *path, size_t size, bool abstract, const char *expected)
{
    char text[PH_SOCKET_PATH_TEXT];
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    socket.path = path;
    socket.path_size = size;
    socket.abstract = abstract;
    assert_int_equal(ph_socket_path(&socket, text, sizeof text), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_texts_when_buffer_is_short_then_cut_and_terminated(void **state)
{
    (void)state;
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_TCP, PH_FAMILY_IPV4);
    memcpy(socket.local_address, "\x7f\0\0\1", 4);
    for (size_t size = 1; size < 40; size++) {
        char text[40];
        memset(text, 'z', sizeof text);
        size_t length = ph_socket_local_address(&socket, text, size);
        assert_int_equal(length, strlen(text));
        assert_true(length < size);
        memset(text, 'z', sizeof text);
        length = ph_socket_id(&socket, text, size);
        assert_int_equal(length, strlen(text));
        assert_true(length < size);
    }
    char untouched = 'z';
    assert_int_equal(ph_socket_path(&socket, &untouched, 0), 0);
    assert_int_equal(ph_socket_id(&socket, &untouched, 0), 0);
    assert_int_equal(untouched, 'z');
}

static void test_path_when_buffer_is_short_then_whole_characters(void **state)
{
    (void)state;
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    socket.path = "a\n\xC3\xA9z";
    socket.path_size = 5;
    static const char *const expected[] = {
        "", "a", "a", "a", "a", "a\\x0A", "a\\x0A", "a\\x0A\xC3\xA9", "a\\x0A\xC3\xA9z"};
    for (size_t size = 1; size <= 9; size++) {
        char text[16];
        ph_socket_path(&socket, text, size);
        assert_string_equal(text, expected[size - 1]);
    }
}

static void test_path_when_hostile_then_escaped(void **state)
{
    (void)state;
    assert_path(NULL, 0, false, "");
    assert_path("/run/x y", 8, false, "/run/x y");
    assert_path("a\0b", 3, true, "@a\\x00b");
    assert_path("", 0, true, "@");
    assert_path("\x1b[31m\x7f\\", 7, false, "\\x1B[31m\\x7F\\x5C");
    assert_path("\xFF\xC3", 2, false, "\\xFF\\xC3");
    assert_path("\xC3\xA9", 2, false, "\xC3\xA9");
    assert_path("\xC2\x9B", 2, false, "\\xC2\\x9B"); /* a control character of its own */
}

static void test_id_prefers_cookie_then_inode_then_ends(void **state)
{
    (void)state;
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_TCP, PH_FAMILY_IPV4);
    memcpy(socket.local_address, "\x7f\0\0\1", 4);
    memcpy(socket.remote_address, "\x0a\0\0\2", 4);
    socket.local_port = 80;
    socket.remote_port = 5000;
    assert_id(&socket, "tcp-a127.0.0.1,80,10.0.0.2,5000");
    socket.interface = 3;
    assert_id(&socket, "tcp-a127.0.0.1,80,10.0.0.2,5000,3");
    socket.inode = 31337;
    assert_id(&socket, "tcp-i31337");
    socket.cookie = UINT64_MAX;
    assert_id(&socket, "tcp-18446744073709551615");
    socket.protocol = PH_PROTOCOL_UNIX;
    socket.cookie = 4097;
    assert_id(&socket, "unix-4097");
}

static void test_id_fits_at_its_longest(void **state)
{
    (void)state;
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_TCP, PH_FAMILY_IPV6);
    memset(socket.local_address, 0xAB, 16);
    memset(socket.remote_address, 0xAB, 16);
    socket.local_port = socket.remote_port = UINT16_MAX;
    socket.interface = UINT32_MAX;
    assert_id(&socket, "tcp-aabab:abab:abab:abab:abab:abab:abab:abab,65535,"
                       "abab:abab:abab:abab:abab:abab:abab:abab,65535,4294967295");
}

static void test_addresses(void **state)
{
    (void)state;
    char text[PH_ADDRESS_TEXT];
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_TCP, PH_FAMILY_IPV6);
    inet_pton(AF_INET6, "::ffff:10.0.0.1", socket.local_address);
    inet_pton(AF_INET6, "::1", socket.remote_address);
    ph_socket_local_address(&socket, text, sizeof text);
    assert_string_equal(text, "::ffff:10.0.0.1");
    ph_socket_remote_address(&socket, text, sizeof text);
    assert_string_equal(text, "::1");
    socket.family = PH_FAMILY_UNIX;
    assert_int_equal(ph_socket_local_address(&socket, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void test_find_takes_only_the_exact_id(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp",
                    TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 31337 1 0 0\n"
                                "   1: 00000000:0050 00000000:1388 06 0:0 3:64 0 0 0 0 1 0 0\n");
    struct ph_snapshot *snapshot = take_from(&root);
    assert_ptr_equal(ph_snapshot_find(snapshot, "tcp-i31337"), ph_snapshot_at(snapshot, 0));
    assert_ptr_equal(ph_snapshot_find(snapshot, "tcp-a0.0.0.0,80,0.0.0.0,5000"),
                     ph_snapshot_at(snapshot, 1));
    static const char *const wrong[] = {
        "",
        "tcp",
        "tcp-",
        "tcp-i",
        "tcp-31337",
        "tcp-i031337",
        "udp-i31337",
        "tcp-i31337 ",
        "tcp-i31338",
        "tcp-i+31337",
        "-i31337",
        "TCP-i31337",
        "tcp-i99999999999999999999999",
        "tcp-a0.0.0.0,80,0.0.0.0,5001",
        "tcp-0",
        "tcp-i0",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(ph_snapshot_find(snapshot, wrong[i]));
    }
    ph_snapshot_unref(snapshot);
    proc_root_remove(&root);
}

static void test_names_of_numbers_outside_the_map(void **state)
{
    (void)state;
    assert_string_equal(ph_state_name((enum ph_state)PH_STATE_COUNT), "unknown");
    assert_string_equal(ph_state_name((enum ph_state) - 1), "unknown");
    assert_string_equal(ph_state_name(PH_STATE_FIN_WAIT1), "fin_wait1");
    assert_string_equal(ph_protocol_name(PH_PROTOCOL_UNIX), "unix");
    assert_string_equal(ph_family_name(PH_FAMILY_IPV6), "ipv6");
    assert_string_equal(ph_direction_name(PH_DIRECTION_LOCAL), "local");
    assert_string_equal(ph_scope_name(PH_SCOPE_ALL), "all");
    assert_string_equal(ph_owner_unknown_name(PH_OWNER_UNKNOWN_IN_FLIGHT), "in_flight");
    assert_string_equal(ph_timer_name(PH_TIMER_PERSIST), "persist");
    assert_string_equal(ph_source_name(PH_SOURCE_PROCFS), "procfs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_when_buffer_is_short_then_cut_and_terminated),
        cmocka_unit_test(test_path_when_buffer_is_short_then_whole_characters),
        cmocka_unit_test(test_path_when_hostile_then_escaped),
        cmocka_unit_test(test_id_prefers_cookie_then_inode_then_ends),
        cmocka_unit_test(test_id_fits_at_its_longest),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_find_takes_only_the_exact_id),
        cmocka_unit_test(test_names_of_numbers_outside_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
