/* SPDX-License-Identifier: MIT
 *
 * Receiving: heads, bodies, and what nobody wants any more.
 */
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <errno.h>

enum { LINGER_READ = 16 * 1024, BODY_READ = 64 * 1024 };

/* Asks for at most `room` bytes; ph__conn_received() goes on with them. */
static enum ph__step receive(struct ph__conn *conn, char *to, size_t room)
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

/* When the server is stopping, a request that has not begun is not waited for. */
static enum ph__step wait_for_head(struct ph__conn *conn)
{
    bool begun = ph__exchange_has_head(conn->exchange);
    return !begun && ph__worker_draining(conn->worker) ? ph__conn_close(conn) : PH__STEP_WAIT;
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
    return receive(conn, in->data + in->size, in->capacity - in->size);
}

static enum ph__step head_received(struct ph__conn *conn, ssize_t got)
{
    if (got < 0) {
        return ph__conn_close(conn); /* also in the middle of a head: nobody is left to answer */
    }
    conn->exchange->in.size += (size_t)got;
    return got > 0 ? ph__conn_read_head(conn) : wait_for_head(conn);
}

/* The parser has found the end of the head: decides how the body is to be received. */
static enum ph__step head_complete(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph_request *req = &exchange->request;
    struct ph__input *in = &exchange->in;
    exchange->in_end = in->start + exchange->parser.head_size;
    size_t behind = in->size - exchange->in_end;
    if (!req->chunked && req->content_length <= behind) {
        req->body = in->data + exchange->in_end;
        req->body_size = (size_t)req->content_length;
        exchange->in_end += req->body_size;
        return ph__conn_handle(conn);
    }
    if (req->expect_continue && behind == 0) {
        if (!ph__conn_has_handler(conn)) {
            exchange->error_reply = true; /* the body may come, or may not */
            return ph__conn_handle(conn);
        }
        ph__buf_puts(&exchange->out, "HTTP/1.1 100 Continue\r\n\r\n");
        return ph__conn_flush(conn, PH__RESUME_BODY);
    }
    ph__conn_set_state(conn, PH__CONN_BODY);
    return PH__STEP_GO;
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

/* ---- body ---- */

static enum ph__step body_complete(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->request.body = exchange->body.data;
    exchange->request.body_size = exchange->body.size;
    return ph__conn_handle(conn);
}

/* Nor do replies to earlier requests wait for a body; and should it break off, they are out. */
static enum ph__step flush_before_body(struct ph__conn *conn)
{
    return ph__conn_flush(conn, PH__RESUME_BODY);
}

static size_t missing_of(const struct ph__exchange *exchange)
{
    return (size_t)exchange->request.content_length - exchange->body.size;
}

/* A body with a Content-Length that did not come with its head as a whole. */
static enum ph__step read_sized(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *in = &exchange->in;
    struct ph__buf *body = &exchange->body;
    ph__buf_append(body, in->data + exchange->in_end, in->size - exchange->in_end);
    in->size = exchange->in_end;
    /* The buffer grows with what has come, not with what was announced. */
    size_t missing = missing_of(exchange);
    size_t room = missing < BODY_READ ? missing : BODY_READ;
    char *to = ph__buf_reserve(body, room);
    if (!to) {
        return ph__conn_refuse(conn, 503, "the server is out of memory");
    }
    if (exchange->out.size > 0) {
        return flush_before_body(conn);
    }
    if (!conn->readable) {
        return PH__STEP_WAIT;
    }
    return receive(conn, to, room);
}

static enum ph__step sized_received(struct ph__conn *conn, size_t got)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->body.size += got;
    ph__conn_progress(conn, got);
    return missing_of(exchange) == 0 ? body_complete(conn) : PH__STEP_GO;
}

/* Chunks that came with the head are parsed where they are, later ones in the spare input: the
 * head must stay where it is, and its buffer may be full. */
static enum ph__step read_chunked(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__input *in = &exchange->in;
    struct ph__input *spare = &exchange->spare;
    bool from_in = exchange->in_end < in->size;
    if (!from_in && spare->start == spare->size) {
        if (exchange->out.size > 0) {
            return flush_before_body(conn);
        }
        if (!conn->readable) {
            return PH__STEP_WAIT;
        }
        if (ph__exchange_need_spare(exchange) < 0) {
            return ph__conn_refuse(conn, 503, "the server is out of memory");
        }
        return receive(conn, spare->data, spare->capacity);
    }
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
    ph__conn_progress(conn, exchange->body.size - before);
    return result == PH__PARSE_DONE ? body_complete(conn) : PH__STEP_GO;
}

enum ph__step ph__conn_read_body(struct ph__conn *conn)
{
    return conn->exchange->request.chunked ? read_chunked(conn) : read_sized(conn);
}

static enum ph__step body_received(struct ph__conn *conn, ssize_t got)
{
    struct ph__exchange *exchange = conn->exchange;
    if (got <= 0) {
        return got == 0 ? PH__STEP_WAIT : ph__conn_close(conn);
    }
    if (!exchange->request.chunked) {
        return sized_received(conn, (size_t)got);
    }
    exchange->spare.size = (size_t)got;
    return PH__STEP_GO;
}

enum ph__step ph__conn_received(struct ph__conn *conn)
{
    ssize_t got = take_received(conn, &conn->exchange->io);
    return ph__conn_state(conn) == PH__CONN_HEAD ? head_received(conn, got)
                                                 : body_received(conn, got);
}

/* ---- after the end ---- */

enum ph__step ph__conn_linger(struct ph__conn *conn)
{
    char nobody_reads[LINGER_READ];
    if (!conn->readable) {
        return PH__STEP_WAIT;
    }
    struct ph__io io; /* the exchange has been given back */
    ph__io_receive(&io, conn->fd, nobody_reads, sizeof nobody_reads);
    ph__io_perform(&io);
    ssize_t got = take_received(conn, &io);
    return got < 0 ? ph__conn_close(conn) : got == 0 ? PH__STEP_WAIT : PH__STEP_GO;
}
