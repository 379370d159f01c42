/* SPDX-License-Identifier: MIT */
#include "status/params.h"

#include "support/cmocka.h"

#include <porthole/error.h>

#include <string.h>

static char problem[PH__PROBLEM_TEXT];

static void assert_refused(const char *value, uint64_t max, const char *quoted)
{
    uint64_t number = 77;
    problem[0] = '\0';
    assert_int_equal(ph__param_number("limit", value, max, &number, problem, sizeof problem),
                     PH_ERR_PARAMETER);
    assert_int_equal(number, 77);
    assert_non_null(strstr(problem, "limit"));
    assert_non_null(strstr(problem, quoted));
    assert_non_null(strstr(problem, "whole number from 0 to"));
}

static void test_number_when_malformed_or_too_large_then_refused(void **state)
{
    (void)state;
    assert_refused("", 10, "\"\"");
    assert_refused("-1", 10, "\"-1\"");
    assert_refused("+1", 10, "\"+1\"");
    assert_refused(" 1", 10, "\" 1\"");
    assert_refused("1 ", 10, "\"1 \"");
    assert_refused("0x10", 100, "\"0x10\"");
    assert_refused("1.5", 10, "\"1.5\"");
    assert_refused("11", 10, "\"11\"");
    assert_refused("9", 5, "\"9\"");
    assert_refused("65536", 65535, "\"65536\"");
    assert_refused("18446744073709551616", UINT64_MAX, "18446744073709551616");
    assert_refused("99999999999999999999999", UINT64_MAX, "9999");
}

static void test_number_when_in_range_then_read(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_int_equal(ph__param_number("n", "10", 10, &number, problem, sizeof problem), 0);
    assert_int_equal(number, 10);
    assert_int_equal(ph__param_number("n", "0", 0, &number, problem, sizeof problem), 0);
    assert_int_equal(number, 0);
    assert_int_equal(ph__param_number("n", "007", 65535, &number, problem, sizeof problem), 0);
    assert_int_equal(number, 7);
    assert_int_equal(
        ph__param_number("n", "18446744073709551615", UINT64_MAX, &number, problem, sizeof problem),
        0);
    assert_true(number == UINT64_MAX);
}

static void test_bool_when_neither_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "1", "yes", "True", "truex", "FALSE"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool flag = true;
        assert_int_equal(ph__param_bool("owners", wrong[i], &flag, problem, sizeof problem),
                         PH_ERR_PARAMETER);
        assert_true(flag);
        assert_non_null(strstr(problem, "owners"));
        assert_non_null(strstr(problem, "true or false"));
    }
}

static void test_bool_when_right_then_read(void **state)
{
    (void)state;
    bool flag = true;
    assert_int_equal(ph__param_bool("owners", "false", &flag, problem, sizeof problem), 0);
    assert_false(flag);
    assert_int_equal(ph__param_bool("owners", "true", &flag, problem, sizeof problem), 0);
    assert_true(flag);
}

static void test_unknown_names_the_culprit_and_all_that_is_accepted(void **state)
{
    (void)state;
    static const struct ph__param own[] = {
        {"slot", PH__PARAM_TEXT, true, "in the path"},
        {"special", PH__PARAM_TEXT, false, "its own"},
        {NULL, PH__PARAM_TEXT, false, NULL},
    };
    ph__param_unknown("li\nmit", own, ph__list_params, problem, sizeof problem);
    assert_non_null(strstr(problem, "\"li\\x0Amit\""));
    assert_non_null(strstr(problem, "special"));
    assert_null(strstr(problem, "slot")); /* paths are no place for query parameters */
    for (const struct ph__param *param = ph__list_params; param->name; param++) {
        assert_non_null(strstr(problem, param->name));
    }
    ph__param_unknown("x", NULL, NULL, problem, sizeof problem);
    assert_non_null(strstr(problem, "none"));
}

static void test_unknown_when_room_is_small_then_cut(void **state)
{
    (void)state;
    char small[64];
    for (size_t size = 1; size <= sizeof small; size++) {
        memset(small, 'x', sizeof small);
        ph__param_unknown("y", NULL, ph__list_params, small, size);
        assert_true(strlen(small) < size);
    }
}

static void test_every_parameter_has_a_description(void **state)
{
    (void)state;
    for (const struct ph__param *param = ph__list_params; param->name; param++) {
        assert_non_null(param->description);
        assert_ptr_equal(ph__param_find(ph__list_params, param->name), param);
    }
    assert_null(ph__param_find(ph__list_params, "lim"));
    assert_null(ph__param_find(NULL, "limit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_when_malformed_or_too_large_then_refused),
        cmocka_unit_test(test_number_when_in_range_then_read),
        cmocka_unit_test(test_bool_when_neither_then_refused),
        cmocka_unit_test(test_bool_when_right_then_read),
        cmocka_unit_test(test_unknown_names_the_culprit_and_all_that_is_accepted),
        cmocka_unit_test(test_unknown_when_room_is_small_then_cut),
        cmocka_unit_test(test_every_parameter_has_a_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
