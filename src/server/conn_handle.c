/* SPDX-License-Identifier: MIT
 *
 * From a complete request to its reply: target, route, handler, and what happens afterwards.
 */
#include "base/clock.h"
#include "base/exhausted.h"
#include "http/router.h"
#include "server/conn.h"
#include "server/server.h"
#include "server/token.h"
#include "server/worker.h"

#include <errno.h>
#include <string.h>

/* Replies to pipelined requests are gathered up to this size before they are sent. */
enum { GATHER_MAX = 32 * 1024 };

static void count_reply(struct ph__conn *conn, int status)
{
    struct ph__worker *worker = conn->worker;
    struct ph__exchange *exchange = conn->exchange;
    ph__count(&worker->stats.requests, 1);
    ph__count(&worker->stats.by_class[status / 100], 1);
    uint32_t requests = atomic_load_explicit(&conn->requests, memory_order_relaxed);
    atomic_store_explicit(&conn->requests, requests + 1, memory_order_relaxed);
    exchange->answered++;
}

/* Apart, since its room on the stack would be made for every request. */
__attribute__((noinline)) static void tell_access(struct ph__conn *conn)
{
    const struct ph_config *cfg = &conn->worker->server->cfg;
    struct ph__exchange *exchange = conn->exchange;
    struct ph_request *req = &exchange->request;
    bool whole = req->fields_end > 0;
    char peer[PH__SOCKADDR_TEXT];
    const struct ph__sockaddr address = ph__conn_peer(conn);
    ph__sockaddr_format(&address, peer, sizeof peer);
    uint64_t now_us = ph__clock_us();
    const struct ph_access access = {
        .req = whole ? req : NULL,
        .peer = peer,
        .status = exchange->response.status,
        .body_bytes = exchange->response.length,
        .time_us = now_us > exchange->ready_us ? now_us - exchange->ready_us : 0,
    };
    cfg->access(cfg->access_user, &access);
}

/* The reply is made: sends it, or goes on with the next request if that is here already. */
static enum ph__step after_reply(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_response *res = &exchange->response;
    count_reply(conn, res->status);
    if (conn->worker->server->cfg.access) {
        tell_access(conn);
    }
    bool sent_from_out = ph__response_is_in_out(res) && exchange->out.size < GATHER_MAX;
    if (sent_from_out && !res->close && ph__exchange_has_more(exchange)) {
        ph__exchange_next_request(exchange);
        ph__conn_set_state(conn, PH__CONN_HEAD);
        return PH__STEP_GO;
    }
    return ph__conn_flush(conn, PH__RESUME_NEXT);
}

/* Begins the reply to the request in hand. */
__attribute__((always_inline)) static inline struct ph_response *begin_reply(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_request *req = &exchange->request;
    struct ph_response *res = &exchange->response;
    if (exchange->answered == 0) {
        exchange->ready_us = conn->worker->now_us; /* before a handler that may take its time */
    }
    ph__response_begin(res, ph__worker_date(conn->worker));
    res->head_only = req->method == PH__METHOD_HEAD;
    res->minor_version = req->minor_version;
    res->close = !req->keep_alive || exchange->error_reply || ph__worker_draining(conn->worker);
    return res;
}

/* Brings the fields that keep_fields() has kept into the reply that has been begun. Apart, as what
 * follows, since most routes have none. */
__attribute__((noinline)) static void bring_fields(struct ph__exchange *exchange)
{
    const struct ph__buf *begun = &exchange->begun_fields;
    if (begun->size > 0) {
        ph__buf_append(&exchange->response.fields, begun->data, begun->size);
    }
}

/* For a reply begun at ph_route.begin, or after it. */
__attribute__((noinline)) static void begin_or_bring_fields(struct ph__exchange *exchange)
{
    if (exchange->call == PH__CALL_BEGIN) {
        ph__buf_reset(&exchange->begun_fields);
    } else {
        bring_fields(exchange);
    }
}

/* Begins the reply to what is called of the request's route. */
static inline struct ph_response *begin_call(struct ph__conn *conn)
{
    struct ph_response *res = begin_reply(conn);
    if (conn->exchange->request.route->begin) {
        begin_or_bring_fields(conn->exchange);
    }
    return res;
}

/* Keeps the fields that were added so far, for a reply that is begun later. */
static int keep_fields(struct ph__exchange *exchange)
{
    const struct ph__buf *fields = &exchange->response.fields;
    if (fields->size > 0) {
        ph__buf_append(&exchange->begun_fields, fields->data, fields->size);
    }
    return ph__buf_error(&exchange->begun_fields);
}

/* ph_route.begin has let the request pass. */
static enum ph__step has_begun(struct ph__conn *conn)
{
    int err = keep_fields(conn->exchange);
    return err < 0 ? ph__conn_finish(conn, err) : ph__conn_take_body(conn);
}

/* Whatever the handler has replied, this takes its place; without memory, nothing does. */
static int reply_instead(struct ph_response *res, int status, const char *detail)
{
    ph__response_cancel(res);
    if (status == 503 && ph_response_header(res, "Retry-After", "1") < 0) {
        return -ENOMEM;
    }
    return ph_reply_problem(res, status, "%s", detail);
}

static int reply_to_error(struct ph_response *res, int err)
{
    return ph__is_exhausted(err)
               ? reply_instead(res, 503, "the server is out of memory or descriptors")
               : reply_instead(res, 500, "the handler of this request failed");
}

enum ph__step ph__conn_finish(struct ph__conn *conn, int result)
{
    struct ph_response *res = &conn->exchange->response;
    if (conn->exchange->token) {
        if (result >= 0 && res->status == 0) {
            return ph__conn_flush(conn, PH__RESUME_DEFERRED);
        }
        ph__conn_drop_token(conn); /* the handler has changed its mind */
    }
    if (result >= 0 && res->status == 0) {
        result = -EINVAL;
    }
    if (result < 0) {
        ph__exchange_drop_waker(conn->exchange);
        const struct ph__route *route = conn->exchange->request.route;
        ph__server_log(conn->worker->server, PH_LOG_WARNING, "%s failed: %s",
                       route ? route->pattern : "a handler before all routes", ph_strerror(result));
        if (reply_to_error(res, result) < 0) {
            return ph__conn_close(conn); /* no memory for the shortest reply */
        }
    }
    return after_reply(conn);
}

enum ph__step ph__conn_await_token(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_token *token = exchange->token;
    exchange->waits = !token->arrived;
    if (exchange->waits) {
        return PH__STEP_WAIT;
    }
    struct ph_response *res = begin_reply(conn);
    const struct ph__route *route = exchange->request.route;
    if (route ? route->begin != NULL : conn->worker->server->befores != NULL) {
        bring_fields(exchange);
    }
    exchange->ready_us = token->ready_us;
    exchange->token = NULL;
    return ph__conn_finish(conn, ph__token_make_reply(token, res));
}

/* A reply that the server gives itself, by `err` what came of making it. */
static enum ph__step after_own_reply(struct ph__conn *conn, int err)
{
    return err < 0 ? ph__conn_close(conn) : after_reply(conn);
}

enum ph__step ph__conn_refuse(struct ph__conn *conn, int status, const char *detail)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->error_reply = true;
    struct ph_response *res = begin_reply(conn);
    return after_own_reply(conn, reply_instead(res, status, detail));
}

/* Fills in the uri; returns NULL or what is wrong with it. */
static const char *parse_target(struct ph__exchange *exchange)
{
    struct ph_request *req = &exchange->request;
    if (ph__exchange_need_scratch(exchange, req->target_size) < 0) {
        return "";
    }
    const char *wrong =
        ph__uri_parse(&req->uri, req->head + req->target, req->target_size, exchange->scratch);
    if (!wrong && req->uri.asterisk && req->method != PH__METHOD_OPTIONS) {
        return "only OPTIONS can be asked of \"*\"";
    }
    return wrong;
}

static enum ph__match match(struct ph__conn *conn, char allow[PH__ALLOW_TEXT])
{
    struct ph_request *req = &conn->exchange->request;
    if (req->uri.asterisk) {
        stpcpy(allow, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
        return PH__MATCH_OPTIONS;
    }
    return ph__router_match(&conn->worker->server->router, req, allow);
}

/* What no route serves passes those who are called before routes, too. Returns as they do. */
static int call_befores(struct ph__conn *conn, struct ph_response *res)
{
    struct ph_server *server = conn->worker->server;
    struct ph_request *req = &conn->exchange->request;
    if (!server->befores) {
        return 0;
    }
    ph__buf_reset(&conn->exchange->begun_fields);
    req->server = server;
    req->peer = ph__conn_peer(conn);
    int err = ph__before_call(req, res);
    return err >= 0 && conn->exchange->token ? keep_fields(conn->exchange) : err;
}

static enum ph__step reply_without_route(struct ph__conn *conn)
{
    char allow[PH__ALLOW_TEXT];
    struct ph_response *res = begin_reply(conn);
    const struct ph_request *req = &conn->exchange->request;
    int before = call_befores(conn, res);
    if (before < 0 || res->status != 0 || conn->exchange->token) {
        return ph__conn_finish(conn, before);
    }
    enum ph__match found = match(conn, allow);
    if (found == PH__MATCH_NO_PATH) {
        return after_own_reply(conn,
                               ph_reply_problem(res, 404, "there is nothing at %s", req->uri.path));
    }
    int err = ph_response_header(res, "Allow", allow);
    if (err == 0) {
        err = found == PH__MATCH_OPTIONS
                  ? ph_reply_empty(res, 204)
                  : ph_reply_problem(res, 405, "%s is not one of the methods here: %s",
                                     ph__method_name(req->method), allow);
    }
    return after_own_reply(conn, err);
}

const char *ph__conn_find_route(struct ph__conn *conn)
{
    struct ph_request *req = &conn->exchange->request;
    const char *wrong = parse_target(conn->exchange);
    if (!wrong && ph__router_find(&conn->worker->server->router, req)) {
        req->server = conn->worker->server;
        req->peer = ph__conn_peer(conn);
        atomic_store_explicit(&conn->route, (uint16_t)(req->route->index + 1),
                              memory_order_relaxed);
    }
    return wrong;
}

/* All earlier replies have been sent, so that they do not wait for a slow handler. */
enum ph__step ph__conn_run_blocking(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_response *res = begin_call(conn);
    memcpy(exchange->date, res->date, sizeof exchange->date); /* the worker's will change */
    res->date = exchange->date;
    ph__conn_set_state(conn, PH__CONN_HANDLING);
    if (ph__pool_submit(&conn->worker->server->pool, conn) == 0) {
        return PH__STEP_WAIT;
    }
    return after_own_reply(
        conn, reply_instead(res, 503, "too many requests wait for this server's slow routes"));
}

enum ph__step ph__conn_called(struct ph__conn *conn, int result)
{
    struct ph__exchange *exchange = conn->exchange;
    enum ph__call call = exchange->call;
    if (call == PH__CALL_HANDLER) {
        return ph__conn_finish(conn, result);
    }
    bool later = call == PH__CALL_RECEIVE && result == -EAGAIN;
    if ((result < 0 && !later) || exchange->response.status != 0 || exchange->token) {
        bool put_off = call == PH__CALL_BEGIN && result >= 0 && exchange->token;
        return ph__conn_finish(conn, put_off ? keep_fields(exchange) : result);
    }
    exchange->error_reply = false;
    return call == PH__CALL_BEGIN ? has_begun(conn) : ph__conn_taken(conn, !later);
}

enum ph__step ph__conn_call(struct ph__conn *conn, enum ph__call call)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->call = call;
    /* What is replied before the body has ended ends the connection. */
    exchange->error_reply = !exchange->body_ended;
    if (exchange->request.route->blocking && !ph__server_has_no_threads(conn->worker->server)) {
        return ph__conn_flush(conn, PH__RESUME_BLOCKING);
    }
    begin_call(conn);
    return ph__conn_called(conn, ph__exchange_call(exchange));
}

enum ph__step ph__conn_refuse_target(struct ph__conn *conn, const char *wrong)
{
    return wrong[0] ? ph__conn_refuse(conn, 400, wrong)
                    : ph__conn_refuse(conn, 503, "the server is out of memory");
}

enum ph__step ph__conn_answer(struct ph__conn *conn)
{
    return conn->exchange->request.route ? ph__conn_call(conn, PH__CALL_HANDLER)
                                         : reply_without_route(conn);
}
