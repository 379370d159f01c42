/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "support/cmocka.h"

#include <string.h>

static void test_length_when_malformed_then_0(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "\x80",             /* continuation without a beginning */
        "\xC0\xAF",         /* overlong slash */
        "\xE0\x80\xAF",     /* overlong, three bytes */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* above U+10FFFF */
        "\xF8\x88\x80\x80", /* five-byte form */
        "\xE2\x82",         /* cut short */
        "\xE2(\xA1",        /* bad second byte */
        "\xF0\x9F\x98(",    /* bad last byte */
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_int_equal(ph__utf8_length(malformed[i], strlen(malformed[i])), 0);
    }
}

static void test_length_when_well_formed_then_bytes_of_the_first_character(void **state)
{
    (void)state;
    assert_int_equal(ph__utf8_length("ab", 2), 1);
    assert_int_equal(ph__utf8_length("\xC3\xA9x", 3), 2);
    assert_int_equal(ph__utf8_length("\xE2\x82\xAC", 3), 3);
    assert_int_equal(ph__utf8_length("\xF4\x8F\xBF\xBF", 4), 4);
}

static void test_is_valid_when_malformed_anywhere_then_false(void **state)
{
    static const char good[] = "a\xC3\xA9\xE2\x82\xAC\xF4\x8F\xBF\xBF.";
    (void)state;
    assert_true(ph__utf8_is_valid(good, sizeof good)); /* with its NUL, which is a character too */
    assert_true(ph__utf8_is_valid("", 0));
    for (size_t i = 0; i < sizeof good - 1; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[i] = '\xFF';
        assert_false(ph__utf8_is_valid(bad, sizeof bad));
    }
    assert_false(ph__utf8_is_valid(good, 2)); /* cut short */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length_when_malformed_then_0),
        cmocka_unit_test(test_is_valid_when_malformed_anywhere_then_false),
        cmocka_unit_test(test_length_when_well_formed_then_bytes_of_the_first_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
