/* SPDX-License-Identifier: MIT
 *
 * The life of a server: new, routes, start, stop, free.
 */
#include "server/server.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char default_listen[] = "127.0.0.1:8080";

void ph__server_log(const struct ph_server *server, enum ph_log_level level, const char *format,
                    ...)
{
    if (!server->cfg.log) {
        return;
    }
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    server->cfg.log(server->cfg.log_user, level, message);
}

/* ---- before the start ---- */

static int append_listener(struct ph_server *server, const char *listen)
{
    struct ph__listener parsed;
    int err = ph__listener_parse(&parsed, listen);
    if (err < 0) {
        return err;
    }
    struct ph__listener *grown =
        realloc(server->listeners, (server->listener_count + 1) * sizeof *grown);
    if (!grown) {
        return -ENOMEM;
    }
    grown[server->listener_count] = parsed;
    server->listeners = grown;
    server->listener_count++;
    return 0;
}

int ph_server_new_sized(struct ph_server **ret_server, const struct ph_config *cfg, size_t cfg_size)
{
    struct ph_server *server = calloc(1, sizeof *server);
    if (!server) {
        return -ENOMEM;
    }
    ph__router_init(&server->router);
    ph__acceptor_init(&server->acceptor, server);
    server->failed_listener = -1;
    int err = -pthread_mutex_init(&server->lock, NULL);
    if (err < 0) {
        free(server);
        return err;
    }
    err = ph__config_resolve(&server->cfg, cfg, cfg_size);
    if (err == 0) {
        const char *listen = server->cfg.listen;
        server->default_listener = !listen;
        server->cfg.listen = NULL; /* the caller's string; the listeners have a copy */
        server->unix_access = (struct ph__unix_access){
            .mode = server->cfg.unix_mode,
            .has_group = server->cfg.unix_group != NULL,
            .group = server->cfg.unix_group ? *server->cfg.unix_group : 0,
        };
        server->cfg.unix_group = NULL;
        err = append_listener(server, listen ? listen : default_listen);
    }
    if (err < 0) {
        ph_server_free(server);
        return err;
    }
    server->limits = (struct ph__limits){.target_max = server->cfg.target_max,
                                         .head_max = server->cfg.head_max,
                                         .headers_max = server->cfg.headers_max,
                                         .body_max = server->cfg.body_max};
    *ret_server = server;
    return 0;
}

int ph_server_listen(struct ph_server *server, const char *listen)
{
    if (server->life != PH__LIFE_NEW) {
        return PH_ERR_STARTED;
    }
    int err = append_listener(server, listen);
    if (err == 0 && server->default_listener) {
        server->listeners[0] = server->listeners[1];
        server->listener_count = 1;
        server->default_listener = false;
    }
    return err;
}

int ph_server_add(struct ph_server *server, const struct ph_route *route)
{
    if (server->life != PH__LIFE_NEW) {
        return PH_ERR_STARTED;
    }
    int err = ph__router_add(&server->router, route);
    if (err == 0 && route->body_max > server->limits.body_max) {
        server->limits.body_max = route->body_max;
    }
    return err;
}

int ph_server_route(struct ph_server *server, const char *pattern, ph_handler handler, void *user)
{
    const struct ph_route route = {.pattern = pattern, .handler = handler, .user = user};
    return ph_server_add(server, &route);
}

static struct ph__kept *find_kept(const struct ph_server *server, const void *key)
{
    struct ph__kept *kept = server->kept;
    while (kept && kept->key != key) {
        kept = kept->next;
    }
    return kept;
}

int ph_server_set(struct ph_server *server, const void *key, void *value)
{
    if (server->life != PH__LIFE_NEW) {
        return PH_ERR_STARTED;
    }
    struct ph__kept *kept = find_kept(server, key);
    if (!kept) {
        kept = malloc(sizeof *kept);
        if (!kept) {
            return -ENOMEM;
        }
        *kept = (struct ph__kept){.next = server->kept, .key = key};
        server->kept = kept;
    }
    kept->value = value;
    return 0;
}

void *ph_server_get(const struct ph_server *server, const void *key)
{
    const struct ph__kept *kept = find_kept(server, key);
    return kept ? kept->value : NULL;
}

int ph_server_on_free(struct ph_server *server, void (*release)(void *user), void *user)
{
    struct ph__cleanup *cleanup = malloc(sizeof *cleanup);
    if (!cleanup) {
        return -ENOMEM;
    }
    *cleanup = (struct ph__cleanup){server->cleanups, release, user};
    server->cleanups = cleanup;
    return 0;
}

/* ---- start ---- */

static int open_listeners(struct ph_server *server)
{
    server->failed_listener = -1;
    for (size_t i = 0; i < server->listener_count; i++) {
        int err =
            ph__listener_open(&server->listeners[i], server->cfg.backlog, &server->unix_access);
        if (err < 0) {
            server->failed_listener = (int)i;
            return err;
        }
    }
    return 0;
}

static void close_listeners(struct ph_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        ph__acceptor_close_listener(&server->acceptor, &server->listeners[i]);
    }
}

/* Ends threads that have been started, and closes all that start has opened. The workers and the
 * table stay to be looked at: other threads may be reading their counters just now. */
static void end(struct ph_server *server, unsigned workers_running)
{
    for (unsigned i = 0; i < workers_running; i++) {
        ph__worker_set_phase(&server->workers[i], PH__PHASE_CUTTING);
    }
    for (unsigned i = 0; i < workers_running; i++) {
        ph__worker_join(&server->workers[i]);
    }
    ph__pool_stop(&server->pool);
    for (unsigned i = 0; i < server->worker_count; i++) {
        ph__worker_done(&server->workers[i]);
    }
    ph__acceptor_close(&server->acceptor);
    close_listeners(server);
}

/* Frees what the last run has left. */
static void forget_last_run(struct ph_server *server)
{
    free(server->workers);
    server->workers = NULL;
    server->worker_count = 0;
    ph__conn_table_done(&server->table);
    free(server->transports);
    server->transports = NULL;
}

static int set_up_connections(struct ph_server *server)
{
    if (server->wrapper.wrap) {
        server->transports = calloc(server->cfg.connections_max, sizeof *server->transports);
        if (!server->transports) {
            return -ENOMEM;
        }
    }
    return ph__conn_table_init(&server->table, server->cfg.connections_max);
}

static int set_up_workers(struct ph_server *server)
{
    unsigned count = ph__server_has_no_threads(server) ? 1 : server->cfg.workers;
    server->workers = calloc(count, sizeof *server->workers);
    if (!server->workers) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        int err = ph__worker_init(&server->workers[i], server, i);
        if (err < 0) {
            return err;
        }
        server->worker_count++;
    }
    return 0;
}

static int start_threads(struct ph_server *server, unsigned *workers_running)
{
    int err = 0;
    if (ph__server_has_no_threads(server)) {
        ph__worker_begin(&server->workers[0]);
        return 0;
    }
    if (server->router.any_blocking) {
        err =
            ph__pool_start(&server->pool, server->cfg.blocking_threads, server->cfg.blocking_queue);
    }
    while (err == 0 && *workers_running < server->worker_count) {
        err = ph__worker_start(&server->workers[*workers_running]);
        *workers_running += err == 0;
    }
    if (err == 0 && server->worker_count > 1) {
        err = ph__acceptor_start(&server->acceptor);
    }
    return err;
}

static int start(struct ph_server *server)
{
    unsigned workers_running = 0;
    forget_last_run(server);
    ph__before_attach(server);
    server->started_us = ph__clock_us();
    server->started_unix_ms = ph__clock_unix_ms();
    int err = open_listeners(server);
    if (err == 0) {
        err = set_up_connections(server);
    }
    if (err == 0) {
        err = set_up_workers(server);
    }
    if (err == 0) {
        err = ph__acceptor_open(&server->acceptor);
    }
    if (err == 0 && server->worker_count == 1) {
        err = ph__worker_drive(&server->workers[0], &server->acceptor);
    }
    if (err == 0) {
        err = start_threads(server, &workers_running);
    }
    if (err < 0) {
        end(server, workers_running);
        forget_last_run(server);
    }
    return err;
}

int ph_server_start(struct ph_server *server)
{
    pthread_mutex_lock(&server->lock);
    int err = server->life == PH__LIFE_NEW ? start(server) : PH_ERR_STARTED;
    if (err == 0) {
        server->life = PH__LIFE_STARTED;
    }
    pthread_mutex_unlock(&server->lock);
    return err;
}

int ph_server_run(struct ph_server *server)
{
    int err = ph_server_start(server);
    if (err == 0) {
        ph_server_wait(server);
    }
    return err;
}

/* ---- stop ---- */

/* All connections are closed. With the lock held. */
static void finish(struct ph_server *server)
{
    end(server, server->worker_count);
    atomic_store_explicit(&server->stopping, false, memory_order_release);
    server->life = PH__LIFE_NEW;
}

void ph_server_request_stop(struct ph_server *server)
{
    atomic_store_explicit(&server->stopping, true, memory_order_release);
    ph__loop_wake(&server->acceptor.loop);
}

bool ph_server_stopping(const struct ph_server *server)
{
    return atomic_load_explicit(&server->stopping, memory_order_acquire);
}

/* ---- without threads ---- */

int ph_server_poll(struct ph_server *server, int timeout_ms)
{
    if (!ph__server_has_no_threads(server)) {
        return -EINVAL;
    }
    if (server->life != PH__LIFE_STARTED) {
        return 0;
    }
    struct ph__worker *worker = &server->workers[0];
    int err = ph__worker_turn(worker, timeout_ms);
    if (!ph__worker_finished(worker)) {
        return err < 0 ? err : 1;
    }
    ph__worker_end(worker);
    pthread_mutex_lock(&server->lock);
    finish(server);
    pthread_mutex_unlock(&server->lock);
    return 0;
}

int ph_server_fd(struct ph_server *server)
{
    if (!ph__server_has_no_threads(server) || server->life != PH__LIFE_STARTED) {
        return -EINVAL;
    }
    struct ph__worker *worker = &server->workers[0];
    int err = ph__worker_use_timer(worker);
    return err < 0 ? err : worker->loop.epoll_fd;
}

/* Without threads nobody else does the waiting. A wait that fails would fail for ever. */
static void poll_to_the_end(struct ph_server *server)
{
    int running;
    do {
        running = ph_server_poll(server, -1);
    } while (running > 0);
    if (running < 0) {
        ph__server_log(server, PH_LOG_ERROR, "cannot wait for events: %s", ph_strerror(running));
        pthread_mutex_lock(&server->lock);
        finish(server);
        pthread_mutex_unlock(&server->lock);
    }
}

void ph_server_wait(struct ph_server *server)
{
    if (ph__server_has_no_threads(server)) {
        poll_to_the_end(server);
        return;
    }
    pthread_mutex_lock(&server->lock);
    if (server->life == PH__LIFE_STARTED) {
        ph__acceptor_join(&server->acceptor);
        if (server->worker_count == 1) {
            ph__worker_join(&server->workers[0]); /* which leads the stop itself */
        }
        finish(server);
    }
    pthread_mutex_unlock(&server->lock);
}

void ph_server_stop(struct ph_server *server)
{
    /* Without the lock, which another thread may hold until the end that is requested here. */
    if (server->life == PH__LIFE_STARTED) {
        ph_server_request_stop(server);
        ph_server_wait(server);
    }
}

void ph_server_free(struct ph_server *server)
{
    if (!server) {
        return;
    }
    ph_server_stop(server);
    while (server->cleanups) {
        struct ph__cleanup *cleanup = server->cleanups;
        server->cleanups = cleanup->next;
        cleanup->release(cleanup->user);
        free(cleanup);
    }
    while (server->kept) {
        struct ph__kept *kept = server->kept;
        server->kept = kept->next;
        free(kept);
    }
    forget_last_run(server);
    ph__before_free(server);
    ph__acceptor_done(&server->acceptor);
    ph__router_done(&server->router);
    free(server->listeners);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
