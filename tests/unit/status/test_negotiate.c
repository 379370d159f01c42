/* SPDX-License-Identifier: MIT */
#include "status/negotiate.h"

#include "support/cmocka.h"

#include <string.h>

static void test_negotiate_when_nothing_fits_then_none(void **state)
{
    (void)state;
    assert_int_equal(ph__negotiate("text/html"), PH__FORMAT_COUNT);
    assert_int_equal(ph__negotiate("image/*, application/xml;q=0.9"), PH__FORMAT_COUNT);
    assert_int_equal(ph__negotiate("application/json;q=0"), PH__FORMAT_COUNT);
    assert_int_equal(ph__negotiate("*/*;q=0"), PH__FORMAT_COUNT);
    assert_int_equal(ph__negotiate("*/json"), PH__FORMAT_COUNT);
    assert_int_equal(ph__negotiate("application"), PH__FORMAT_COUNT);
}

static void test_negotiate_when_malformed_then_range_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(ph__negotiate("application/json;q=2, text/csv;q=0.1"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate("application/json;q=x, text/csv;q=0.1"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate("application/json;q=1.5, text/csv"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate(",,;q=1,text/csv"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate(";;;"), PH__FORMAT_COUNT);
}

static void test_negotiate_when_absent_or_any_then_json(void **state)
{
    (void)state;
    assert_int_equal(ph__negotiate(NULL), PH__FORMAT_JSON);
    assert_int_equal(ph__negotiate(""), PH__FORMAT_JSON);
    assert_int_equal(ph__negotiate("*/*"), PH__FORMAT_JSON);
    assert_int_equal(ph__negotiate("application/*"), PH__FORMAT_JSON);
    assert_int_equal(ph__negotiate("text/html,application/xhtml+xml,application/xml;q=0.9,"
                                   "image/avif,*/*;q=0.8"),
                     PH__FORMAT_JSON);
}

static void test_negotiate_when_named_then_that(void **state)
{
    (void)state;
    assert_int_equal(ph__negotiate("application/x-ndjson"), PH__FORMAT_NDJSON);
    assert_int_equal(ph__negotiate("Text/CSV; charset=utf-8"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate("text/plain"), PH__FORMAT_TEXT);
    assert_int_equal(ph__negotiate("text/*"), PH__FORMAT_TEXT);
    assert_int_equal(ph__negotiate(" application/json ; q=1.000 "), PH__FORMAT_JSON);
}

static void test_negotiate_when_qualities_then_highest_and_most_specific(void **state)
{
    (void)state;
    assert_int_equal(ph__negotiate("application/json;q=0.5, text/csv;q=0.501"), PH__FORMAT_CSV);
    assert_int_equal(ph__negotiate("text/csv;q=0.5,application/json;Q=0.7"), PH__FORMAT_JSON);
    /* The star would take JSON, but JSON itself is refused. */
    assert_int_equal(ph__negotiate("*/*, application/json;q=0"), PH__FORMAT_NDJSON);
    assert_int_equal(ph__negotiate("text/*;q=0.9, text/plain;q=0.1, */*;q=0.2"), PH__FORMAT_CSV);
}

static void test_find_when_name_then_format_and_back(void **state)
{
    (void)state;
    for (enum ph__format i = PH__FORMAT_JSON; i < PH__FORMAT_COUNT; i++) {
        assert_int_equal(ph__format_find(ph__format_name(i)), i);
        const char *type = ph__format_media_type(i);
        assert_memory_equal(ph__format_content_type(i), type, strlen(type));
        assert_int_equal(ph__negotiate(type), i);
    }
    assert_int_equal(ph__format_find("xml"), PH__FORMAT_COUNT);
    assert_int_equal(ph__format_find(""), PH__FORMAT_COUNT);
}

struct coding_case {
    const char *accept_encoding;
    enum ph__coding coding;
};

static void check_codings(const struct coding_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ph__negotiate_coding(cases[i].accept_encoding) != cases[i].coding) {
            print_error("Accept-Encoding: %s\n", cases[i].accept_encoding);
            fail();
        }
    }
}

static void test_coding_when_both_are_refused_then_none(void **state)
{
    (void)state;
    static const struct coding_case cases[] = {
        {"identity;q=0", PH__CODING_NONE},
        {"*;q=0", PH__CODING_NONE},
        {"br, *;q=0.000", PH__CODING_NONE},
        {"gzip;q=0, identity;q=0", PH__CODING_NONE},
        {"gzip;q=0, identity;q=0, *", PH__CODING_NONE},
        {"x-gzip;q=0, *;q=0", PH__CODING_NONE},
        {"identity;q=0, gzip;q=x", PH__CODING_NONE},
    };
    check_codings(cases, sizeof cases / sizeof cases[0]);
}

static void test_coding_when_gzip_is_not_accepted_then_identity(void **state)
{
    (void)state;
    static const struct coding_case cases[] = {
        {NULL, PH__CODING_IDENTITY},
        {"", PH__CODING_IDENTITY},
        {" , ;q=1 ,", PH__CODING_IDENTITY},
        {"identity", PH__CODING_IDENTITY},
        {"br, deflate", PH__CODING_IDENTITY},
        {"gzip;q=0", PH__CODING_IDENTITY},
        {"gzip ; q=0.0", PH__CODING_IDENTITY},
        {"gzip;q=0, *", PH__CODING_IDENTITY},
        {"*;q=0, identity;q=0.1", PH__CODING_IDENTITY},
        /* It may be had, but the other is liked better. */
        {"gzip;q=0.5, identity", PH__CODING_IDENTITY},
        {"gzip;q=0.5, *;q=0.501", PH__CODING_IDENTITY},
        /* Malformed elements, and names that only look like it. */
        {"gzip;q=2", PH__CODING_IDENTITY},
        {"gzip;q=-1", PH__CODING_IDENTITY},
        {"gzip;q=1.001", PH__CODING_IDENTITY},
        {"gzip x", PH__CODING_IDENTITY},
        {"gzi", PH__CODING_IDENTITY},
        {"gzipp", PH__CODING_IDENTITY},
        {"**", PH__CODING_IDENTITY},
    };
    check_codings(cases, sizeof cases / sizeof cases[0]);
}

static void test_coding_when_gzip_is_accepted_then_gzip(void **state)
{
    (void)state;
    static const struct coding_case cases[] = {
        {"gzip", PH__CODING_GZIP},
        {"x-gzip", PH__CODING_GZIP},
        {"GZip;Q=1.000", PH__CODING_GZIP},
        {"gzip, deflate, br, zstd", PH__CODING_GZIP},
        {"br;q=1.0,\tgzip ; q=0.001 , identity;q=0", PH__CODING_GZIP},
        {"*", PH__CODING_GZIP},
        {"*;q=0.1", PH__CODING_GZIP},
        {"*;q=0, gzip", PH__CODING_GZIP},
        {"identity;q=0, *;q=0.5", PH__CODING_GZIP},
        {"identity, gzip", PH__CODING_GZIP},
        {"identity;q=0.5, gzip;q=0.5", PH__CODING_GZIP},
        {"identity;q=x, gzip;q=0.1", PH__CODING_GZIP},
    };
    check_codings(cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiate_when_nothing_fits_then_none),
        cmocka_unit_test(test_negotiate_when_malformed_then_range_is_ignored),
        cmocka_unit_test(test_negotiate_when_absent_or_any_then_json),
        cmocka_unit_test(test_negotiate_when_named_then_that),
        cmocka_unit_test(test_negotiate_when_qualities_then_highest_and_most_specific),
        cmocka_unit_test(test_find_when_name_then_format_and_back),
        cmocka_unit_test(test_coding_when_both_are_refused_then_none),
        cmocka_unit_test(test_coding_when_gzip_is_not_accepted_then_identity),
        cmocka_unit_test(test_coding_when_gzip_is_accepted_then_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
