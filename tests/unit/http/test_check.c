/* SPDX-License-Identifier: MIT
 *
 * The checks on whole heads, as the parser calls them.
 */
#include "http/check.h"

#include "heads.h"
#include "support/cmocka.h"
#include "support/parsing.h"

#include <stdio.h>

static const struct ph__limits limits = {
    .target_max = 8000, .head_max = 16384, .headers_max = 16, .body_max = 1 << 20};

static void test_check_when_head_is_invalid_then_its_status(void **state)
{
    (void)state;
    for (int i = 0; i < INVALID_HEADS; i++) {
        const struct head_case *head = &invalid_heads[i];
        struct parsing p;
        parsing_begin(&p, &limits);
        parsing_feed(&p, head->text, head->size);
        if (p.result != PH__PARSE_ERROR || p.parser.status != head->status) {
            fail_msg("%s: result %d, status %d, want %d", head->what, (int)p.result,
                     p.parser.status, head->status);
        }
        assert_null(parsing_wrong(&p, true));
        parsing_end(&p);
    }
}

static void test_check_when_head_is_valid_then_done(void **state)
{
    (void)state;
    for (int i = 0; i < VALID_HEADS; i++) {
        const struct head_case *head = &valid_heads[i];
        struct parsing p;
        parsing_begin(&p, &limits);
        parsing_feed(&p, head->text, head->size);
        if (p.result != PH__PARSE_DONE) {
            fail_msg("%s: result %d, status %d", head->what, (int)p.result, p.parser.status);
        }
        if (parsing_wrong(&p, true)) {
            fail_msg("%s: %s", head->what, parsing_wrong(&p, true));
        }
        parsing_end(&p);
    }
}

/* Parses a request line and fields of HTTP/1.`minor`, to which a Host is added. */
static void parse_fields(struct parsing *p, int minor, const char *fields)
{
    char text[512];
    int size = snprintf(text, sizeof text, "POST / HTTP/1.%d\r\nHost: a\r\n%s\r\n", minor, fields);
    parsing_begin(p, &limits);
    if (parsing_feed(p, text, (size_t)size) != PH__PARSE_DONE) {
        fail_msg("\"%s\": status %d", fields, p->parser.status);
    }
    assert_int_equal(p->req.minor_version, minor);
}

/* RFC 9112 section 9.3. */
static void test_check_when_connection_field_then_keep_alive_by_version(void **state)
{
    (void)state;
    static const struct {
        int minor;
        const char *fields;
        bool keep_alive;
    } cases[] = {
        {1, "Connection: close\r\n", false},
        {1, "connection: CLOSE\r\n", false},
        {1, "Connection: close\t\r\n", false},
        {1, "Connection:\t close \t\r\n", false},
        {1, "Connection: keep-alive, close\r\n", false},
        {1, "Connection: close, keep-alive\r\n", false},
        {1, "Connection: x,close,y\r\n", false},
        {1, "Connection: , ,close\r\n", false},
        {1, "Connection: keep-alive\r\nConnection: close\r\n", false},
        {1, "Connection: close\r\nConnection: keep-alive\r\n", false},
        {1, "Connection: upgrade, close\r\nUpgrade: x\r\n", false},
        {0, "", false},
        {0, "Connection: x\r\n", false},
        {0, "Connection: close, keep-alive\r\n", false},
        {0, "Proxy-Connection: keep-alive\r\n", false},
        {1, "", true},
        {1, "Connection:\r\n", true},
        {1, "Connection: closed\r\n", true},
        {1, "Connection: clos\r\n", true},
        {1, "Connection: not close\r\n", true},
        {1, "Connection: \"close\"\r\n", true},
        {1, "Connection: keep-alive\r\n", true},
        {1, "X-Connection: close\r\n", true},
        {1, "Proxy-Connection: close\r\n", true},
        {0, "Connection: keep-alive\r\n", true},
        {0, "Connection: KEEP-Alive\t\r\n", true},
        {0, "Connection: x , keep-alive , y\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsing p;
        parse_fields(&p, cases[i].minor, cases[i].fields);
        if (p.req.keep_alive != cases[i].keep_alive) {
            fail_msg("HTTP/1.%d, \"%s\": keep_alive is %d", cases[i].minor, cases[i].fields,
                     p.req.keep_alive);
        }
        parsing_end(&p);
    }
}

static void test_check_when_body_is_announced_then_its_framing(void **state)
{
    (void)state;
    static const struct {
        int minor;
        const char *fields;
        bool chunked;
        uint64_t length;
    } cases[] = {
        {1, "", false, 0},
        {1, "Content-Length: 0\r\n", false, 0},
        {1, "Content-Length: 1\r\n", false, 1},
        {1, "content-length:0000000000000000000000017\r\n", false, 17},
        {1, "Content-Length: 1048576\r\n", false, 1 << 20},
        {0, "Content-Length: 10 \r\n", false, 10},
        {1, "Transfer-Encoding: chunked\r\n", true, 0},
        {1, "TRANSFER-ENCODING: CHUNKED\r\n", true, 0},
        {1, "Transfer-Encoding:chunked \r\n", true, 0},
        {1, "X-Transfer-Encoding: chunked\r\n", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsing p;
        parse_fields(&p, cases[i].minor, cases[i].fields);
        assert_int_equal(p.req.chunked, cases[i].chunked);
        assert_int_equal(p.req.content_length, cases[i].length);
        parsing_end(&p);
    }
}

/* RFC 9110 section 10.1.1: HTTP/1.0 knows no expectations, so any is passed over. */
static void test_check_when_expectation_then_noted_unless_http_1_0(void **state)
{
    (void)state;
    static const struct {
        int minor;
        const char *fields;
        bool expect;
    } cases[] = {
        {0, "Expect: 100-continue\r\n", false},
        {0, "Expect: something\r\n", false},
        {1, "", false},
        {1, "X-Expect: 100-continue\r\n", false},
        {1, "Expect: 100-continue\r\n", true},
        {1, "expect: 100-CONTINUE\t\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsing p;
        parse_fields(&p, cases[i].minor, cases[i].fields);
        assert_int_equal(p.req.expect_continue, cases[i].expect);
        parsing_end(&p);
    }
}

static void test_check_when_host_is_missing_in_http_1_0_then_allowed(void **state)
{
    (void)state;
    static const char head[] = "GET / HTTP/1.0\r\nX: y\r\n\r\n";
    struct parsing p;
    parsing_begin(&p, &limits);
    assert_int_equal(parsing_feed(&p, head, sizeof head - 1), PH__PARSE_DONE);
    assert_false(p.req.keep_alive);
    parsing_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_when_head_is_invalid_then_its_status),
        cmocka_unit_test(test_check_when_head_is_valid_then_done),
        cmocka_unit_test(test_check_when_connection_field_then_keep_alive_by_version),
        cmocka_unit_test(test_check_when_body_is_announced_then_its_framing),
        cmocka_unit_test(test_check_when_expectation_then_noted_unless_http_1_0),
        cmocka_unit_test(test_check_when_host_is_missing_in_http_1_0_then_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
