/* SPDX-License-Identifier: MIT
 *
 * The text of metrics, byte by byte.
 */
#include "status/exposition.h"

#include "support/cmocka.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static void assert_text(struct ph__exposition *exposition, const char *text)
{
    assert_int_equal(ph__buf_error(&exposition->buf), 0);
    ph__buf_putc(&exposition->buf, '\0');
    assert_string_equal(exposition->buf.data, text);
    ph__buf_done(&exposition->buf);
}

static void write_some(struct ph__exposition *exposition)
{
    ph__exposition_family(exposition, "things_total", PH__METRIC_COUNTER, "Things.");
    ph__exposition_begin(exposition, "");
    ph__exposition_label(exposition, "kind", "a");
    ph__exposition_label(exposition, "size", "b");
    ph__exposition_u64(exposition, UINT64_MAX);
    ph__exposition_one(exposition, "heat", PH__METRIC_GAUGE, "Heat.", 0);
    ph__exposition_family(exposition, "wait_seconds", PH__METRIC_HISTOGRAM, "Wait.");
    ph__exposition_begin(exposition, "_sum");
    ph__exposition_us(exposition, 1000001);
    ph__exposition_end(exposition);
}

static void test_families_when_prometheus_then_counters_keep_their_suffix(void **state)
{
    (void)state;
    struct ph__exposition exposition;
    ph__exposition_init(&exposition, false);
    write_some(&exposition);
    assert_text(&exposition, "# HELP things_total Things.\n"
                             "# TYPE things_total counter\n"
                             "things_total{kind=\"a\",size=\"b\"} 18446744073709551615\n"
                             "# HELP heat Heat.\n"
                             "# TYPE heat gauge\n"
                             "heat 0\n"
                             "# HELP wait_seconds Wait.\n"
                             "# TYPE wait_seconds histogram\n"
                             "wait_seconds_sum 1.000001\n");
}

static void test_families_when_open_metrics_then_without_suffix_and_with_an_end(void **state)
{
    (void)state;
    struct ph__exposition exposition;
    ph__exposition_init(&exposition, true);
    write_some(&exposition);
    assert_text(&exposition, "# HELP things Things.\n"
                             "# TYPE things counter\n"
                             "things_total{kind=\"a\",size=\"b\"} 18446744073709551615\n"
                             "# HELP heat Heat.\n"
                             "# TYPE heat gauge\n"
                             "heat 0\n"
                             "# HELP wait_seconds Wait.\n"
                             "# TYPE wait_seconds histogram\n"
                             "wait_seconds_sum 1.000001\n"
                             "# EOF\n");
}

static void test_label_when_hostile_then_escaped(void **state)
{
    (void)state;
    struct ph__exposition exposition;
    ph__exposition_init(&exposition, false);
    exposition.family = "x";
    ph__exposition_begin(&exposition, "");
    ph__exposition_label(&exposition, "a", "\"} 1\nx{a=\\");
    ph__exposition_label(&exposition, "b", "\xC3\xA4\xFF\x1B<");
    ph__exposition_u64(&exposition, 7);
    assert_text(&exposition, "x{a=\"\\\"} 1\\nx{a=\\\\\",b=\"\xC3\xA4\xEF\xBF\xBD\x1B<\"} 7\n");
}

static void assert_number(double number, const char *text)
{
    char buffer[PH__NUMBER_TEXT];
    assert_int_equal(ph__exposition_format(number, buffer), strlen(text));
    assert_string_equal(buffer, text);
}

static void test_number_then_as_both_formats_have_it(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(-1.5, "-1.5");
    assert_number(0.1, "0.1");
    assert_number(1e300, "1e+300");
    assert_number((double)NAN, "NaN");
    assert_number((double)INFINITY, "+Inf");
    assert_number(-(double)INFINITY, "-Inf");
    char text[PH__NUMBER_TEXT];
    assert_int_equal(ph__exposition_format_us(64, text), 8);
    assert_string_equal(text, "0.000064");
}

static void test_name_then_as_prometheus_allows(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "_", ":", "aZ_:9"};
    static const char *const bad[] = {"", "9a", "a-b", "a b", "\xC3\xA4", "a\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(ph__exposition_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ph__exposition_is_name(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_when_prometheus_then_counters_keep_their_suffix),
        cmocka_unit_test(test_families_when_open_metrics_then_without_suffix_and_with_an_end),
        cmocka_unit_test(test_label_when_hostile_then_escaped),
        cmocka_unit_test(test_number_then_as_both_formats_have_it),
        cmocka_unit_test(test_name_then_as_prometheus_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
