/* SPDX-License-Identifier: MIT
 *
 * Methods that a path has, and has not.
 */
#include "http/router.h"

#include "routes.h"
#include "support/cmocka.h"

#include <string.h>

static void assert_allow(const struct ph__router *router, const char *line, enum ph__match match,
                         const char *allow)
{
    struct asked asked;
    ask_router(router, line, &asked);
    if (asked.match != match || strcmp(asked.allow, allow) != 0) {
        fail_msg("%s: match %d, allow \"%s\"; want %d, \"%s\"", line, (int)asked.match, asked.allow,
                 (int)match, allow);
    }
}

static void test_match_when_method_is_missing_then_allow_lists_the_others(void **state)
{
    (void)state;
    struct ph__router router;
    add_routes(&router, (const char *const[]){"GET /get", "POST /post", "HEAD /head",
                                              "OPTIONS /options", "GET /all", "HEAD /all",
                                              "POST /all", "PUT /all", "DELETE /all", "PATCH /all",
                                              "GET /two/:id", "DELETE /two/:id", NULL});
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
    add_routes(&router, (const char *const[]){"GET /a/b", "POST /a/:x", "PUT /:y/b", "DELETE /a/*",
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
    add_routes(&router, (const char *const[]){"GET /a", "GET /b", "HEAD /b", "HEAD /c/:x",
                                              "GET /c/d", NULL});
    assert_served_by(&router, "HEAD /a", "GET /a");
    assert_served_by(&router, "HEAD /b", "HEAD /b");
    assert_served_by(&router, "GET /b", "GET /b");
    assert_served_by(&router, "HEAD /c/d", "GET /c/d");
    assert_served_by(&router, "HEAD /c/e", "HEAD /c/:x");
    ph__router_done(&router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_when_method_is_missing_then_allow_lists_the_others),
        cmocka_unit_test(test_match_when_patterns_overlap_then_allow_lists_methods_of_all),
        cmocka_unit_test(test_match_when_head_then_by_get_unless_it_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
