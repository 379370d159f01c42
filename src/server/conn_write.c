/* SPDX-License-Identifier: MIT
 *
 * Sending: what is in `out`, then the body that is elsewhere, then what a generator makes.
 */
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* "7fff\r\n" before and "\r\n0\r\n\r\n" behind the bytes of a piece. */
enum { CHUNK_HEAD = 6, CHUNK_TAIL = 7 };

_Static_assert(PH__PIECE_SIZE <= 0xFFFF, "a piece's length has four hexadecimal digits at most");

/*
 * Sends what there is, at most once. Returns the number of bytes, 0 when the kernel takes none
 * now, or a negative errno.
 */
static ssize_t send_some(struct ph__conn *conn, struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent;
    do {
        sent = count == 1 ? send(conn->fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                          : sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        ph__count(&conn->worker->stats.bytes_out, (uint64_t)sent);
        return sent;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        conn->writable = false;
        return 0;
    }
    return -errno;
}

/* Collects what is still to be sent; returns the number of parts. */
static size_t collect(struct ph__exchange *exchange, struct iovec parts[2], size_t *ret_total)
{
    const struct ph_response *res = &exchange->response;
    size_t count = 0;
    size_t sent = exchange->sent;
    if (sent < exchange->out.size) {
        parts[count++] = (struct iovec){exchange->out.data + sent, exchange->out.size - sent};
        sent = exchange->out.size;
    }
    if (res->tail_size > sent - exchange->out.size) {
        size_t from = sent - exchange->out.size;
        /* sendmsg(2) does not write to what it sends. */
        char *tail = (char *)(uintptr_t)(res->tail + from);
        parts[count++] = (struct iovec){tail, res->tail_size - from};
    } else if (exchange->piece_to > exchange->piece_from) {
        parts[count++] = (struct iovec){exchange->piece + exchange->piece_from,
                                        exchange->piece_to - exchange->piece_from};
    }
    *ret_total = 0;
    for (size_t i = 0; i < count; i++) {
        *ret_total += parts[i].iov_len;
    }
    return count;
}

static void note_sent(struct ph__exchange *exchange, size_t sent)
{
    size_t fixed = exchange->out.size + exchange->response.tail_size - exchange->sent;
    size_t of_fixed = sent < fixed ? sent : fixed;
    exchange->sent += of_fixed;
    exchange->piece_from += sent - of_fixed;
}

/* Fills the piece from the generator, calling it as long as there is room, so that a short body
 * leaves with its end in one system call. Returns 0, or what the generator failed with. */
static int fill_piece(struct ph__exchange *exchange)
{
    struct ph_response *res = &exchange->response;
    size_t at = res->chunked ? CHUNK_HEAD : 0;
    size_t end = PH__PIECE_SIZE - (res->chunked ? CHUNK_TAIL : 0);
    size_t first = at;
    while (end - at >= PH_GENERATE_MIN) {
        ssize_t made = res->generate(res->generate_user, exchange->piece + at, end - at);
        if (made < 0) {
            return (int)made;
        }
        if (made == 0) {
            exchange->generated_all = true;
            break;
        }
        at += (size_t)made;
    }
    exchange->piece_from = first;
    exchange->piece_to = at;
    if (!res->chunked) {
        return 0;
    }
    if (at > first) {
        char head[CHUNK_HEAD + 1];
        int length = snprintf(head, sizeof head, "%zx\r\n", at - first);
        exchange->piece_from = first - (size_t)length;
        memcpy(exchange->piece + exchange->piece_from, head, (size_t)length);
        exchange->piece_to = (size_t)(stpcpy(exchange->piece + at, "\r\n") - exchange->piece);
    }
    if (exchange->generated_all) {
        char *last = stpcpy(exchange->piece + exchange->piece_to, "0\r\n\r\n");
        exchange->piece_to = (size_t)(last - exchange->piece);
    }
    return 0;
}

/* Makes the next piece when the last one is used up. Returns 0 or a negative errno. */
static int generate(struct ph__exchange *exchange)
{
    if (!exchange->response.generate || exchange->generated_all ||
        exchange->piece_to > exchange->piece_from) {
        return 0;
    }
    if (!exchange->piece) {
        exchange->piece = malloc(PH__PIECE_SIZE + 1); /* and stpcpy's NUL */
        if (!exchange->piece) {
            return -ENOMEM;
        }
    }
    return fill_piece(exchange);
}

static void note_latency(struct ph__conn *conn)
{
    struct ph__worker *worker = conn->worker;
    struct ph__exchange *exchange = conn->exchange;
    if (exchange->answered == 0) {
        return;
    }
    uint64_t now_us = ph__worker_read_clock(worker);
    for (; exchange->answered > 0; exchange->answered--) {
        ph__stats_latency(&worker->stats, now_us - exchange->ready_us);
    }
}

static void note_first_byte(struct ph__conn *conn)
{
    if (atomic_load_explicit(&conn->first_byte_us, memory_order_relaxed) != PH__NO_FIRST_BYTE) {
        return;
    }
    uint64_t since = ph__worker_read_clock(conn->worker) -
                     atomic_load_explicit(&conn->accepted_us, memory_order_relaxed);
    uint32_t us = since < PH__NO_FIRST_BYTE ? (uint32_t)since : PH__NO_FIRST_BYTE - 1;
    atomic_store_explicit(&conn->first_byte_us, us, memory_order_relaxed);
}

/* The reply that ends the connection has been sent. */
static enum ph__step end_connection(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    bool unread = exchange->error_reply || conn->readable || ph__exchange_has_more(exchange);
    if (!unread) {
        return ph__conn_close(conn);
    }
    ph__worker_give_exchange(conn->worker, exchange);
    conn->exchange = NULL;
    shutdown(conn->fd, SHUT_WR);
    ph__conn_set_state(conn, PH__CONN_LINGERING);
    conn->readable = true;
    return PH__STEP_GO;
}

static enum ph__step next_request(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    ph__exchange_next_request(exchange);
    if (exchange->in.size > exchange->in.start) {
        ph__conn_set_state(conn, PH__CONN_HEAD);
        return PH__STEP_GO;
    }
    /* Stopping: what has arrived meanwhile is still answered, or else the end is read and the
     * connection closed (see ph__conn_drain()). */
    conn->readable |= ph__worker_draining(conn->worker);
    ph__worker_give_exchange(conn->worker, exchange);
    conn->exchange = NULL;
    ph__conn_set_state(conn, PH__CONN_IDLE);
    return PH__STEP_GO;
}

/* All has been sent. */
static enum ph__step go_on(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    bool ends = exchange->response.close;
    ph__exchange_clear_output(exchange);
    switch (exchange->resume) {
    case PH__RESUME_NEXT:
        return ends ? end_connection(conn) : next_request(conn);
    case PH__RESUME_HEAD:
        ph__conn_set_state(conn, PH__CONN_HEAD);
        return PH__STEP_GO;
    case PH__RESUME_BODY:
        ph__conn_set_state(conn, PH__CONN_BODY);
        return PH__STEP_GO;
    case PH__RESUME_BLOCKING:
        break;
    }
    return ph__conn_run_blocking(conn);
}

enum ph__step ph__conn_write(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    if (ph__buf_error(&exchange->out)) {
        return ph__conn_close(conn); /* no memory for what was to be said */
    }
    if (generate(exchange) < 0) {
        return ph__conn_break_off(conn);
    }
    struct iovec parts[2];
    size_t total;
    size_t count = collect(exchange, parts, &total);
    if (count > 0) {
        ssize_t sent = send_some(conn, parts, count);
        if (sent < 0) {
            return ph__conn_close(conn); /* the peer is gone */
        }
        if (sent == 0) {
            return PH__STEP_WAIT;
        }
        note_first_byte(conn);
        note_sent(exchange, (size_t)sent);
        ph__conn_progress(conn, (size_t)sent);
        /* Less than all means that the socket is full: no second call to hear EAGAIN. */
        conn->writable = (size_t)sent == total;
    }
    bool complete = exchange->piece_to == exchange->piece_from &&
                    (!exchange->response.generate || exchange->generated_all);
    if (!conn->writable || !complete) {
        return PH__STEP_GO;
    }
    note_latency(conn);
    return go_on(conn);
}

enum ph__step ph__conn_flush(struct ph__conn *conn, enum ph__resume resume)
{
    conn->exchange->resume = resume;
    ph__conn_set_state(conn, PH__CONN_WRITING);
    conn->writable = true; /* let the kernel say otherwise */
    return PH__STEP_GO;
}
