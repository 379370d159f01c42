/* SPDX-License-Identifier: MIT */
#include "sockets/address.h"

#include "support/cmocka.h"

#include <string.h>

static struct ph__address parse(const char *text)
{
    struct ph__address address;
    unsigned bits;
    assert_true(ph__address_parse(text, strlen(text), &address, &bits));
    return address;
}

static void test_parse_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "/",
        "10.0.0",
        "10.0.0.1/",
        "10.0.0.1/33",
        "10.0.0.1/-1",
        "::1/129",
        "::1/x",
        "[::1",
        "[10.0.0.1]",
        "1.2.3.4.5",
        "256.0.0.1",
        "10.0.0.1 ",
        "fe80::1%lo",
        "10.0.0.1//",
        "10.0.0.0/08x",
        "10",
        "10/33",
        "10./8",
        ".10/8",
        "10..1/8",
        "1.2.3.4.5/8",
        "256/8",
        "10.0.0.0/255.0.255.0",
        "10.0.0.0/255.0.0.0.0",
        "::/255.0.0.0",
        "[::/0",
        "[::]0",
        "[::]x/0",
        "[::/0]/0",
        "[::/0]0",
        "[::]/0]x",
        "[::]/0]",
        "[10/8]",
        "[]",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    struct ph__address address;
    unsigned bits;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ph__address_parse(wrong[i], strlen(wrong[i]), &address, &bits));
    }
    assert_false(ph__address_parse("::1\0x", 5, &address, &bits));
}

static void test_parse_counts_ipv4_prefixes_behind_the_mapping(void **state)
{
    (void)state;
    struct ph__address address;
    unsigned bits;
    assert_true(ph__address_parse("10.0.0.0/8", 10, &address, &bits));
    assert_int_equal(bits, 104);
    assert_true(ph__address_is_ipv4(&address));
    assert_true(ph__address_parse("[fe80::]/10", 11, &address, &bits));
    assert_int_equal(bits, 10);
    assert_false(ph__address_is_ipv4(&address));
    assert_true(ph__address_parse("0.0.0.0/0", 9, &address, &bits));
    assert_int_equal(bits, 96);
}

/* The manual page of ss has "dst 193.233.7/24". */
static void test_parse_takes_short_prefixes_and_masks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *same;
        unsigned bits;
    } cases[] = {
        {"193.233.7/24", "193.233.7.0", 120},
        {"10/8", "10.0.0.0", 104},
        {"0/0", "0.0.0.0", 96},
        {"10.1/16", "10.1.0.0", 112},
        {"10.0.0.0/255.0.0.0", "10.0.0.0", 104},
        {"10.0.0.0/255.255.255.255", "10.0.0.0", 128},
        {"10.0.0.0/0.0.0.0", "10.0.0.0", 96},
        {"[fe80::/10]", "fe80::", 10},
        {"[::1/128]", "::1", 128},
        {"::/0", "::", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__address address;
        struct ph__address same = parse(cases[i].same);
        unsigned bits;
        assert_true(ph__address_parse(cases[i].text, strlen(cases[i].text), &address, &bits));
        assert_int_equal(bits, cases[i].bits);
        assert_memory_equal(&address, &same, sizeof same);
    }
}

static void test_prefix_compares_bits_at_its_edges(void **state)
{
    (void)state;
    struct ph__address inside = parse("172.31.255.255");
    struct ph__address outside = parse("172.32.0.0");
    struct ph__address mapped = parse("::ffff:172.16.0.1");
    struct ph__address prefix = parse("172.16.0.0");
    assert_true(ph__address_in_prefix(&inside, &prefix, 96 + 12));
    assert_true(ph__address_in_prefix(&mapped, &prefix, 96 + 12));
    assert_false(ph__address_in_prefix(&outside, &prefix, 96 + 12));
    assert_true(ph__address_in_prefix(&outside, &prefix, 96 + 10));
    assert_false(ph__address_in_prefix(&inside, &prefix, 128));
    assert_true(ph__address_in_prefix(&inside, &prefix, 0));
}

static void test_scope_at_the_edges_of_each_range(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        enum ph_scope scope;
    } cases[] = {
        {"0.0.0.0", PH_SCOPE_ALL},
        {"::", PH_SCOPE_ALL},
        {"::ffff:0.0.0.0", PH_SCOPE_ALL},
        {"0.0.0.1", PH_SCOPE_PUBLIC},
        {"127.0.0.1", PH_SCOPE_LOOPBACK},
        {"127.255.255.255", PH_SCOPE_LOOPBACK},
        {"128.0.0.1", PH_SCOPE_PUBLIC},
        {"::1", PH_SCOPE_LOOPBACK},
        {"::ffff:127.0.0.1", PH_SCOPE_LOOPBACK},
        {"::2", PH_SCOPE_PUBLIC},
        {"169.254.0.1", PH_SCOPE_LINK},
        {"169.255.0.1", PH_SCOPE_PUBLIC},
        {"fe80::1", PH_SCOPE_LINK},
        {"febf::1", PH_SCOPE_LINK},
        {"fec0::1", PH_SCOPE_PUBLIC},
        {"10.255.0.1", PH_SCOPE_PRIVATE},
        {"11.0.0.1", PH_SCOPE_PUBLIC},
        {"172.16.0.1", PH_SCOPE_PRIVATE},
        {"172.31.255.255", PH_SCOPE_PRIVATE},
        {"172.32.0.1", PH_SCOPE_PUBLIC},
        {"192.168.1.1", PH_SCOPE_PRIVATE},
        {"192.169.0.1", PH_SCOPE_PUBLIC},
        {"100.64.0.1", PH_SCOPE_PRIVATE},
        {"100.127.255.255", PH_SCOPE_PRIVATE},
        {"100.128.0.1", PH_SCOPE_PUBLIC},
        {"fc00::1", PH_SCOPE_PRIVATE},
        {"fdff::1", PH_SCOPE_PRIVATE},
        {"fe00::1", PH_SCOPE_PUBLIC},
        {"2001:db8::1", PH_SCOPE_PUBLIC},
        {"8.8.8.8", PH_SCOPE_PUBLIC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__address address = parse(cases[i].address);
        assert_int_equal(ph__address_scope(&address), cases[i].scope);
        assert_int_equal(ph__address_is_any(&address), cases[i].scope == PH_SCOPE_ALL);
        assert_int_equal(ph__address_is_loopback(&address), cases[i].scope == PH_SCOPE_LOOPBACK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_malformed_then_refused),
        cmocka_unit_test(test_parse_counts_ipv4_prefixes_behind_the_mapping),
        cmocka_unit_test(test_parse_takes_short_prefixes_and_masks),
        cmocka_unit_test(test_prefix_compares_bits_at_its_edges),
        cmocka_unit_test(test_scope_at_the_edges_of_each_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
