/* SPDX-License-Identifier: MIT
 *
 * Routes as a tree of path segments. A request walks down one segment at a time: the cost
 * depends on the length of its path, not on the number of routes.
 */
#ifndef PORTHOLE_HTTP_ROUTER_H
#define PORTHOLE_HTTP_ROUTER_H

#include "http/method.h"
#include "http/request.h"

#include <porthole/server.h>

#include <stddef.h>

struct ph__node;

struct ph__route {
    char *pattern; /* owned, as given */
    enum ph__method method;
    ph_handler handler;
    void *user;
    bool blocking;
    ph_handler begin;     /* NULL: nothing to be asked before the body */
    ph_handler own_begin; /* the server's alone: what `begin` was before it put its own there */
    uint64_t body_max;    /* 0: as for others */
    unsigned index;       /* counted from 0 in the order they were added */
    unsigned param_count;
    char *params[PH__PARAMS_MAX]; /* names, owned; "*" for a trailing wildcard */
};

struct ph__router {
    struct ph__node *root;     /* NULL before the first route */
    struct ph__route **routes; /* by index; the tree owns them */
    unsigned route_count;
    bool any_blocking;
};

/* "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" and a NUL. */
enum { PH__ALLOW_TEXT = 64 };

void ph__router_init(struct ph__router *router);
void ph__router_done(struct ph__router *router);

enum { PH__ROUTES_MAX = 65534 }; /* an index plus one fits into 16 bits */

/* Returns 0, PH_ERR_PATTERN, PH_ERR_ROUTE_TAKEN, -ENOSPC beyond PH__ROUTES_MAX, or -ENOMEM. */
int ph__router_add(struct ph__router *router, const struct ph_route *wanted);

enum ph__match {
    PH__MATCH_FOUND,     /* req->route and req->params are set */
    PH__MATCH_NO_PATH,   /* 404 */
    PH__MATCH_NO_METHOD, /* 405; allow is filled in */
    PH__MATCH_OPTIONS,   /* OPTIONS that no route serves: 204; allow is filled in */
};

/* Finds the route of a request whose method and uri are set, and sets req->route and req->params.
 * HEAD finds GET's routes too. */
bool ph__router_find(const struct ph__router *router, struct ph_request *req);

/* The same, and where there is none, why. */
enum ph__match ph__router_match(const struct ph__router *router, struct ph_request *req,
                                char allow[PH__ALLOW_TEXT]);

/* The place of a parameter in req->params, or -1. */
int ph__route_param(const struct ph__route *route, const char *name);

#endif
