/* SPDX-License-Identifier: MIT
 *
 * A worker: one thread, one event loop, its connections, their deadlines. Nothing on the path of
 * a request takes a lock; only what comes from the pool of blocking handlers does.
 */
#ifndef PORTHOLE_SERVER_WORKER_H
#define PORTHOLE_SERVER_WORKER_H

#include "net/batch.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/conn.h"
#include "server/stats.h"

#include <pthread.h>

struct ph__acceptor;
struct ph_server;

/* Each step follows the one before; none is taken back. */
enum ph__phase {
    PH__PHASE_RUNNING,
    PH__PHASE_DRAINING, /* idle connections are closed, every reply ends its connection */
    PH__PHASE_CUTTING   /* whatever is left is closed */
};

struct ph__worker {
    struct ph_server *server;
    struct ph__acceptor *acceptor; /* which this worker drives; NULL: it has a thread */
    unsigned index;
    pthread_t thread;
    bool has_thread;
    struct ph__timer timer; /* for a program that watches our descriptor; mostly there is none */
    struct ph__loop loop;
    struct ph__batch batch;
    struct ph__conn *put_off[PH__BATCH_MAX]; /* whose operations stand in the batch */
    bool gathering;                          /* operations go to the batch */
    _Atomic bool uses_ring;                  /* the batch has one */
    struct ph__stats stats;
    _Atomic unsigned open; /* connections: the acceptor adds, the worker subtracts */
    _Atomic int phase;     /* enum ph__phase, as ordered by the server */
    int phase_seen;        /* the phase that has been carried out */

    uint64_t now_us; /* CLOCK_MONOTONIC, read once a wake-up and after each batch, or single send */
    struct ph__deadlines deadlines[PH__DEADLINE_CLASSES];
    uint32_t deadline_ms[PH__DEADLINE_CLASSES]; /* how long each class waits */
    struct ph__conn *ready;                     /* to be gone on with at the next turn */
    struct ph__exchange *stock;                 /* exchanges not in use */
    unsigned stock_size;
    char date[PH__HTTP_DATE_TEXT]; /* of date_second */
    int64_t date_second;
    bool date_fresh; /* looked at since the last wake-up */

    pthread_mutex_t lock; /* guards the one field below */
    struct ph__completion *completions;
};

/* Sets up what needs no thread. Returns 0 or a negative errno. */
int ph__worker_init(struct ph__worker *worker, struct ph_server *server, unsigned index);
void ph__worker_done(struct ph__worker *worker);

/* Has the worker drive the acceptor, which is open. Returns 0 or a negative errno. */
int ph__worker_drive(struct ph__worker *worker, struct ph__acceptor *acceptor);

/* Makes its loop's descriptor readable when a deadline is due as well. 0 or a negative errno. */
int ph__worker_use_timer(struct ph__worker *worker);

/* Waits once, `timeout_ms` at most (negative: for ever), and serves what is ready or due. Returns 0
 * or a negative errno of epoll_wait(2). */
int ph__worker_turn(struct ph__worker *worker, int timeout_ms);

/* True once it was told to end, and no connection is left. */
bool ph__worker_finished(const struct ph__worker *worker);

/* Before the first turn, and behind the last. */
void ph__worker_begin(struct ph__worker *worker);
void ph__worker_end(struct ph__worker *worker);

/* Starts a thread that does all this. Returns 0 or a negative errno. */
int ph__worker_start(struct ph__worker *worker);

/* Waits for the thread's end, if it has one. */
void ph__worker_join(struct ph__worker *worker);

/*
 * Hands a connection over, any thread. On success the worker owns fd; on failure (-ENOBUFS when
 * the table is full, or an errno of epoll_ctl(2)) the caller still does.
 */
int ph__worker_adopt(struct ph__worker *worker, int fd, const struct ph__sockaddr *peer,
                     uint64_t accepted_us, int32_t accept_wait_ms);

/* Orders a phase, any thread. The thread ends once no connection is left. */
void ph__worker_set_phase(struct ph__worker *worker, enum ph__phase phase);

/* Brings a completion, any thread: its `arrive` will be called, also behind the last turn. */
void ph__worker_complete(struct ph__worker *worker, struct ph__completion *completion);

/* ---- for its connections, on its thread ---- */

/* Returns NULL when out of memory. */
struct ph__exchange *ph__worker_new_exchange(struct ph__worker *worker);

static inline struct ph__exchange *ph__worker_take_exchange(struct ph__worker *worker)
{
    struct ph__exchange *exchange = worker->stock;
    if (!exchange) {
        return ph__worker_new_exchange(worker);
    }
    worker->stock = exchange->next;
    worker->stock_size--;
    return exchange;
}

void ph__worker_give_exchange(struct ph__worker *worker, struct ph__exchange *exchange);

/* Takes the connection's operation into the batch, if one is gathered; false: it is to be performed
 * at once. */
static inline bool ph__worker_put_off(struct ph__worker *worker, struct ph__conn *conn)
{
    if (!worker->gathering || !ph__io_may_wait(&conn->exchange->io) ||
        !ph__batch_add(&worker->batch, &conn->exchange->io)) {
        return false;
    }
    worker->put_off[worker->batch.count - 1] = conn;
    return true;
}

/* Has the connection run again at the next turn, after the events of others. */
void ph__worker_run_later(struct ph__worker *worker, struct ph__conn *conn);

/* Looks at the clock, for ph__worker_date(). */
const char *ph__worker_new_date(struct ph__worker *worker);

/* The Date header's 29 characters. */
static inline const char *ph__worker_date(struct ph__worker *worker)
{
    return worker->date_fresh ? worker->date : ph__worker_new_date(worker);
}

/* Reads the clock. */
static inline uint64_t ph__worker_read_clock(struct ph__worker *worker)
{
    worker->now_us = ph__clock_us();
    return worker->now_us;
}

static inline bool ph__worker_draining(const struct ph__worker *worker)
{
    return atomic_load_explicit(&worker->phase, memory_order_relaxed) != PH__PHASE_RUNNING;
}

#endif
