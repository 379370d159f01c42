/* SPDX-License-Identifier: MIT
 *
 * What is JSON and what is not, and where it ceases to be.
 */
#include <porthole/json.h>

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks a copy of just these bytes, so that sanitizers see what is read beyond. */
static int check(const char *text, size_t size, unsigned depth, struct ph_json_error *error)
{
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    int err = ph_json_check(copy, size, depth, error);
    free(copy);
    return err;
}

static void test_check_when_json_then_ok(void **state)
{
    static const char *const good[] = {"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "12",
                                       "-1.50",
                                       "1e5",
                                       "1E+05",
                                       "0.1e-9",
                                       "\"\"",
                                       " \t\r\n[ ] ",
                                       "{}",
                                       "{ \"a\" : 1 , \"a\" : [ ] }",
                                       "[1,[2,[3,{}]],\"x\"]",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\u0000\"",
                                       "\"\xC3\xBC \xF0\x9F\x98\x80\"",
                                       "{\"a\":{\"b\":[{},[],null]},\"c\":\"}\"}",
                                       "\"\x7F\""};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ph_json_error error = {.wrong = "untouched"};
        if (check(good[i], strlen(good[i]), 0, &error) != 0) {
            fail_msg("%s: %s", good[i], error.wrong);
        }
        assert_string_equal(error.wrong, "untouched");
    }
}

static void test_check_when_not_json_then_where_and_why(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *wrong;
    } bad[] = {
        {"", 0, "the text ends where a value should stand"},
        {" \n ", 3, "the text ends where a value should stand"},
        {"nul", 0, "a value should stand here"},
        {"True", 0, "a value should stand here"},
        {"'a'", 0, "a value should stand here"},
        {"\xEF\xBB\xBF{}", 0, "a value should stand here"},
        {"01", 1, "a number begins with 0, behind which no digit may stand"},
        {"-", 1, "a digit should stand here"},
        {"-a", 1, "a digit should stand here"},
        {"1.", 2, "a digit should stand here"},
        {"1.e5", 2, "a digit should stand here"},
        {"1e", 2, "a digit should stand here"},
        {"1e+", 3, "a digit should stand here"},
        {"+1", 0, "a value should stand here"},
        {".5", 0, "a value should stand here"},
        {"NaN", 0, "a value should stand here"},
        {"\"abc", 4, "the text ends within a string"},
        {"\"a\nb\"", 2, "a string goes on, in which this byte has to be escaped"},
        {"\"\\x\"", 1, "this escape stands for no character"},
        {"\"\\", 1, "this escape stands for no character"},
        {"\"\\u12\"", 1, "this escape stands for no character"},
        {"\"\\u12g4\"", 1, "this escape stands for no character"},
        {"\"\\uD800\"", 1, "this escape stands for no character"},
        {"\"\\uDC00\"", 1, "this escape stands for no character"},
        {"\"\\uD800\\u0041\"", 1, "this escape stands for no character"},
        {"\"\xC3(\"", 1, "this is not UTF-8"},
        {"\"\xED\xA0\x80\"", 1, "this is not UTF-8"},
        {"\"\xF0\x9F\x98", 1, "this is not UTF-8"},
        {"[", 1, "the text ends where a value should stand"},
        {"[1", 2, "a comma or ] should stand here"},
        {"[1,]", 3, "a value should stand here"},
        {"[,1]", 1, "a value should stand here"},
        {"[1 2]", 3, "a comma or ] should stand here"},
        {"[1}", 2, "a comma or ] should stand here"},
        {"{", 1, "a name in quotes should stand here"},
        {"{a:1}", 1, "a name in quotes should stand here"},
        {"{\"a\"}", 4, "a colon should stand here"},
        {"{\"a\":}", 5, "a value should stand here"},
        {"{\"a\":1,}", 7, "a name in quotes should stand here"},
        {"{\"a\":1]", 6, "a comma or } should stand here"},
        {"{} x", 3, "the text goes on behind its value"},
        {"1 2", 2, "the text goes on behind its value"},
        {"[1]]", 3, "the text goes on behind its value"},
        {"// no", 0, "a value should stand here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ph_json_error error = {0};
        assert_int_equal(check(bad[i].text, strlen(bad[i].text), 0, &error), PH_ERR_JSON);
        if (error.offset != bad[i].offset || strcmp(error.wrong, bad[i].wrong) != 0) {
            fail_msg("%s: at %zu: %s", bad[i].text, error.offset, error.wrong);
        }
    }
    assert_int_equal(check("[1,\0]", 5, 0, NULL), PH_ERR_JSON);
}

static void test_check_when_in_a_later_line_then_its_line_and_column(void **state)
{
    (void)state;
    struct ph_json_error error;
    static const char text[] = "{\n  \"a\": 1,\r\n  \"b\": tru\n}";
    assert_int_equal(check(text, sizeof text - 1, 0, &error), PH_ERR_JSON);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 8);
    assert_int_equal(error.offset, 20);
}

/* Opens so many arrays and objects in turn, and closes them. */
static int check_nested(unsigned levels, unsigned depth_max)
{
    static char text[8 * (PH_JSON_DEPTH_MAX + 2)];
    size_t at = 0;
    for (unsigned i = 0; i < levels; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", i % 3 ? "[" : "{\"a\":");
    }
    text[at++] = '0';
    for (unsigned i = levels; i-- > 0;) {
        text[at++] = i % 3 ? ']' : '}';
    }
    return check(text, at, depth_max, NULL);
}

static void test_check_when_nested_then_up_to_the_limit(void **state)
{
    (void)state;
    assert_int_equal(check_nested(32, 0), 0);
    assert_int_equal(check_nested(33, 0), PH_ERR_JSON);
    assert_int_equal(check_nested(1, 1), 0);
    assert_int_equal(check_nested(2, 1), PH_ERR_JSON);
    assert_int_equal(check_nested(PH_JSON_DEPTH_MAX, PH_JSON_DEPTH_MAX), 0);
    assert_int_equal(check_nested(PH_JSON_DEPTH_MAX + 1, PH_JSON_DEPTH_MAX), PH_ERR_JSON);
    assert_int_equal(check_nested(1, PH_JSON_DEPTH_MAX + 1), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_when_json_then_ok),
        cmocka_unit_test(test_check_when_not_json_then_where_and_why),
        cmocka_unit_test(test_check_when_in_a_later_line_then_its_line_and_column),
        cmocka_unit_test(test_check_when_nested_then_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
