/* SPDX-License-Identifier: MIT
 *
 * The parser and heads, fed in pieces of every size and at its limits. Between two calls the buffer
 * moves (see support/parsing.h).
 */
#include "http/parse.h"

#include "heads.h"
#include "support/cmocka.h"
#include "support/parsing.h"

#include <stdio.h>

static const struct ph__limits limits = {
    .target_max = 8000, .head_max = 16384, .headers_max = 16, .body_max = 1 << 20};

/* Feeds a head in pieces that end at the given places. */
static void feed_in_two(struct parsing *p, const char *text, size_t size, size_t split)
{
    if (parsing_feed(p, text, split) == PH__PARSE_MORE) {
        assert_null(parsing_wrong(p, true));
        parsing_feed(p, text + split, size - split);
    }
}

static void feed_bytes(struct parsing *p, const char *text, size_t size)
{
    for (size_t i = 0; i < size && p->result == PH__PARSE_MORE; i++) {
        parsing_feed(p, text + i, 1);
    }
}

/* ---- heads in pieces ---- */

static void assert_refused(const struct parsing *p, const struct head_case *head, size_t split)
{
    if (p->result != PH__PARSE_ERROR || p->parser.status != head->status) {
        fail_msg("%s, split at %zu: result %d, status %d, want %d", head->what, split,
                 (int)p->result, p->parser.status, head->status);
    }
    assert_null(parsing_wrong(p, true));
}

static void test_head_when_invalid_and_split_anywhere_then_the_same_status(void **state)
{
    (void)state;
    for (int i = 0; i < INVALID_HEADS; i++) {
        const struct head_case *head = &invalid_heads[i];
        for (size_t split = 0; split <= head->size; split++) {
            struct parsing p;
            parsing_begin(&p, &limits);
            feed_in_two(&p, head->text, head->size, split);
            assert_refused(&p, head, split);
            parsing_end(&p);
        }
        struct parsing p;
        parsing_begin(&p, &limits);
        feed_bytes(&p, head->text, head->size);
        assert_refused(&p, head, 1);
        parsing_end(&p);
    }
}

/* The same request, whatever the pieces it came in. */
static void assert_same(const struct parsing *p, const struct parsing *whole, const char *what,
                        size_t split)
{
    const struct ph_request *a = &p->req;
    const struct ph_request *b = &whole->req;
    if (p->result != PH__PARSE_DONE || p->parser.head_size != whole->parser.head_size ||
        a->method != b->method || a->minor_version != b->minor_version || a->target != b->target ||
        a->target_size != b->target_size || a->field_count != b->field_count ||
        a->keep_alive != b->keep_alive || a->chunked != b->chunked ||
        a->expect_continue != b->expect_continue || a->content_length != b->content_length) {
        fail_msg("%s: another request when split at %zu (status %d)", what, split,
                 p->parser.status);
    }
    assert_memory_equal(p->fields, whole->fields, a->field_count * sizeof *p->fields);
    assert_memory_equal(p->buffer, whole->buffer, p->parser.head_size);
    assert_null(parsing_wrong(p, true));
}

static void test_head_when_valid_and_split_anywhere_then_the_same_request(void **state)
{
    (void)state;
    for (int i = 0; i < VALID_HEADS; i++) {
        const struct head_case *head = &valid_heads[i];
        struct parsing whole;
        parsing_begin(&whole, &limits);
        assert_int_equal(parsing_feed(&whole, head->text, head->size), PH__PARSE_DONE);
        for (size_t split = 0; split <= head->size; split++) {
            struct parsing p;
            parsing_begin(&p, &limits);
            feed_in_two(&p, head->text, head->size, split);
            assert_same(&p, &whole, head->what, split);
            parsing_end(&p);
        }
        struct parsing p;
        parsing_begin(&p, &limits);
        feed_bytes(&p, head->text, head->size);
        assert_same(&p, &whole, head->what, 1);
        parsing_end(&p);
        parsing_end(&whole);
    }
}

static void test_head_when_incomplete_then_more(void **state)
{
    (void)state;
    static const char head[] = "GET /a HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < sizeof head - 1; size++) {
        struct parsing p;
        parsing_begin(&p, &limits);
        assert_int_equal(parsing_feed(&p, head, size), PH__PARSE_MORE);
        assert_int_equal(parsing_feed(&p, "", 0), PH__PARSE_MORE);
        assert_null(parsing_wrong(&p, true));
        parsing_end(&p);
    }
}

static void test_head_when_bytes_follow_then_they_stay_as_they_are(void **state)
{
    (void)state;
    static const char text[] = "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                               "GET / HTTP/1.1\r\n";
    const size_t behind = strlen("helloGET / HTTP/1.1\r\n");
    struct parsing p;
    parsing_begin(&p, &limits);
    assert_int_equal(parsing_feed(&p, text, sizeof text - 1), PH__PARSE_DONE);
    assert_int_equal(p.parser.head_size, sizeof text - 1 - behind);
    assert_memory_equal(p.buffer + p.parser.head_size, text + p.parser.head_size, behind);
    parsing_end(&p);
}

static void assert_field(const struct parsing *p, unsigned index, const char *name,
                         const char *value)
{
    assert_true(index < p->req.field_count);
    const struct ph__field *field = &p->fields[index];
    assert_string_equal(p->buffer + field->name, name);
    assert_string_equal(p->buffer + field->value, value);
    assert_int_equal(field->name_size, strlen(name));
    assert_int_equal(field->value_size, strlen(value));
}

static void test_head_when_done_then_fields_are_trimmed_and_terminated(void **state)
{
    (void)state;
    static const char text[] = "PATCH /x?y HTTP/1.1\r\nHost:a\r\nEmpty:\r\nBlank: \t \r\n"
                               "Spaced: \t b  c\t \r\nhost-like: d\r\nLast:\r\n\r\n";
    for (size_t split = 0; split < sizeof text; split++) {
        struct parsing p;
        parsing_begin(&p, &limits);
        feed_in_two(&p, text, sizeof text - 1, split);
        assert_int_equal(p.result, PH__PARSE_DONE);
        assert_int_equal(p.req.method, PH__METHOD_PATCH);
        assert_int_equal(p.req.minor_version, 1);
        assert_string_equal(p.buffer + p.req.target, "/x?y");
        assert_int_equal(p.req.field_count, 6);
        assert_field(&p, 0, "Host", "a");
        assert_field(&p, 1, "Empty", "");
        assert_field(&p, 2, "Blank", "");
        assert_field(&p, 3, "Spaced", "b  c");
        assert_field(&p, 4, "host-like", "d");
        assert_field(&p, 5, "Last", "");
        parsing_end(&p);
    }
}

static void test_init_when_used_again_then_nothing_is_left(void **state)
{
    (void)state;
    static const char first[] = "POST /long/target HTTP/1.0\r\nA: b\r\nContent-Length: 7\r\n"
                                "Connection: keep-alive\r\n\r\n";
    static const char second[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct parsing p;
    parsing_begin(&p, &limits);
    assert_int_equal(parsing_feed(&p, first, sizeof first - 1), PH__PARSE_DONE);
    free(p.buffer);
    p.buffer = NULL;
    p.size = 0;
    ph__parse_init(&p.parser, &p.req, &p.limits);
    assert_int_equal(parsing_feed(&p, second, sizeof second - 1), PH__PARSE_DONE);
    assert_int_equal(p.req.method, PH__METHOD_GET);
    assert_int_equal(p.req.field_count, 1);
    assert_int_equal(p.req.content_length, 0);
    assert_string_equal(p.buffer + p.req.target, "/");
    assert_null(parsing_wrong(&p, true));
    parsing_end(&p);
}

/* ---- limits ---- */

/* Parses the text at once and byte by byte; both have to end in this status (0: done). */
static void assert_status(const struct ph__limits *with, const char *text, int status)
{
    for (int pieces = 0; pieces < 2; pieces++) {
        struct parsing p;
        parsing_begin(&p, with);
        if (pieces) {
            feed_bytes(&p, text, strlen(text));
        } else {
            parsing_feed(&p, text, strlen(text));
        }
        assert_null(parsing_wrong(&p, true));
        int got = p.result == PH__PARSE_ERROR  ? p.parser.status
                  : p.result == PH__PARSE_DONE ? 0
                                               : -1;
        if (got != status) {
            fail_msg("status %d, want %d, %s: %.60s", got, status, pieces ? "bytes" : "whole",
                     text);
        }
        parsing_end(&p);
    }
}

static void test_target_when_one_too_long_then_414(void **state)
{
    (void)state;
    struct ph__limits few = limits;
    for (few.target_max = 1; few.target_max < 40; few.target_max++) {
        char text[128];
        char target[64];
        memset(target, 'a', sizeof target);
        target[0] = '/';
        snprintf(text, sizeof text, "GET %.*s HTTP/1.1\r\nHost: a\r\n\r\n", (int)few.target_max + 1,
                 target);
        assert_status(&few, text, 414);
        snprintf(text, sizeof text, "GET %.*s HTTP/1.1\r\nHost: a\r\n\r\n", (int)few.target_max,
                 target);
        assert_status(&few, text, 0);
    }
}

static void test_fields_when_one_too_many_then_431(void **state)
{
    (void)state;
    struct ph__limits few = limits;
    static const char four[] = "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB: b\r\nC: c\r\n\r\n";
    few.headers_max = 3;
    assert_status(&few, four, 431);
    few.headers_max = 4;
    assert_status(&few, four, 0);
}

static void test_head_when_one_byte_too_long_then_431(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nLong: aaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
    struct ph__limits few = limits;
    few.head_max = sizeof text - 2;
    assert_status(&few, text, 431);
    few.head_max = sizeof text - 1;
    assert_status(&few, text, 0);
    few.head_max = strlen("GET / HTTP/1.1\r\nHost: a\r\nLo");
    assert_status(&few, text, 431);
}

static void test_head_when_end_never_comes_then_refused_at_the_limit(void **state)
{
    (void)state;
    struct ph__limits few = limits;
    few.head_max = 64;
    few.target_max = 64;
    static const struct {
        const char *text; /* repeated to 63, then 64 bytes */
        int status;
    } cases[] = {
        {"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 414},
        {"GET / HTTP/1.1\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
         431},
        {"GET / HTTP/1.1\r\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 431},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsing p;
        parsing_begin(&p, &few);
        assert_int_equal(parsing_feed(&p, cases[i].text, 63), PH__PARSE_MORE);
        assert_int_equal(parsing_feed(&p, cases[i].text + 63, 1), PH__PARSE_ERROR);
        assert_int_equal(p.parser.status, cases[i].status);
        parsing_end(&p);
    }
}

static void test_head_when_empty_lines_never_end_then_refused_at_the_limit(void **state)
{
    (void)state;
    struct ph__limits few = limits;
    few.head_max = 64;
    few.target_max = 64;
    struct parsing p;
    parsing_begin(&p, &few);
    for (int i = 0; i < 64 && p.result == PH__PARSE_MORE; i++) {
        parsing_feed(&p, i % 2 ? "\n" : "\r", 1);
    }
    assert_int_equal(p.result, PH__PARSE_ERROR);
    assert_in_set((unsigned long)p.parser.status, ((const unsigned long[]){414, 431}), 2);
    parsing_end(&p);
}

static void test_length_when_one_too_large_then_413(void **state)
{
    (void)state;
    struct ph__limits few = limits;
    few.body_max = 10;
    assert_status(&few, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413);
    assert_status(&few, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_when_invalid_and_split_anywhere_then_the_same_status),
        cmocka_unit_test(test_head_when_valid_and_split_anywhere_then_the_same_request),
        cmocka_unit_test(test_head_when_incomplete_then_more),
        cmocka_unit_test(test_head_when_bytes_follow_then_they_stay_as_they_are),
        cmocka_unit_test(test_head_when_done_then_fields_are_trimmed_and_terminated),
        cmocka_unit_test(test_init_when_used_again_then_nothing_is_left),
        cmocka_unit_test(test_target_when_one_too_long_then_414),
        cmocka_unit_test(test_fields_when_one_too_many_then_431),
        cmocka_unit_test(test_head_when_one_byte_too_long_then_431),
        cmocka_unit_test(test_head_when_end_never_comes_then_refused_at_the_limit),
        cmocka_unit_test(test_head_when_empty_lines_never_end_then_refused_at_the_limit),
        cmocka_unit_test(test_length_when_one_too_large_then_413),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
