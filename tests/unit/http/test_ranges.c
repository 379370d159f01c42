/* SPDX-License-Identifier: MIT
 *
 * Range fields: refused, unsatisfiable, and obeyed.
 */
#include "http/ranges.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

/* No range in a list of 16 touches another. */
#define EIGHT "0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14"
#define SIXTEEN "bytes=" EIGHT ",18-18,20-20,22-22,24-24,26-26,28-28,30-30,32-32"
#define SEVENTEEN SIXTEEN ",34-34"

static enum ph__ranges parse(const char *field, uint64_t size, char text[1000])
{
    struct ph__range ranges[PH__RANGES_MAX];
    unsigned count = 0;
    enum ph__ranges result = ph__ranges_parse(field, size, ranges, &count);
    size_t at = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, 1000 - at, "%s%llu+%llu", i ? " " : "",
                               (unsigned long long)ranges[i].from,
                               (unsigned long long)ranges[i].size);
    }
    return result;
}

static void test_ranges_when_malformed_or_too_much_then_all(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "",
        "bytes",
        "bytes=",
        "bytes= ",
        "bytes=,",
        "bytes=-",
        "bytes=x",
        "bytes=1",
        "bytes=x-1",
        "bytes=1-x",
        "bytes=1-2x",
        "bytes=1-2 3",
        "bytes=2-1",
        "bytes=--1",
        "bytes=-1-",
        "bytes=1--2",
        "bytes=0-1;2-3",
        "bytes =0-1",
        "items=0-1",
        "byte=0-1",
        "bytes:0-1",
        "bytes=0-1,x",
        "bytes=0-1,2-1",
        "bytes=+1-2",
        "bytes=1-+2",
        "bytes=0x1-2",
        /* the same bytes twice */
        "bytes=0-1,1-2",
        "bytes=0-,0-",
        "bytes=5-6,0-9",
        "bytes=0-9,5-6",
        "bytes=90-,-10",
        "bytes=1-1,3-3,1-1",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[1000];
        assert_int_equal(parse(fields[i], 100, text), PH__RANGES_ALL);
        assert_string_equal(text, "");
    }
    char text[1000];
    assert_int_equal(parse(SEVENTEEN, 100, text), PH__RANGES_ALL);
}

static void test_ranges_when_behind_the_end_then_none(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "bytes=100-",
        "bytes=100-200",
        "bytes=-0",
        "bytes=200-,300-",
        "bytes=18446744073709551615-",
        "bytes=99999999999999999999999-",
        "bytes=99999999999999999999999-999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[1000];
        assert_int_equal(parse(fields[i], 100, text), PH__RANGES_NONE);
    }
    char text[1000];
    assert_int_equal(parse("bytes=0-", 0, text), PH__RANGES_NONE);
    assert_int_equal(parse("bytes=-1", 0, text), PH__RANGES_NONE);
}

static void test_ranges_when_there_then_these(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        const char *expected;
    } rows[] = {
        {"bytes=0-0", "0+1"},
        {"bytes=0-", "0+100"},
        {"bytes=99-", "99+1"},
        {"bytes=0-99", "0+100"},
        {"bytes=0-100", "0+100"},
        {"bytes=10-18446744073709551615", "10+90"},
        {"bytes=10-99999999999999999999999", "10+90"},
        {"bytes=-1", "99+1"},
        {"bytes=-100", "0+100"},
        {"bytes=-101", "0+100"},
        {"bytes=-99999999999999999999999", "0+100"},
        {"BYTES=5-6", "5+2"},
        {"bytes=\t5-6 ", "5+2"},
        {"bytes=,5-6,,", "5+2"},
        {"bytes=0-1,2-3", "0+2 2+2"},
        {"bytes=50-59 , 0-9\t,-1", "50+10 0+10 99+1"},
        {"bytes=200-,5-6,100-", "5+2"},
        {SIXTEEN, "0+1 2+1 4+1 6+1 8+1 10+1 12+1 14+1 18+1 20+1 22+1 24+1 26+1 28+1 30+1 32+1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        assert_int_equal(parse(rows[i].field, 100, text), PH__RANGES_SOME);
        assert_string_equal(text, rows[i].expected);
    }
}

/* Every pair of small numbers, against the definition. */
static void test_ranges_when_tried_exhaustively_then_as_defined(void **state)
{
    (void)state;
    for (uint64_t size = 0; size < 8; size++) {
        for (uint64_t first = 0; first < 10; first++) {
            for (uint64_t last = 0; last < 10; last++) {
                char field[40];
                char text[1000];
                char expected[40] = "";
                snprintf(field, sizeof field, "bytes=%d-%d", (int)first, (int)last);
                enum ph__ranges result = last < first    ? PH__RANGES_ALL
                                         : first >= size ? PH__RANGES_NONE
                                                         : PH__RANGES_SOME;
                uint64_t end = last < size ? last + 1 : size;
                if (result == PH__RANGES_SOME) {
                    snprintf(expected, sizeof expected, "%d+%d", (int)first, (int)(end - first));
                }
                assert_int_equal(parse(field, size, text), result);
                assert_string_equal(text, expected);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_when_malformed_or_too_much_then_all),
        cmocka_unit_test(test_ranges_when_behind_the_end_then_none),
        cmocka_unit_test(test_ranges_when_there_then_these),
        cmocka_unit_test(test_ranges_when_tried_exhaustively_then_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
