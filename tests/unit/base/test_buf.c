/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void assert_json(const char *text, size_t size, const char *expected)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_put_json(&buf, text, size);
    char *json = ph__buf_take(&buf);
    assert_string_equal(json, expected);
    free(json);
}

static void test_append_when_limit_exceeded_then_error_sticks(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 4);
    ph__buf_puts(&buf, "abcd");
    assert_int_equal(ph__buf_error(&buf), 0);
    ph__buf_putc(&buf, 'e');
    assert_int_equal(ph__buf_error(&buf), PH_ERR_LIMIT);
    ph__buf_reset(&buf);
    ph__buf_puts(&buf, "xy");
    assert_int_equal(ph__buf_error(&buf), 0);
    assert_int_equal(buf.size, 2);
    ph__buf_done(&buf);
}

static void test_append_when_out_of_memory_then_what_was_there_stays(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_puts(&buf, "kept");
    char big[1000] = {0};
    fail_allocations(0, false);
    ph__buf_append(&buf, big, sizeof big);
    assert_true(stop_failing());
    assert_int_equal(ph__buf_error(&buf), -ENOMEM);
    assert_memory_equal(buf.data, "kept", 4);
    ph__buf_puts(&buf, "ignored");
    assert_int_equal(buf.size, 4);
    assert_null(ph__buf_take(&buf));
    ph__buf_done(&buf);
}

static void test_reserve_when_size_overflows_then_enomem(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_putc(&buf, 'a');
    assert_null(ph__buf_reserve(&buf, SIZE_MAX - 1));
    assert_int_equal(ph__buf_error(&buf), -ENOMEM);
    ph__buf_done(&buf);
}

static void test_numbers_at_their_ends(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_put_i64(&buf, LLONG_MIN);
    ph__buf_putc(&buf, ' ');
    ph__buf_put_u64(&buf, ULLONG_MAX);
    ph__buf_printf(&buf, " %s %d", "x", 7);
    ph__buf_put_i64(&buf, 0);
    char *text = ph__buf_take(&buf);
    assert_string_equal(text, "-9223372036854775808 18446744073709551615 x 70");
    free(text);
}

static void test_json_when_text_is_hostile_then_escaped(void **state)
{
    (void)state;
    assert_json("a\"b\\c\n\t\x01\x7f", 9, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    assert_json("\b\f\r", 3, "\"\\b\\f\\r\"");
    assert_json("nul\0in", 6, "\"nul\\u0000in\"");
    assert_json("", 0, "\"\"");
}

static void test_json_when_utf8_is_invalid_then_replaced(void **state)
{
    (void)state;
    assert_json("caf\xC3\xA9", 5, "\"caf\xC3\xA9\"");
    assert_json("\xFFx", 2, "\"\xEF\xBF\xBDx\"");
    assert_json("cut\xE2\x82", 5, "\"cut\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_when_limit_exceeded_then_error_sticks),
        cmocka_unit_test(test_append_when_out_of_memory_then_what_was_there_stays),
        cmocka_unit_test(test_reserve_when_size_overflows_then_enomem),
        cmocka_unit_test(test_numbers_at_their_ends),
        cmocka_unit_test(test_json_when_text_is_hostile_then_escaped),
        cmocka_unit_test(test_json_when_utf8_is_invalid_then_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
