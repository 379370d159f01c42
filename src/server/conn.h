/* SPDX-License-Identifier: MIT
 *
 * One connection: a state machine that a worker drives.
 *
 *                          ┌────→ handling
 *                          ↓         ↑ ↓
 *   accepted ─→ head ─→ (body) ─→ writing ─→ idle ─→ head …
 *                                    ↑ ↓ ├─→ lingering ─→ closed
 *                                 streaming└─→ upgraded ─→ (lingering)
 *
 *   accepted    handed over by the acceptor, not seen by the worker yet
 *   idle        between requests: no memory but this structure
 *   head, body  a request is being received; when nothing comes of one after all, idle follows
 *   writing     output is given to the kernel, and stays here until it has taken all
 *   streaming   the body goes on, but there is nothing to send just now
 *   handling    a blocking handler has the request, on the pool, or the reply was put off and
 *               comes by a token; by way of writing, so that earlier replies do not wait for it.
 *               Or the body is handed over piece by piece, and the last one is not taken yet
 *   upgraded    HTTP has been left behind by the reply 101; both directions at once
 *   lingering   we have said all; what the peer still sends is thrown away, because a close with
 *               unread bytes would reset the connection and take our reply with it
 *
 * The worker alone drives and frees it. Fields marked atomic may be read by any thread, at any
 * time, for GET /api/v1/connections (see conn_table.h). There may be many thousands of these, so
 * their order is one without gaps.
 */
#ifndef PORTHOLE_SERVER_CONN_H
#define PORTHOLE_SERVER_CONN_H

#include "base/sockaddr.h"
#include "net/deadline.h"
#include "server/exchange.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ph__worker;

enum ph__conn_state {
    PH__CONN_CLOSED,
    PH__CONN_ACCEPTED,
    PH__CONN_IDLE,
    PH__CONN_HEAD,
    PH__CONN_BODY,
    PH__CONN_HANDLING,
    PH__CONN_WRITING,
    PH__CONN_STREAMING,
    PH__CONN_UPGRADED,
    PH__CONN_LINGERING,
    PH__CONN_STATES
};

/* Deadline classes: a worker has one list for each. */
enum ph__deadline_class {
    PH__DEADLINE_HEAD,
    PH__DEADLINE_BODY,
    PH__DEADLINE_WRITE,
    PH__DEADLINE_IDLE,
    PH__DEADLINE_QUIET,
    PH__DEADLINE_TICK,
    PH__DEADLINE_LINGER,
    PH__DEADLINE_CLASSES,
    PH__DEADLINE_NONE = PH__DEADLINE_CLASSES
};

enum { PH__PEER_WORDS = 5, PH__NO_ROUTE = 0 };
#define PH__NO_FIRST_BYTE UINT32_MAX

/* Whether the deadline begins anew when the connection next has to wait. */
enum {
    PH__RESTART_NOT,
    PH__RESTART,
    PH__RESTART_IDLE /* as before, but that of the idle state before this head still runs */
};

struct ph__conn {
    struct ph__deadline deadline; /* must be first: a deadline's address is its connection's */
    struct ph__conn *next;        /* in the table's free list, or the worker's ready list */
    _Atomic(struct ph__worker *) worker; /* never changes while open */
    struct ph__exchange *exchange;       /* NULL while accepted, idle or lingering */
    int fd;                              /* -1 while closed */
    uint32_t index;                      /* in the table */
    _Atomic uint16_t route;              /* of the last request: its index plus one; PH__NO_ROUTE */
    _Atomic uint8_t state;
    bool readable;    /* recv(2) may have something */
    bool writable;    /* send(2) may take something */
    bool hangup : 1;  /* few bytes do not mean that there is nothing behind them */
    bool dead : 1;    /* it has been reset: nobody is there */
    bool unsent : 1;  /* the kernel may still hold much of a reply */
    bool wrapped : 1; /* it has a transport: server->transports[index] */
    bool in_ready;    /* in the worker's ready list */
    uint8_t restart;  /* a PH__RESTART_ */

    _Atomic uint32_t version; /* odd while the fields below change hands */
    _Atomic uint32_t requests;
    _Atomic uint64_t id;
    _Atomic uint64_t accepted_us;          /* CLOCK_MONOTONIC */
    _Atomic uint32_t peer[PH__PEER_WORDS]; /* a struct ph__sockaddr */
    _Atomic int32_t accept_wait_ms;        /* -1 unknown */
    _Atomic uint32_t first_byte_us;        /* PH__NO_FIRST_BYTE: none yet */
};

_Static_assert(sizeof(struct ph__conn) <= 120, "an idle connection costs no more than this");

const char *ph__conn_state_name(enum ph__conn_state state);

/* True when the state machine has an arrow from one to the other. */
bool ph__conn_may_follow(enum ph__conn_state from, enum ph__conn_state to);

static inline enum ph__conn_state ph__conn_state(const struct ph__conn *conn)
{
    return (enum ph__conn_state)atomic_load_explicit(&conn->state, memory_order_relaxed);
}

/* For its worker, during whose time nobody writes what others read atom by atom. */
static inline struct ph__sockaddr ph__conn_peer(const struct ph__conn *conn)
{
    struct ph__sockaddr peer;
    memcpy(&peer, (const void *)(uintptr_t)conn->peer, sizeof peer);
    return peer;
}

/* All below: on the worker's thread only. Each may close and free the connection. */

/* The loop reports PH__EVENT_*. */
void ph__conn_event(struct ph__conn *conn, unsigned events);

/* Goes on as far as possible without waiting. */
void ph__conn_run(struct ph__conn *conn);

/* Goes on after exchange->io, which the worker has put off and now performed. */
void ph__conn_performed(struct ph__conn *conn);

/* The deadline of the state it is in has passed. */
void ph__conn_expire(struct ph__conn *conn);

/* What was called on the pool has returned `result`. */
void ph__conn_handled(struct ph__conn *conn, int result);

/* The token of the request in hand has brought its reply. */
void ph__conn_token_arrived(struct ph__conn *conn);

/* What makes the body that is being sent may have more by now, or what takes the one that is being
 * received may take more. */
void ph__conn_woken(struct ph__conn *conn);

/* The server is stopping: closes the connection if nothing has been received of a request. */
void ph__conn_drain(struct ph__conn *conn);

/* Closes at once. In state handling: as soon as the handler has returned. */
void ph__conn_cut(struct ph__conn *conn);

/* ---- between the files of the connection ---- */

enum ph__step {
    PH__STEP_GO, /* the state may have changed: go on */
    PH__STEP_IO, /* exchange->io is to be performed, then comes ph__conn_received() or _sent() */
    PH__STEP_PUT_OFF, /* exchange->io stands in the worker's batch: ph__conn_performed() goes on */
    PH__STEP_WAIT,    /* nothing more to do before the next event */
    PH__STEP_CLOSED   /* the connection is gone */
};

/* The one place that assigns a state. Its deadline starts when the connection has to wait in it. */
static inline void ph__conn_set_state(struct ph__conn *conn, enum ph__conn_state state)
{
    assert(ph__conn_may_follow(ph__conn_state(conn), state));
    atomic_store_explicit(&conn->state, (uint8_t)state, memory_order_relaxed);
    conn->restart = PH__RESTART;
    if (conn->exchange) {
        conn->exchange->progress = 0;
    }
}

enum ph__step ph__conn_close(struct ph__conn *conn);
void ph__conn_drop_token(struct ph__conn *conn);
/* Closes so that the peer can tell the reply is incomplete: with a reset. */
enum ph__step ph__conn_break_off(struct ph__conn *conn);

/* conn_wrap.c: what stands between the connection and its socket, if there is something. */

/* Gives a new connection its transport, where it is to have one. False: no memory. */
bool ph__conn_wrap(struct ph__conn *conn);
/* NULL when there is none. */
struct ph__transport *ph__conn_transport(const struct ph__conn *conn);
/* From here on the bytes go as they are; the peer is told of the end, or not. */
void ph__conn_unwrap(struct ph__conn *conn, bool say_end);

/* conn_read.c: one step of receiving. Asks for at most `room` bytes. */
enum ph__step ph__conn_receive(struct ph__conn *conn, char *to, size_t room);
enum ph__step ph__conn_read_head(struct ph__conn *conn);
enum ph__step ph__conn_received(struct ph__conn *conn);
enum ph__step ph__conn_linger(struct ph__conn *conn);

/* conn_body.c: what comes behind the head, gathered or handed over. */
enum ph__step ph__conn_begin_body(struct ph__conn *conn);
enum ph__step ph__conn_take_body(struct ph__conn *conn);         /* ph_route.begin lets it come */
enum ph__step ph__conn_taken(struct ph__conn *conn, bool taken); /* the receiver has returned */
enum ph__step ph__conn_offer(struct ph__conn *conn);
enum ph__step ph__conn_read_body(struct ph__conn *conn);
enum ph__step ph__conn_body_received(struct ph__conn *conn, ssize_t got);

/* conn_handle.c: finding the route, calling what it has, and replying. */

/* Returns NULL, or what is wrong with the target, for ph__conn_refuse_target(). */
const char *ph__conn_find_route(struct ph__conn *conn);
enum ph__step ph__conn_refuse_target(struct ph__conn *conn, const char *wrong);
enum ph__step ph__conn_refuse(struct ph__conn *conn, int status, const char *detail);
/* Calls what the route has, on the worker or on the pool; ph__conn_called() goes on with what came
 * of it. */
enum ph__step ph__conn_call(struct ph__conn *conn, enum ph__call call);
enum ph__step ph__conn_called(struct ph__conn *conn, int result);
/* The request is complete: calls the handler, or replies 404, 405 or 204 without one. */
enum ph__step ph__conn_answer(struct ph__conn *conn);
enum ph__step ph__conn_run_blocking(struct ph__conn *conn);
enum ph__step ph__conn_await_token(struct ph__conn *conn);
enum ph__step ph__conn_finish(struct ph__conn *conn, int result); /* the handler has returned */

/* conn_write.c: gives output to the kernel, then does what exchange->resume says. */
enum ph__step ph__conn_flush(struct ph__conn *conn, enum ph__resume resume);
enum ph__step ph__conn_write(struct ph__conn *conn);
enum ph__step ph__conn_sent(struct ph__conn *conn);
enum ph__step ph__conn_ask_again(struct ph__conn *conn); /* goes on with a body that was quiet */

/* Ends the connection once all has been sent: gives the peer time to take it where that is needed.
 */
enum ph__step ph__conn_end(struct ph__conn *conn);

/* conn_upgrade.c: what follows a reply 101. */
enum ph__step ph__conn_begin_upgrade(struct ph__conn *conn);
enum ph__step ph__conn_upgraded(struct ph__conn *conn); /* one step */
enum ph__step ph__conn_upgrade_received(struct ph__conn *conn, ssize_t got);
enum ph__step ph__conn_upgrade_expired(struct ph__conn *conn);
void ph__conn_drop_upgrade(struct ph__conn *conn);

/* Puts the deadline of the state off, once enough has moved since the last time. */
void ph__conn_progress(struct ph__conn *conn, size_t bytes);

#endif
