/* SPDX-License-Identifier: MIT
 *
 * What holds of every way to reply. Bodies of each: test_response_bodies.c; fields that handlers
 * add: test_response_fields.c.
 */
#include "http/response.h"

#include "replies.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = PH__SMALL_BODY + 1 };

static char large[LARGE]; /* the smallest body that is not copied behind the head */

/* What has been released, and how often. */
static const void *released;
static unsigned releases;

static void count_release(void *user)
{
    released = user;
    releases++;
}

static ssize_t generate_nothing(void *user, char *buffer, size_t size)
{
    (void)user;
    (void)buffer;
    (void)size;
    return 0;
}

/* ---- every way to reply ---- */

static int reply_copy_small(struct ph_response *res, int status, const char *type)
{
    return ph_reply_copy(res, status, type, "body", 4);
}

static int reply_copy_large(struct ph_response *res, int status, const char *type)
{
    return ph_reply_copy(res, status, type, large, LARGE);
}

static int reply_take_small(struct ph_response *res, int status, const char *type)
{
    return ph_reply_take(res, status, type, large, 4, count_release);
}

static int reply_take_large(struct ph_response *res, int status, const char *type)
{
    return ph_reply_take(res, status, type, large, LARGE, count_release);
}

static int reply_static_small(struct ph_response *res, int status, const char *type)
{
    return ph_reply_static(res, status, type, "body", 4);
}

static int reply_static_large(struct ph_response *res, int status, const char *type)
{
    return ph_reply_static(res, status, type, large, LARGE);
}

static int reply_generate(struct ph_response *res, int status, const char *type)
{
    return ph_reply_generate(res, status, type, generate_nothing, large, count_release);
}

static int reply_text(struct ph_response *res, int status, const char *type)
{
    (void)type;
    return ph_reply_text(res, status, "body");
}

static int reply_json(struct ph_response *res, int status, const char *type)
{
    (void)type;
    return ph_reply_json(res, status, "{}");
}

static int reply_empty(struct ph_response *res, int status, const char *type)
{
    (void)type;
    return ph_reply_empty(res, status);
}

static int reply_problem(struct ph_response *res, int status, const char *type)
{
    (void)type;
    return ph_reply_problem(res, status, "%s", "detail");
}

static const struct {
    const char *name;
    int (*reply)(struct ph_response *res, int status, const char *type);
    bool takes_type;
    bool releases; /* calls count_release(large), now or later */
} ways[] = {
    {"copy, small", reply_copy_small, true, false},
    {"copy, large", reply_copy_large, true, false},
    {"take, small", reply_take_small, true, true},
    {"take, large", reply_take_large, true, true},
    {"static, small", reply_static_small, true, false},
    {"static, large", reply_static_large, true, false},
    {"generate", reply_generate, true, true},
    {"text", reply_text, false, false},
    {"json", reply_json, false, false},
    {"empty", reply_empty, false, false},
    {"problem", reply_problem, false, false},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void test_reply_when_status_is_bad_then_einval_and_nothing_written(void **state)
{
    (void)state;
    static const int statuses[] = {-200, -1, 0, 1, 99, 100, 101, 199, 600, 1000, 65736};
    for (int way = 0; way < WAYS; way++) {
        struct reply f;
        begin_reply(&f);
        ph__buf_puts(&f.out, "earlier");
        ph__response_begin(&f.res, DATE);
        releases = 0;
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
            assert_int_equal(ways[way].reply(&f.res, statuses[i], "a/b"), -EINVAL);
            assert_int_equal(f.res.status, 0);
            assert_out(&f, "earlier");
        }
        end_reply(&f);
        assert_int_equal(releases, 0); /* on failure the data is still the caller's */
    }
}

static void test_reply_when_content_type_is_bad_then_err_header_and_nothing_written(void **state)
{
    (void)state;
    static const char *const types[] = {"a/b\r\nX: y", "a/b\n", "\r", "a\x01", "a\x7f"};
    for (int way = 0; way < WAYS; way++) {
        if (!ways[way].takes_type) {
            continue;
        }
        struct reply f;
        begin_reply(&f);
        releases = 0;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            assert_int_equal(ways[way].reply(&f.res, 200, types[i]), PH_ERR_HEADER);
            assert_int_equal(f.res.status, 0);
            assert_out(&f, "");
        }
        assert_int_equal(releases, 0);
        assert_int_equal(ways[way].reply(&f.res, 200, "a/b"), 0); /* may try again */
        end_reply(&f);
        assert_int_equal(releases, ways[way].releases);
    }
}

static void test_reply_when_replied_then_err_replied_and_the_first_stays(void **state)
{
    (void)state;
    for (int first = 0; first < WAYS; first++) {
        for (int second = 0; second < WAYS; second++) {
            struct reply f;
            begin_reply(&f);
            releases = 0;
            assert_int_equal(ways[first].reply(&f.res, 201, "a/b"), 0);
            struct ph_response before = f.res;
            size_t size = f.out.size;
            unsigned count = releases;
            assert_int_equal(ways[second].reply(&f.res, 404, "c/d"), PH_ERR_REPLIED);
            assert_int_equal(releases, count);
            assert_int_equal(f.out.size, size);
            assert_memory_equal(f.out.data, "HTTP/1.1 201 Created\r\n", 22);
            assert_memory_equal(&f.res, &before, sizeof before);
            end_reply(&f);
            assert_int_equal(releases, ways[first].releases);
        }
    }
}

static void test_reply_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        bool failed = true;
        for (long n = 0; failed; n++) {
            struct reply f;
            begin_reply(&f);
            releases = 0;
            fail_allocations(n, false);
            int err = ways[way].reply(&f.res, 200, "a/b");
            failed = stop_failing();
            assert_int_equal(err, failed ? -ENOMEM : 0);
            if (failed) {
                assert_int_equal(f.res.status, 0);
                assert_int_equal(f.out.size, 0);
                assert_int_equal(releases, 0);
                assert_int_equal(ways[way].reply(&f.res, 200, "a/b"), 0);
            }
            end_reply(&f);
            assert_int_equal(releases, ways[way].releases);
        }
    }
}

/* ---- released exactly once ---- */

static void finish_by_release(struct reply *f)
{
    ph__response_release(&f->res);
    ph__response_release(&f->res);
    end_reply(f);
}

static void finish_by_cancel(struct reply *f)
{
    ph__response_cancel(&f->res);
    assert_int_equal(f->out.size, 0);
    ph__response_cancel(&f->res);
    end_reply(f);
}

static void finish_by_another_reply(struct reply *f)
{
    ph__response_cancel(&f->res);
    assert_int_equal(ph_reply_empty(&f->res, 500), 0);
    ph__response_release(&f->res);
    end_reply(f);
}

static void test_release_when_it_ends_in_any_way_then_exactly_once(void **state)
{
    (void)state;
    static void (*const finish[])(struct reply * f) = {end_reply, finish_by_release,
                                                       finish_by_cancel, finish_by_another_reply};
    static const int statuses[] = {200, 204, 304, 404, 599};
    for (int way = 0; way < WAYS; way++) {
        for (size_t how = 0; how < sizeof finish / sizeof *finish; how++) {
            for (size_t i = 0; i < 2 * sizeof statuses / sizeof *statuses; i++) {
                struct reply f;
                begin_reply(&f);
                f.res.head_only = i % 2;
                releases = 0;
                released = NULL;
                assert_int_equal(ways[way].reply(&f.res, statuses[i / 2], "a/b"), 0);
                finish[how](&f);
                assert_int_equal(releases, ways[way].releases);
                assert_ptr_equal(released, ways[way].releases ? large : NULL);
            }
        }
    }
}

/* ---- bodies ---- */

/* RFC 9110 section 9.3.2: the head of the reply to HEAD says what GET's would. */
static void test_reply_when_head_then_the_same_head_and_no_body(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct reply get;
        struct reply head;
        begin_reply(&get);
        begin_reply(&head);
        head.res.head_only = true;
        assert_int_equal(ways[way].reply(&get.res, 200, "a/b"), 0);
        assert_int_equal(ways[way].reply(&head.res, 200, "a/b"), 0);
        const char *blank = memmem(get.out.data, get.out.size, "\r\n\r\n", 4);
        assert_non_null(blank);
        assert_int_equal(head.out.size, (size_t)(blank + 4 - get.out.data));
        assert_memory_equal(head.out.data, get.out.data, head.out.size);
        assert_null(head.res.tail);
        assert_int_equal(head.res.tail_size, 0);
        assert_true(head.res.generate == NULL);
        end_reply(&get);
        end_reply(&head);
    }
}

/* RFC 9110 section 8.6: no Content-Length in a 204, and for 304 only what 200 would have said. */
static void test_reply_when_status_has_no_body_then_neither_body_nor_length(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *line;
    } cases[] = {{204, "HTTP/1.1 204 No Content\r\n"}, {304, "HTTP/1.1 304 Not Modified\r\n"}};
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct reply f;
            begin_reply(&f);
            assert_int_equal(ways[way].reply(&f.res, cases[i].status, NULL), 0);
            char *text = strndup(f.out.data, f.out.size);
            assert_non_null(text);
            assert_memory_equal(text, cases[i].line, strlen(cases[i].line));
            assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
            assert_ptr_equal(strstr(text, "\r\n\r\n"), text + strlen(text) - 4);
            assert_null(strstr(text, "Content-Length"));
            assert_null(strstr(text, "Transfer-Encoding"));
            assert_null(f.res.tail);
            assert_true(f.res.generate == NULL);
            free(text);
            end_reply(&f);
        }
    }
}

/* ---- connection and version ---- */

static void test_reply_when_connection_goes_on_or_ends_then_says_so_where_needed(void **state)
{
    (void)state;
    static const struct {
        int minor;
        bool close;
        const char *line;
    } cases[] = {{1, false, ""},
                 {1, true, "Connection: close\r\n"},
                 {0, false, "Connection: keep-alive\r\n"},
                 {0, true, "Connection: close\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply f;
        begin_reply(&f);
        f.res.minor_version = cases[i].minor;
        f.res.close = cases[i].close;
        char expected[256];
        snprintf(expected, sizeof expected,
                 "HTTP/1.1 404 Not Found\r\n" DATE_LINE "Content-Length: 0\r\n%s\r\n",
                 cases[i].line);
        assert_int_equal(ph_reply_empty(&f.res, 404), 0);
        assert_out(&f, expected);
        end_reply(&f);
    }
}

/* ---- one behind the other ---- */

static void test_cancel_when_earlier_replies_wait_then_they_stay(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct reply f;
        begin_reply(&f);
        assert_int_equal(ph_reply_empty(&f.res, 204), 0);
        size_t first = f.out.size;
        ph__response_begin(&f.res, DATE);
        assert_int_equal(ph_response_header(&f.res, "X", "y"), 0);
        assert_int_equal(ways[way].reply(&f.res, 200, "a/b"), 0);
        ph__response_cancel(&f.res);
        assert_int_equal(f.out.size, first);
        assert_int_equal(f.res.status, 0);
        assert_null(f.res.tail);
        assert_true(f.res.generate == NULL);
        assert_int_equal(ph_reply_empty(&f.res, 404), 0);
        assert_out(&f, "HTTP/1.1 204 No Content\r\n" DATE_LINE "\r\n"
                       "HTTP/1.1 404 Not Found\r\n" DATE_LINE "Content-Length: 0\r\n\r\n");
        end_reply(&f);
    }
}

static void test_begin_when_used_again_then_fields_are_gone(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_response_header(&f.res, "X", "y"), 0);
    ph__response_begin(&f.res, DATE);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Length: 0\r\n\r\n");
    end_reply(&f);
}

int main(void)
{
    memset(large, 'l', sizeof large);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_when_status_is_bad_then_einval_and_nothing_written),
        cmocka_unit_test(test_reply_when_content_type_is_bad_then_err_header_and_nothing_written),
        cmocka_unit_test(test_reply_when_replied_then_err_replied_and_the_first_stays),
        cmocka_unit_test(test_reply_when_out_of_memory_then_enomem_and_a_retry_works),
        cmocka_unit_test(test_release_when_it_ends_in_any_way_then_exactly_once),
        cmocka_unit_test(test_reply_when_head_then_the_same_head_and_no_body),
        cmocka_unit_test(test_reply_when_status_has_no_body_then_neither_body_nor_length),
        cmocka_unit_test(test_reply_when_connection_goes_on_or_ends_then_says_so_where_needed),
        cmocka_unit_test(test_cancel_when_earlier_replies_wait_then_they_stay),
        cmocka_unit_test(test_begin_when_used_again_then_fields_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
