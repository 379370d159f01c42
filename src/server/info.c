/* SPDX-License-Identifier: MIT
 *
 * What a server tells of itself.
 */
#include "base/clock.h"
#include "server/server.h"

#include <errno.h>
#include <stdlib.h>

const char *ph_server_failed_listener(const struct ph_server *server)
{
    return server->failed_listener < 0 ? NULL : server->listeners[server->failed_listener].text;
}

size_t ph_server_listener_count(const struct ph_server *server)
{
    return server->listener_count;
}

const char *ph_server_listener(const struct ph_server *server, size_t index)
{
    return index < server->listener_count ? server->listeners[index].text : NULL;
}

uint16_t ph_server_port(const struct ph_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].address.family != AF_UNIX) {
            return server->listeners[i].address.port;
        }
    }
    return 0;
}

bool ph_listen_is_loopback(const char *listen)
{
    struct ph__listener listener;
    return ph__listener_parse(&listener, listen) == 0 &&
           ph__sockaddr_is_loopback(&listener.address);
}

const struct ph_config *ph_server_config(const struct ph_server *server)
{
    return &server->cfg;
}

/* The names, by enum ph_loop. */
static const char *const loops[] = {"auto", "epoll", "io_uring"};

const char *ph_loop_name(enum ph_loop loop)
{
    return (unsigned)loop < sizeof loops / sizeof *loops ? loops[loop] : "unknown";
}

enum ph_loop ph_server_loop(const struct ph_server *server)
{
    bool ring = server->worker_count > 0;
    for (unsigned i = 0; i < server->worker_count; i++) {
        ring &= atomic_load_explicit(&server->workers[i].uses_ring, memory_order_relaxed);
    }
    return ring ? PH_LOOP_IO_URING : PH_LOOP_EPOLL;
}

void ph_server_stats(const struct ph_server *server, struct ph_server_stats *ret_stats)
{
    *ret_stats = (struct ph_server_stats){
        .started_unix_ms = server->started_unix_ms,
        .uptime_ms = (ph__clock_us() - server->started_us) / 1000,
        .connections_accepted = ph__count_of(&server->accepted),
        .connections_refused = ph__count_of(&server->refused),
        .workers = server->worker_count,
    };
    const struct ph__stats *all[256]; /* as many as config.c allows */
    for (unsigned i = 0; i < server->worker_count; i++) {
        const struct ph__worker *worker = &server->workers[i];
        all[i] = &worker->stats;
        ph__stats_sum(&worker->stats, ret_stats);
        ret_stats->connections_open += atomic_load_explicit(&worker->open, memory_order_relaxed);
    }
    ph__stats_quantiles(all, server->worker_count, ret_stats);
}

void ph_server_latency(const struct ph_server *server, struct ph_latency *ret_latency)
{
    *ret_latency = (struct ph_latency){.count = 0};
    for (unsigned i = 0; i < server->worker_count; i++) {
        ph__stats_add_latency(&server->workers[i].stats, ret_latency);
    }
}

int ph_server_worker_stats(const struct ph_server *server, unsigned worker,
                           struct ph_worker_stats *ret_stats)
{
    if (worker >= server->worker_count) {
        return -ERANGE;
    }
    const struct ph__worker *from = &server->workers[worker];
    double uptime_us = (double)(ph__clock_us() - server->started_us);
    *ret_stats = (struct ph_worker_stats){
        .connections_open = atomic_load_explicit(&from->open, memory_order_relaxed),
        .requests = ph__count_of(&from->stats.requests),
        .busy_ratio = uptime_us > 0 ? (double)ph__count_of(&from->stats.busy_us) / uptime_us : 0,
    };
    return 0;
}

/* Turns a time of the monotonic clock into one of the wall clock. */
static uint64_t wall_clock_ms(const struct ph_server *server, uint64_t us)
{
    return server->started_unix_ms + (us - server->started_us) / 1000;
}

static const char *pattern_of(const struct ph_server *server, uint16_t route)
{
    return route == PH__NO_ROUTE ? NULL : server->router.routes[route - 1]->pattern;
}

int ph_server_connections(const struct ph_server *server,
                          int (*visit)(void *user, const struct ph_connection *connection),
                          void *user)
{
    unsigned slots = server->worker_count ? ph__conn_table_slots(&server->table) : 0;
    for (unsigned i = 0; i < slots; i++) {
        struct ph__conn_view view;
        if (!ph__conn_table_view(&server->table, i, &view)) {
            continue;
        }
        char peer[PH__SOCKADDR_TEXT];
        ph__sockaddr_format(&view.peer, peer, sizeof peer);
        const struct ph_connection connection = {
            .id = view.id,
            .worker = view.worker->index,
            .state = ph__conn_state_name(view.state),
            .peer = peer,
            .route = pattern_of(server, view.route),
            .accepted_unix_ms = wall_clock_ms(server, view.accepted_us),
            .requests = view.requests,
            .accept_wait_ms = view.accept_wait_ms,
            .first_byte_us =
                view.first_byte_us == PH__NO_FIRST_BYTE ? -1 : (int64_t)view.first_byte_us,
        };
        int result = visit(user, &connection);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}
