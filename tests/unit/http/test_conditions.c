/* SPDX-License-Identifier: MIT
 *
 * Conditional requests: each field alone, and which of two is heard.
 */
#include "http/conditions.h"

#include "support/cmocka.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

enum { MODIFIED = 784111777, NOW = MODIFIED + 1000 };

static const struct ph__validators validators = {.etag = "\"a,b\"", .modified = MODIFIED};

static void check(const struct ph__conditions *conditions, enum ph__condition expected)
{
    assert_int_equal(ph__conditions_check(conditions, &validators, NOW), expected);
}

static void test_conditions_when_if_match_then_compared_strongly(void **state)
{
    (void)state;
    static const char *const no[] = {
        "",       "\"x\"", "W/\"a,b\"", "a,b", "\"a", "\"x\", W/\"a,b\"", "\"x\" junk, \"a,b\"",
        "\"A,B\""};
    static const char *const yes[] = {"*", "\"a,b\"", "\"x\", \"a,b\"", ",\t\"x\",,\"a,b\" ,",
                                      "W/\"x\",\"a,b\""};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        check(&(struct ph__conditions){.if_match = no[i]}, PH__CONDITION_FAILED);
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        check(&(struct ph__conditions){.if_match = yes[i]}, PH__CONDITION_HOLDS);
    }
}

static void test_conditions_when_if_none_match_then_compared_weakly(void **state)
{
    (void)state;
    static const char *const no[] = {"", "\"x\"", "a,b", "\"a", "\"A,B\"", "w/\"a,b\"", "\"a\",b"};
    static const char *const yes[] = {"*", "\"a,b\"", "W/\"a,b\"", "\"x\", W/\"a,b\""};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        check(&(struct ph__conditions){.if_none_match = no[i]}, PH__CONDITION_HOLDS);
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        check(&(struct ph__conditions){.if_none_match = yes[i]}, PH__CONDITION_SAME);
    }
}

static void test_conditions_when_dates_then_compared(void **state)
{
    (void)state;
    check(&(struct ph__conditions){0}, PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_modified_since = DATE}, PH__CONDITION_SAME);
    check(&(struct ph__conditions){.if_modified_since = AFTER}, PH__CONDITION_SAME);
    check(&(struct ph__conditions){.if_modified_since = BEFORE}, PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_modified_since = "yesterday"}, PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_unmodified_since = DATE}, PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_unmodified_since = AFTER}, PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_unmodified_since = BEFORE}, PH__CONDITION_FAILED);
    check(&(struct ph__conditions){.if_unmodified_since = "yesterday"}, PH__CONDITION_HOLDS);
}

static void test_conditions_when_several_then_in_the_order_of_the_rfc(void **state)
{
    (void)state;
    /* An ETag is heard in place of a date, and If-Match before If-None-Match. */
    check(&(struct ph__conditions){.if_match = "*", .if_unmodified_since = BEFORE},
          PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_match = "\"x\"", .if_unmodified_since = DATE},
          PH__CONDITION_FAILED);
    check(&(struct ph__conditions){.if_none_match = "\"x\"", .if_modified_since = DATE},
          PH__CONDITION_HOLDS);
    check(&(struct ph__conditions){.if_none_match = "*", .if_modified_since = BEFORE},
          PH__CONDITION_SAME);
    check(&(struct ph__conditions){.if_match = "\"x\"", .if_none_match = "*"},
          PH__CONDITION_FAILED);
    check(&(struct ph__conditions){.if_match = "*", .if_none_match = "*"}, PH__CONDITION_SAME);
    check(&(struct ph__conditions){.if_unmodified_since = BEFORE, .if_none_match = "*"},
          PH__CONDITION_FAILED);
    check(&(struct ph__conditions){.if_unmodified_since = DATE, .if_modified_since = DATE},
          PH__CONDITION_SAME);
}

static void test_if_range_when_not_exactly_this_version_then_all(void **state)
{
    (void)state;
    static const char *const no[] = {"",     "*",   "\"x\"", "W/\"a,b\"", "\"a,b\", \"x\"",
                                     BEFORE, AFTER, "a,b"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        const struct ph__conditions conditions = {.if_range = no[i]};
        assert_false(ph__conditions_allow_range(&conditions, &validators, NOW));
    }
    const struct ph__conditions by_date = {.if_range = DATE};
    assert_false(ph__conditions_allow_range(&by_date, &validators, MODIFIED));
    assert_true(ph__conditions_allow_range(&by_date, &validators, MODIFIED + 1));
    const struct ph__conditions by_etag = {.if_range = "\"a,b\""};
    assert_true(ph__conditions_allow_range(&by_etag, &validators, MODIFIED));
    assert_true(ph__conditions_allow_range(&(struct ph__conditions){0}, &validators, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_when_if_match_then_compared_strongly),
        cmocka_unit_test(test_conditions_when_if_none_match_then_compared_weakly),
        cmocka_unit_test(test_conditions_when_dates_then_compared),
        cmocka_unit_test(test_conditions_when_several_then_in_the_order_of_the_rfc),
        cmocka_unit_test(test_if_range_when_not_exactly_this_version_then_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
