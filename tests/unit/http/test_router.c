/* SPDX-License-Identifier: MIT */
#include "http/router.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int handle(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)res;
    (void)user;
    return 0;
}

static int add(struct ph__router *router, const char *pattern)
{
    const struct ph_route route = {.pattern = pattern, .handler = handle};
    return ph__router_add(router, &route);
}

static void add_all(struct ph__router *router, const char *const *patterns)
{
    ph__router_init(router);
    for (; *patterns; patterns++) {
        assert_int_equal(add(router, *patterns), 0);
    }
}

/* A request for "METHOD /target", and the memory its path stands in. */
struct asked {
    struct ph_request req;
    char allow[PH__ALLOW_TEXT];
    char scratch[1024];
    enum ph__match match;
};

static void ask(const struct ph__router *router, const char *line, struct asked *asked)
{
    const char *target = strchr(line, ' ') + 1;
    *asked = (struct asked){.allow = "untouched"};
    asked->req.method = ph__method_of(line, (size_t)(target - 1 - line));
    assert_int_not_equal(asked->req.method, PH__METHOD_COUNT);
    assert_true(ph__uri_scratch(strlen(target)) <= sizeof asked->scratch);
    const char *wrong = ph__uri_parse(&asked->req.uri, target, strlen(target), asked->scratch);
    assert_null(wrong);
    asked->match = ph__router_match(router, &asked->req, asked->allow);
}

/* The pattern that serves a request; NULL when none does. */
static const char *served_by(const struct ph__router *router, const char *line)
{
    struct asked asked;
    ask(router, line, &asked);
    return asked.match == PH__MATCH_FOUND ? asked.req.route->pattern : NULL;
}

static void assert_served_by(const struct ph__router *router, const char *line, const char *pattern)
{
    const char *got = served_by(router, line);
    if (strcmp(got ? got : "nothing", pattern ? pattern : "nothing") != 0) {
        fail_msg("%s is served by %s, not by %s", line, got ? got : "nothing",
                 pattern ? pattern : "nothing");
    }
}

/* ---- refusals ---- */

static void test_add_when_pattern_is_malformed_then_err_pattern(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        " ",
        "GET",
        "GET ",
        "GET a",
        "/a",
        " /a",
        "get /a",
        "GETS /a",
        "CONNECT /a",
        "TRACE /a",
        "* /a",
        "GET  /a",
        "GET\t/a",
        "GET /a b",
        "GET /a ",
        "GET /a\tb",
        "GET /a\r",
        "GET /a\n",
        "GET /a?b",
        "GET /a#b",
        "GET /a%20b",
        "GET /:",
        "GET /a/:/b",
        "GET /*/a",
        "GET /a/*/",
        "GET /*/*",
        "GET /:a/:a",
        "GET /:a/b/:a",
        "GET /:a/:b/:c/:d/:e/:f/:g/:h/:i",
        "GET /:a/:b/:c/:d/:e/:f/:g/:h/*",
    };
    struct ph__router router;
    ph__router_init(&router);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        if (add(&router, malformed[i]) != PH_ERR_PATTERN) {
            fail_msg("\"%s\" is not refused", malformed[i]);
        }
    }
    assert_int_equal(add(&router, NULL), PH_ERR_PATTERN);
    const struct ph_route without_handler = {.pattern = "GET /a"};
    assert_int_equal(ph__router_add(&router, &without_handler), PH_ERR_PATTERN);
    assert_int_equal(router.route_count, 0);
    assert_served_by(&router, "GET /a", NULL);
    assert_served_by(&router, "GET /a/b", NULL);
    ph__router_done(&router);
}

static void test_add_when_taken_then_err_route_taken_and_the_first_stays(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"GET /", "GET /a/:x", "POST /f/*", "GET /a/b/", NULL});
    static const char *const again[] = {"GET /", "GET /a/:x", "GET /a/:other", "POST /f/*",
                                        "GET /a/b/"};
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        assert_int_equal(add(&router, again[i]), PH_ERR_ROUTE_TAKEN);
    }
    assert_int_equal(router.route_count, 4);
    assert_served_by(&router, "GET /a/1", "GET /a/:x");
    assert_int_equal(add(&router, "PUT /a/:x"), 0);
    assert_int_equal(add(&router, "GET /f/*"), 0);
    assert_int_equal(add(&router, "GET /a/b"), 0);
    ph__router_done(&router);
}

static void test_match_when_there_are_no_routes_then_no_path(void **state)
{
    (void)state;
    struct ph__router router;
    ph__router_init(&router);
    struct asked asked;
    ask(&router, "GET /", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ask(&router, "OPTIONS /", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ph__router_done(&router);
    ph__router_done(&router);
}

static void test_match_when_asterisk_then_no_path(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"GET /*", "OPTIONS /*", NULL});
    struct asked asked;
    ask(&router, "OPTIONS *", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ph__router_done(&router);
}

/* ---- which route ---- */

static void test_match_when_paths_are_literal_then_exactly(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"GET /", "GET /a", "GET /ab", "GET /a/b", "GET /a/b/",
                                           "GET /a//b", "GET /b/c/d", "GET /*x", "GET /x:y", NULL});
    static const char *const cases[][2] = {
        {"GET /", "GET /"},
        {"GET /a", "GET /a"},
        {"GET /ab", "GET /ab"},
        {"GET /a/b", "GET /a/b"},
        {"GET /a/b/", "GET /a/b/"},
        {"GET /a//b", "GET /a//b"},
        {"GET /b/c/d", "GET /b/c/d"},
        {"GET /%61", "GET /a"},
        {"GET /a/./b", "GET /a/b"},
        {"GET /x/../a", "GET /a"},
        {"GET /a?b=/c", "GET /a"},
        {"GET http://h/a", "GET /a"},
        {"GET http://h", "GET /"},
        {"GET /*x", "GET /*x"},
        {"GET /x:y", "GET /x:y"},
        {"GET /A", NULL},
        {"GET /a/", NULL},
        {"GET //", NULL},
        {"GET //a", NULL},
        {"GET /abc", NULL},
        {"GET /b", NULL},
        {"GET /b/c", NULL},
        {"GET /b/c/", NULL},
        {"GET /b/c/d/", NULL},
        {"GET /a%2Fb", NULL},
        {"GET /b%2fc%2fd", NULL},
        {"GET /yx", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_served_by(&router, cases[i][0], cases[i][1]);
    }
    ph__router_done(&router);
}

static void test_match_when_several_fit_then_most_specific_by_segment(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "GET /*",      "GET /:a",        "GET /x",       "GET /x/*",   "GET /x/:b",
        "GET /x/y",    "GET /:a/y",      "GET /:a/:b/z", "GET /x/y/*", "GET /:a/*",
        "GET /x/:b/z", "GET /q/:b/:c/d", "GET /q/r/*",   NULL};
    static const char *const cases[][2] = {
        {"GET /", "GET /*"},
        {"GET /x", "GET /x"},
        {"GET /w", "GET /:a"},
        {"GET /x/", "GET /x/*"},
        {"GET /w/", "GET /:a/*"},
        {"GET //", "GET /*"}, /* ":a" wants a segment that is not empty */
        {"GET //y", "GET /*"},
        {"GET /x/y", "GET /x/y"},
        {"GET /x/w", "GET /x/:b"},
        {"GET /w/y", "GET /:a/y"},
        {"GET /w/w", "GET /:a/*"},
        {"GET /x/y/", "GET /x/y/*"},
        {"GET /x/y/z", "GET /x/y/*"}, /* literal before ":b", although that goes on with "z" */
        {"GET /x/w/z", "GET /x/:b/z"},
        {"GET /w/w/z", "GET /:a/:b/z"},
        {"GET /x/w/w", "GET /x/*"},
        {"GET /w/w/w", "GET /:a/*"},
        {"GET /x//z", "GET /x/*"},
        {"GET /q/r/c/d", "GET /q/r/*"},
        {"GET /q/s/c/d", "GET /q/:b/:c/d"},
        {"GET /q/s/c/e", "GET /:a/*"},
    };
    /* The order in which they were added makes no difference. */
    for (int backwards = 0; backwards < 2; backwards++) {
        const char *ordered[sizeof patterns / sizeof *patterns] = {0};
        size_t count = sizeof patterns / sizeof *patterns - 1;
        for (size_t i = 0; i < count; i++) {
            ordered[i] = patterns[backwards ? count - 1 - i : i];
        }
        struct ph__router router;
        add_all(&router, ordered);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            assert_served_by(&router, cases[i][0], cases[i][1]);
        }
        ph__router_done(&router);
    }
}

/* The specific node does not serve the method, or leads nowhere: the next one is tried. */
static void test_match_when_specific_node_leads_nowhere_then_goes_back(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"POST /a/b", "GET /a/:x", "DELETE /*", "PUT /a/*",
                                           "GET /a/b/c/d", "GET /:p/b/c/e", "GET /a/:q/c/f", NULL});
    static const char *const cases[][2] = {
        {"POST /a/b", "POST /a/b"},
        {"GET /a/b", "GET /a/:x"},
        {"HEAD /a/b", "GET /a/:x"},
        {"PUT /a/b", "PUT /a/*"},
        {"DELETE /a/b", "DELETE /*"},
        {"PATCH /a/b", NULL},
        {"GET /a/b/c/d", "GET /a/b/c/d"},
        {"GET /a/b/c/e", "GET /:p/b/c/e"},
        {"GET /a/b/c/f", "GET /a/:q/c/f"},
        {"DELETE /a/b/c/d", "DELETE /*"},
        {"GET /a/b/c/g", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_served_by(&router, cases[i][0], cases[i][1]);
    }
    struct asked asked;
    ask(&router, "GET /a/b/c/f", &asked);
    assert_string_equal(asked.req.params[0], "b"); /* nothing left from the ways tried before */
    ask(&router, "GET /a/b/c/e", &asked);
    assert_string_equal(asked.req.params[0], "a");
    ph__router_done(&router);
}

static void test_match_when_many_routes_then_each_is_found(void **state)
{
    (void)state;
    enum { ROUTES = 500 };
    struct ph__router router;
    ph__router_init(&router);
    char pattern[32];
    for (unsigned i = 0; i < ROUTES; i++) {
        snprintf(pattern, sizeof pattern, "GET /r%u", (i * 269) % ROUTES); /* in no order */
        assert_int_equal(add(&router, pattern), 0);
    }
    assert_int_equal(router.route_count, ROUTES);
    for (unsigned i = 0; i < ROUTES; i++) {
        snprintf(pattern, sizeof pattern, "GET /r%u", i);
        assert_served_by(&router, pattern, pattern);
        struct asked asked;
        ask(&router, pattern, &asked);
        assert_int_equal((asked.req.route->index * 269) % ROUTES, i);
    }
    assert_served_by(&router, "GET /r500", NULL);
    assert_served_by(&router, "GET /r", NULL);
    ph__router_done(&router);
}

static void test_add_then_route_says_what_was_given(void **state)
{
    (void)state;
    struct ph__router router;
    ph__router_init(&router);
    int user;
    char pattern[] = "PUT /a/:b";
    struct ph_route route = {.pattern = pattern, .handler = handle, .user = &user};
    assert_int_equal(ph__router_add(&router, &route), 0);
    assert_false(router.any_blocking);
    route.pattern = "PUT /c";
    route.blocking = true;
    assert_int_equal(ph__router_add(&router, &route), 0);
    assert_true(router.any_blocking);
    memset(pattern, '#', sizeof pattern - 1); /* the router has a copy */
    struct asked asked;
    ask(&router, "PUT /a/x", &asked);
    assert_int_equal(asked.match, PH__MATCH_FOUND);
    assert_string_equal(asked.req.route->pattern, "PUT /a/:b");
    assert_int_equal(asked.req.route->method, PH__METHOD_PUT);
    assert_ptr_equal(asked.req.route->user, &user);
    assert_true(asked.req.route->handler == handle);
    assert_false(asked.req.route->blocking);
    ask(&router, "PUT /c", &asked);
    assert_true(asked.req.route->blocking);
    assert_int_equal(asked.req.route->index, 1);
    ph__router_done(&router);
}

/* ---- parameters ---- */

static void assert_param(const struct ph__router *router, const char *line, const char *name,
                         const char *value)
{
    struct asked asked;
    ask(router, line, &asked);
    assert_int_equal(asked.match, PH__MATCH_FOUND);
    int index = ph__route_param(asked.req.route, name);
    if (!value) {
        assert_int_equal(index, -1);
        return;
    }
    assert_in_range(index, 0, PH__PARAMS_MAX - 1);
    assert_string_equal(asked.req.params[index], value);
    assert_string_equal(ph_request_param(&asked.req, name), value);
}

static void test_param_when_matched_then_decoded_value(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"GET /things/:id", "GET /things/:other/parts/:part",
                                           "GET /files/*", "GET /:x/*",
                                           "GET /8/:a/:b/:c/:d/:e/:f/:g/:h", NULL});
    static const struct {
        const char *line, *name, *value;
    } cases[] = {
        {"GET /things/1", "id", "1"},
        {"GET /things/1", "other", NULL},
        {"GET /things/1", "*", NULL},
        {"GET /things/a%2Fb", "id", "a/b"},
        {"GET /things/a%20b+c", "id", "a b+c"},
        {"GET /things/%252e", "id", "%2e"},
        {"GET /things/1/parts/2", "other", "1"},
        {"GET /things/1/parts/2", "part", "2"},
        {"GET /things/1/parts/2", "id", NULL},
        {"GET /files/", "*", ""},
        {"GET /files/a", "*", "a"},
        {"GET /files/a/b/", "*", "a/b/"},
        {"GET /files//", "*", "/"},
        {"GET /files/a%2fb/c", "*", "a/b/c"},
        {"GET /files/a/../b", "*", "b"},
        {"GET /files/a?b", "*", "a"},
        {"GET /things/", "x", "things"},
        {"GET /things/", "*", ""},
        {"GET /things//parts/2", "*", "/parts/2"},
        {"GET /8/1/2/3/4/5/6/7/8", "a", "1"},
        {"GET /8/1/2/3/4/5/6/7/8", "h", "8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_param(&router, cases[i].line, cases[i].name, cases[i].value);
    }
    assert_served_by(&router, "GET /files", NULL);
    ph__router_done(&router);
}

/* ---- methods ---- */

static void assert_allow(const struct ph__router *router, const char *line, enum ph__match match,
                         const char *allow)
{
    struct asked asked;
    ask(router, line, &asked);
    if (asked.match != match || strcmp(asked.allow, allow) != 0) {
        fail_msg("%s: match %d, allow \"%s\"; want %d, \"%s\"", line, (int)asked.match, asked.allow,
                 (int)match, allow);
    }
}

static void test_match_when_method_is_missing_then_allow_lists_the_others(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router,
            (const char *const[]){"GET /get", "POST /post", "HEAD /head", "OPTIONS /options",
                                  "GET /all", "HEAD /all", "POST /all", "PUT /all", "DELETE /all",
                                  "PATCH /all", "GET /two/:id", "DELETE /two/:id", NULL});
    assert_allow(&router, "POST /get", PH__MATCH_NO_METHOD, "GET, HEAD, OPTIONS");
    assert_allow(&router, "OPTIONS /get", PH__MATCH_OPTIONS, "GET, HEAD, OPTIONS");
    assert_allow(&router, "GET /post", PH__MATCH_NO_METHOD, "POST, OPTIONS");
    assert_allow(&router, "HEAD /post", PH__MATCH_NO_METHOD, "POST, OPTIONS");
    assert_allow(&router, "GET /head", PH__MATCH_NO_METHOD, "HEAD, OPTIONS");
    assert_allow(&router, "GET /options", PH__MATCH_NO_METHOD, "OPTIONS");
    assert_allow(&router, "OPTIONS /all", PH__MATCH_OPTIONS,
                 "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    assert_allow(&router, "PATCH /two/1", PH__MATCH_NO_METHOD, "GET, HEAD, DELETE, OPTIONS");
    assert_allow(&router, "OPTIONS /two/1", PH__MATCH_OPTIONS, "GET, HEAD, DELETE, OPTIONS");
    assert_allow(&router, "POST /two/", PH__MATCH_NO_PATH, "untouched");
    assert_allow(&router, "OPTIONS /nothing", PH__MATCH_NO_PATH, "untouched");
    assert_served_by(&router, "OPTIONS /options", "OPTIONS /options");
    ph__router_done(&router);
}

/* RFC 9110 section 10.2.1: Allow names every method that the resource has, and one path may have
 * them from several patterns. */
static void test_match_when_patterns_overlap_then_allow_lists_methods_of_all(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router, (const char *const[]){"GET /a/b", "POST /a/:x", "PUT /:y/b", "DELETE /a/*",
                                           "PATCH /*", NULL});
    assert_allow(&router, "OPTIONS /a/b", PH__MATCH_OPTIONS,
                 "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    assert_allow(&router, "PUT /a/c", PH__MATCH_NO_METHOD, "POST, DELETE, PATCH, OPTIONS");
    assert_allow(&router, "GET /c/b", PH__MATCH_NO_METHOD, "PUT, PATCH, OPTIONS");
    assert_allow(&router, "GET /", PH__MATCH_NO_METHOD, "PATCH, OPTIONS");
    ph__router_done(&router);
}

static void test_match_when_head_then_by_get_unless_it_has_its_own(void **state)
{
    (void)state;
    struct ph__router router;
    add_all(&router,
            (const char *const[]){"GET /a", "GET /b", "HEAD /b", "HEAD /c/:x", "GET /c/d", NULL});
    assert_served_by(&router, "HEAD /a", "GET /a");
    assert_served_by(&router, "HEAD /b", "HEAD /b");
    assert_served_by(&router, "GET /b", "GET /b");
    assert_served_by(&router, "HEAD /c/d", "GET /c/d");
    assert_served_by(&router, "HEAD /c/e", "HEAD /c/:x");
    ph__router_done(&router);
}

/* ---- out of memory ---- */

static void test_add_when_out_of_memory_then_enomem_and_the_rest_works(void **state)
{
    (void)state;
    static const char *const patterns[] = {"GET /a/:b/*", "POST /a/:b/c", "GET /a/z/y",
                                           "PUT /m/:n/:o", "GET /a/x"};
    for (int recover = 0; recover < 2; recover++) {
        bool failed = true;
        for (long n = 0; failed; n++) {
            struct ph__router router;
            ph__router_init(&router);
            assert_int_equal(add(&router, "GET /a/b/before"), 0);
            unsigned added = 1;
            int results[sizeof patterns / sizeof *patterns];
            fail_allocations(n, recover);
            for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                results[i] = add(&router, patterns[i]);
                added += results[i] == 0;
            }
            failed = stop_failing();
            assert_int_equal(failed, added < 1 + sizeof patterns / sizeof *patterns);
            assert_int_equal(router.route_count, added);
            for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                assert_true(results[i] == 0 || results[i] == -ENOMEM);
            }
            assert_served_by(&router, "GET /a/b/before", "GET /a/b/before");
            assert_served_by(&router, "PUT /m/1/2", results[3] == 0 ? "PUT /m/:n/:o" : NULL);
            for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                assert_int_equal(add(&router, patterns[i]),
                                 results[i] == 0 ? PH_ERR_ROUTE_TAKEN : 0);
            }
            assert_served_by(&router, "POST /a/q/c", "POST /a/:b/c");
            ph__router_done(&router);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_when_pattern_is_malformed_then_err_pattern),
        cmocka_unit_test(test_add_when_taken_then_err_route_taken_and_the_first_stays),
        cmocka_unit_test(test_match_when_there_are_no_routes_then_no_path),
        cmocka_unit_test(test_match_when_asterisk_then_no_path),
        cmocka_unit_test(test_match_when_paths_are_literal_then_exactly),
        cmocka_unit_test(test_match_when_several_fit_then_most_specific_by_segment),
        cmocka_unit_test(test_match_when_specific_node_leads_nowhere_then_goes_back),
        cmocka_unit_test(test_match_when_many_routes_then_each_is_found),
        cmocka_unit_test(test_add_then_route_says_what_was_given),
        cmocka_unit_test(test_param_when_matched_then_decoded_value),
        cmocka_unit_test(test_match_when_method_is_missing_then_allow_lists_the_others),
        cmocka_unit_test(test_match_when_patterns_overlap_then_allow_lists_methods_of_all),
        cmocka_unit_test(test_match_when_head_then_by_get_unless_it_has_its_own),
        cmocka_unit_test(test_add_when_out_of_memory_then_enomem_and_the_rest_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
