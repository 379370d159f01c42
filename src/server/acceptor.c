/* SPDX-License-Identifier: MIT
 *
 * Accepting, and the stages of a stop.
 */
#include "server/acceptor.h"

#include "base/clock.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections accepted before the thread looks whether it is to stop. */
enum { ACCEPT_BATCH = 256 };

/* How long to leave the listeners alone when there is nothing to accept with. */
enum { PAUSE_MS = 100 };

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int watch_listeners(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct ph__listener *listener = &server->listeners[i];
        int err = ph__loop_add_listener(&acceptor->loop, listener->fd, i);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

void ph__acceptor_init(struct ph__acceptor *acceptor, struct ph_server *server)
{
    *acceptor = (struct ph__acceptor){.server = server, .loop = PH__LOOP_CLOSED, .reserve_fd = -1};
}

void ph__acceptor_done(struct ph__acceptor *acceptor)
{
    ph__acceptor_close(acceptor);
    ph__loop_done(&acceptor->loop);
}

int ph__acceptor_open(struct ph__acceptor *acceptor)
{
    int err = acceptor->loop.epoll_fd < 0 ? ph__loop_init(&acceptor->loop) : 0;
    if (err < 0) {
        return err;
    }
    acceptor->paused = false;
    acceptor->empty = NULL;
    acceptor->stage = PH__ACCEPT_SERVING;
    acceptor->reserve_fd = open_reserve();
    return acceptor->reserve_fd < 0 ? -errno : watch_listeners(acceptor);
}

void ph__acceptor_close(struct ph__acceptor *acceptor)
{
    if (acceptor->reserve_fd >= 0) {
        close(acceptor->reserve_fd);
        acceptor->reserve_fd = -1;
    }
}

/* ---- one connection ---- */

static struct ph__worker *least_loaded(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    struct ph__worker *best = &server->workers[acceptor->next_worker];
    unsigned fewest = UINT_MAX;
    for (unsigned i = 0; i < server->worker_count; i++) {
        /* Beginning with another one each time, so that equals take turns. */
        struct ph__worker *worker =
            &server->workers[(acceptor->next_worker + i) % server->worker_count];
        unsigned open = atomic_load_explicit(&worker->open, memory_order_relaxed);
        if (open < fewest) {
            fewest = open;
            best = worker;
        }
    }
    unsigned next = best->index + 1;
    acceptor->next_worker = next < server->worker_count ? next : 0;
    return best;
}

/*
 * How long a connection waited in the accept queue. On a socket that has sent nothing yet the
 * kernel counts "last data sent" from the end of the handshake (Linux, tcp_rcv_state_process()).
 * When the queue was seen empty within this millisecond, there is nothing to ask.
 */
static int32_t accept_wait_ms(const struct ph__acceptor *acceptor, int fd, sa_family_t family)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (family != AF_UNIX && acceptor->empty == acceptor->serving &&
        acceptor->now_us - acceptor->empty_us < 1000) {
        return 0;
    }
    if (family == AF_UNIX || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
        return -1;
    }
    return info.tcpi_last_data_sent <= INT32_MAX ? (int32_t)info.tcpi_last_data_sent : -1;
}

/* Tells a client that the server is full, as well as that goes without waiting for the request:
 * what has arrived of it is read, so that the close does not reset the connection. */
static void refuse(struct ph__acceptor *acceptor, int fd)
{
    static const char body[] =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
        "\"detail\":\"this server has no room for more connections\"}";
    char date[PH__HTTP_DATE_TEXT];
    char reply[512];
    ph__format_http_date(ph__clock_unix_ms() / 1000, date, sizeof date);
    int size = snprintf(reply, sizeof reply,
                        "HTTP/1.1 503 Service Unavailable\r\nDate: %s\r\n"
                        "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                        "Retry-After: 1\r\nConnection: close\r\n\r\n%s",
                        date, sizeof body - 1, body);
    atomic_fetch_add_explicit(&acceptor->server->refused, 1, memory_order_relaxed);
    bool understood = !acceptor->server->wrapper.wrap; /* without a handshake nothing can be said */
    if (understood && send(fd, reply, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size) {
        char nobody_reads[4096];
        shutdown(fd, SHUT_WR);
        while (recv(fd, nobody_reads, sizeof nobody_reads, MSG_DONTWAIT) > 0) {
            ;
        }
    }
    close(fd);
}

static void hand_over(struct ph__acceptor *acceptor, int fd, const struct sockaddr_storage *from)
{
    struct ph__sockaddr peer = ph__sockaddr_of(from);
    struct ph__worker *worker = least_loaded(acceptor);
    acceptor->now_us = ph__clock_us();
    int32_t waited_ms = accept_wait_ms(acceptor, fd, from->ss_family);
    atomic_fetch_add_explicit(&acceptor->server->accepted, 1, memory_order_relaxed);
    if (ph__worker_adopt(worker, fd, &peer, acceptor->now_us, waited_ms) < 0) {
        refuse(acceptor, fd);
    }
}

/* ---- out of descriptors ---- */

static void pause_accepting(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        ph__loop_remove(&acceptor->loop, server->listeners[i].fd);
    }
    acceptor->paused = true;
    acceptor->resume_ms = ph__clock_ms() + PAUSE_MS;
}

static void resume_accepting(struct ph__acceptor *acceptor)
{
    if (acceptor->reserve_fd < 0) {
        acceptor->reserve_fd = open_reserve();
    }
    if (acceptor->reserve_fd >= 0 && watch_listeners(acceptor) == 0) {
        acceptor->paused = false;
    } else {
        pause_accepting(acceptor);
    }
}

/* Uses the reserve descriptor to tell the next client in the queue that there are none. Returns
 * false when nobody is waiting any more, or nothing can be done now. */
static bool refuse_one(struct ph__acceptor *acceptor, int listen_fd)
{
    if (acceptor->reserve_fd < 0) {
        return false;
    }
    close(acceptor->reserve_fd);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        refuse(acceptor, fd);
    }
    acceptor->reserve_fd = open_reserve();
    if (acceptor->reserve_fd < 0) {
        pause_accepting(acceptor); /* somebody else took the descriptor */
    }
    return fd >= 0 && acceptor->reserve_fd >= 0;
}

static bool out_of_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* ---- listeners ---- */

/* Accepts what waits at one listener; returns false when there is no more, or no use. */
static bool accept_one(struct ph__acceptor *acceptor, int listen_fd)
{
    struct sockaddr_storage from = {.ss_family = AF_UNIX}; /* what accept4(2) may leave as it is */
    socklen_t size = sizeof from;
    int fd = accept4(listen_fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        hand_over(acceptor, fd, &from);
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        acceptor->empty = acceptor->serving;
        acceptor->empty_us = acceptor->now_us; /* read before the queue was looked at */
        return false;
    }
    if (errno == EMFILE || errno == ENFILE) {
        return refuse_one(acceptor, listen_fd);
    }
    if (out_of_resources(errno)) {
        pause_accepting(acceptor);
        return false;
    }
    /* ECONNABORTED, EINTR, and network errors of the connection itself, see accept(2). */
    return true;
}

static void accept_batch(struct ph__acceptor *acceptor, const struct ph__listener *listener)
{
    acceptor->serving = listener;
    acceptor->now_us = ph__clock_us();
    for (int i = 0; i < ACCEPT_BATCH && accept_one(acceptor, listener->fd); i++) {
        ;
    }
}

/* While somebody else has the socket too, a close does not end its registration. */
void ph__acceptor_close_listener(struct ph__acceptor *acceptor, struct ph__listener *listener)
{
    if (listener->fd >= 0) {
        ph__loop_remove(&acceptor->loop, listener->fd);
        ph__listener_close(listener);
    }
}

/* Those who have been confirmed before the stop are served: closing the listener would reset
 * their connections. No more than the queue holds, since others may go on coming. */
static void close_listeners(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct ph__listener *listener = &server->listeners[i];
        acceptor->serving = listener;
        for (unsigned queued = 0; queued <= server->cfg.backlog; queued++) {
            if (!accept_one(acceptor, listener->fd)) {
                break;
            }
        }
        ph__acceptor_close_listener(acceptor, listener);
    }
}

static bool all_closed(const struct ph_server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (atomic_load_explicit(&server->workers[i].open, memory_order_acquire) > 0) {
            return false;
        }
    }
    return true;
}

static void set_phase(struct ph_server *server, enum ph__phase phase)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        ph__worker_set_phase(&server->workers[i], phase);
    }
}

/* ---- stages ---- */

static void begin_stage(struct ph__acceptor *acceptor, enum ph__accept_stage stage,
                        unsigned wait_ms)
{
    acceptor->stage = stage;
    acceptor->until_ms = ph__clock_ms() + wait_ms;
}

static void begin_draining(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    close_listeners(acceptor);
    set_phase(server, PH__PHASE_DRAINING);
    begin_stage(acceptor, PH__ACCEPT_DRAINING, server->cfg.drain_ms);
}

void ph__acceptor_advance(struct ph__acceptor *acceptor)
{
    struct ph_server *server = acceptor->server;
    if (acceptor->stage == PH__ACCEPT_SERVING &&
        atomic_load_explicit(&server->stopping, memory_order_acquire)) {
        begin_stage(acceptor, PH__ACCEPT_DELAYING, server->cfg.drain_delay_ms);
    }
    if (acceptor->stage == PH__ACCEPT_DELAYING && ph__clock_ms() >= acceptor->until_ms) {
        begin_draining(acceptor);
    }
    /* A worker that ends wakes the loop. */
    if (acceptor->stage == PH__ACCEPT_DRAINING &&
        (all_closed(server) || ph__clock_ms() >= acceptor->until_ms)) {
        acceptor->stage = PH__ACCEPT_ENDED;
        set_phase(server, PH__PHASE_CUTTING);
    }
}

/* From now on; a time that has passed is now. */
static int ms_until(uint64_t then_ms)
{
    uint64_t now_ms = ph__clock_ms();
    uint64_t left = then_ms > now_ms ? then_ms - now_ms : 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

int ph__acceptor_timeout_ms(const struct ph__acceptor *acceptor)
{
    bool accepts = acceptor->stage <= PH__ACCEPT_DELAYING;
    int timeout = -1;
    if (acceptor->stage == PH__ACCEPT_DELAYING || acceptor->stage == PH__ACCEPT_DRAINING) {
        timeout = ms_until(acceptor->until_ms);
    }
    if (acceptor->paused && accepts) {
        int resume_ms = ms_until(acceptor->resume_ms);
        timeout = timeout < 0 || resume_ms < timeout ? resume_ms : timeout;
    }
    return timeout;
}

void ph__acceptor_turn(struct ph__acceptor *acceptor, int timeout_ms)
{
    if (acceptor->stage == PH__ACCEPT_ENDED) {
        return;
    }
    struct ph__event events[PH__LOOP_BATCH];
    int count = ph__loop_wait(&acceptor->loop, events, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].item != PH__LOOP_WOKEN && !acceptor->paused) {
            accept_batch(acceptor, &acceptor->server->listeners[events[i].item]);
        }
    }
    if (acceptor->paused && acceptor->stage <= PH__ACCEPT_DELAYING &&
        ms_until(acceptor->resume_ms) == 0) {
        resume_accepting(acceptor);
    }
    ph__acceptor_advance(acceptor);
}

/* ---- the thread ---- */

/*
 * Where a worker runs on the same processor, let it finish what it does before we accept more: each
 * time one thread interrupts the other costs both. To accept late costs nothing, since the kernel
 * has confirmed the connection already. SCHED_BATCH, see sched(7), says just this, and needs no
 * privilege; without it all works as well.
 */
static void give_way(void)
{
    const struct sched_param none = {.sched_priority = 0};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

static void *run(void *user)
{
    struct ph__acceptor *acceptor = user;
    give_way();
    ph__acceptor_advance(acceptor); /* a stop may have been asked for before the start */
    while (acceptor->stage != PH__ACCEPT_ENDED) {
        ph__acceptor_turn(acceptor, ph__acceptor_timeout_ms(acceptor));
    }
    return NULL;
}

int ph__acceptor_start(struct ph__acceptor *acceptor)
{
    int err = -pthread_create(&acceptor->thread, NULL, run, acceptor);
    acceptor->has_thread = err == 0;
    return err;
}

void ph__acceptor_join(struct ph__acceptor *acceptor)
{
    if (acceptor->has_thread) {
        pthread_join(acceptor->thread, NULL);
        acceptor->has_thread = false;
    }
}
