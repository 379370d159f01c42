/* SPDX-License-Identifier: MIT
 *
 * The worker's loop: wait, serve what is ready, then what has been put off, then what is due.
 */
#include "server/worker.h"

#include "server/server.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STOCK_MAX = 256 };

/* As many connections have to be ready for a batch to pay. */
enum { BATCH_LEAST = 2 };

/* Items of the loop that are no connections, whose names have an even version. */
#define ACCEPTOR_ITEM (UINT64_C(1) << 32)
#define TIMER_ITEM (ACCEPTOR_ITEM | 1)

/* Batches in one turn before the loop looks for new events. */
enum { ROUNDS_MAX = 16 };

static struct ph__conn *conn_of(struct ph__deadline *deadline)
{
    return (struct ph__conn *)deadline; /* its first member */
}

int ph__worker_init(struct ph__worker *worker, struct ph_server *server, unsigned index)
{
    *worker = (struct ph__worker){
        .server = server, .index = index, .date_second = -1, .timer = PH__TIMER_CLOSED};
    int err = ph__loop_init(&worker->loop);
    if (err < 0) {
        return err;
    }
    const struct ph_config *cfg = &server->cfg;
    ph__batch_init(&worker->batch, cfg->loop == PH_LOOP_IO_URING ? 1 : BATCH_LEAST);
    if (cfg->loop != PH_LOOP_EPOLL) {
        err = ph__batch_open_ring(&worker->batch);
    }
    if (err < 0 && cfg->loop == PH_LOOP_AUTO) {
        err = 0; /* old kernel, forbidden, or built without: epoll alone does as well */
    }
    if (err == 0) {
        err = -pthread_mutex_init(&worker->lock, NULL);
    }
    if (err < 0) {
        ph__batch_done(&worker->batch);
        ph__loop_done(&worker->loop);
        return err;
    }
    atomic_init(&worker->uses_ring, ph__batch_has_ring(&worker->batch));
    const uint32_t waits[PH__DEADLINE_CLASSES] = {
        [PH__DEADLINE_HEAD] = cfg->head_ms,   [PH__DEADLINE_BODY] = cfg->body_ms,
        [PH__DEADLINE_WRITE] = cfg->write_ms, [PH__DEADLINE_IDLE] = cfg->idle_ms,
        [PH__DEADLINE_QUIET] = cfg->quiet_ms, [PH__DEADLINE_LINGER] = PH__LINGER_MS,
        [PH__DEADLINE_TICK] = server->tick_ms};
    for (int i = 0; i < PH__DEADLINE_CLASSES; i++) {
        worker->deadline_ms[i] = waits[i];
        ph__deadlines_init(&worker->deadlines[i]);
    }
    return 0;
}

int ph__worker_use_timer(struct ph__worker *worker)
{
    if (worker->timer.fd >= 0) {
        return 0;
    }
    int err = ph__timer_init(&worker->timer);
    if (err == 0) {
        err = ph__loop_add_listener(&worker->loop, worker->timer.fd, TIMER_ITEM);
    }
    if (err < 0) {
        ph__timer_done(&worker->timer);
    }
    return err;
}

int ph__worker_drive(struct ph__worker *worker, struct ph__acceptor *acceptor)
{
    int err = ph__loop_add_listener(&worker->loop, acceptor->loop.epoll_fd, ACCEPTOR_ITEM);
    if (err == 0) {
        worker->acceptor = acceptor;
    }
    return err;
}

void ph__worker_done(struct ph__worker *worker)
{
    while (worker->stock) {
        struct ph__exchange *next = worker->stock->next;
        ph__exchange_free(worker->stock);
        worker->stock = next;
    }
    pthread_mutex_destroy(&worker->lock);
    ph__timer_done(&worker->timer);
    ph__batch_done(&worker->batch);
    ph__loop_done(&worker->loop);
}

/* ---- for its connections ---- */

struct ph__exchange *ph__worker_new_exchange(struct ph__worker *worker)
{
    return ph__exchange_new(&worker->server->limits);
}

void ph__worker_give_exchange(struct ph__worker *worker, struct ph__exchange *exchange)
{
    ph__exchange_reset(exchange);
    if (worker->stock_size == STOCK_MAX) {
        ph__exchange_free(exchange);
        return;
    }
    exchange->next = worker->stock;
    worker->stock = exchange;
    worker->stock_size++;
}

void ph__worker_run_later(struct ph__worker *worker, struct ph__conn *conn)
{
    if (!conn->in_ready) {
        conn->in_ready = true;
        conn->next = worker->ready;
        worker->ready = conn;
    }
}

const char *ph__worker_new_date(struct ph__worker *worker)
{
    worker->date_fresh = true;
    time_t second = time(NULL);
    if (second != worker->date_second) {
        worker->date_second = second;
        ph__format_http_date((uint64_t)second, worker->date, sizeof worker->date);
    }
    return worker->date;
}

/* ---- from other threads ---- */

int ph__worker_adopt(struct ph__worker *worker, int fd, const struct ph__sockaddr *peer,
                     uint64_t accepted_us, int32_t accept_wait_ms)
{
    struct ph__conn_table *table = &worker->server->table;
    struct ph__conn *conn =
        ph__conn_table_take(table, worker, fd, peer, accepted_us, accept_wait_ms);
    if (!conn) {
        return -ENOBUFS;
    }
    atomic_fetch_add_explicit(&worker->open, 1, memory_order_relaxed);
    /* The last step: from here on the worker may have closed the connection already. */
    int err = ph__loop_add(&worker->loop, fd, ph__conn_table_name(conn));
    if (err < 0) {
        ph__conn_table_give(table, conn);
        atomic_fetch_sub_explicit(&worker->open, 1, memory_order_relaxed);
    }
    return err;
}

void ph__worker_set_phase(struct ph__worker *worker, enum ph__phase phase)
{
    atomic_store_explicit(&worker->phase, phase, memory_order_release);
    ph__loop_wake(&worker->loop);
}

void ph__worker_complete(struct ph__worker *worker, struct ph__completion *completion)
{
    pthread_mutex_lock(&worker->lock);
    bool first = !worker->completions;
    completion->next = worker->completions;
    worker->completions = completion;
    pthread_mutex_unlock(&worker->lock);
    if (first) { /* whoever brought another one has woken it */
        ph__loop_wake(&worker->loop);
    }
}

/* ---- its thread ---- */

static void take_completions(struct ph__worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct ph__completion *completion = worker->completions;
    worker->completions = NULL;
    pthread_mutex_unlock(&worker->lock);
    while (completion) {
        struct ph__completion *next = completion->next; /* arriving may free it */
        completion->arrive(completion);
        completion = next;
    }
}

static int next_timeout_ms(const struct ph__worker *worker)
{
    if (worker->ready) {
        return 0;
    }
    uint64_t now_ms = worker->now_us / 1000;
    uint64_t due_ms = UINT64_MAX;
    if (worker->acceptor && ph__acceptor_has_time(worker->acceptor)) {
        int acceptor_ms = ph__acceptor_timeout_ms(worker->acceptor);
        due_ms = acceptor_ms < 0 ? UINT64_MAX : now_ms + (uint64_t)acceptor_ms;
    }
    for (int i = 0; i < PH__DEADLINE_CLASSES; i++) {
        uint64_t first_ms = ph__deadlines_due_ms(&worker->deadlines[i]);
        due_ms = first_ms < due_ms ? first_ms : due_ms;
    }
    uint64_t wait = due_ms > now_ms ? due_ms - now_ms : 0;
    return due_ms == UINT64_MAX ? -1 : wait > INT_MAX ? INT_MAX : (int)wait;
}

static void expire_deadlines(struct ph__worker *worker)
{
    uint64_t now_ms = worker->now_us / 1000;
    for (int i = 0; i < PH__DEADLINE_CLASSES; i++) {
        while (ph__deadlines_due_ms(&worker->deadlines[i]) <= now_ms) {
            struct ph__deadline *first = worker->deadlines[i].anchor.next;
            ph__deadline_cancel(first);
            ph__conn_expire(conn_of(first));
        }
    }
}

/* One turn each: who has still more to do joins the list again. */
static void run_ready(struct ph__worker *worker)
{
    struct ph__conn *conn = worker->ready;
    worker->ready = NULL;
    while (conn) {
        struct ph__conn *next = conn->next;
        conn->in_ready = false;
        conn->next = NULL;
        if (conn->fd >= 0) {
            ph__conn_run(conn);
        } else {
            ph__conn_table_give(&worker->server->table, conn); /* closed while it stood here */
        }
        conn = next;
    }
}

static void for_each_conn(struct ph__worker *worker, void (*act)(struct ph__conn *conn))
{
    const struct ph__conn_table *table = &worker->server->table;
    unsigned slots = ph__conn_table_slots(table);
    for (unsigned i = 0; i < slots; i++) {
        struct ph__conn_view view;
        if (!ph__conn_table_view(table, i, &view) || view.worker != worker) {
            continue;
        }
        struct ph__conn *conn = ph__conn_table_slot(table, i);
        if (conn->fd >= 0) { /* else it was closed while it stands in the ready list */
            act(conn);
        }
    }
}

static void follow_phase(struct ph__worker *worker)
{
    int phase = atomic_load_explicit(&worker->phase, memory_order_acquire);
    if (phase == worker->phase_seen) {
        return;
    }
    worker->phase_seen = phase;
    for_each_conn(worker, phase == PH__PHASE_CUTTING ? ph__conn_cut : ph__conn_drain);
}

bool ph__worker_finished(const struct ph__worker *worker)
{
    return worker->phase_seen != PH__PHASE_RUNNING &&
           atomic_load_explicit(&worker->open, memory_order_relaxed) == 0;
}

/* Performs what has been put off, and goes on with these connections, which may put off more. */
static void run_batches(struct ph__worker *worker)
{
    struct ph__conn *conns[PH__BATCH_MAX];
    for (int round = 1; worker->batch.count > 0; round++) {
        unsigned count = worker->batch.count;
        memcpy(conns, worker->put_off, count * sizeof conns[0]);
        ph__batch_run(&worker->batch);
        worker->batch.count = 0;
        worker->gathering = round < ROUNDS_MAX;
        ph__worker_read_clock(worker);
        for (unsigned i = 0; i < count; i++) {
            ph__conn_performed(conns[i]);
        }
    }
    worker->gathering = false;
    if (!ph__batch_has_ring(&worker->batch) &&
        atomic_load_explicit(&worker->uses_ring, memory_order_relaxed)) {
        atomic_store_explicit(&worker->uses_ring, false, memory_order_relaxed);
        ph__server_log(worker->server, PH_LOG_WARNING,
                       "worker %u: io_uring failed; it goes on with epoll alone", worker->index);
    }
}

static void drive_acceptor(struct ph__acceptor *acceptor, bool has_event)
{
    if (has_event || ph__acceptor_timeout_ms(acceptor) == 0) {
        ph__acceptor_turn(acceptor, 0);
    } else if (acceptor->stage == PH__ACCEPT_DRAINING) {
        ph__acceptor_advance(acceptor); /* the last connection may just have been closed */
    }
}

static void run_turn(struct ph__worker *worker, const struct ph__event *events, int count)
{
    const struct ph__conn_table *table = &worker->server->table;
    bool woken = false;
    bool accepting = false;
    worker->gathering = ph__batch_pays(&worker->batch, (unsigned)count);
    for (int i = 0; i < count; i++) {
        if (events[i].item == PH__LOOP_WOKEN) {
            woken = true;
            continue;
        }
        if (events[i].item == ACCEPTOR_ITEM) {
            accepting = true;
            continue;
        }
        if (events[i].item == TIMER_ITEM) {
            ph__timer_clear(&worker->timer);
            continue;
        }
        struct ph__conn *conn = ph__conn_table_named(table, events[i].item);
        if (conn) {
            ph__conn_event(conn, events[i].events);
        }
    }
    if (worker->batch.count > 0) {
        run_batches(worker);
    }
    worker->gathering = false;
    /* Only now, since these may close connections that had an event in this batch. */
    if (woken) {
        take_completions(worker);
        follow_phase(worker);
    }
    run_ready(worker);
    expire_deadlines(worker);
    if (worker->acceptor && (accepting || ph__acceptor_has_time(worker->acceptor))) {
        drive_acceptor(worker->acceptor, accepting);
    }
}

/* Has the timer fire when the next deadline is due. */
static int set_timer(struct ph__worker *worker)
{
    int wait_ms = worker->timer.fd < 0 ? -1 : next_timeout_ms(worker);
    return wait_ms < 0 ? 0
                       : ph__timer_set(&worker->timer, worker->now_us / 1000 + (unsigned)wait_ms);
}

int ph__worker_turn(struct ph__worker *worker, int timeout_ms)
{
    struct ph__event events[PH__LOOP_BATCH];
    int due_ms = next_timeout_ms(worker);
    int wait_ms = timeout_ms < 0 || (due_ms >= 0 && due_ms < timeout_ms) ? due_ms : timeout_ms;
    int count = ph__loop_wait(&worker->loop, events, wait_ms);
    uint64_t woken_us = ph__worker_read_clock(worker);
    worker->date_fresh = false;
    run_turn(worker, events, count < 0 ? 0 : count);
    ph__count(&worker->stats.busy_us, worker->now_us - woken_us);
    int err = set_timer(worker);
    return count < 0 ? count : err;
}

void ph__worker_begin(struct ph__worker *worker)
{
    ph__worker_read_clock(worker);
    if (worker->acceptor) {
        ph__acceptor_advance(worker->acceptor); /* a stop may have been asked for before */
    }
}

void ph__worker_end(struct ph__worker *worker)
{
    take_completions(worker); /* of tokens whose connections have ended */
    run_ready(worker);        /* gives back the slots of connections that were closed there last */
    ph__loop_wake(&worker->server->acceptor.loop); /* which waits for the last one */
}

static void *run(void *user)
{
    struct ph__worker *worker = user;
    ph__worker_begin(worker);
    while (!ph__worker_finished(worker)) {
        int err = ph__worker_turn(worker, -1);
        if (err < 0) {
            ph__server_log(worker->server, PH_LOG_ERROR, "worker %u cannot wait for events: %s",
                           worker->index, ph_strerror(err));
        }
    }
    ph__worker_end(worker);
    return NULL;
}

int ph__worker_start(struct ph__worker *worker)
{
    int err = -pthread_create(&worker->thread, NULL, run, worker);
    worker->has_thread = err == 0;
    return err;
}

void ph__worker_join(struct ph__worker *worker)
{
    if (worker->has_thread) {
        pthread_join(worker->thread, NULL);
        worker->has_thread = false;
    }
}
