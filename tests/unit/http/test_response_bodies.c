/* SPDX-License-Identifier: MIT
 *
 * Bodies of replies, and how they are framed.
 */
#include "http/response.h"

#include "replies.h"
#include "support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = PH__SMALL_BODY + 1 };

static char large[LARGE]; /* the smallest body that is not copied behind the head */

static unsigned releases;

static void count_release(void *user)
{
    (void)user;
    releases++;
}

static ssize_t generate_nothing(void *user, char *buffer, size_t size)
{
    (void)user;
    (void)buffer;
    (void)size;
    return 0;
}

static void test_take_when_release_is_null_then_allowed(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, LARGE, NULL), 0);
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, 1, NULL), 0);
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_generate(&f.res, 200, NULL, generate_nothing, NULL, NULL), 0);
    end_reply(&f);
}

static void test_copy_when_large_then_a_copy_is_sent_from_elsewhere(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    char *data = malloc(LARGE);
    assert_non_null(data);
    memset(data, 'd', LARGE);
    assert_int_equal(ph_reply_copy(&f.res, 200, NULL, data, LARGE), 0);
    memset(data, '#', LARGE);
    free(data);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Length: 8193\r\n\r\n");
    assert_int_equal(f.res.tail_size, LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        assert_int_equal(f.res.tail[i], 'd');
    }
    end_reply(&f);
}

static void test_copy_when_small_then_behind_the_head(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "x", "two\r\n\r\nlines"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct reply f;
        begin_reply(&f);
        char expected[256];
        snprintf(expected, sizeof expected,
                 "HTTP/1.1 202 Accepted\r\n" DATE_LINE
                 "Content-Type: a/b\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(bodies[i]), bodies[i]);
        assert_int_equal(ph_reply_copy(&f.res, 202, "a/b", bodies[i], strlen(bodies[i])), 0);
        assert_out(&f, expected);
        assert_null(f.res.tail);
        end_reply(&f);
    }
}

static void test_copy_when_as_large_as_small_can_be_then_behind_the_head(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_static(&f.res, 200, NULL, large, PH__SMALL_BODY), 0);
    assert_null(f.res.tail);
    assert_true(f.out.size > PH__SMALL_BODY);
    end_reply(&f);
}

static void test_take_when_large_then_not_copied(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    releases = 0;
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, LARGE, count_release), 0);
    assert_ptr_equal(f.res.tail, large);
    assert_int_equal(releases, 0);
    end_reply(&f);
    assert_int_equal(releases, 1);
    begin_reply(&f);
    assert_int_equal(ph_reply_static(&f.res, 200, NULL, large, LARGE), 0);
    assert_ptr_equal(f.res.tail, large);
    end_reply(&f);
}

static void test_generate_when_http_1_1_then_chunked(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_generate(&f.res, 200, "a/b", generate_nothing, large, NULL), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(f.res.chunked);
    assert_false(f.res.close);
    assert_true(f.res.generate == generate_nothing);
    assert_ptr_equal(f.res.generate_user, large);
    end_reply(&f);
}

static void test_generate_when_http_1_0_then_the_close_ends_the_body(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    f.res.minor_version = 0;
    assert_int_equal(ph_reply_generate(&f.res, 200, "a/b", generate_nothing, large, NULL), 0);
    assert_out(&f,
               "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Type: a/b\r\nConnection: close\r\n\r\n");
    assert_false(f.res.chunked);
    assert_true(f.res.close);
    end_reply(&f);
}

static void test_generate_when_refused_then_framing_is_as_before(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    f.res.minor_version = 0;
    assert_int_equal(ph_reply_generate(&f.res, 200, "a\r\n", generate_nothing, large, NULL),
                     PH_ERR_HEADER);
    assert_false(f.res.close);
    assert_false(f.res.chunked);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_non_null(memmem(f.out.data, f.out.size, "Connection: keep-alive", 22));
    end_reply(&f);
}

static void test_text_and_json_then_their_content_types(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_text(&f.res, 503, "no"), 0);
    assert_out(&f, "HTTP/1.1 503 Service Unavailable\r\n" DATE_LINE
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nno");
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_json(&f.res, 200, "[1]"), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]");
    end_reply(&f);
}

static void test_problem_then_rfc_9457_with_the_detail_escaped(void **state)
{
    (void)state;
    static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                               "\"detail\":\"a \\\"b\\\" \\\\ \\r\\n 7 \\u0001\"}";
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_problem(&f.res, 400, "a \"%s\" \\ \r\n %d \x01", "b", 7), 0);
    char expected[512];
    snprintf(expected, sizeof expected,
             "HTTP/1.1 400 Bad Request\r\n" DATE_LINE
             "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    assert_out(&f, expected);
    end_reply(&f);
}

static void test_problem_when_detail_is_long_then_cut_at_1000_bytes(void **state)
{
    (void)state;
    char detail[3000];
    memset(detail, '~', sizeof detail - 1); /* no other character of the reply */
    detail[sizeof detail - 1] = '\0';
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_problem(&f.res, 404, "%s", detail), 0);
    size_t count = 0;
    for (size_t i = 0; i < f.out.size; i++) {
        count += f.out.data[i] == '~';
    }
    assert_int_equal(count, 1000);
    end_reply(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_when_release_is_null_then_allowed),
        cmocka_unit_test(test_copy_when_large_then_a_copy_is_sent_from_elsewhere),
        cmocka_unit_test(test_copy_when_small_then_behind_the_head),
        cmocka_unit_test(test_copy_when_as_large_as_small_can_be_then_behind_the_head),
        cmocka_unit_test(test_take_when_large_then_not_copied),
        cmocka_unit_test(test_generate_when_http_1_1_then_chunked),
        cmocka_unit_test(test_generate_when_http_1_0_then_the_close_ends_the_body),
        cmocka_unit_test(test_generate_when_refused_then_framing_is_as_before),
        cmocka_unit_test(test_text_and_json_then_their_content_types),
        cmocka_unit_test(test_problem_then_rfc_9457_with_the_detail_escaped),
        cmocka_unit_test(test_problem_when_detail_is_long_then_cut_at_1000_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
