/* SPDX-License-Identifier: MIT */
#include "base/sockaddr.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct ph__sockaddr parse(int family, const char *text, uint16_t port)
{
    struct ph__sockaddr address = {.family = (uint16_t)family, .port = port};
    assert_int_equal(inet_pton(family, text, address.bytes), 1);
    return address;
}

static void test_of_when_family_is_foreign_then_unspec(void **state)
{
    (void)state;
    const struct sockaddr_storage packet = {.ss_family = AF_PACKET};
    struct ph__sockaddr address = ph__sockaddr_of(&packet);
    assert_int_equal(address.family, AF_UNSPEC);
    struct sockaddr_storage expanded;
    assert_int_equal(ph__sockaddr_expand(&address, &expanded), 0);
}

static void test_expand_when_unix_then_zero(void **state)
{
    (void)state;
    const struct sockaddr_storage local = {.ss_family = AF_UNIX};
    struct ph__sockaddr address = ph__sockaddr_of(&local);
    assert_int_equal(address.family, AF_UNIX);
    struct sockaddr_storage expanded;
    assert_int_equal(ph__sockaddr_expand(&address, &expanded), 0);
}

static void test_expand_when_ip_then_of_gives_the_same_back(void **state)
{
    (void)state;
    const struct {
        int family;
        const char *text;
        uint16_t port;
        socklen_t length;
    } cases[] = {
        {AF_INET, "0.0.0.0", 0, sizeof(struct sockaddr_in)},
        {AF_INET, "192.0.2.254", 1, sizeof(struct sockaddr_in)},
        {AF_INET, "255.255.255.255", 65535, sizeof(struct sockaddr_in)},
        {AF_INET6, "::", 0, sizeof(struct sockaddr_in6)},
        {AF_INET6, "2001:db8::dead:beef", 0x1234, sizeof(struct sockaddr_in6)},
        {AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, sizeof(struct sockaddr_in6)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ph__sockaddr address = parse(cases[i].family, cases[i].text, cases[i].port);
        struct sockaddr_storage expanded = {0};
        assert_int_equal(ph__sockaddr_expand(&address, &expanded), cases[i].length);
        struct ph__sockaddr back = ph__sockaddr_of(&expanded);
        assert_memory_equal(&back, &address, sizeof address);
    }
}

static void test_expand_when_ipv4_then_port_is_in_network_order(void **state)
{
    (void)state;
    struct ph__sockaddr address = parse(AF_INET, "127.0.0.1", 0x1F90);
    struct sockaddr_storage expanded = {0};
    socklen_t length = ph__sockaddr_expand(&address, &expanded);
    struct sockaddr_in in;
    assert_int_equal(length, sizeof in);
    memcpy(&in, &expanded, sizeof in);
    assert_int_equal(in.sin_port, htons(8080));
    assert_int_equal(in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

static void test_format_when_any_family_then_text_and_its_length(void **state)
{
    (void)state;
    const struct {
        struct ph__sockaddr address;
        const char *text;
    } cases[] = {
        {parse(AF_INET, "127.0.0.1", 8080), "127.0.0.1:8080"},
        {parse(AF_INET, "255.255.255.255", 65535), "255.255.255.255:65535"},
        {parse(AF_INET6, "::1", 80), "[::1]:80"},
        {parse(AF_INET6, "2001:db8::1", 0), "[2001:db8::1]:0"},
        {parse(AF_INET6, "::ffff:255.255.255.255", 65535), "[::ffff:255.255.255.255]:65535"},
        {parse(AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        {{.family = AF_UNIX}, "unix"},
        {{.family = AF_UNSPEC}, "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PH__SOCKADDR_TEXT];
        size_t length = ph__sockaddr_format(&cases[i].address, text, sizeof text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(cases[i].text));
    }
}

static void test_format_when_buffer_is_short_then_cut_and_terminated(void **state)
{
    (void)state;
    struct ph__sockaddr address = parse(AF_INET, "127.0.0.1", 8080);
    const char whole[] = "127.0.0.1:8080";
    for (size_t size = 1; size <= sizeof whole; size++) {
        char text[sizeof whole + 1];
        memset(text, '#', sizeof text);
        size_t length = ph__sockaddr_format(&address, text, size);
        assert_int_equal(length, size - 1);
        assert_memory_equal(text, whole, length);
        assert_int_equal(text[length], '\0');
        assert_int_equal(text[size], '#');
    }
}

static void test_is_loopback_by_table(void **state)
{
    (void)state;
    const struct {
        struct ph__sockaddr address;
        bool loopback;
    } cases[] = {
        {parse(AF_INET, "0.0.0.0", 0), false},
        {parse(AF_INET, "126.255.255.255", 0), false},
        {parse(AF_INET, "128.0.0.1", 0), false},
        {parse(AF_INET, "192.168.0.127", 0), false},
        {parse(AF_INET6, "::", 0), false},
        {parse(AF_INET6, "::2", 0), false},
        {parse(AF_INET6, "1::1", 0), false},
        {parse(AF_INET6, "fe80::1", 0), false},
        {parse(AF_INET6, "::127.0.0.1", 0), false},
        {parse(AF_INET6, "::ffff:128.0.0.1", 0), false},
        {parse(AF_INET6, "::ffff:0.0.0.0", 0), false},
        {{.family = AF_UNSPEC, .bytes = {127}}, false},
        {parse(AF_INET, "127.0.0.0", 0), true},
        {parse(AF_INET, "127.0.0.1", 0), true},
        {parse(AF_INET, "127.255.255.255", 0), true},
        {parse(AF_INET6, "::1", 0), true},
        {parse(AF_INET6, "::ffff:127.0.0.1", 0), true},
        {parse(AF_INET6, "::ffff:127.255.0.9", 0), true},
        {{.family = AF_UNIX}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PH__SOCKADDR_TEXT];
        ph__sockaddr_format(&cases[i].address, text, sizeof text);
        if (ph__sockaddr_is_loopback(&cases[i].address) != cases[i].loopback) {
            fail_msg("%s: loopback is not %d", text, cases[i].loopback);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_when_family_is_foreign_then_unspec),
        cmocka_unit_test(test_expand_when_unix_then_zero),
        cmocka_unit_test(test_expand_when_ip_then_of_gives_the_same_back),
        cmocka_unit_test(test_expand_when_ipv4_then_port_is_in_network_order),
        cmocka_unit_test(test_format_when_any_family_then_text_and_its_length),
        cmocka_unit_test(test_format_when_buffer_is_short_then_cut_and_terminated),
        cmocka_unit_test(test_is_loopback_by_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
