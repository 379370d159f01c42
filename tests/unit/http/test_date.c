/* SPDX-License-Identifier: MIT
 *
 * Dates in header fields: the three formats, and all that is none of them.
 */
#include "http/date.h"

#include "base/clock.h"
#include "support/cmocka.h"

#include <string.h>

#define NOW INT64_C(1795000000) /* 2026 */

static void test_date_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "0",
        "GMT",
        "Sun",
        "Sun,",
        "Sunday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sux, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1995 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-4 08:49:37 GMT",
        "Sun Nov 06 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   08:49:37 1994",
        "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t date = 7;
        assert_false(ph__date_parse(texts[i], NOW, &date));
        assert_int_equal(date, 7);
    }
}

static void assert_date(const char *text, int64_t now, int64_t expected)
{
    int64_t date;
    assert_true(ph__date_parse(text, now, &date));
    assert_int_equal(date, expected);
}

static void test_date_when_in_one_of_three_formats_then_the_same(void **state)
{
    (void)state;
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", NOW, 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", NOW, 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", NOW, 784111777);
    assert_date("Wed Nov 16 08:49:37 1994", NOW, 784975777);
    assert_date("Thu, 01 Jan 1970 00:00:00 GMT", NOW, 0);
    assert_date("Wed, 31 Dec 1969 23:59:59 GMT", NOW, -1);
    assert_date("Tue, 29 Feb 2000 00:00:00 GMT", NOW, 951782400);
    assert_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW, 1483228800);
    assert_date("Fri, 31 Dec 9999 23:59:59 GMT", NOW, INT64_C(253402300799));
    assert_date("Mon, 01 Jan 0001 00:00:00 GMT", NOW, -INT64_C(62135596800));
}

static void test_date_when_the_year_has_two_digits_then_the_nearest(void **state)
{
    (void)state;
    assert_date("Friday, 01-Jan-76 00:00:00 GMT", NOW, INT64_C(3345062400)); /* 2076 */
    assert_date("Saturday, 01-Jan-77 00:00:00 GMT", NOW, 220924800);         /* 1977 */
    assert_date("Thursday, 01-Jan-26 00:00:00 GMT", NOW, 1767225600);
    assert_date("Friday, 01-Jan-00 00:00:00 GMT", INT64_C(3786912000), INT64_C(4102444800));
}

static void test_date_when_written_by_us_then_read_back(void **state)
{
    (void)state;
    for (uint64_t seconds = 0; seconds < UINT64_C(8000000000); seconds += 86399 * 7 + 1) {
        char text[PH__HTTP_DATE_TEXT];
        ph__format_http_date(seconds, text, sizeof text);
        assert_date(text, NOW, (int64_t)seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date_when_malformed_then_refused),
        cmocka_unit_test(test_date_when_in_one_of_three_formats_then_the_same),
        cmocka_unit_test(test_date_when_the_year_has_two_digits_then_the_nearest),
        cmocka_unit_test(test_date_when_written_by_us_then_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
