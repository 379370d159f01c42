/* SPDX-License-Identifier: MIT */
#include "sockets/host.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <string.h>

static int parse(struct ph__host *host, const char *text, struct ph__arena *arena)
{
    return ph__host_parse(host, text, strlen(text), arena);
}

static void test_parse_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          "unix:",        "127",      "10.0.0.0/33",   "[::1",          "[::1]80",
        "host.test", "inet:[::1]",   "inet:::1", "inet6:1.2.3.4", "1.2.3.4:80:90", "1.2.3.4:x",
        "inet7:::1", "[::1/129]:80", "*:99999",  "1.2.3.4:-1",    "::1:80x",       "localhost",
        "link:ip",
    };
    struct ph__arena arena = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ph__host host = {.bits = 77};
        int err = parse(&host, wrong[i], &arena);
        assert_int_equal(err, PH_ERR_PARAMETER);
        assert_int_equal(host.bits, 77);
    }
    ph__arena_done(&arena);
}

static void test_parse_port_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   ":",     "::80",     "65536", "0x",         "0x1g",           "8o",
        "-1", "inet:", "inet7:80", "*:80",  "1.2.3.4:80", "no-such-service"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ph__host host;
        assert_false(ph__host_parse_port(&host, wrong[i], strlen(wrong[i])));
    }
}

static void test_parse_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    struct ph__arena arena = {0};
    struct ph__host host;
    fail_allocations(0, false);
    int err = parse(&host, "unix:*", &arena);
    stop_failing();
    assert_int_equal(err, -ENOMEM);
    ph__arena_done(&arena);
}

static void test_parse_port_takes_numbers_services_and_families(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ph__host_family family;
        bool any;
        uint16_t port;
    } cases[] = {
        {"80", PH__HOST_ANY, false, 80},       {":80", PH__HOST_ANY, false, 80},
        {"0x50", PH__HOST_ANY, false, 80},     {":0XfF", PH__HOST_ANY, false, 255},
        {"*", PH__HOST_ANY, true, 0},          {":*", PH__HOST_ANY, true, 0},
        {"inet:80", PH__HOST_IPV4, false, 80}, {"inet::80", PH__HOST_IPV4, false, 80},
        {"inet6:*", PH__HOST_IPV6, true, 0},   {"65535", PH__HOST_ANY, false, 65535},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__host host;
        assert_true(ph__host_parse_port(&host, cases[i].text, strlen(cases[i].text)));
        assert_int_equal(host.family, cases[i].family);
        assert_int_equal(host.any_port, cases[i].any);
        assert_int_equal(host.port, cases[i].port);
    }
}

static struct ph_socket make(enum ph_family family, unsigned char last, uint16_t port)
{
    struct ph_socket socket = {.protocol = PH_PROTOCOL_TCP, .family = family, .local_port = port};
    if (family == PH_FAMILY_IPV4) {
        memcpy(socket.local_address, (unsigned char[]){10, 0, 0, last}, 4);
    } else {
        socket.local_address[15] = last;
    }
    return socket;
}

static void test_match_compares_family_address_and_port(void **state)
{
    (void)state;
    struct ph_socket ipv4 = make(PH_FAMILY_IPV4, 1, 80);
    struct ph_socket ipv6 = make(PH_FAMILY_IPV6, 1, 443);
    struct ph_socket mapped = make(PH_FAMILY_IPV6, 1, 80);
    memcpy(mapped.local_address + 10, "\xff\xff\x0a\0\0\x01", 6);
    struct ph_socket local = {.protocol = PH_PROTOCOL_UNIX, .family = PH_FAMILY_UNIX};
    static const struct {
        const char *text;
        bool ipv4;
        bool ipv6;
        bool mapped;
        bool local;
    } cases[] = {
        {"*", true, true, true, false},
        {":", true, true, true, false},
        {"10.0.0.1", true, false, true, false},
        {"10.0.0.2", false, false, false, false},
        {"10.0.0.1:80", true, false, true, false},
        {"10.0.0.1:81", false, false, false, false},
        {"10/8:80", true, false, true, false},
        {"inet:10.0.0.1", true, false, false, false},
        {"inet:", true, false, false, false},
        {"inet6:", false, true, true, false},
        {"[::1]:443", false, true, false, false},
        {"::1", false, true, false, false},
        {"::/0", false, true, true, false},
        {"[::ffff:10.0.0.0/104]", false, false, true, false},
        {"0.0.0.0/0", true, false, true, false},
        {"unix:*", false, false, false, true},
    };
    struct ph__arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__host host;
        assert_int_equal(parse(&host, cases[i].text, &arena), 0);
        assert_int_equal(ph__host_match(&host, NULL, &ipv4, true), cases[i].ipv4);
        assert_int_equal(ph__host_match(&host, NULL, &ipv6, true), cases[i].ipv6);
        assert_int_equal(ph__host_match(&host, NULL, &mapped, true), cases[i].mapped);
        assert_int_equal(ph__host_match(&host, NULL, &local, true), cases[i].local);
    }
    ph__arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_malformed_then_refused),
        cmocka_unit_test(test_parse_port_when_malformed_then_refused),
        cmocka_unit_test(test_parse_when_out_of_memory_then_enomem),
        cmocka_unit_test(test_parse_port_takes_numbers_services_and_families),
        cmocka_unit_test(test_match_compares_family_address_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
