/* SPDX-License-Identifier: MIT
 *
 * The connection's states, and what drives it from one to the next.
 */
#include "server/conn.h"

#include "server/server.h"
#include "server/token.h"
#include "server/upgrade.h"
#include "server/worker.h"

#include <sys/socket.h>
#include <unistd.h>

/* Steps in one turn before others get theirs. */
enum { TURN_STEPS = 64 };

/* A deadline is put off each time this many bytes have moved: slower is too slow. */
enum { PROGRESS_BYTES = 16 * 1024 };

#define TO(state) (1u << PH__CONN_##state)

static const struct {
    const char *name;
    unsigned next; /* states that may follow; closed may always */
    enum ph__deadline_class deadline;
} states[PH__CONN_STATES] = {
    [PH__CONN_CLOSED] = {"closed", TO(ACCEPTED), PH__DEADLINE_NONE},
    [PH__CONN_ACCEPTED] = {"accepted", TO(HEAD), PH__DEADLINE_HEAD},
    [PH__CONN_IDLE] = {"idle", TO(HEAD), PH__DEADLINE_IDLE},
    [PH__CONN_HEAD] = {"head", TO(HEAD) | TO(BODY) | TO(WRITING) | TO(IDLE), PH__DEADLINE_HEAD},
    [PH__CONN_BODY] = {"body", TO(HEAD) | TO(HANDLING) | TO(WRITING), PH__DEADLINE_BODY},
    [PH__CONN_HANDLING] = {"handling", TO(HEAD) | TO(BODY) | TO(WRITING), PH__DEADLINE_NONE},
    [PH__CONN_WRITING] = {"writing",
                          TO(HEAD) | TO(BODY) | TO(HANDLING) | TO(STREAMING) | TO(IDLE) |
                              TO(UPGRADED) | TO(LINGERING),
                          PH__DEADLINE_WRITE},
    [PH__CONN_STREAMING] = {"streaming", TO(WRITING), PH__DEADLINE_QUIET},
    [PH__CONN_UPGRADED] = {"upgraded", TO(LINGERING), PH__DEADLINE_TICK},
    [PH__CONN_LINGERING] = {"lingering", 0, PH__DEADLINE_LINGER},
};

const char *ph__conn_state_name(enum ph__conn_state state)
{
    return states[state].name;
}

bool ph__conn_may_follow(enum ph__conn_state from, enum ph__conn_state to)
{
    return to == PH__CONN_CLOSED || (states[from].next & (1u << to));
}

/* The first request's deadline runs from the accept: its first bytes do not put it off. */
static uint64_t deadline_from_us(const struct ph__conn *conn, enum ph__conn_state state)
{
    bool first = state == PH__CONN_ACCEPTED ||
                 (state == PH__CONN_HEAD &&
                  atomic_load_explicit(&conn->requests, memory_order_relaxed) == 0);
    return first ? atomic_load_explicit(&conn->accepted_us, memory_order_relaxed)
                 : conn->worker->now_us;
}

/*
 * Starts the deadline of the state in which the connection now waits. States that it passes
 * through meanwhile cost no deadline: a request that comes and is answered at one go moves the
 * connection to the end of the idle list once, and that is all.
 */
static void start_deadline(struct ph__conn *conn)
{
    if (conn->restart == PH__RESTART_NOT) {
        return;
    }
    struct ph__worker *worker = conn->worker;
    enum ph__conn_state state = ph__conn_state(conn);
    enum ph__deadline_class class = states[state].deadline;
    conn->restart = PH__RESTART_NOT;
    ph__deadline_cancel(&conn->deadline);
    if (class != PH__DEADLINE_NONE) {
        uint64_t due_ms = deadline_from_us(conn, state) / 1000 + worker->deadline_ms[class];
        ph__deadlines_add(&worker->deadlines[class], &conn->deadline, due_ms);
    }
}

void ph__conn_progress(struct ph__conn *conn, size_t bytes)
{
    struct ph__exchange *exchange = conn->exchange;
    if (exchange->progress + bytes >= PROGRESS_BYTES) {
        exchange->progress = 0;
        conn->restart = PH__RESTART;
    } else {
        exchange->progress += (uint32_t)bytes;
    }
}

enum ph__step ph__conn_close(struct ph__conn *conn)
{
    struct ph__worker *worker = conn->worker;
    ph__deadline_cancel(&conn->deadline);
    if (conn->exchange) {
        ph__conn_drop_token(conn);
        ph__conn_drop_upgrade(conn);
        ph__worker_give_exchange(worker, conn->exchange);
        conn->exchange = NULL;
    }
    if (conn->wrapped) {
        ph__conn_unwrap(conn, true);
    }
    close(conn->fd);
    conn->fd = -1;
    if (!conn->in_ready) { /* else the worker gives it back when it comes to it */
        ph__conn_table_give(&worker->server->table, conn);
    }
    atomic_fetch_sub_explicit(&worker->open, 1, memory_order_relaxed);
    return PH__STEP_CLOSED;
}

void ph__conn_drop_token(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->waits = false;
    if (exchange->token) {
        ph__token_abandon(exchange->token);
        exchange->token = NULL;
    }
}

enum ph__step ph__conn_break_off(struct ph__conn *conn)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    ph__conn_unwrap(conn, false);
    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return ph__conn_close(conn);
}

/* The first bytes, or the next ones of an idle connection. */
static enum ph__step begin_request(struct ph__conn *conn)
{
    conn->exchange = ph__worker_take_exchange(conn->worker);
    if (!conn->exchange) {
        return ph__conn_close(conn); /* out of memory: nothing can be said */
    }
    conn->exchange->conn = conn;
    if (conn->wrapped) {
        conn->exchange->io.transport = ph__conn_transport(conn);
    }
    bool runs = conn->restart == PH__RESTART_NOT;
    ph__conn_set_state(conn, PH__CONN_HEAD);
    conn->restart = runs ? PH__RESTART_IDLE : PH__RESTART;
    return ph__conn_read_head(conn);
}

static enum ph__step begin_connection(struct ph__conn *conn)
{
    return ph__conn_wrap(conn) ? begin_request(conn) : ph__conn_close(conn);
}

static enum ph__step step(struct ph__conn *conn)
{
    switch (ph__conn_state(conn)) {
    case PH__CONN_ACCEPTED:
        return conn->readable ? begin_connection(conn) : PH__STEP_WAIT;
    case PH__CONN_IDLE:
        return conn->readable ? begin_request(conn) : PH__STEP_WAIT;
    case PH__CONN_HEAD:
        return ph__conn_read_head(conn);
    case PH__CONN_BODY:
        return ph__conn_read_body(conn);
    case PH__CONN_WRITING:
        return conn->writable ? ph__conn_write(conn) : PH__STEP_WAIT;
    case PH__CONN_LINGERING:
        return ph__conn_linger(conn);
    case PH__CONN_STREAMING:
        return conn->exchange->quiet ? PH__STEP_WAIT : ph__conn_ask_again(conn);
    case PH__CONN_UPGRADED:
        return ph__conn_upgraded(conn);
    case PH__CONN_HANDLING:
        return conn->exchange->held && conn->exchange->woken ? ph__conn_offer(conn) : PH__STEP_WAIT;
    case PH__CONN_CLOSED:
    case PH__CONN_STATES:
        break;
    }
    return PH__STEP_WAIT;
}

/* The operation in hand has been performed. */
static enum ph__step after_io(struct ph__conn *conn)
{
    return conn->exchange->io.sends ? ph__conn_sent(conn) : ph__conn_received(conn);
}

/* Performs the operation in hand, now or together with those of other connections. */
static enum ph__step perform(struct ph__conn *conn)
{
    struct ph__io *io = &conn->exchange->io;
    if (ph__worker_put_off(conn->worker, conn)) {
        return PH__STEP_PUT_OFF;
    }
    ph__io_perform(io);
    if (io->sends) {
        ph__worker_read_clock(conn->worker);
    }
    return after_io(conn);
}

static bool awaits_other_threads(const struct ph__conn *conn)
{
    const struct ph__exchange *exchange = conn->exchange;
    enum ph__conn_state state = ph__conn_state(conn);
    return state == PH__CONN_STREAMING || state == PH__CONN_UPGRADED ||
           (exchange && (exchange->waits || exchange->held));
}

/* Goes on from `next` as far as possible, and as far as is fair to others. */
static void drive(struct ph__conn *conn, enum ph__step next)
{
    for (int steps = 0; next == PH__STEP_GO || next == PH__STEP_IO; steps++) {
        if (steps == TURN_STEPS) {
            /* A step that was to be taken is taken again then: until its operation is performed it
             * changes nothing. */
            start_deadline(conn);
            ph__worker_run_later(conn->worker, conn);
            return;
        }
        next = next == PH__STEP_GO ? step(conn) : perform(conn);
    }
    if (next != PH__STEP_WAIT) {
        return; /* put off, or closed: then it is not ours any more, and may be in use again */
    }
    if (conn->dead && awaits_other_threads(conn)) {
        ph__conn_close(conn); /* nobody is there for what will come, or go on, some time */
        return;
    }
    start_deadline(conn);
}

void ph__conn_run(struct ph__conn *conn)
{
    drive(conn, PH__STEP_GO);
}

void ph__conn_performed(struct ph__conn *conn)
{
    drive(conn, after_io(conn));
}

void ph__conn_event(struct ph__conn *conn, unsigned events)
{
    conn->readable |= (events & PH__EVENT_READ) != 0;
    conn->writable |= (events & PH__EVENT_WRITE) != 0;
    if (events & (PH__EVENT_HANGUP | PH__EVENT_DEAD)) {
        conn->hangup |= (events & PH__EVENT_HANGUP) != 0;
        conn->dead |= (events & PH__EVENT_DEAD) != 0;
    }
    if (conn->wrapped) { /* a transport may wait for one to do the other */
        conn->readable = conn->writable = true;
    }
    ph__conn_run(conn);
}

void ph__conn_expire(struct ph__conn *conn)
{
    switch (ph__conn_state(conn)) {
    case PH__CONN_HEAD:
        if (ph__exchange_has_head(conn->exchange)) {
            drive(conn, ph__conn_refuse(conn, 408, "the request head did not arrive in time"));
            return;
        }
        break;
    case PH__CONN_BODY:
        drive(conn, ph__conn_refuse(conn, 408, "the request body did not arrive in time"));
        return;
    case PH__CONN_WRITING:
        ph__conn_break_off(conn);
        return;
    case PH__CONN_STREAMING:
        ph__conn_woken(conn); /* perhaps it has something to say of its silence */
        return;
    case PH__CONN_UPGRADED:
        drive(conn, ph__conn_upgrade_expired(conn));
        return;
    default:
        break;
    }
    ph__conn_close(conn);
}

void ph__conn_handled(struct ph__conn *conn, int result)
{
    drive(conn, ph__conn_called(conn, result));
}

void ph__conn_token_arrived(struct ph__conn *conn)
{
    if (conn->exchange->waits) { /* else it will be found when the connection comes to wait */
        drive(conn, ph__conn_await_token(conn));
    }
}

void ph__conn_woken(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    exchange->quiet = false;
    exchange->woken = true;
    enum ph__conn_state state = ph__conn_state(conn);
    if (state == PH__CONN_STREAMING || state == PH__CONN_UPGRADED || exchange->held) {
        ph__conn_run(conn);
    }
}

void ph__conn_drain(struct ph__conn *conn)
{
    enum ph__conn_state state = ph__conn_state(conn);
    if (state == PH__CONN_STREAMING) {
        ph__conn_woken(conn); /* so that the body may end by itself */
        return;
    }
    if (state == PH__CONN_UPGRADED) {
        conn->exchange->upgrade->kind->drain(conn->exchange->upgrade);
        ph__conn_run(conn);
        return;
    }
    bool silent = state == PH__CONN_HEAD && !ph__exchange_has_head(conn->exchange);
    if (state != PH__CONN_ACCEPTED && state != PH__CONN_IDLE && !silent) {
        return;
    }
    /* A request may have arrived that no event has told of yet: it is answered, and the reply
     * ends the connection. Otherwise the read finds nothing, and closes (see read_head). */
    conn->readable = true;
    ph__conn_run(conn);
}

void ph__conn_cut(struct ph__conn *conn)
{
    enum ph__conn_state state = ph__conn_state(conn);
    if (state == PH__CONN_HANDLING && !awaits_other_threads(conn)) {
        conn->hangup = true; /* the handler has the exchange; its reply will find the socket shut */
        shutdown(conn->fd, SHUT_RDWR);
        return;
    }
    if (state == PH__CONN_WRITING || state == PH__CONN_STREAMING || state == PH__CONN_UPGRADED) {
        ph__conn_break_off(conn);
        return;
    }
    ph__conn_close(conn);
}
