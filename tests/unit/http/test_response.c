/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATE "Mon, 23 Nov 2026 17:28:00 GMT"
#define DATE_LINE "Date: " DATE "\r\n"

enum { LARGE = PH__SMALL_BODY + 1 };

static char large[LARGE]; /* the smallest body that is not copied behind the head */

struct fixture {
    struct ph__buf out;
    struct ph_response res;
};

static void begin(struct fixture *f)
{
    ph__buf_init(&f->out, 0);
    ph__response_init(&f->res, &f->out);
    ph__response_begin(&f->res, DATE " and more that must not be sent");
    f->res.minor_version = 1;
}

static void end(struct fixture *f)
{
    ph__response_done(&f->res);
    ph__buf_done(&f->out);
}

static void assert_out(const struct fixture *f, const char *expected)
{
    char *got = strndup(f->out.data ? f->out.data : "", f->out.size);
    assert_non_null(got);
    assert_string_equal(got, expected);
    free(got);
}

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

/* ---- header fields ---- */

static void test_header_when_name_is_no_token_then_err_header(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",      " ",      "X ",          " X",   "X Y", "X:",  "X: y\r\nZ",
        "X\r\n", "X\n",    "X\ty",        "X(y)", "X/Y", "X\"", "X@",
        "X\x7f", "X\x80y", "caf\xc3\xa9", "X=y",  "X,Y", "X;",  "[X]",
    };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ph_response_header(&f.res, names[i], "v") != PH_ERR_HEADER) {
            fail_msg("name \"%s\" is not refused", names[i]);
        }
    }
    assert_int_equal(f.res.fields.size, 0);
    end(&f);
}

static void test_header_when_value_has_a_control_character_then_err_header(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (int c = 1; c < 256; c++) {
        const char value[] = {'a', (char)c, 'b', '\0'};
        bool control = (c < 0x20 && c != '\t') || c == 0x7F;
        assert_int_equal(ph_response_header(&f.res, "X", value), control ? PH_ERR_HEADER : 0);
        f.res.fields.size = 0;
    }
    assert_int_equal(ph_response_header(&f.res, "X", "a\r\nSet-Cookie: b"), PH_ERR_HEADER);
    assert_int_equal(ph_response_header(&f.res, "X", "\r\n\r\n<script>"), PH_ERR_HEADER);
    assert_int_equal(f.res.fields.size, 0);
    end(&f);
}

static void test_header_when_reserved_in_any_case_then_err_header(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Connection", "Content-Length", "Content-Type", "Date", "Transfer-Encoding",
        "connection", "CONTENT-LENGTH", "content-Type", "dATE", "transfer-encoding"};
    static const char *const near[] = {"Connections", "Content-Lengt", "Content", "Datum", "TE"};
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(ph_response_header(&f.res, names[i], "v"), PH_ERR_HEADER);
    }
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        assert_int_equal(ph_response_header(&f.res, near[i], "v"), 0);
    }
    end(&f);
}

static void test_header_when_4096_bytes_exceeded_then_enospc_and_the_others_stay(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    char value[4097];
    size_t size = 4096 - strlen("A: 1\r\n") - strlen("X: \r\n");
    memset(value, 'v', sizeof value);
    value[size + 1] = '\0';
    assert_int_equal(ph_response_header(&f.res, "A", "1"), 0);
    assert_int_equal(ph_response_header(&f.res, "X", value), -ENOSPC);
    value[size] = '\0';
    assert_int_equal(ph_response_header(&f.res, "X", value), 0);
    assert_int_equal(ph_response_header(&f.res, "B", ""), -ENOSPC);
    assert_int_equal(f.res.fields.size, 4096);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_non_null(memmem(f.out.data, f.out.size, "A: 1\r\nX: vvv", 12));
    end(&f);
}

static void test_header_when_added_then_in_the_reply_in_order(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_response_header(&f.res, "X-One", "1"), 0);
    assert_int_equal(ph_response_header(&f.res, "Empty", ""), 0);
    assert_int_equal(ph_response_header(&f.res, "x-one", "\t2 caf\xc3\xa9 \""), 0);
    assert_int_equal(ph_reply_text(&f.res, 200, "hi"), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n"
                   "X-One: 1\r\nEmpty: \r\nx-one: \t2 caf\xc3\xa9 \"\r\n\r\nhi");
    end(&f);
}

static void test_header_when_replied_then_err_replied(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_empty(&f.res, 204), 0);
    size_t size = f.out.size;
    assert_int_equal(ph_response_header(&f.res, "X", "y"), PH_ERR_REPLIED);
    assert_int_equal(f.out.size, size);
    end(&f);
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
        struct fixture f;
        begin(&f);
        ph__buf_puts(&f.out, "earlier");
        ph__response_begin(&f.res, DATE);
        releases = 0;
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
            assert_int_equal(ways[way].reply(&f.res, statuses[i], "a/b"), -EINVAL);
            assert_int_equal(f.res.status, 0);
            assert_out(&f, "earlier");
        }
        end(&f);
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
        struct fixture f;
        begin(&f);
        releases = 0;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            assert_int_equal(ways[way].reply(&f.res, 200, types[i]), PH_ERR_HEADER);
            assert_int_equal(f.res.status, 0);
            assert_out(&f, "");
        }
        assert_int_equal(releases, 0);
        assert_int_equal(ways[way].reply(&f.res, 200, "a/b"), 0); /* may try again */
        end(&f);
        assert_int_equal(releases, ways[way].releases);
    }
}

static void test_reply_when_replied_then_err_replied_and_the_first_stays(void **state)
{
    (void)state;
    for (int first = 0; first < WAYS; first++) {
        for (int second = 0; second < WAYS; second++) {
            struct fixture f;
            begin(&f);
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
            end(&f);
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
            struct fixture f;
            begin(&f);
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
            end(&f);
            assert_int_equal(releases, ways[way].releases);
        }
    }
}

static void test_header_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    fail_allocations(0, true);
    assert_int_equal(ph_response_header(&f.res, "X", "y"), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(ph_response_header(&f.res, "X", "y"), 0);
    assert_int_equal(f.res.fields.size, strlen("X: y\r\n"));
    end(&f);
}

/* ---- released exactly once ---- */

static void finish_by_release(struct fixture *f)
{
    ph__response_release(&f->res);
    ph__response_release(&f->res);
    end(f);
}

static void finish_by_cancel(struct fixture *f)
{
    ph__response_cancel(&f->res);
    assert_int_equal(f->out.size, 0);
    ph__response_cancel(&f->res);
    end(f);
}

static void finish_by_another_reply(struct fixture *f)
{
    ph__response_cancel(&f->res);
    assert_int_equal(ph_reply_empty(&f->res, 500), 0);
    ph__response_release(&f->res);
    end(f);
}

static void test_release_when_it_ends_in_any_way_then_exactly_once(void **state)
{
    (void)state;
    static void (*const finish[])(struct fixture * f) = {end, finish_by_release, finish_by_cancel,
                                                         finish_by_another_reply};
    static const int statuses[] = {200, 204, 304, 404, 599};
    for (int way = 0; way < WAYS; way++) {
        for (size_t how = 0; how < sizeof finish / sizeof *finish; how++) {
            for (size_t i = 0; i < 2 * sizeof statuses / sizeof *statuses; i++) {
                struct fixture f;
                begin(&f);
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

static void test_take_when_release_is_null_then_allowed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, LARGE, NULL), 0);
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, 1, NULL), 0);
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_generate(&f.res, 200, NULL, generate_nothing, NULL, NULL), 0);
    end(&f);
}

/* ---- bodies ---- */

static void test_copy_when_large_then_a_copy_is_sent_from_elsewhere(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
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
    end(&f);
}

static void test_copy_when_small_then_behind_the_head(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "x", "two\r\n\r\nlines"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct fixture f;
        begin(&f);
        char expected[256];
        snprintf(expected, sizeof expected,
                 "HTTP/1.1 202 Accepted\r\n" DATE_LINE
                 "Content-Type: a/b\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(bodies[i]), bodies[i]);
        assert_int_equal(ph_reply_copy(&f.res, 202, "a/b", bodies[i], strlen(bodies[i])), 0);
        assert_out(&f, expected);
        assert_null(f.res.tail);
        end(&f);
    }
}

static void test_copy_when_as_large_as_small_can_be_then_behind_the_head(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_static(&f.res, 200, NULL, large, PH__SMALL_BODY), 0);
    assert_null(f.res.tail);
    assert_true(f.out.size > PH__SMALL_BODY);
    end(&f);
}

static void test_take_when_large_then_not_copied(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    releases = 0;
    assert_int_equal(ph_reply_take(&f.res, 200, NULL, large, LARGE, count_release), 0);
    assert_ptr_equal(f.res.tail, large);
    assert_int_equal(releases, 0);
    end(&f);
    assert_int_equal(releases, 1);
    begin(&f);
    assert_int_equal(ph_reply_static(&f.res, 200, NULL, large, LARGE), 0);
    assert_ptr_equal(f.res.tail, large);
    end(&f);
}

/* RFC 9110 section 9.3.2: the head of the reply to HEAD says what GET's would. */
static void test_reply_when_head_then_the_same_head_and_no_body(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct fixture get;
        struct fixture head;
        begin(&get);
        begin(&head);
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
        end(&get);
        end(&head);
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
            struct fixture f;
            begin(&f);
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
            end(&f);
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
        struct fixture f;
        begin(&f);
        f.res.minor_version = cases[i].minor;
        f.res.close = cases[i].close;
        char expected[256];
        snprintf(expected, sizeof expected,
                 "HTTP/1.1 404 Not Found\r\n" DATE_LINE "Content-Length: 0\r\n%s\r\n",
                 cases[i].line);
        assert_int_equal(ph_reply_empty(&f.res, 404), 0);
        assert_out(&f, expected);
        end(&f);
    }
}

static void test_generate_when_http_1_1_then_chunked(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(reply_generate(&f.res, 200, "a/b"), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(f.res.chunked);
    assert_false(f.res.close);
    assert_true(f.res.generate == generate_nothing);
    assert_ptr_equal(f.res.generate_user, large);
    end(&f);
}

static void test_generate_when_http_1_0_then_the_close_ends_the_body(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.res.minor_version = 0;
    assert_int_equal(reply_generate(&f.res, 200, "a/b"), 0);
    assert_out(&f,
               "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Type: a/b\r\nConnection: close\r\n\r\n");
    assert_false(f.res.chunked);
    assert_true(f.res.close);
    end(&f);
}

static void test_generate_when_refused_then_framing_is_as_before(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.res.minor_version = 0;
    assert_int_equal(reply_generate(&f.res, 200, "a\r\n"), PH_ERR_HEADER);
    assert_false(f.res.close);
    assert_false(f.res.chunked);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_non_null(memmem(f.out.data, f.out.size, "Connection: keep-alive", 22));
    end(&f);
}

/* ---- one behind the other ---- */

static void test_cancel_when_earlier_replies_wait_then_they_stay(void **state)
{
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct fixture f;
        begin(&f);
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
        end(&f);
    }
}

static void test_begin_when_used_again_then_fields_are_gone(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_response_header(&f.res, "X", "y"), 0);
    ph__response_begin(&f.res, DATE);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE "Content-Length: 0\r\n\r\n");
    end(&f);
}

/* ---- documents ---- */

static void test_text_and_json_then_their_content_types(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_text(&f.res, 503, "no"), 0);
    assert_out(&f, "HTTP/1.1 503 Service Unavailable\r\n" DATE_LINE
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nno");
    ph__response_cancel(&f.res);
    assert_int_equal(ph_reply_json(&f.res, 200, "[1]"), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]");
    end(&f);
}

static void test_problem_then_rfc_9457_with_the_detail_escaped(void **state)
{
    (void)state;
    static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                               "\"detail\":\"a \\\"b\\\" \\\\ \\r\\n 7 \\u0001\"}";
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_problem(&f.res, 400, "a \"%s\" \\ \r\n %d \x01", "b", 7), 0);
    char expected[512];
    snprintf(expected, sizeof expected,
             "HTTP/1.1 400 Bad Request\r\n" DATE_LINE
             "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    assert_out(&f, expected);
    end(&f);
}

static void test_problem_when_detail_is_long_then_cut_at_1000_bytes(void **state)
{
    (void)state;
    char detail[3000];
    memset(detail, '~', sizeof detail - 1); /* no other character of the reply */
    detail[sizeof detail - 1] = '\0';
    struct fixture f;
    begin(&f);
    assert_int_equal(ph_reply_problem(&f.res, 404, "%s", detail), 0);
    size_t count = 0;
    for (size_t i = 0; i < f.out.size; i++) {
        count += f.out.data[i] == '~';
    }
    assert_int_equal(count, 1000);
    end(&f);
}

int main(void)
{
    memset(large, 'l', sizeof large);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_when_name_is_no_token_then_err_header),
        cmocka_unit_test(test_header_when_value_has_a_control_character_then_err_header),
        cmocka_unit_test(test_header_when_reserved_in_any_case_then_err_header),
        cmocka_unit_test(test_header_when_4096_bytes_exceeded_then_enospc_and_the_others_stay),
        cmocka_unit_test(test_header_when_added_then_in_the_reply_in_order),
        cmocka_unit_test(test_header_when_replied_then_err_replied),
        cmocka_unit_test(test_reply_when_status_is_bad_then_einval_and_nothing_written),
        cmocka_unit_test(test_reply_when_content_type_is_bad_then_err_header_and_nothing_written),
        cmocka_unit_test(test_reply_when_replied_then_err_replied_and_the_first_stays),
        cmocka_unit_test(test_reply_when_out_of_memory_then_enomem_and_a_retry_works),
        cmocka_unit_test(test_header_when_out_of_memory_then_enomem_and_a_retry_works),
        cmocka_unit_test(test_release_when_it_ends_in_any_way_then_exactly_once),
        cmocka_unit_test(test_take_when_release_is_null_then_allowed),
        cmocka_unit_test(test_copy_when_large_then_a_copy_is_sent_from_elsewhere),
        cmocka_unit_test(test_copy_when_small_then_behind_the_head),
        cmocka_unit_test(test_copy_when_as_large_as_small_can_be_then_behind_the_head),
        cmocka_unit_test(test_take_when_large_then_not_copied),
        cmocka_unit_test(test_reply_when_head_then_the_same_head_and_no_body),
        cmocka_unit_test(test_reply_when_status_has_no_body_then_neither_body_nor_length),
        cmocka_unit_test(test_reply_when_connection_goes_on_or_ends_then_says_so_where_needed),
        cmocka_unit_test(test_generate_when_http_1_1_then_chunked),
        cmocka_unit_test(test_generate_when_http_1_0_then_the_close_ends_the_body),
        cmocka_unit_test(test_generate_when_refused_then_framing_is_as_before),
        cmocka_unit_test(test_cancel_when_earlier_replies_wait_then_they_stay),
        cmocka_unit_test(test_begin_when_used_again_then_fields_are_gone),
        cmocka_unit_test(test_text_and_json_then_their_content_types),
        cmocka_unit_test(test_problem_then_rfc_9457_with_the_detail_escaped),
        cmocka_unit_test(test_problem_when_detail_is_long_then_cut_at_1000_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
