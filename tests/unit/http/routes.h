/* SPDX-License-Identifier: MIT
 *
 * Routers filled from lists of patterns, and asked by request lines, for the tests of router.c.
 */
#ifndef PORTHOLE_TESTS_ROUTES_H
#define PORTHOLE_TESTS_ROUTES_H

#include "http/router.h"

#include "support/cmocka.h"

#include <string.h>

static inline int handle_nothing(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)res;
    (void)user;
    return 0;
}

static inline int add_route(struct ph__router *router, const char *pattern)
{
    const struct ph_route route = {.pattern = pattern, .handler = handle_nothing};
    return ph__router_add(router, &route);
}

static inline void add_routes(struct ph__router *router, const char *const *patterns)
{
    ph__router_init(router);
    for (; *patterns; patterns++) {
        assert_int_equal(add_route(router, *patterns), 0);
    }
}

/* A request for "METHOD /target", and the memory its path stands in. */
struct asked {
    struct ph_request req;
    char allow[PH__ALLOW_TEXT];
    char scratch[1024];
    enum ph__match match;
};

static inline void ask_router(const struct ph__router *router, const char *line,
                              struct asked *asked)
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
static inline const char *served_by(const struct ph__router *router, const char *line)
{
    struct asked asked;
    ask_router(router, line, &asked);
    return asked.match == PH__MATCH_FOUND ? asked.req.route->pattern : NULL;
}

static inline void assert_served_by(const struct ph__router *router, const char *line,
                                    const char *pattern)
{
    const char *got = served_by(router, line);
    if (strcmp(got ? got : "nothing", pattern ? pattern : "nothing") != 0) {
        fail_msg("%s is served by %s, not by %s", line, got ? got : "nothing",
                 pattern ? pattern : "nothing");
    }
}

#endif
