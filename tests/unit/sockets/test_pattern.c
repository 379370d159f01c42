/* SPDX-License-Identifier: MIT */
#include "sockets/pattern.h"

#include "support/cmocka.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static void test_match_when_different_then_false(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "a"},    {"a", ""},     {"a", "b"},        {"a", "ab"},    {"?", ""},
        {"[a]", "b"}, {"[!a]", "a"}, {"[!a]", "A"},     {"[b-d]", "a"}, {"a*c", "ab"},
        {"[a", "a"},  {"\\*", "x"},  {"*.sock", "x.s"}, {"[]]", "["},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(ph__pattern_match(cases[i][0], cases[i][1]));
    }
}

static void test_match_when_equal_then_true(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},        {"*", ""},        {"a", "A"},
        {"A", "a"},      {"?b", "ab"},     {"[a-c]", "B"},
        {"[!a-c]", "d"}, {"[^a]", "b"},    {"[]a]", "]"},
        {"[a-]", "-"},   {"a*c", "abbbc"}, {"*a*b*", "xaybz"},
        {"[x", "[x"},    {"\\*", "*"},     {"/run/*.sock", "/run/a/b.sock"},
        {"**", "abc"},   {"a\\", "a\\"},   {"*[0-9]", "ab7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(ph__pattern_match(cases[i][0], cases[i][1]));
    }
}

/* Time must not explode with the number of stars. */
static void test_match_when_many_stars_then_quick(void **state)
{
    (void)state;
    char pattern[201];
    char text[501];
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[199] = 'b';
    pattern[200] = '\0';
    memset(text, 'a', 500);
    text[500] = '\0';
    assert_false(ph__pattern_match(pattern, text));
}

/* fnmatch(3) is what ss calls. Of what POSIX leaves open (a bracket that is not closed, a range
 * with an end missing, a backslash at the end or in brackets) nothing is generated. */
static void test_match_says_what_fnmatch_says(void **state)
{
    (void)state;
    static const char *const parts[] = {"a",    "B",    "c",     "?",   "*",
                                        "[ab]", "[!b]", "[a-b]", "\\*", "]"};
    static const char letters[] = "aAbBcC*]";
    unsigned seed = 7;
    unsigned matched = 0;
    for (int round = 0; round < 20000; round++) {
        char pattern[64] = "";
        char *end = pattern;
        char text[9] = "";
        for (int i = rand_r(&seed) % 6; i > 0; i--) {
            end = stpcpy(end, parts[(size_t)rand_r(&seed) % (sizeof parts / sizeof parts[0])]);
        }
        for (int i = 0, count = rand_r(&seed) % 8; i < count; i++) {
            text[i] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        }
        bool expected = fnmatch(pattern, text, FNM_CASEFOLD) == 0;
        matched += expected;
        assert_int_equal(ph__pattern_match(pattern, text), expected);
    }
    assert_true(matched > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_when_different_then_false),
        cmocka_unit_test(test_match_when_equal_then_true),
        cmocka_unit_test(test_match_when_many_stars_then_quick),
        cmocka_unit_test(test_match_says_what_fnmatch_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
