/* SPDX-License-Identifier: MIT */
#include "status/guard.h"

#include "support/cmocka.h"

#include <string.h>

static const char *const names[] = {"status.example.org", "box", NULL};

static bool allowed(const char *host)
{
    return ph__guard_host(host, "machine.local", names);
}

static void test_host_when_a_strangers_name_then_refused(void **state)
{
    (void)state;
    assert_false(allowed("evil.example"));
    assert_false(allowed("evil.example:8080"));
    assert_false(allowed("localhost.evil.example"));
    assert_false(allowed("127.0.0.1.evil.example"));
    assert_false(allowed("xlocalhost"));
    assert_false(allowed("status.example.org.evil.example"));
    assert_false(allowed("machine.local.evil"));
    assert_false(ph__guard_host("machine", NULL, NULL));
}

static void test_host_when_malformed_then_refused(void **state)
{
    (void)state;
    assert_false(allowed(""));
    assert_false(allowed(":80"));
    assert_false(allowed("."));
    assert_false(allowed("localhost:80x"));
    assert_false(allowed("localhost:80:80"));
    assert_false(allowed("[::1"));
    assert_false(allowed("[::1]x"));
    assert_false(allowed("[localhost]"));
    assert_false(allowed("[127.0.0.1]"));
    assert_false(allowed("::1"));
    assert_false(allowed("127.1"));
    assert_false(allowed("2130706433"));
    assert_false(allowed("0x7f.0.0.1"));
    assert_false(allowed("localhost/"));
    assert_false(allowed("user@localhost"));
    char text[400];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(allowed(text));
}

static void test_host_when_an_address_or_a_known_name_then_allowed(void **state)
{
    (void)state;
    assert_true(allowed("127.0.0.1"));
    assert_true(allowed("192.0.2.7:8080"));
    assert_true(allowed("[::1]"));
    assert_true(allowed("[2001:db8::1]:8080"));
    assert_true(allowed("localhost"));
    assert_true(allowed("LocalHost:1"));
    assert_true(allowed("localhost."));
    assert_true(allowed("localhost.:80"));
    assert_true(allowed("localhost:"));
    assert_true(allowed("Machine.Local"));
    assert_true(allowed("status.example.ORG:443"));
    assert_true(allowed("box"));
    assert_true(allowed(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_when_a_strangers_name_then_refused),
        cmocka_unit_test(test_host_when_malformed_then_refused),
        cmocka_unit_test(test_host_when_an_address_or_a_known_name_then_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
