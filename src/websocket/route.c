/* SPDX-License-Identifier: MIT
 *
 * The paths at which WebSockets are served, and the handler of their handshakes.
 */
#include "http/token.h"
#include "server/exchange.h"
#include "server/server.h"
#include "server/waker.h"
#include "websocket/handshake.h"
#include "websocket/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_MAX = 1024 * 1024,
    QUEUE_MAX = 256 * 1024,
    PING_MS = 30000,
    PONG_MS = 10000,
    US = 1000 /* in a millisecond */
};

/* ---- configuration ---- */

static bool is_token(const char *text)
{
    const char *at = text;
    while (ph__is_token_char(*at)) {
        at++;
    }
    return at != text && *at == '\0';
}

static bool all_are(const char *const *list, bool (*holds)(const char *text))
{
    while (list && *list) {
        if (!holds(*list++)) {
            return false;
        }
    }
    return true;
}

/* A list and its strings, in one piece. NULL: no memory. */
static const char *const *copy_list(const char *const *list)
{
    size_t count = 0;
    size_t bytes = 0;
    for (; list[count]; count++) {
        bytes += strlen(list[count]) + 1;
    }
    const char **copy = malloc((count + 1) * sizeof *copy + bytes);
    if (!copy) {
        return NULL;
    }
    char *to = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = to;
        to = stpcpy(to, list[i]) + 1;
    }
    copy[count] = NULL;
    return copy;
}

/* Fits ph_server_on_free(). */
static void free_route(void *user)
{
    struct ph__websocket_route *route = user;
    free((void *)(uintptr_t)route->cfg.protocols); /* copies of our own */
    free((void *)(uintptr_t)route->cfg.origins);
    free(route);
}

static void fill_in(struct ph__websocket_route *route, const struct ph_config *server)
{
    struct ph_websocket_config *cfg = &route->cfg;
    cfg->message_max = cfg->message_max ? cfg->message_max : MESSAGE_MAX;
    cfg->queue_max = cfg->queue_max ? cfg->queue_max : QUEUE_MAX;
    cfg->ping_ms = cfg->ping_ms ? cfg->ping_ms : PING_MS;
    cfg->pong_ms = cfg->pong_ms ? cfg->pong_ms : PONG_MS;
    route->ping_us = (uint64_t)cfg->ping_ms * US;
    route->pong_us = (uint64_t)cfg->pong_ms * US;
    route->write_us = (uint64_t)server->write_ms * US;
}

static int new_route(struct ph__websocket_route **ret_route, const struct ph_server *server,
                     const struct ph_websocket_config *cfg)
{
    struct ph__websocket_route *route = calloc(1, sizeof *route);
    if (!route) {
        return -ENOMEM;
    }
    route->cfg = *cfg;
    route->cfg.protocols = cfg->protocols ? copy_list(cfg->protocols) : NULL;
    route->cfg.origins = cfg->origins ? copy_list(cfg->origins) : NULL;
    fill_in(route, ph_server_config(server));
    if ((cfg->protocols && !route->cfg.protocols) || (cfg->origins && !route->cfg.origins)) {
        free_route(route);
        return -ENOMEM;
    }
    *ret_route = route;
    return 0;
}

/* ---- handshake ---- */

static int refuse(struct ph_response *res, const struct ph__handshake *handshake)
{
    int err = 0;
    if (handshake->status == 405) {
        err = ph_response_header(res, "Allow", "GET");
    } else if (handshake->status == 426) {
        err = ph_response_header(res, "Sec-WebSocket-Version", "13");
    }
    if (err < 0) {
        return err;
    }
    return handshake->status == 426
               ? ph__upgrade_required(res, "websocket", handshake->detail)
               : ph_reply_problem(res, handshake->status, "%s", handshake->detail);
}

/* The program has let the socket in: from here on it hears of the end. */
static int begin(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                 const struct ph__handshake *handshake)
{
    int err = ph_response_header(res, "Sec-WebSocket-Accept", handshake->accept);
    if (err == 0 && socket->protocol) {
        err = ph_response_header(res, "Sec-WebSocket-Protocol", socket->protocol);
    }
    if (err == 0) {
        err = ph__upgrade_begin(&socket->upgrade, req, res, "websocket");
    }
    if (err < 0) {
        ph__waker_abandon(socket->upgrade.waker);
        socket->upgrade.kind->end(&socket->upgrade);
    }
    return err;
}

/* Asks the program. 0: it may come, if there is no reply either. */
static int ask(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res)
{
    const struct ph_websocket_config *cfg = &socket->route->cfg;
    int err = cfg->open ? cfg->open(socket, req, res, cfg->user) : 0;
    return err == 0 && ph__exchange_of(req)->token ? -EINVAL : err;
}

static int shake_hands(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct ph__websocket_route *route = user;
    const struct ph__handshake handshake = ph__handshake_check(req);
    if (handshake.status) {
        return refuse(res, &handshake);
    }
    if (!ph__origin_may_come(req, route->cfg.origins)) {
        return ph_reply_problem(res, 403, "pages of this origin may not open a WebSocket here");
    }
    if (ph_server_stopping(ph_request_server(req))) {
        return ph_reply_problem(res, 503, "the server is stopping");
    }
    struct ph_websocket *socket = ph__websocket_new(route, req);
    if (!socket) {
        return -ENOMEM;
    }
    socket->protocol = ph__handshake_protocol(req, route->cfg.protocols);
    int err = ask(socket, req, res);
    if (err < 0 || res->status) {
        ph__websocket_refuse(socket);
        return err < 0 ? err : 0;
    }
    return begin(socket, req, res, &handshake);
}

/* ---- a path ---- */

static int add_path(struct ph_server *server, const char *path, struct ph__websocket_route *route)
{
    size_t size = strlen(path) + sizeof "GET ";
    char *pattern = malloc(size);
    if (!pattern) {
        return -ENOMEM;
    }
    snprintf(pattern, size, "GET %s", path);
    int err = ph_server_route(server, pattern, shake_hands, route);
    free(pattern);
    return err;
}

static unsigned least(unsigned one, unsigned other)
{
    return one < other ? one : other;
}

int ph_server_websocket_sized(struct ph_server *server, const char *path,
                              const struct ph_websocket_config *cfg, size_t cfg_size)
{
    struct ph_websocket_config known = {0};
    struct ph__websocket_route *route;
    if (cfg) {
        memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    }
    if (!all_are(known.protocols, is_token) || !all_are(known.origins, ph__origin_is_valid)) {
        return -EINVAL;
    }
    int err = new_route(&route, server, &known);
    if (err < 0) {
        return err;
    }
    err = ph_server_on_free(server, free_route, route);
    if (err < 0) {
        free_route(route);
        return err;
    }
    err = add_path(server, path, route);
    if (err < 0) {
        return err; /* it is freed with the server */
    }
    ph__server_tick(server, least(least(route->cfg.ping_ms, route->cfg.pong_ms),
                                  ph_server_config(server)->write_ms));
    return 0;
}
