/* SPDX-License-Identifier: MIT
 *
 * Listen addresses.
 */
#include "net/listener.h"

#include <porthole/error.h>

#include "support/cmocka.h"

#include <netinet/in.h>
#include <string.h>

static struct ph__listener parsed(const char *listen)
{
    struct ph__listener listener;
    assert_int_equal(ph__listener_parse(&listener, listen), 0);
    assert_int_equal(listener.fd, -1);
    return listener;
}

static void test_parse_when_malformed_then_err_address(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        ":",
        ":80",
        "80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:99999",
        "127.0.0.1:100000",
        "127.0.0.1:+80",
        "127.0.0.1:-1",
        "127.0.0.1: 80",
        "127.0.0.1:80 ",
        "127.0.0.1:8o",
        "127.0.0.1:0x50",
        " 127.0.0.1:80",
        "127.0.0.1 :80",
        "127.0.0:80",
        "127.0.0.256:80",
        "1.2.3.4.5:80",
        "example.org:80",
        "Localhost.:80",
        "**:80",
        "::1:80",
        "[]:80",
        "[::1:80",
        "::1]:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[::1]]:80",
        "[[::1]]:80",
        "[127.0.0.1]:80",
        "[::1%lo]:80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80",
        "http://127.0.0.1:80",
        "unix:",
        "unix:@",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct ph__listener listener = {.fd = 4711};
        if (ph__listener_parse(&listener, malformed[i]) != PH_ERR_ADDRESS) {
            fail_msg("\"%s\" is not refused", malformed[i]);
        }
        assert_int_equal(listener.fd, 4711); /* written on success only */
    }
}

static void test_parse_when_well_formed_then_address_and_text(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *text;
        int family;
        uint16_t port;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", AF_INET, 8080, true},
        {"127.0.0.1:0", "127.0.0.1:0", AF_INET, 0, true},
        {"0.0.0.0:65535", "0.0.0.0:65535", AF_INET, 65535, false},
        {"*:80", "0.0.0.0:80", AF_INET, 80, false},
        {"localhost:0", "127.0.0.1:0", AF_INET, 0, true},
        {"[::1]:443", "[::1]:443", AF_INET6, 443, true},
        {"[::]:1", "[::]:1", AF_INET6, 1, false},
        {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", AF_INET6, 1, true},
        {"[2001:db8:0:0:0:0:0:1]:1", "[2001:db8::1]:1", AF_INET6, 1, false},
        {"unix:/run/app.sock", "unix:/run/app.sock", AF_UNIX, 0, true},
        {"unix:relative:80", "unix:relative:80", AF_UNIX, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ph__listener listener = parsed(cases[i].listen);
        assert_string_equal(listener.text, cases[i].text);
        assert_int_equal(listener.address.family, cases[i].family);
        assert_int_equal(listener.address.port, cases[i].port);
        assert_int_equal(ph__sockaddr_is_loopback(&listener.address), cases[i].loopback);
        ph__listener_close(&listener); /* never opened */
    }
}

static void test_parse_when_unix_path_is_as_long_as_can_be_then_whole(void **state)
{
    (void)state;
    struct ph__listener listener;
    char listen[5 + sizeof listener.path + 1] = "unix:";
    memset(listen + 5, 'x', sizeof listener.path);
    assert_int_equal(ph__listener_parse(&listener, listen), PH_ERR_ADDRESS);
    listen[5 + sizeof listener.path - 1] = '\0';
    assert_int_equal(ph__listener_parse(&listener, listen), 0);
    assert_string_equal(listener.path, listen + 5);
    assert_string_equal(listener.text, listen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_malformed_then_err_address),
        cmocka_unit_test(test_parse_when_well_formed_then_address_and_text),
        cmocka_unit_test(test_parse_when_unix_path_is_as_long_as_can_be_then_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
