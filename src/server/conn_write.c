/* SPDX-License-Identifier: MIT
 *
 * Sending: what is in `out`, then the body that is elsewhere: in memory, in a file, or still to be
 * made by a generator.
 */
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a file, in one call: a fast client should not have the worker to itself. */
enum { FILE_PART = 1 << 20 };

/* "1fff0\r\n" before and "\r\n0\r\n\r\n" behind the bytes of a piece. */
enum { CHUNK_HEAD = 7, CHUNK_TAIL = 7 };

/* So much at once goes on to the client although he has not read anything yet. */
enum { SURELY_SENT = 16 * 1024 };

_Static_assert(PH__PIECE_MORE <= 0xFFFFF, "a piece's length has five hexadecimal digits at most");

/* Collects what is still to be sent; returns the number of parts. */
static unsigned collect(struct ph__exchange *exchange, struct iovec parts[PH__IO_PARTS])
{
    const struct ph_response *res = &exchange->response;
    unsigned count = 0;
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
    size_t end = exchange->piece_size - (res->chunked ? CHUNK_TAIL : 0);
    size_t first = at;
    while (end - at >= PH_GENERATE_MIN) {
        ssize_t made = res->generate(res->generate_user, exchange->piece + at, end - at);
        if (made == -EAGAIN) {
            exchange->quiet = true;
            break;
        }
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

/* Allocates the memory of a piece, which is used up. A body that goes on gets a larger one: it
 * leaves in fewer calls, and fewer times the client is woken for little. */
static int make_piece(struct ph__exchange *exchange)
{
    size_t wanted = exchange->piece ? PH__PIECE_MORE : PH__PIECE_FIRST;
    if (exchange->piece_size >= wanted) {
        return 0;
    }
    char *piece = malloc(wanted + 1); /* and stpcpy's NUL */
    if (!piece) {
        return exchange->piece ? 0 : -ENOMEM; /* the small one does as well */
    }
    free(exchange->piece);
    exchange->piece = piece;
    exchange->piece_size = wanted;
    return 0;
}

/* Makes the next piece when the last one is used up. Returns 0 or a negative errno. */
static int generate(struct ph__exchange *exchange)
{
    if (!exchange->response.generate || exchange->generated_all || exchange->quiet ||
        exchange->piece_to > exchange->piece_from) {
        return 0;
    }
    int err = make_piece(exchange);
    return err < 0 ? err : fill_piece(exchange);
}

static void send_file(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    const struct ph_response *res = &exchange->response;
    size_t part = res->file_size < FILE_PART ? (size_t)res->file_size : FILE_PART;
    ph__io_send_file(&exchange->io, conn->fd, res->file, res->file_offset, part);
}

/* A file that sendfile(2) does not take, or a kernel without it: read piece by piece. */
static ssize_t read_file(void *user, char *buffer, size_t size)
{
    struct ph_response *res = user;
    size_t wanted = res->file_size < size ? (size_t)res->file_size : size;
    if (wanted == 0) {
        return 0;
    }
    ssize_t got = pread(res->file, buffer, wanted, (off_t)res->file_offset);
    if (got <= 0) {
        return got < 0 && errno != EAGAIN ? -errno : -EIO; /* it has become shorter */
    }
    res->file_offset += (uint64_t)got;
    res->file_size -= (uint64_t)got;
    return got;
}

static void note_latency(struct ph__conn *conn)
{
    struct ph__worker *worker = conn->worker;
    struct ph__exchange *exchange = conn->exchange;
    if (exchange->answered == 0) {
        return;
    }
    for (; exchange->answered > 0; exchange->answered--) {
        ph__stats_latency(&worker->stats, worker->now_us - exchange->ready_us);
    }
}

static void note_first_byte(struct ph__conn *conn)
{
    if (atomic_load_explicit(&conn->first_byte_us, memory_order_relaxed) != PH__NO_FIRST_BYTE) {
        return;
    }
    uint64_t since =
        conn->worker->now_us - atomic_load_explicit(&conn->accepted_us, memory_order_relaxed);
    uint32_t us = since < PH__NO_FIRST_BYTE ? (uint32_t)since : PH__NO_FIRST_BYTE - 1;
    atomic_store_explicit(&conn->first_byte_us, us, memory_order_relaxed);
}

/* The reply that ends the connection has been handed to the kernel. A close while there is
 * something unread, or when something comes later, resets the connection, and what the kernel has
 * not sent by then is lost: so after a reply that it may still hold much of, the client gets time
 * to take it. */
enum ph__step ph__conn_end(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    bool unread = exchange->error_reply || conn->readable || ph__exchange_has_more(exchange);
    if (!unread && !conn->unsent) {
        return ph__conn_close(conn);
    }
    ph__worker_give_exchange(conn->worker, exchange);
    conn->exchange = NULL;
    ph__conn_unwrap(conn, true);
    shutdown(conn->fd, SHUT_WR);
    ph__conn_set_state(conn, PH__CONN_LINGERING);
    conn->readable = true;
    return PH__STEP_GO;
}

/* By the reply, or for another protocol. Apart, so that the way of those who stay is short. */
__attribute__((noinline)) static enum ph__step leave_http(struct ph__conn *conn)
{
    return conn->exchange->upgrade ? ph__conn_begin_upgrade(conn) : ph__conn_end(conn);
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
    return conn->readable ? PH__STEP_GO : PH__STEP_WAIT;
}

/* All has been sent. */
static enum ph__step go_on(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    bool ends = exchange->response.close;
    ph__exchange_clear_output(exchange);
    switch (exchange->resume) {
    case PH__RESUME_NEXT:
        return ends ? leave_http(conn) : next_request(conn);
    case PH__RESUME_HEAD:
        ph__conn_set_state(conn, PH__CONN_HEAD);
        return PH__STEP_GO;
    case PH__RESUME_BODY:
        ph__conn_set_state(conn, PH__CONN_BODY);
        return PH__STEP_GO;
    case PH__RESUME_BLOCKING:
        return ph__conn_run_blocking(conn);
    case PH__RESUME_DEFERRED:
        ph__conn_set_state(conn, PH__CONN_HANDLING);
        return ph__conn_await_token(conn);
    case PH__RESUME_UPGRADED:
        return PH__STEP_GO;
    }
    return PH__STEP_WAIT; /* not reached */
}

/* The body goes on later. Meanwhile the connection holds no piece: there may be many that wait. */
static enum ph__step wait_for_more(struct ph__conn *conn)
{
    note_latency(conn);
    ph__exchange_drop_piece(conn->exchange);
    ph__conn_set_state(conn, PH__CONN_STREAMING);
    return PH__STEP_GO; /* it may have been woken while this was sent */
}

/* What was collected has been sent; there may be more to generate. */
static enum ph__step after_sending(struct ph__conn *conn)
{
    const struct ph__exchange *exchange = conn->exchange;
    if (exchange->response.generate && !exchange->generated_all) {
        return exchange->quiet ? wait_for_more(conn) : PH__STEP_GO;
    }
    note_latency(conn);
    return go_on(conn);
}

enum ph__step ph__conn_ask_again(struct ph__conn *conn)
{
    ph__conn_set_state(conn, PH__CONN_WRITING);
    return PH__STEP_GO;
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
    struct iovec parts[PH__IO_PARTS];
    unsigned count = collect(exchange, parts);
    if (count > 0) {
        ph__io_send(&exchange->io, conn->fd, parts, count);
    } else if (exchange->response.file_size > 0) {
        send_file(conn);
    } else {
        return after_sending(conn);
    }
    return PH__STEP_IO;
}

/* What came of a part of the file. That less than all has been sent tells nothing: the file may
 * have become shorter, and then no event would come. The next call tells. */
static enum ph__step file_sent(struct ph__conn *conn, ssize_t result)
{
    struct ph_response *res = &conn->exchange->response;
    if (result == -EINVAL || result == -ENOSYS) {
        res->generate = read_file;
        res->generate_user = res;
        return PH__STEP_GO;
    }
    if (result <= 0) {
        return ph__conn_break_off(conn); /* too short, unreadable, or the peer is gone */
    }
    ph__count(&conn->worker->stats.bytes_out, (uint64_t)result);
    ph__conn_progress(conn, (size_t)result);
    conn->unsent |= result > SURELY_SENT;
    res->file_offset += (uint64_t)result;
    res->file_size -= (uint64_t)result;
    return res->file_size > 0 ? PH__STEP_GO : after_sending(conn);
}

enum ph__step ph__conn_sent(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    const struct ph__io *io = &exchange->io;
    if (io->result == -EAGAIN) {
        conn->writable = false;
        conn->unsent = true;
        /* What is upgraded does not wait for one direction before it uses the other. */
        return exchange->upgrade ? PH__STEP_GO : PH__STEP_WAIT;
    }
    if (io->part_count == 0) {
        return file_sent(conn, io->result);
    }
    if (io->result < 0) {
        return ph__conn_close(conn); /* the peer is gone */
    }
    size_t sent = (size_t)io->result;
    size_t total = io->parts[0].iov_len + (io->part_count > 1 ? io->parts[1].iov_len : 0);
    ph__count(&conn->worker->stats.bytes_out, sent);
    note_first_byte(conn);
    note_sent(exchange, sent);
    ph__conn_progress(conn, sent);
    /* Less than all means that the socket is full: no second call to hear EAGAIN. */
    conn->writable = sent == total;
    conn->unsent |= !conn->writable || sent > SURELY_SENT;
    bool all = conn->writable && exchange->response.file_size == 0;
    return all ? after_sending(conn) : PH__STEP_GO;
}

enum ph__step ph__conn_flush(struct ph__conn *conn, enum ph__resume resume)
{
    conn->exchange->resume = resume;
    ph__conn_set_state(conn, PH__CONN_WRITING);
    conn->writable = true; /* let the kernel say otherwise */
    return ph__conn_write(conn);
}
