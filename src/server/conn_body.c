/* SPDX-License-Identifier: MIT
 *
 * Bodies of requests: gathered in one buffer, or handed over piece by piece as they come.
 */
#include "http/router.h"
#include "server/conn.h"
#include "server/server.h"
#include "server/waker.h"
#include "server/worker.h"

#include <errno.h>

/* Read at a time, and what the pool is troubled for at least: a client that sends less in
 * ph_config.body_ms is too slow, so that its deadline can begin anew with each piece. */
enum { BODY_READ = 64 * 1024, POOL_PIECE = 16 * 1024 };

/* ---- the beginning ---- */

static enum ph__step gather_in_place(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_request *req = &exchange->request;
    req->body = exchange->in.data + exchange->in_end;
    req->body_size = (size_t)req->content_length;
    exchange->in_end += req->body_size;
    exchange->body_ended = true;
    return ph__conn_answer(conn);
}

enum ph__step ph__conn_take_body(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    const struct ph_request *req = &exchange->request;
    if (exchange->body_ended) {
        return ph__conn_answer(conn);
    }
    size_t behind = exchange->in.size - exchange->in_end;
    if (!req->chunked && !exchange->receiver.receive && req->content_length <= behind) {
        return gather_in_place(conn);
    }
    if (req->expect_continue && behind == 0) {
        ph__buf_puts(&exchange->out, "HTTP/1.1 100 Continue\r\n\r\n");
        return ph__conn_flush(conn, PH__RESUME_BODY);
    }
    ph__conn_set_state(conn, PH__CONN_BODY);
    return PH__STEP_GO;
}

/* Nobody takes the body of a request that no route serves. Where it has not come yet, the reply
 * does not wait for it if the client does, or if there are guards, who are to be asked first. */
static bool is_answered_without_body(const struct ph__conn *conn)
{
    const struct ph__exchange *exchange = conn->exchange;
    const struct ph_request *req = &exchange->request;
    size_t behind = exchange->in.size - exchange->in_end;
    bool is_here = exchange->body_ended || (!req->chunked && req->content_length <= behind);
    return !is_here && (conn->worker->server->befores || (req->expect_continue && behind == 0));
}

enum ph__step ph__conn_begin_body(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    const struct ph_request *req = &exchange->request;
    const struct ph__route *route = req->route;
    uint64_t max = route && route->body_max ? route->body_max : conn->worker->server->cfg.body_max;
    exchange->parser.body_max = max;
    exchange->taken = 0;
    if (req->content_length > max) {
        return ph__conn_refuse(conn, 413, "the request body is larger than this server accepts");
    }
    if (!route && is_answered_without_body(conn)) {
        exchange->error_reply = true; /* the body may come, or may not */
        return ph__conn_answer(conn);
    }
    return route && route->begin ? ph__conn_call(conn, PH__CALL_BEGIN) : ph__conn_take_body(conn);
}

/* ---- handing over ---- */

int ph_request_receive(struct ph_request *req, ph_receive receive, void *user,
                       void (*release)(void *user), struct ph_waker **ret_waker)
{
    struct ph__exchange *exchange = ph__exchange_of(req);
    struct ph__receiver *receiver = &exchange->receiver;
    if (exchange->call != PH__CALL_BEGIN) {
        return PH_ERR_STARTED;
    }
    if (receiver->receive || exchange->response.status != 0 || exchange->token) {
        return PH_ERR_REPLIED;
    }
    struct ph_waker *waker = ret_waker ? ph__waker_new(exchange) : NULL;
    if (ret_waker && !waker) {
        return -ENOMEM;
    }
    *receiver = (struct ph__receiver){receive, user, release, waker};
    if (ret_waker) {
        *ret_waker = waker;
    }
    return 0;
}

void *ph_request_receiver(const struct ph_request *req)
{
    /* The exchange is not written to. */
    return ph__exchange_of((struct ph_request *)(uintptr_t)req)->receiver.user;
}

enum ph__step ph__conn_offer(struct ph__conn *conn)
{
    conn->exchange->held = false;
    conn->exchange->woken = false;
    return ph__conn_call(conn, PH__CALL_RECEIVE);
}

static enum ph__step body_complete(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->request.body = exchange->body.data;
    exchange->request.body_size = exchange->body.size;
    return ph__conn_answer(conn);
}

enum ph__step ph__conn_taken(struct ph__conn *conn, bool taken)
{
    struct ph__exchange *exchange = conn->exchange;
    enum ph__conn_state next = taken ? PH__CONN_BODY : PH__CONN_HANDLING;
    exchange->held = !taken;
    if (taken) {
        exchange->taken += exchange->body.size;
        ph__buf_reset(&exchange->body);
        if (exchange->body_ended) {
            return body_complete(conn);
        }
    }
    if (ph__conn_state(conn) != next) {
        ph__conn_set_state(conn, next);
    }
    return PH__STEP_GO; /* it may have been woken meanwhile */
}

/* More of the body is there. */
static enum ph__step go_on(struct ph__conn *conn)
{
    const struct ph__exchange *exchange = conn->exchange;
    if (!exchange->receiver.receive || exchange->body.size == 0) {
        return exchange->body_ended ? body_complete(conn) : PH__STEP_GO;
    }
    size_t least = exchange->request.route->blocking ? POOL_PIECE : 1;
    return exchange->body_ended || exchange->body.size >= least ? ph__conn_offer(conn)
                                                                : PH__STEP_GO;
}

/* ---- receiving ---- */

/* Nor do replies to earlier requests wait for a body; and should it break off, they are out. */
static enum ph__step flush_before_body(struct ph__conn *conn)
{
    return ph__conn_flush(conn, PH__RESUME_BODY);
}

static uint64_t missing_of(const struct ph__exchange *exchange)
{
    return exchange->request.content_length - exchange->taken - exchange->body.size;
}

/* `size` more bytes of a body with a Content-Length are there. */
static enum ph__step sized_received(struct ph__conn *conn, size_t size)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->body_ended = missing_of(exchange) == 0;
    ph__conn_progress(conn, size);
    return go_on(conn);
}

/* A body with a Content-Length that did not come with its head as a whole, or is handed over. */
static enum ph__step read_sized(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *in = &exchange->in;
    struct ph__buf *body = &exchange->body;
    uint64_t missing = missing_of(exchange);
    size_t behind = in->size - exchange->in_end;
    size_t wanted = behind ? behind : BODY_READ;
    /* The buffer grows with what has come, not with what was announced. */
    size_t room = missing < wanted ? (size_t)missing : wanted;
    char *to = ph__buf_reserve(body, room);
    if (!to) {
        return ph__conn_refuse(conn, 503, "the server is out of memory");
    }
    if (behind) {
        ph__buf_append(body, in->data + exchange->in_end, room);
        exchange->in_end += room;
        return sized_received(conn, room);
    }
    if (exchange->out.size > 0) {
        return flush_before_body(conn);
    }
    return conn->readable ? ph__conn_receive(conn, to, room) : PH__STEP_WAIT;
}

static enum ph__step receive_chunks(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *spare = &exchange->spare;
    if (exchange->out.size > 0) {
        return flush_before_body(conn);
    }
    if (!conn->readable) {
        return PH__STEP_WAIT;
    }
    if (ph__exchange_need_spare(exchange) < 0) {
        return ph__conn_refuse(conn, 503, "the server is out of memory");
    }
    return ph__conn_receive(conn, spare->data, spare->capacity);
}

/* Chunks that came with the head are parsed where they are, later ones in the spare input: the
 * head must stay where it is, and its buffer may be full. */
static enum ph__step parse_chunks(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *in = &exchange->in;
    struct ph__input *spare = &exchange->spare;
    bool from_in = exchange->in_end < in->size;
    const char *bytes = from_in ? in->data + exchange->in_end : spare->data + spare->start;
    size_t size = from_in ? in->size - exchange->in_end : spare->size - spare->start;
    size_t before = exchange->body.size;
    size_t used = 0;
    enum ph__parse_result result =
        ph__parse_chunks(&exchange->parser, bytes, size, &exchange->body, &used);
    if (result == PH__PARSE_ERROR) {
        return ph__conn_refuse(conn, exchange->parser.status, exchange->parser.detail);
    }
    *(from_in ? &exchange->in_end : &spare->start) += used;
    exchange->body_ended = result == PH__PARSE_DONE;
    ph__conn_progress(conn, exchange->body.size - before);
    return go_on(conn);
}

static enum ph__step read_chunked(struct ph__conn *conn)
{
    const struct ph__exchange *exchange = conn->exchange;
    bool there =
        exchange->in_end < exchange->in.size || exchange->spare.start < exchange->spare.size;
    return there ? parse_chunks(conn) : receive_chunks(conn);
}

enum ph__step ph__conn_read_body(struct ph__conn *conn)
{
    return conn->exchange->request.chunked ? read_chunked(conn) : read_sized(conn);
}

enum ph__step ph__conn_body_received(struct ph__conn *conn, ssize_t got)
{
    struct ph__exchange *exchange = conn->exchange;
    if (got <= 0) {
        return got == 0 ? PH__STEP_WAIT : ph__conn_close(conn);
    }
    if (exchange->request.chunked) {
        exchange->spare.size = (size_t)got;
        return PH__STEP_GO;
    }
    exchange->body.size += (size_t)got;
    return sized_received(conn, (size_t)got);
}
