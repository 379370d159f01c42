/* SPDX-License-Identifier: MIT
 *
 * The tree of routes.
 *
 *   GET /things        root ── "things" ── ":" (any one segment)
 *   GET /things/:id      │         └─ routes[GET]     └─ routes[GET], routes[PUT]
 *   PUT /things/:id      └─ "files" ── "*" (the rest)
 *
 * At each segment a literal child is tried before ":", and ":" before "*"; when a choice leads
 * nowhere, or to a node without the method, the next is tried. Only when that fails a second walk
 * collects the methods of all nodes that match: that decides between 404 and 405.
 */
#include "http/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ph__node {
    char *literal; /* owned; NULL for the root, ":" and "*" children */
    size_t literal_size;
    struct ph__node **literals; /* sorted by size, then by text */
    size_t literal_count;
    struct ph__node *any;  /* ":name" */
    struct ph__node *rest; /* "*" */
    struct ph__route *routes[PH__METHOD_COUNT];
};

void ph__router_init(struct ph__router *router)
{
    *router = (struct ph__router){0};
}

static void free_route(struct ph__route *route)
{
    if (!route) {
        return;
    }
    for (unsigned i = 0; i < route->param_count; i++) {
        free(route->params[i]);
    }
    free(route->pattern);
    free(route);
}

/* As deep as the longest pattern, which the program itself wrote. */
static void free_node(struct ph__node *node)
{
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->literal_count; i++) {
        free_node(node->literals[i]);
    }
    free(node->literals);
    free_node(node->any);
    free_node(node->rest);
    for (int i = 0; i < PH__METHOD_COUNT; i++) {
        free_route(node->routes[i]);
    }
    free(node->literal);
    free(node);
}

void ph__router_done(struct ph__router *router)
{
    free_node(router->root);
    free(router->routes);
    ph__router_init(router);
}

/* The literal child `text`, or NULL; *ret_at is where it stands, or would have to be inserted. */
static struct ph__node *find_literal(const struct ph__node *node, const char *text, size_t size,
                                     size_t *ret_at)
{
    size_t low = 0;
    size_t high = node->literal_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ph__node *child = node->literals[middle];
        bool before = child->literal_size < size;
        if (child->literal_size == size) {
            int order = memcmp(child->literal, text, size);
            if (order == 0) {
                *ret_at = middle;
                return child;
            }
            before = order < 0;
        }
        if (before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_at = low;
    return NULL;
}

/* Returns the child, a new one if need be; NULL: out of memory. */
static struct ph__node *literal_child(struct ph__node *node, const char *text, size_t size)
{
    size_t at;
    struct ph__node *found = find_literal(node, text, size, &at);
    if (found) {
        return found;
    }
    struct ph__node **grown =
        realloc(node->literals, (node->literal_count + 1) * sizeof(struct ph__node *));
    if (!grown) {
        return NULL;
    }
    node->literals = grown;
    struct ph__node *child = calloc(1, sizeof *child);
    char *literal = strndup(text, size);
    if (!child || !literal) {
        free(child);
        free(literal);
        return NULL;
    }
    child->literal = literal;
    child->literal_size = size;
    memmove(&grown[at + 1], &grown[at], (node->literal_count - at) * sizeof(struct ph__node *));
    grown[at] = child;
    node->literal_count++;
    return child;
}

static struct ph__node *special_child(struct ph__node **slot)
{
    if (!*slot) {
        *slot = calloc(1, sizeof **slot);
    }
    return *slot;
}

static int add_param(struct ph__route *route, const char *name, size_t size)
{
    if (size == 0 || route->param_count == PH__PARAMS_MAX) {
        return PH_ERR_PATTERN;
    }
    for (unsigned i = 0; i < route->param_count; i++) {
        if (strlen(route->params[i]) == size && memcmp(route->params[i], name, size) == 0) {
            return PH_ERR_PATTERN;
        }
    }
    char *copy = strndup(name, size);
    if (!copy) {
        return -ENOMEM;
    }
    route->params[route->param_count++] = copy;
    return 0;
}

/* Goes down from `node` along one segment of a pattern. */
static int descend(struct ph__node **node, struct ph__route *route, const char *segment,
                   size_t size, bool last)
{
    int err = 0;
    if (segment[0] == ':') {
        err = add_param(route, segment + 1, size - 1);
        *node = err < 0 ? NULL : special_child(&(*node)->any);
    } else if (size == 1 && segment[0] == '*') {
        err = last ? add_param(route, segment, size) : PH_ERR_PATTERN;
        *node = err < 0 ? NULL : special_child(&(*node)->rest);
    } else {
        *node = literal_child(*node, segment, size);
    }
    return err < 0 ? err : *node ? 0 : -ENOMEM;
}

/* Builds the path of a pattern, which begins with '/', and puts the route at its end. */
static int insert(struct ph__router *router, struct ph__route *route, const char *path)
{
    if (!router->root) {
        router->root = calloc(1, sizeof *router->root);
        if (!router->root) {
            return -ENOMEM;
        }
    }
    struct ph__node *node = router->root;
    for (const char *segment = path; segment;) {
        segment++; /* the slash */
        const char *slash = strchr(segment, '/');
        size_t size = slash ? (size_t)(slash - segment) : strlen(segment);
        int err = descend(&node, route, segment, size, !slash);
        if (err < 0) {
            return err;
        }
        segment = slash;
    }
    if (node->routes[route->method]) {
        return PH_ERR_ROUTE_TAKEN;
    }
    node->routes[route->method] = route;
    return 0;
}

/* Makes room for one more route in the array. */
static int grow_routes(struct ph__router *router)
{
    if (router->route_count == PH__ROUTES_MAX) {
        return -ENOSPC;
    }
    struct ph__route **grown =
        realloc(router->routes, (router->route_count + 1) * sizeof(struct ph__route *));
    if (!grown) {
        return -ENOMEM;
    }
    router->routes = grown;
    return 0;
}

int ph__router_add(struct ph__router *router, const struct ph_route *wanted)
{
    const char *space = wanted->pattern ? strchr(wanted->pattern, ' ') : NULL;
    if (!space || space[1] != '/' || !wanted->handler) {
        return PH_ERR_PATTERN;
    }
    enum ph__method method = ph__method_of(wanted->pattern, (size_t)(space - wanted->pattern));
    if (method == PH__METHOD_COUNT || strpbrk(space + 1, " ?#%\r\n\t")) {
        return PH_ERR_PATTERN;
    }
    struct ph__route *route = calloc(1, sizeof *route);
    if (!route) {
        return -ENOMEM;
    }
    route->pattern = strdup(wanted->pattern);
    route->method = method;
    route->handler = wanted->handler;
    route->user = wanted->user;
    route->blocking = wanted->blocking;
    route->begin = wanted->begin;
    route->body_max = wanted->body_max;
    route->index = router->route_count;
    int err = route->pattern ? grow_routes(router) : -ENOMEM;
    err = err < 0 ? err : insert(router, route, space + 1);
    if (err < 0) {
        free_route(route);
        return err;
    }
    router->routes[router->route_count++] = route;
    router->any_blocking |= route->blocking;
    return 0;
}

/* What a walk down the tree carries along. */
struct walk {
    enum ph__method method;
    const char *end; /* of the segments */
    const char **params;
    const char *path;     /* the joined path, for "*" */
    const char *segments; /* the beginning of the segments */
};

static const struct ph__route *route_for(const struct ph__node *node, enum ph__method method)
{
    const struct ph__route *route = node->routes[method];
    return !route && method == PH__METHOD_HEAD ? node->routes[PH__METHOD_GET] : route;
}

/* As deep as the longest pattern, however long the path. */
static const struct ph__node *find(const struct ph__node *node, const struct walk *walk,
                                   const char *segment, unsigned param)
{
    size_t at;
    size_t size;
    const char *next;
    const struct ph__node *literal;
    for (;; node = literal, segment = next) {
        if (segment == walk->end) {
            return route_for(node, walk->method) ? node : NULL;
        }
        size = strlen(segment);
        next = segment + size + 1;
        literal = find_literal(node, segment, size, &at);
        if (node->any || node->rest) {
            break; /* there is a choice */
        }
        if (!literal) {
            return NULL;
        }
    }
    const struct ph__node *found = NULL;
    if (literal) {
        found = find(literal, walk, next, param);
    }
    if (!found && node->any && size > 0) {
        found = find(node->any, walk, next, param + 1);
        if (found) {
            walk->params[param] = segment;
        }
    }
    if (!found && node->rest && route_for(node->rest, walk->method)) {
        found = node->rest;
        walk->params[param] = walk->path + 1 + (segment - walk->segments);
    }
    return found;
}

/* A bit for each method that a node has a route for. */
static unsigned methods_of(const struct ph__node *node)
{
    unsigned methods = 0;
    for (int method = 0; method < PH__METHOD_COUNT; method++) {
        methods |= node->routes[method] ? 1u << method : 0;
    }
    return methods;
}

/* The methods of every node that matches the segments: a path may have them from several
 * patterns. As deep as the longest pattern, however long the path. */
static unsigned find_methods(const struct ph__node *node, const char *segment, const char *end)
{
    if (segment == end) {
        return methods_of(node);
    }
    unsigned methods = node->rest ? methods_of(node->rest) : 0;
    size_t size = strlen(segment);
    const char *next = segment + size + 1;
    size_t at;
    const struct ph__node *literal = find_literal(node, segment, size, &at);
    if (literal) {
        methods |= find_methods(literal, next, end);
    }
    if (node->any && size > 0) {
        methods |= find_methods(node->any, next, end);
    }
    return methods;
}

/* Returns false when no method leads anywhere. */
static bool list_allowed(const struct ph__node *root, const struct walk *walk,
                         char allow[PH__ALLOW_TEXT])
{
    unsigned methods = find_methods(root, walk->segments, walk->end);
    if (!methods) {
        return false;
    }
    methods |= (methods & 1u << PH__METHOD_GET) ? 1u << PH__METHOD_HEAD : 0;
    methods |= 1u << PH__METHOD_OPTIONS;
    char *at = allow;
    for (int method = 0; method < PH__METHOD_COUNT; method++) {
        if (methods & 1u << method) {
            const char *name = ph__method_name((enum ph__method)method);
            at = stpcpy(stpcpy(at, at == allow ? "" : ", "), name);
        }
    }
    return true;
}

static struct walk begin_walk(struct ph_request *req)
{
    return (struct walk){.method = req->method,
                         .end = req->uri.segments + req->uri.path_size,
                         .params = req->params,
                         .path = req->uri.path,
                         .segments = req->uri.segments};
}

bool ph__router_find(const struct ph__router *router, struct ph_request *req)
{
    if (!router->root || req->uri.asterisk) {
        return false;
    }
    const struct walk walk = begin_walk(req);
    const struct ph__node *node = find(router->root, &walk, req->uri.segments, 0);
    req->route = node ? route_for(node, req->method) : NULL;
    return node;
}

enum ph__match ph__router_match(const struct ph__router *router, struct ph_request *req,
                                char allow[PH__ALLOW_TEXT])
{
    if (ph__router_find(router, req)) {
        return PH__MATCH_FOUND;
    }
    if (!router->root || req->uri.asterisk) {
        return PH__MATCH_NO_PATH;
    }
    const struct walk walk = begin_walk(req);
    if (!list_allowed(router->root, &walk, allow)) {
        return PH__MATCH_NO_PATH;
    }
    return req->method == PH__METHOD_OPTIONS ? PH__MATCH_OPTIONS : PH__MATCH_NO_METHOD;
}

int ph__route_param(const struct ph__route *route, const char *name)
{
    for (unsigned i = 0; i < route->param_count; i++) {
        if (strcmp(route->params[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}
