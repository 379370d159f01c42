/* SPDX-License-Identifier: MIT
 *
 * Request targets by RFC 3986 and RFC 9112 section 3.2. Random ones: test_uri_random.c.
 */
#include "http/uri.h"

#include "support/cmocka.h"
#include "targets.h"

#include <stdlib.h>
#include <string.h>

static void assert_path(const char *target, const char *path)
{
    struct target parsed = parse_target(target);
    if (parsed.wrong) {
        fail_msg("\"%s\": %s", target, parsed.wrong);
    }
    assert_string_equal(parsed.uri.path, path);
    assert_int_equal(parsed.uri.path_size, strlen(path));
    release_target(&parsed);
}

static void assert_refused(const char *target, size_t size)
{
    struct target parsed = parse_target_bytes(target, size);
    const char *wrong = parsed.wrong ? parsed.wrong : "";
    size_t length = strlen(wrong);
    if (length == 0 || wrong[length - 1] == '.') {
        fail_msg("\"%.*s\" is not refused, or not by a sentence without a full stop: \"%s\"",
                 (int)size, target, wrong);
    }
    release_target(&parsed);
}

/* ---- refusals ---- */

static void test_parse_when_target_is_malformed_then_says_so(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "a",
        "index.html",
        "?a=b",
        "**",
        "*/",
        "//%zz",
        "/%",
        "/%4",
        "/%zz",
        "/%4g",
        "/%g4",
        "/a%",
        "/a%2",
        "/%%41",
        "/?%",
        "/?a=%1",
        "/?a=%1x",
        "/%00",
        "/a%00b",
        "/?a=%00",
        "/?%00",
        "/a b",
        "/a\tb",
        "/a\"b",
        "/a<b",
        "/a>b",
        "/a\\b",
        "/#top",
        "/a#",
        "/?a#b",
        "/\x7f",
        "/\x80",
        "/caf\xc3\xa9",
        "/\xff",
        "/\x01",
        "/?a= b",
        "http:",
        "http:/",
        "http://",
        "http:///",
        "http:///path",
        "http://?q",
        "https://",
        "ftp://host/",
        "http//host/",
        "host:80",
        "host:80/path",
        "http://user@host/",
        "http://user:password@host/",
        "http://host:port/",
        "http://host:-1/",
        "http://[::1/",
        "http://[]/",
        "http://[::1]x/",
        "http://host:80:80/",
        "http://ho%st/",
        "http://host|/",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        assert_refused(malformed[i], strlen(malformed[i]));
    }
    assert_refused("/a\0b", 4);
}

static void test_parse_when_dots_lead_above_the_root_then_refused(void **state)
{
    (void)state;
    static const char *const above[] = {
        "/..",           "/../",         "/../a",        "/a/../..",         "/a/../../",
        "/./..",         "/%2e%2e",      "/%2E./a",      "/.%2e/%2e%2e/etc", "/a/%2e%2e/..",
        "/a/b/../../..", "http://h/..",  "http://h/../", "/a/.././../b",     "/../a?q=/..",
        "/..?x",         "/a/../..?x=y", "/a%2F..%2Fb",  "/..%2fetc",        "/x/a%2f..",
    };
    for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
        assert_refused(above[i], strlen(above[i]));
    }
}

/* What a handler is told of the path has no ".." in it, however it is looked at. */
static void test_parse_when_dots_hide_behind_an_encoded_slash_then_refused(void **state)
{
    (void)state;
    static const char *const hidden[] = {
        "/..%2f",        "/..%2fetc",
        "/%2e%2e%2Fetc", "/a%2f..",
        "/a%2F..%2Fb",   "/a/b%2f..",
        "/%2f..",        "/%2F..%2F",
        "/a%2f%2e.",     "/files/..%2f..%2fetc%2fpasswd",
        "/a/..%2F/..",   "/a%2f..%2f../..",
        "/..%2F..",
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        assert_refused(hidden[i], strlen(hidden[i]));
    }
    assert_path("/a%2f...", "/a/...");
    assert_path("/a..%2fb", "/a../b");
    assert_path("/a%2f..b", "/a/..b");
    assert_path("/a?b=..%2f", "/a");
}

static void test_parse_when_refused_then_result_is_untouched(void **state)
{
    (void)state;
    struct ph__uri uri = {.path_size = 4711};
    char scratch[64];
    assert_non_null(ph__uri_parse(&uri, "/%zz", 4, scratch));
    assert_int_equal(uri.path_size, 4711);
}

/* ---- paths ---- */

static void test_parse_when_path_is_encoded_then_decoded_once(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } cases[] = {
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a/b", "/a/b"},
        {"//", "//"},
        {"///", "///"},
        {"//a//b//", "//a//b//"},
        {"/%61%62", "/ab"},
        {"/a%20b", "/a b"},
        {"/a+b", "/a+b"}, /* a plus is a space in queries only */
        {"/%2561", "/%61"},
        {"/%252e%252e/x", "/%2e%2e/x"},
        {"/%25", "/%"},
        {"/%2500", "/%00"},
        {"/a%2Fb", "/a/b"},
        {"/a%2fb/c", "/a/b/c"},
        {"/%3f%23", "/?#"},
        {"/%C3%a9", "/\xc3\xa9"},
        {"/%ff%FE%01%7f", "/\xff\xfe\x01\x7f"},
        {"/~a-._!$&'()*,;=:@", "/~a-._!$&'()*,;=:@"},
        {"/^`{|}[]", "/^`{|}[]"}, /* browsers send these as they are */
        {"/a?b", "/a"},
        {"/?", "/"},
        {"/a?b?c/d/../..", "/a"},
        {"http://host", "/"},
        {"http://host/", "/"},
        {"http://host/a%20b?q", "/a b"},
        {"http://host?q/../..", "/"},
        {"HTTP://host/a", "/a"},
        {"https://[::1]:8443/a", "/a"},
        {"hTTps://127.0.0.1:/a", "/a"},
        {"http://host/http://other/", "/http://other/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_path(cases[i].target, cases[i].path);
    }
}

/* RFC 3986 section 5.2.4, where a ".." above the root is refused instead of dropped. */
static void test_parse_when_path_has_dot_segments_then_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } cases[] = {
        {"/.", "/"},
        {"/./", "/"},
        {"/./.", "/"},
        {"/a/.", "/a/"},
        {"/a/./", "/a/"},
        {"/./a", "/a"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a/"},
        {"/a/b/../", "/a/"},
        {"/a/b/../../c", "/c"},
        {"/a/b/c/./../../g", "/a/g"},
        {"/mid/content=5/../6", "/mid/6"},
        {"/a//..", "/a/"},
        {"/a//../b", "/a/b"},
        {"//..", "/"},
        {"//../a", "/a"},
        {"/%2e", "/"},
        {"/a/%2E%2e/b", "/b"},
        {"/a/.%2e/b", "/b"},
        {"/a/%2e/b", "/a/b"},
        {"/...", "/..."},
        {"/a/...", "/a/..."},
        {"/.a", "/.a"},
        {"/a.", "/a."},
        {"/..a/b", "/..a/b"},
        {"/a../b", "/a../b"},
        {"http://h/a/../b", "/b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_path(cases[i].target, cases[i].path);
    }
}

static void assert_segments(const char *target, const char *segments, size_t size)
{
    struct target parsed = parse_target(target);
    assert_null(parsed.wrong);
    assert_int_equal(parsed.uri.path_size, size);
    assert_memory_equal(parsed.uri.segments, segments, size);
    release_target(&parsed);
}

static void test_parse_then_segments_are_separated_by_real_slashes_only(void **state)
{
    (void)state;
#define SEGMENTS(text) (text), sizeof(text) - 1
    assert_segments("/", SEGMENTS("\0"));
    assert_segments("/a", SEGMENTS("a\0"));
    assert_segments("/a/", SEGMENTS("a\0\0"));
    assert_segments("/a/b", SEGMENTS("a\0b\0"));
    assert_segments("//b", SEGMENTS("\0b\0"));
    assert_segments("/a%2Fb/c", SEGMENTS("a/b\0c\0"));
    assert_segments("http://h?q", SEGMENTS("\0"));
#undef SEGMENTS
}

static void test_parse_when_asterisk_then_the_server_as_a_whole(void **state)
{
    (void)state;
    struct target parsed = parse_target("*");
    assert_null(parsed.wrong);
    assert_true(parsed.uri.asterisk);
    assert_string_equal(parsed.uri.path, "*");
    assert_int_equal(parsed.uri.path_size, 1);
    assert_string_equal(parsed.uri.segments, "");
    assert_int_equal(parsed.uri.query_count, 0);
    assert_null(parsed.uri.authority);
    release_target(&parsed);
    parsed = parse_target("/*");
    assert_null(parsed.wrong);
    assert_false(parsed.uri.asterisk);
    release_target(&parsed);
}

static void test_parse_when_absolute_form_then_authority(void **state)
{
    (void)state;
    static const struct {
        const char *target, *authority;
    } cases[] = {
        {"http://example.org", "example.org"},
        {"http://example.org:80/a", "example.org:80"},
        {"https://[2001:db8::1]:1?q", "[2001:db8::1]:1"},
        {"http://a%2eb/", "a%2eb"},
        {"/http://a", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct target parsed = parse_target(cases[i].target);
        assert_null(parsed.wrong);
        if (cases[i].authority) {
            assert_int_equal(parsed.uri.authority_size, strlen(cases[i].authority));
            assert_memory_equal(parsed.uri.authority, cases[i].authority,
                                parsed.uri.authority_size);
        } else {
            assert_null(parsed.uri.authority);
        }
        release_target(&parsed);
    }
}

/* ---- queries ---- */

static void assert_query(const char *target, size_t count, const char *pairs, size_t size)
{
    struct target parsed = parse_target(target);
    assert_null(parsed.wrong);
    if (parsed.uri.query_count != count) {
        fail_msg("\"%s\" has %zu parameters, not %zu", target, parsed.uri.query_count, count);
    }
    assert_memory_equal(parsed.uri.query, pairs, size);
    release_target(&parsed);
}

static void test_parse_when_query_then_pairs_decoded_once(void **state)
{
    (void)state;
#define PAIRS(text) (text), sizeof(text) - 1
    assert_query("/", 0, PAIRS(""));
    assert_query("/?", 0, PAIRS(""));
    assert_query("/?&", 0, PAIRS(""));
    assert_query("/?&&&", 0, PAIRS(""));
    assert_query("/?a", 1, PAIRS("a\0\0"));
    assert_query("/?a=", 1, PAIRS("a\0\0"));
    assert_query("/?=", 1, PAIRS("\0\0"));
    assert_query("/?=b", 1, PAIRS("\0b\0"));
    assert_query("/?a=b", 1, PAIRS("a\0b\0"));
    assert_query("/?a=b&c=d", 2, PAIRS("a\0b\0c\0d\0"));
    assert_query("/?a=b&&c", 2, PAIRS("a\0b\0c\0\0"));
    assert_query("/?&a=b&", 1, PAIRS("a\0b\0"));
    assert_query("/?a=1&a=2", 2,
                 PAIRS("a\0"
                       "1\0a\0"
                       "2\0"));
    assert_query("/?a=b=c", 1, PAIRS("a\0b=c\0"));
    assert_query("/?a+b=c+d", 1, PAIRS("a b\0c d\0"));
    assert_query("/?a%2Bb=%2b", 1, PAIRS("a+b\0+\0"));
    assert_query("/?a%26b=%3D%3d&c", 2, PAIRS("a&b\0==\0c\0\0"));
    assert_query("/?a=%2541", 1, PAIRS("a\0%41\0"));
    assert_query("/?a=/../b?c", 1, PAIRS("a\0/../b?c\0"));
    assert_query("http://h?a=b", 1, PAIRS("a\0b\0"));
    assert_query("/?%C3%A9=%e2%82%ac", 1, PAIRS("\xc3\xa9\0\xe2\x82\xac\0"));
#undef PAIRS
}

/* ---- hosts ---- */

static bool is_host(const char *text)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    bool result = ph__uri_is_host(copy, size);
    free(copy);
    return result;
}

static void test_is_host_when_malformed_then_false(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        ":",
        ":80",
        "a:b",
        "a:80:80",
        "a b",
        " a",
        "a ",
        "a/b",
        "a?b",
        "a#b",
        "a@b",
        "user@host",
        "a\\b",
        "a\"b",
        "a<b",
        "a,b:c",
        "[::1",
        "::1",
        "[]",
        "[::1]a",
        "[::1]80",
        "[::1]:x",
        "[::g]",
        "[1.2.3.4]",
        "[::1]]",
        "a[",
        "[fe80::1%lo]",
        "[fe80::1%25lo]",
        "a%",
        "a%2",
        "a%zz",
        "a\x01",
        "a\x7f",
        "a\x80",
        "a:123456",
        "a:+1",
        "a: 1",
        "a,b c",
        "http://a",
        "[:::]",
        "a^b",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        if (is_host(malformed[i])) {
            fail_msg("\"%s\" is taken for a host", malformed[i]);
        }
    }
    assert_false(ph__uri_is_host("a\0b", 3));
}

static void test_is_host_when_well_formed_then_true(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "a",
        "localhost",
        "localhost:8080",
        "example.org",
        "EXAMPLE.org.",
        "a-b_c~d",
        "127.0.0.1",
        "127.0.0.1:1",
        "a:",
        "a:65535",
        "[::1]",
        "[::1]:443",
        "[::1]:",
        "[::ffff:1.2.3.4]",
        "[FE80::A]:1",
        "a%20b",
        "!$&'()*+,;=",
        "1",
        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (!is_host(hosts[i])) {
            fail_msg("\"%s\" is not taken for a host", hosts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_target_is_malformed_then_says_so),
        cmocka_unit_test(test_parse_when_dots_lead_above_the_root_then_refused),
        cmocka_unit_test(test_parse_when_dots_hide_behind_an_encoded_slash_then_refused),
        cmocka_unit_test(test_parse_when_refused_then_result_is_untouched),
        cmocka_unit_test(test_parse_when_path_is_encoded_then_decoded_once),
        cmocka_unit_test(test_parse_when_path_has_dot_segments_then_resolved),
        cmocka_unit_test(test_parse_then_segments_are_separated_by_real_slashes_only),
        cmocka_unit_test(test_parse_when_asterisk_then_the_server_as_a_whole),
        cmocka_unit_test(test_parse_when_absolute_form_then_authority),
        cmocka_unit_test(test_parse_when_query_then_pairs_decoded_once),
        cmocka_unit_test(test_is_host_when_malformed_then_false),
        cmocka_unit_test(test_is_host_when_well_formed_then_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
