/* SPDX-License-Identifier: MIT
 *
 * Patterns and paths. Methods: test_router_methods.c.
 */
#include "http/router.h"

#include "routes.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
        if (add_route(&router, malformed[i]) != PH_ERR_PATTERN) {
            fail_msg("\"%s\" is not refused", malformed[i]);
        }
    }
    assert_int_equal(add_route(&router, NULL), PH_ERR_PATTERN);
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
    add_routes(&router,
               (const char *const[]){"GET /", "GET /a/:x", "POST /f/*", "GET /a/b/", NULL});
    static const char *const again[] = {"GET /", "GET /a/:x", "GET /a/:other", "POST /f/*",
                                        "GET /a/b/"};
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        assert_int_equal(add_route(&router, again[i]), PH_ERR_ROUTE_TAKEN);
    }
    assert_int_equal(router.route_count, 4);
    assert_served_by(&router, "GET /a/1", "GET /a/:x");
    assert_int_equal(add_route(&router, "PUT /a/:x"), 0);
    assert_int_equal(add_route(&router, "GET /f/*"), 0);
    assert_int_equal(add_route(&router, "GET /a/b"), 0);
    ph__router_done(&router);
}

static void test_match_when_there_are_no_routes_then_no_path(void **state)
{
    (void)state;
    struct ph__router router;
    ph__router_init(&router);
    struct asked asked;
    ask_router(&router, "GET /", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ask_router(&router, "OPTIONS /", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ph__router_done(&router);
    ph__router_done(&router);
}

static void test_match_when_asterisk_then_no_path(void **state)
{
    (void)state;
    struct ph__router router;
    add_routes(&router, (const char *const[]){"GET /*", "OPTIONS /*", NULL});
    struct asked asked;
    ask_router(&router, "OPTIONS *", &asked);
    assert_int_equal(asked.match, PH__MATCH_NO_PATH);
    ph__router_done(&router);
}

/* ---- which route ---- */

static void test_match_when_paths_are_literal_then_exactly(void **state)
{
    (void)state;
    struct ph__router router;
    add_routes(&router,
               (const char *const[]){"GET /", "GET /a", "GET /ab", "GET /a/b", "GET /a/b/",
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
        add_routes(&router, ordered);
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
    add_routes(&router,
               (const char *const[]){"POST /a/b", "GET /a/:x", "DELETE /*", "PUT /a/*",
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
    ask_router(&router, "GET /a/b/c/f", &asked);
    assert_string_equal(asked.req.params[0], "b"); /* nothing left from the ways tried before */
    ask_router(&router, "GET /a/b/c/e", &asked);
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
        assert_int_equal(add_route(&router, pattern), 0);
    }
    assert_int_equal(router.route_count, ROUTES);
    for (unsigned i = 0; i < ROUTES; i++) {
        snprintf(pattern, sizeof pattern, "GET /r%u", i);
        assert_served_by(&router, pattern, pattern);
        struct asked asked;
        ask_router(&router, pattern, &asked);
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
    struct ph_route route = {.pattern = pattern, .handler = handle_nothing, .user = &user};
    assert_int_equal(ph__router_add(&router, &route), 0);
    assert_false(router.any_blocking);
    route.pattern = "PUT /c";
    route.blocking = true;
    assert_int_equal(ph__router_add(&router, &route), 0);
    assert_true(router.any_blocking);
    memset(pattern, '#', sizeof pattern - 1); /* the router has a copy */
    struct asked asked;
    ask_router(&router, "PUT /a/x", &asked);
    assert_int_equal(asked.match, PH__MATCH_FOUND);
    assert_string_equal(asked.req.route->pattern, "PUT /a/:b");
    assert_int_equal(asked.req.route->method, PH__METHOD_PUT);
    assert_ptr_equal(asked.req.route->user, &user);
    assert_true(asked.req.route->handler == handle_nothing);
    assert_false(asked.req.route->blocking);
    ask_router(&router, "PUT /c", &asked);
    assert_true(asked.req.route->blocking);
    assert_int_equal(asked.req.route->index, 1);
    ph__router_done(&router);
}

/* ---- parameters ---- */

static void assert_param(const struct ph__router *router, const char *line, const char *name,
                         const char *value)
{
    struct asked asked;
    ask_router(router, line, &asked);
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
    add_routes(&router, (const char *const[]){"GET /things/:id", "GET /things/:other/parts/:part",
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
            assert_int_equal(add_route(&router, "GET /a/b/before"), 0);
            unsigned added = 1;
            int results[sizeof patterns / sizeof *patterns];
            fail_allocations(n, recover);
            for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                results[i] = add_route(&router, patterns[i]);
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
                assert_int_equal(add_route(&router, patterns[i]),
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
        cmocka_unit_test(test_add_when_out_of_memory_then_enomem_and_the_rest_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
