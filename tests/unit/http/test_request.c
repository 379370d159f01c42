/* SPDX-License-Identifier: MIT
 *
 * What handlers read of a request: parsed from bytes, as the server does it.
 */
#include "http/request.h"

#include "http/router.h"
#include "support/cmocka.h"
#include "support/parsing.h"

#include <arpa/inet.h>
#include <errno.h>

static const struct ph__limits limits = {
    .target_max = 8000, .head_max = 16384, .headers_max = 16, .body_max = 1 << 20};

struct fixture {
    struct parsing parsing;
    char *scratch;
};

static struct ph_request *begin(struct fixture *f, const char *head)
{
    parsing_begin(&f->parsing, &limits);
    assert_int_equal(parsing_feed(&f->parsing, head, strlen(head)), PH__PARSE_DONE);
    struct ph_request *req = &f->parsing.req;
    f->scratch = malloc(ph__uri_scratch(req->target_size));
    assert_non_null(f->scratch);
    assert_null(ph__uri_parse(&req->uri, req->head + req->target, req->target_size, f->scratch));
    return req;
}

static void end(struct fixture *f)
{
    free(f->scratch);
    parsing_end(&f->parsing);
}

static void test_header_when_absent_then_null(void **state)
{
    (void)state;
    struct fixture f;
    struct ph_request *req = begin(&f, "GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n");
    static const char *const absent[] = {"", "Accep", "Accepts", "ccept", "b", "a", "Accept: b"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        assert_null(ph_request_header(req, absent[i]));
        assert_null(ph__request_field(req, absent[i]));
    }
    end(&f);
}

static void test_header_at_when_beyond_then_erange_and_untouched(void **state)
{
    (void)state;
    struct fixture f;
    struct ph_request *req = begin(&f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *name = "untouched";
    const char *value = name;
    assert_int_equal(ph_request_header_at(req, 1, &name, &value), -ERANGE);
    assert_int_equal(ph_request_header_at(req, SIZE_MAX, &name, &value), -ERANGE);
    assert_string_equal(name, "untouched");
    assert_ptr_equal(value, name);
    end(&f);
}

static void test_header_when_several_then_first_and_all_by_number(void **state)
{
    (void)state;
    static const char *const fields[][2] = {
        {"Host", "a"}, {"X-One", "1"}, {"Empty", ""}, {"x-one", "2"}, {"Last", "l"}};
    struct fixture f;
    struct ph_request *req = begin(&f, "GET / HTTP/1.1\r\nHost: a\r\nX-One:1 \r\nEmpty:\r\n"
                                       "x-one:\t2\r\nLast: l\r\n\r\n");
    assert_string_equal(ph_request_header(req, "X-ONE"), "1");
    assert_string_equal(ph_request_header(req, "x-one"), "1");
    assert_string_equal(ph_request_header(req, "empty"), "");
    assert_string_equal(ph_request_header(req, "lAST"), "l");
    assert_int_equal(ph_request_header_count(req), 5);
    for (size_t i = 0; i < 5; i++) {
        const char *name;
        const char *value;
        assert_int_equal(ph_request_header_at(req, i, &name, &value), 0);
        assert_string_equal(name, fields[i][0]);
        assert_string_equal(value, fields[i][1]);
    }
    end(&f);
}

static void test_line_when_parsed_then_method_target_path_version(void **state)
{
    (void)state;
    static const struct {
        const char *head, *method, *target, *path;
        int minor;
    } cases[] = {
        {"HEAD /a%20b/../c%2Fd?e=f HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD", "/a%20b/../c%2Fd?e=f",
         "/c/d", 1},
        {"DELETE http://b/x?y HTTP/1.0\r\n\r\n", "DELETE", "http://b/x?y", "/x", 0},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "*", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        struct ph_request *req = begin(&f, cases[i].head);
        assert_string_equal(ph_request_method(req), cases[i].method);
        assert_string_equal(ph_request_target(req), cases[i].target);
        assert_string_equal(ph_request_path(req), cases[i].path);
        assert_int_equal(ph_request_minor_version(req), cases[i].minor);
        end(&f);
    }
}

static void test_query_when_absent_then_null_and_erange(void **state)
{
    (void)state;
    struct fixture f;
    struct ph_request *req = begin(&f, "GET /a=b HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *name = "untouched";
    const char *value = name;
    assert_int_equal(ph_request_query_count(req), 0);
    assert_null(ph_request_query(req, "a"));
    assert_null(ph_request_query(req, ""));
    assert_int_equal(ph_request_query_at(req, 0, &name, &value), -ERANGE);
    assert_string_equal(name, "untouched");
    end(&f);
}

static void test_query_when_several_then_first_and_all_by_number(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"a", "1"}, {"b c", "x y"}, {"flag", ""},
                                           {"a", "2"}, {"", "v"},      {"e", "="}};
    struct fixture f;
    struct ph_request *req =
        begin(&f, "GET /?a=1&b+c=x%20y&flag&a=2&=v&e=%3d HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(ph_request_query_count(req), 6);
    assert_string_equal(ph_request_query(req, "a"), "1");
    assert_string_equal(ph_request_query(req, "b c"), "x y");
    assert_string_equal(ph_request_query(req, "flag"), "");
    assert_string_equal(ph_request_query(req, ""), "v");
    assert_null(ph_request_query(req, "A"));
    assert_null(ph_request_query(req, "1")); /* a value is no name */
    for (size_t i = 0; i < 6; i++) {
        const char *name;
        const char *value;
        assert_int_equal(ph_request_query_at(req, i, &name, &value), 0);
        assert_string_equal(name, pairs[i][0]);
        assert_string_equal(value, pairs[i][1]);
    }
    const char *name;
    const char *value;
    assert_int_equal(ph_request_query_at(req, 6, &name, &value), -ERANGE);
    end(&f);
}

static void test_body_when_absent_then_empty_and_never_null(void **state)
{
    (void)state;
    struct ph_request req = {0};
    size_t size = 4711;
    assert_non_null(ph_request_body(&req, &size));
    assert_int_equal(size, 0);
    req.body = "a\0b";
    req.body_size = 3;
    assert_memory_equal(ph_request_body(&req, &size), "a\0b", 3);
    assert_int_equal(size, 3);
}

static void test_param_when_no_route_then_null(void **state)
{
    (void)state;
    const struct ph_request req = {.params = {"x"}};
    assert_null(ph_request_param(&req, "id"));
}

static void test_param_when_route_has_it_then_value(void **state)
{
    (void)state;
    char first[] = "id";
    char second[] = "*";
    const struct ph__route route = {.param_count = 2, .params = {first, second}};
    const struct ph_request req = {.route = &route, .params = {"4711", "a/b"}};
    assert_null(ph_request_param(&req, "i"));
    assert_null(ph_request_param(&req, "ids"));
    assert_null(ph_request_param(&req, "ID"));
    assert_string_equal(ph_request_param(&req, "id"), "4711");
    assert_string_equal(ph_request_param(&req, "*"), "a/b");
}

static void test_peer_when_any_family_then_text_that_stays(void **state)
{
    (void)state;
    struct ph_request v4 = {.peer = {.family = AF_INET, .port = 4711, .bytes = {127, 0, 0, 1}}};
    struct ph_request v6 = {.peer = {.family = AF_INET6, .port = 1, .bytes = {[15] = 1}}};
    struct ph_request local = {.peer = {.family = AF_UNIX}};
    const char *text = ph_request_peer(&v4);
    assert_string_equal(text, "127.0.0.1:4711");
    assert_ptr_equal(ph_request_peer(&v4), text);
    assert_string_equal(ph_request_peer(&v6), "[::1]:1");
    assert_string_equal(ph_request_peer(&local), "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_when_absent_then_null),
        cmocka_unit_test(test_header_at_when_beyond_then_erange_and_untouched),
        cmocka_unit_test(test_header_when_several_then_first_and_all_by_number),
        cmocka_unit_test(test_line_when_parsed_then_method_target_path_version),
        cmocka_unit_test(test_query_when_absent_then_null_and_erange),
        cmocka_unit_test(test_query_when_several_then_first_and_all_by_number),
        cmocka_unit_test(test_body_when_absent_then_empty_and_never_null),
        cmocka_unit_test(test_param_when_no_route_then_null),
        cmocka_unit_test(test_param_when_route_has_it_then_value),
        cmocka_unit_test(test_peer_when_any_family_then_text_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
