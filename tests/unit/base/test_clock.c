/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "support/cmocka.h"

static void test_http_date_is_rfc_9110s_own_example(void **state)
{
    (void)state;
    char text[PH__HTTP_DATE_TEXT];
    assert_int_equal(ph__format_http_date(784111777, text, sizeof text), 29);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void test_rfc3339_when_leap_day_then_milliseconds_kept(void **state)
{
    (void)state;
    char text[PH__RFC3339_TEXT];
    assert_int_equal(ph__format_rfc3339(1709164800007, text, sizeof text), 24);
    assert_string_equal(text, "2024-02-29T00:00:00.007Z");
}

static void test_clocks_agree_with_each_other(void **state)
{
    (void)state;
    uint64_t before_us = ph__clock_us();
    uint64_t ms = ph__clock_ms();
    uint64_t after_us = ph__clock_us();
    assert_in_range(ms, before_us / 1000, after_us / 1000);
    assert_true(ph__clock_unix_ms() > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_date_is_rfc_9110s_own_example),
        cmocka_unit_test(test_rfc3339_when_leap_day_then_milliseconds_kept),
        cmocka_unit_test(test_clocks_agree_with_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
