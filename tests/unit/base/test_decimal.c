/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

#include "support/cmocka.h"

#include <inttypes.h>
#include <stdio.h>

static void assert_put(uint64_t number)
{
    char expected[PH__DECIMAL_TEXT + 1];
    char text[PH__DECIMAL_TEXT + 2];
    memset(text, '#', sizeof text);
    int length = snprintf(expected, sizeof expected, "%" PRIu64, number);
    char *end = ph__decimal_put(text, number);
    assert_int_equal(end - text, length);
    assert_memory_equal(text, expected, (size_t)length);
    assert_int_equal(*end, '#'); /* nothing behind the digits */
}

static void test_put_at_every_power_of_ten(void **state)
{
    (void)state;
    assert_put(0);
    assert_put(UINT64_MAX);
    uint64_t power = 1;
    for (int i = 0; i < PH__DECIMAL_TEXT; i++, power *= 10) {
        assert_put(power - 1);
        assert_put(power);
        assert_put(power + 1);
    }
    for (uint64_t number = 0; number < 70000; number += 7) {
        assert_put(number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_at_every_power_of_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
