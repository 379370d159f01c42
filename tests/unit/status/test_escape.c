/* SPDX-License-Identifier: MIT */
#include "status/escape.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

static void assert_text(const char *text, size_t size, const char *expected, size_t width)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_puts(&buf, "");
    assert_int_equal(ph__escape_text(&buf, text, size), width);
    char *escaped = ph__buf_take(&buf);
    assert_string_equal(escaped, expected);
    free(escaped);
}

static void assert_csv(const char *text, const char *expected)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__escape_csv(&buf, text, strlen(text));
    char *escaped = ph__buf_take(&buf);
    assert_string_equal(escaped, expected);
    free(escaped);
}

static void test_text_when_control_characters_then_shown_as_hex(void **state)
{
    (void)state;
    assert_text("\x1b[31m\x07", 6, "\\x1B[31m\\x07", 12);
    assert_text("a\nb\tc\rd", 7, "a\\x0Ab\\x09c\\x0Dd", 16);
    assert_text("\x7f\0", 2, "\\x7F\\x00", 8);
    assert_text("\xC2\x9B", 2, "\\xC2\\x9B", 8); /* CSI as a C1 character */
}

static void test_text_when_utf8_is_invalid_then_shown_as_hex(void **state)
{
    (void)state;
    assert_text("\xFFx\xC3", 3, "\\xFFx\\xC3", 9);
    assert_text("\xC0\xAF", 2, "\\xC0\\xAF", 8);
}

static void test_text_when_it_reorders_or_hides_then_shown_as_hex(void **state)
{
    (void)state;
    assert_text((const char[]){'\xE2', '\x80', '\xAE'}, 3, "\\xE2\\x80\\xAE",
                12);                                       /* right-to-left override */
    assert_text("\xE2\x80\x8B", 3, "\\xE2\\x80\\x8B", 12); /* zero width space */
    assert_text((const char[]){'\xE2', '\x81', '\xA6'}, 3, "\\xE2\\x81\\xA6", 12); /* isolate */
    assert_text("\xEF\xBB\xBF", 3, "\\xEF\\xBB\\xBF", 12); /* byte order mark */
}

static void test_text_when_harmless_then_kept_and_counted_in_characters(void **state)
{
    (void)state;
    assert_text("caf\xC3\xA9 \xE2\x82\xAC \\", 11, "caf\xC3\xA9 \xE2\x82\xAC \\", 8);
    assert_text("\xC2\xA0", 2, "\xC2\xA0", 1);
    assert_text("", 0, "", 0);
}

static void test_csv_when_formula_then_apostrophe(void **state)
{
    (void)state;
    assert_csv("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0");
    assert_csv("+1", "'+1");
    assert_csv("-1", "'-1");
    assert_csv("@SUM(A1)", "'@SUM(A1)");
    assert_csv("\t=1", "\"'\t=1\"");
    assert_csv("\r=1", "\"'\r=1\"");
    assert_csv("=1,2", "\"'=1,2\"");
}

static void test_csv_when_it_needs_quotes_then_quoted(void **state)
{
    (void)state;
    assert_csv("a,b", "\"a,b\"");
    assert_csv("say \"hi\"", "\"say \"\"hi\"\"\"");
    assert_csv("\"", "\"\"\"\"");
    assert_csv("two\r\nlines", "\"two\r\nlines\"");
    assert_csv("\x1b]0;x\x07", "\\x1B]0;x\\x07");
    assert_csv("\xFF", "\\xFF");
}

static void test_csv_when_plain_then_kept(void **state)
{
    (void)state;
    assert_csv("nginx(812:6) nginx(813:6)", "nginx(812:6) nginx(813:6)");
    assert_csv("::1", "::1");
    assert_csv("", "");
}

static void test_quote_when_long_or_hostile_then_cut_and_escaped(void **state)
{
    (void)state;
    char buffer[PH__QUOTE_TEXT];
    assert_string_equal(ph__quote(buffer, "x"), "\"x\"");
    assert_string_equal(ph__quote(buffer, "\x1b\"\n"), "\"\\x1B\\x22\\x0A\"");
    char text[200];
    memset(text, '\xFF', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ph__quote(buffer, text);
    assert_int_equal(strlen(buffer), 1 + 60 * 4 + strlen("…\""));
    assert_string_equal(buffer + strlen(buffer) - strlen("…\""), "…\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_when_control_characters_then_shown_as_hex),
        cmocka_unit_test(test_text_when_utf8_is_invalid_then_shown_as_hex),
        cmocka_unit_test(test_text_when_it_reorders_or_hides_then_shown_as_hex),
        cmocka_unit_test(test_text_when_harmless_then_kept_and_counted_in_characters),
        cmocka_unit_test(test_csv_when_formula_then_apostrophe),
        cmocka_unit_test(test_csv_when_it_needs_quotes_then_quoted),
        cmocka_unit_test(test_csv_when_plain_then_kept),
        cmocka_unit_test(test_quote_when_long_or_hostile_then_cut_and_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
