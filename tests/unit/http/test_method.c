/* SPDX-License-Identifier: MIT */
#include "http/method.h"

#include "support/cmocka.h"

#include <string.h>

static void test_of_when_word_is_no_method_then_count(void **state)
{
    (void)state;
    static const char *const words[] = {"",     "G",    "GE",      "GETS",   "get",
                                        "Get",  "HEAd", "CONNECT", "TRACE",  "QUERY",
                                        " GET", "GET ", "PRI",     "OPTION", "DELETED"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(ph__method_of(words[i], strlen(words[i])), PH__METHOD_COUNT);
    }
    assert_int_equal(ph__method_of("GET\0", 4), PH__METHOD_COUNT);
}

static void test_of_when_name_is_not_terminated_then_found(void **state)
{
    (void)state;
    assert_int_equal(ph__method_of("PUTREFY", 3), PH__METHOD_PUT);
}

static void test_name_when_any_method_then_of_finds_it(void **state)
{
    (void)state;
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    assert_int_equal(PH__METHOD_COUNT, sizeof names / sizeof *names);
    for (int i = 0; i < PH__METHOD_COUNT; i++) {
        enum ph__method method = ph__method_of(names[i], strlen(names[i]));
        assert_int_not_equal(method, PH__METHOD_COUNT);
        assert_string_equal(ph__method_name(method), names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_when_word_is_no_method_then_count),
        cmocka_unit_test(test_of_when_name_is_not_terminated_then_found),
        cmocka_unit_test(test_name_when_any_method_then_of_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
