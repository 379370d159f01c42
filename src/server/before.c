/* SPDX-License-Identifier: MIT
 *
 * Handlers before handlers. They take the place of ph_route.begin, so that they run before a body
 * is received; servers that have none pay nothing.
 */
#include "server/before.h"

#include "http/response.h"
#include "server/exchange.h"
#include "server/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ph_server_before(struct ph_server *server, const char *path, ph_handler handler, void *user)
{
    if (server->life != PH__LIFE_NEW) {
        return PH_ERR_STARTED;
    }
    size_t size = strlen(path);
    if (path[0] != '/' || !handler) {
        return PH_ERR_PATTERN;
    }
    size -= path[size - 1] == '/';
    struct ph__before *before = malloc(sizeof *before + size + 1);
    if (!before) {
        return -ENOMEM;
    }
    *before = (struct ph__before){.handler = handler, .user = user, .size = size};
    memcpy(before->path, path, size);
    before->path[size] = '\0';
    struct ph__before **last = &server->befores;
    while (*last) {
        last = &(*last)->next;
    }
    *last = before;
    return 0;
}

void ph__before_free(struct ph_server *server)
{
    while (server->befores) {
        struct ph__before *next = server->befores->next;
        free(server->befores);
        server->befores = next;
    }
}

/* Whether a path is that one, or below it. */
static bool is_below(const struct ph__before *before, const char *path)
{
    return before->size == 0 || (strncmp(path, before->path, before->size) == 0 &&
                                 (path[before->size] == '/' || path[before->size] == '\0'));
}

int ph__before_call(struct ph_request *req, struct ph_response *res)
{
    const struct ph__exchange *exchange = ph__exchange_of(req);
    int err = 0;
    for (const struct ph__before *before = req->server->befores;
         before && err >= 0 && res->status == 0 && !exchange->token; before = before->next) {
        if (is_below(before, ph_request_path(req))) {
            err = before->handler(req, res, before->user);
        }
    }
    return err;
}

/* Fits ph_route.begin, in the place of the route's own. */
static int begin(struct ph_request *req, struct ph_response *res, void *user)
{
    int err = ph__before_call(req, res);
    ph_handler own = req->route->own_begin;
    bool goes_on = err >= 0 && res->status == 0 && !ph__exchange_of(req)->token;
    return goes_on && own ? own(req, res, user) : err;
}

void ph__before_attach(struct ph_server *server)
{
    for (unsigned i = 0; server->befores && i < server->router.route_count; i++) {
        struct ph__route *route = server->router.routes[i];
        if (route->begin != begin) {
            route->own_begin = route->begin;
            route->begin = begin;
        }
    }
}
