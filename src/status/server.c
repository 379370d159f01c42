/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/server: what this server tells of itself.
 */
#include "status/endpoints.h"
#include "status/json.h"
#include "status/own_facts.h"

#include <stdio.h>
#include <unistd.h>

static void add_listeners(struct ph__json *json, const struct ph_server *server)
{
    ph__json_begin_array(json, "listeners");
    for (size_t i = 0; i < ph_server_listener_count(server); i++) {
        ph__json_text(json, NULL, ph_server_listener(server, i));
    }
    ph__json_end(json);
}

static void add_workers(struct ph__json *json, const struct ph_server *server, unsigned count)
{
    ph__json_begin_array(json, "workers");
    for (unsigned i = 0; i < count; i++) {
        struct ph_worker_stats stats;
        if (ph_server_worker_stats(server, i, &stats) < 0) {
            break;
        }
        ph__json_begin_object(json, NULL);
        ph__json_u64(json, "worker", i);
        ph__json_u64(json, "connections", stats.connections_open);
        ph__json_u64(json, "requests", stats.requests);
        /* By hand: printf takes the decimal point of the embedding program's locale. */
        char ratio[32];
        unsigned parts = (unsigned)(stats.busy_ratio * 10000 + 0.5);
        snprintf(ratio, sizeof ratio, "%u.%04u", parts / 10000, parts % 10000);
        ph__json_raw(json, "busy_ratio", ratio);
        ph__json_end(json);
    }
    ph__json_end(json);
}

static void add_totals(struct ph__json *json, const struct ph_server_stats *stats)
{
    ph__json_begin_object(json, "connections");
    ph__json_u64(json, "open", stats->connections_open);
    ph__json_u64(json, "accepted", stats->connections_accepted);
    ph__json_u64(json, "refused", stats->connections_refused);
    ph__json_end(json);
    ph__json_begin_object(json, "requests");
    ph__json_u64(json, "total", stats->requests);
    ph__json_begin_object(json, "by_status_class");
    for (int class = 2; class < PH_STATUS_CLASSES; class ++) {
        char name[] = {(char)('0' + class), 'x', 'x', '\0'};
        ph__json_u64(json, name, stats->requests_by_class[class]);
    }
    ph__json_end(json);
    ph__json_end(json);
    ph__json_u64(json, "bytes_in", stats->bytes_in);
    ph__json_u64(json, "bytes_out", stats->bytes_out);
}

/* Before the first request nothing is known of latency. */
static void add_latency(struct ph__json *json, const struct ph_server_stats *stats)
{
    static const char *const names[PH_LATENCY_QUANTILES] = {"p50", "p90", "p99", "p999", "max"};
    ph__json_begin_object(json, "latency_us");
    for (int i = 0; i < PH_LATENCY_QUANTILES; i++) {
        if (stats->requests > 0) {
            ph__json_u64(json, names[i], stats->latency_us[i]);
        } else {
            ph__json_null(json, names[i]);
        }
    }
    ph__json_end(json);
}

static void add_limits(struct ph__json *json, const struct ph_config *config)
{
    ph__json_begin_object(json, "limits");
    ph__json_u64(json, "backlog", config->backlog);
    ph__json_u64(json, "connections_max", config->connections_max);
    ph__json_u64(json, "blocking_threads", config->blocking_threads);
    ph__json_u64(json, "blocking_queue", config->blocking_queue);
    ph__json_u64(json, "target_max_bytes", config->target_max);
    ph__json_u64(json, "head_max_bytes", config->head_max);
    ph__json_u64(json, "headers_max", config->headers_max);
    ph__json_u64(json, "body_max_bytes", config->body_max);
    ph__json_u64(json, "head_ms", config->head_ms);
    ph__json_u64(json, "body_ms", config->body_ms);
    ph__json_u64(json, "write_ms", config->write_ms);
    ph__json_u64(json, "idle_ms", config->idle_ms);
    ph__json_u64(json, "drain_delay_ms", config->drain_delay_ms);
    ph__json_u64(json, "drain_ms", config->drain_ms);
    ph__json_end(json);
}

int ph__serve_server(struct ph__call *call)
{
    const struct ph_server *server = ph_request_server(call->req);
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    struct ph__json json;
    ph__json_init(&json);
    ph__json_text(&json, "version", ph_version());
    ph__json_u64(&json, "pid", (uint64_t)getpid());
    ph__json_time(&json, "started_at", stats.started_unix_ms);
    ph__json_number(&json, "uptime_seconds", (double)stats.uptime_ms / 1000.0);
    add_listeners(&json, server);
    ph__json_text(&json, "loop", ph_loop_name(ph_server_loop(server)));
    add_workers(&json, server, stats.workers);
    add_totals(&json, &stats);
    add_latency(&json, &stats);
    add_limits(&json, ph_server_config(server));
    ph__facts_write_sections(call->status->facts, &json);
    return ph__json_reply(&json, call->res, 200);
}
