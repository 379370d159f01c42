/* SPDX-License-Identifier: MIT
 *
 * Receiving: heads, and what nobody wants any more. Bodies are in conn_body.c.
 */
#include "http/router.h"
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <errno.h>

enum { LINGER_READ = 16 * 1024 };

enum ph__step ph__conn_receive(struct ph__conn *conn, char *to, size_t room)
{
    ph__io_receive(&conn->exchange->io, conn->fd, to, room);
    return PH__STEP_IO;
}

/*
 * What came of a receive: the number of bytes, 0 when there is nothing now, -EPIPE at the end of
 * what the peer sends, or another negative errno. Fewer bytes than asked for mean that the kernel
 * has no more, so that no second call is needed to hear EAGAIN.
 */
static ssize_t take_received(struct ph__conn *conn, const struct ph__io *io)
{
    ssize_t got = io->result;
    if (got > 0) {
        conn->readable = (size_t)got == io->parts[0].iov_len || conn->hangup;
        ph__count(&conn->worker->stats.bytes_in, (uint64_t)got);
        return got;
    }
    conn->readable = false;
    if (got == 0) {
        return -EPIPE;
    }
    return got == -EAGAIN ? 0 : got;
}

static size_t input_max(const struct ph__conn *conn)
{
    size_t head_max = conn->worker->server->limits.head_max;
    return head_max > PH__INPUT_FIRST ? head_max : PH__INPUT_FIRST;
}

/* ---- head ---- */

/* When the server is stopping, a request that has not begun is not waited for. An event that has
 * brought no byte, for it was of bytes that are read already, or of the transport's own, leaves an
 * idle connection idle. */
static enum ph__step wait_for_head(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    if (!ph__exchange_has_head(exchange) && ph__worker_draining(conn->worker)) {
        return ph__conn_close(conn);
    }
    bool first = atomic_load_explicit(&conn->requests, memory_order_relaxed) == 0;
    if (!first && exchange->in.size == exchange->in.start) {
        ph__worker_give_exchange(conn->worker, exchange);
        conn->exchange = NULL;
        /* Nothing has happened that would put its end off. */
        bool runs = conn->restart == PH__RESTART_IDLE;
        ph__conn_set_state(conn, PH__CONN_IDLE);
        conn->restart = runs ? PH__RESTART_NOT : PH__RESTART;
    }
    return PH__STEP_WAIT;
}

static enum ph__step receive_head(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    if (exchange->out.size > 0) {
        /* Replies to earlier requests do not wait for this one. */
        return ph__conn_flush(conn, PH__RESUME_HEAD);
    }
    if (!conn->readable) {
        return wait_for_head(conn);
    }
    int err = ph__exchange_make_room(exchange, input_max(conn));
    if (err == -ENOSPC) {
        return ph__conn_refuse(conn, 431, "the header fields are longer than this server accepts");
    }
    if (err < 0) {
        return ph__conn_refuse(conn, 503, "the server is out of memory");
    }
    struct ph__input *in = &exchange->in;
    return ph__conn_receive(conn, in->data + in->size, in->capacity - in->size);
}

/* Also in the middle of a head nobody is left to answer; but for who speaks without the transport
 * that this connection has. */
static enum ph__step head_failed(struct ph__conn *conn, ssize_t err)
{
    if (err != -EPROTONOSUPPORT || !conn->wrapped) {
        return ph__conn_close(conn);
    }
    ph__conn_unwrap(conn, false);
    return ph__conn_refuse(conn, 400, "this address speaks HTTPS: ask with https://");
}

static enum ph__step head_received(struct ph__conn *conn, ssize_t got)
{
    if (got < 0) {
        return head_failed(conn, got);
    }
    conn->exchange->in.size += (size_t)got;
    return got > 0 ? ph__conn_read_head(conn) : wait_for_head(conn);
}

/* The parser has found the end of the head. */
static enum ph__step head_complete(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    const struct ph_request *req = &exchange->request;
    exchange->in_end = exchange->in.start + exchange->parser.head_size;
    exchange->body_ended = !req->chunked && req->content_length == 0;
    const char *wrong = ph__conn_find_route(conn);
    if (wrong) {
        return ph__conn_refuse_target(conn, wrong);
    }
    return exchange->body_ended && !(req->route && req->route->begin) ? ph__conn_answer(conn)
                                                                      : ph__conn_begin_body(conn);
}

enum ph__step ph__conn_read_head(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *in = &exchange->in;
    if (!exchange->begun) {
        ph__parse_init(&exchange->parser, &exchange->request, &conn->worker->server->limits);
        exchange->begun = true;
    }
    if (in->size - in->start == exchange->parser.fed) {
        return receive_head(conn); /* all there is has been parsed */
    }
    switch (ph__parse_head(&exchange->parser, in->data + in->start, in->size - in->start)) {
    case PH__PARSE_MORE:
        return receive_head(conn);
    case PH__PARSE_DONE:
        return head_complete(conn);
    case PH__PARSE_ERROR:
        break;
    }
    return ph__conn_refuse(conn, exchange->parser.status, exchange->parser.detail);
}

enum ph__step ph__conn_received(struct ph__conn *conn)
{
    ssize_t got = take_received(conn, &conn->exchange->io);
    enum ph__conn_state state = ph__conn_state(conn);
    if (state == PH__CONN_HEAD) {
        return head_received(conn, got);
    }
    return state == PH__CONN_UPGRADED ? ph__conn_upgrade_received(conn, got)
                                      : ph__conn_body_received(conn, got);
}

/* ---- after the end ---- */

enum ph__step ph__conn_linger(struct ph__conn *conn)
{
    char nobody_reads[LINGER_READ];
    if (!conn->readable) {
        return PH__STEP_WAIT;
    }
    struct ph__io io = {.transport = NULL}; /* the exchange has been given back */
    ph__io_receive(&io, conn->fd, nobody_reads, sizeof nobody_reads);
    ph__io_perform(&io);
    ssize_t got = take_received(conn, &io);
    return got < 0 ? ph__conn_close(conn) : got == 0 ? PH__STEP_WAIT : PH__STEP_GO;
}
