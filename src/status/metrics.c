/* SPDX-License-Identifier: MIT
 *
 * GET /metrics. No label is without bound: no remote address, no pid, no port that the kernel gave
 * out.
 */
#include "status/metrics.h"

#include "base/clock.h"
#include "status/endpoints.h"
#include "status/negotiate.h"
#include "status/own_facts.h"
#include "status/rows.h"

#include <porthole/doctor.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ph__param ph__metrics_params[] = {
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {"owners", PH__PARAM_BOOLEAN, false,
     "false leaves porthole_process_sockets and porthole_findings out: cheaper"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

/* ---- this server ---- */

static void put_requests(struct ph__exposition *to, const struct ph_server_stats *stats)
{
    ph__exposition_family(to, "porthole_http_requests_total", PH__METRIC_COUNTER,
                          "Requests answered, by class of status.");
    for (int class = 2; class < PH_STATUS_CLASSES; class ++) {
        const char name[] = {(char)('0' + class), 'x', 'x', '\0'};
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "class", name);
        ph__exposition_u64(to, stats->requests_by_class[class]);
    }
}

static void put_latency(struct ph__exposition *to, const struct ph_server *server)
{
    struct ph_latency latency;
    ph_server_latency(server, &latency);
    ph__exposition_family(to, "porthole_http_request_duration_seconds", PH__METRIC_HISTOGRAM,
                          "From the last byte of a request to its reply given to the kernel.");
    for (int i = 0; i <= PH_LATENCY_BOUNDS; i++) {
        char bound[PH__NUMBER_TEXT] = "+Inf";
        if (i < PH_LATENCY_BOUNDS) {
            ph__exposition_format_us(PH_LATENCY_BOUND_US(i), bound);
        }
        ph__exposition_begin(to, "_bucket");
        ph__exposition_label(to, "le", bound);
        ph__exposition_u64(to, i < PH_LATENCY_BOUNDS ? latency.below[i] : latency.count);
    }
    ph__exposition_begin(to, "_sum");
    ph__exposition_us(to, latency.sum_us);
    ph__exposition_begin(to, "_count");
    ph__exposition_u64(to, latency.count);
}

/* States in the order in which a connection passes through them. */
static const char *const states[] = {"accepted",  "head",     "body", "handling", "writing",
                                     "streaming", "upgraded", "idle", "lingering"};
enum { STATES = sizeof states / sizeof *states };

static int count_state(void *user, const struct ph_connection *connection)
{
    uint64_t *counts = user;
    for (int i = 0; i < STATES; i++) {
        counts[i] += strcmp(connection->state, states[i]) == 0;
    }
    return 0;
}

static void put_connections(struct ph__exposition *to, const struct ph_server *server,
                            const struct ph_server_stats *stats)
{
    uint64_t counts[STATES] = {0};
    ph_server_connections(server, count_state, counts);
    ph__exposition_family(to, "porthole_http_connections", PH__METRIC_GAUGE,
                          "Open connections of this server, by where they stand.");
    for (int i = 0; i < STATES; i++) {
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "state", states[i]);
        ph__exposition_u64(to, counts[i]);
    }
    ph__exposition_one(to, "porthole_http_connections_accepted_total", PH__METRIC_COUNTER,
                       "Connections accepted.", stats->connections_accepted);
    ph__exposition_one(to, "porthole_http_connections_refused_total", PH__METRIC_COUNTER,
                       "Connections refused: too many, or out of descriptors.",
                       stats->connections_refused);
    ph__exposition_one(to, "porthole_http_received_bytes_total", PH__METRIC_COUNTER,
                       "Bytes received.", stats->bytes_in);
    ph__exposition_one(to, "porthole_http_sent_bytes_total", PH__METRIC_COUNTER, "Bytes sent.",
                       stats->bytes_out);
}

static void put_workers(struct ph__exposition *to, const struct ph_server *server, unsigned count)
{
    ph__exposition_family(to, "porthole_http_worker_busy_ratio", PH__METRIC_GAUGE,
                          "Part of the time since start that a worker was not waiting.");
    for (unsigned i = 0; i < count; i++) {
        struct ph_worker_stats stats;
        if (ph_server_worker_stats(server, i, &stats) < 0) {
            break;
        }
        char worker[12];
        snprintf(worker, sizeof worker, "%u", i);
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "worker", worker);
        ph__exposition_number(to, stats.busy_ratio);
    }
}

static void put_server(struct ph__exposition *to, const struct ph_server *server)
{
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    ph__exposition_family(to, "porthole_build_info", PH__METRIC_GAUGE, "Always 1.");
    ph__exposition_begin(to, "");
    ph__exposition_label(to, "version", ph_version());
    ph__exposition_u64(to, 1);
    ph__exposition_family(to, "porthole_start_time_seconds", PH__METRIC_GAUGE,
                          "When this server was started, in seconds since 1970.");
    ph__exposition_begin(to, "");
    ph__exposition_us(to, stats.started_unix_ms * 1000);
    put_requests(to, &stats);
    put_latency(to, server);
    put_connections(to, server, &stats);
    put_workers(to, server, stats.workers);
}

/* ---- the kernel's counters ---- */

static const struct {
    const char *name;
    enum ph__metric metric;
    size_t offset; /* in struct ph_counters */
    const char *help;
} counters[] = {
#define GAUGE(field, help)                                                              \
    {                                                                                   \
        "porthole_" #field, PH__METRIC_GAUGE, offsetof(struct ph_counters, field), help \
    }
#define COUNTER(field, help)                                                                       \
    {                                                                                              \
        "porthole_" #field "_total", PH__METRIC_COUNTER, offsetof(struct ph_counters, field), help \
    }
    GAUGE(tcp_in_use, "TCP sockets in use, as the kernel counts them."),
    GAUGE(tcp_orphans, "TCP sockets without a process that still finish."),
    GAUGE(tcp_orphans_limit, "How many of these are allowed."),
    GAUGE(tcp_time_wait, "TCP connections in TIME_WAIT, as the kernel counts them."),
    GAUGE(tcp_allocated, "TCP sockets allocated."),
    GAUGE(tcp_memory_bytes, "Memory of TCP's buffers."),
    GAUGE(tcp_memory_pressure_bytes, "From here on TCP saves memory."),
    GAUGE(tcp_memory_limit_bytes, "Limit of the memory of TCP's buffers."),
    COUNTER(tcp_active_opens, "TCP connections begun here."),
    COUNTER(tcp_passive_opens, "TCP connections begun by others."),
    COUNTER(tcp_segments_in, "TCP segments received."),
    COUNTER(tcp_segments_out, "TCP segments sent."),
    COUNTER(tcp_retransmitted_segments, "TCP segments sent again."),
    COUNTER(tcp_listen_overflows, "Times that an accept queue was full."),
    COUNTER(tcp_listen_drops, "Connections that listeners dropped, for whatever reason."),
    COUNTER(tcp_request_queue_cookies,
            "Times that a queue of handshakes was full, and SYN cookies were sent."),
    COUNTER(tcp_request_queue_drops, "Handshakes dropped because their queue was full."),
    GAUGE(udp_in_use, "UDP sockets in use."),
    GAUGE(udp_memory_bytes, "Memory of UDP's buffers."),
    COUNTER(udp_datagrams_in, "UDP datagrams received."),
    COUNTER(udp_datagrams_out, "UDP datagrams sent."),
    COUNTER(udp_no_ports, "UDP datagrams to ports that nobody has."),
    COUNTER(udp_in_errors, "UDP datagrams that could not be delivered."),
    COUNTER(udp_receive_buffer_errors, "UDP datagrams dropped because a receive buffer was full."),
    COUNTER(udp_send_buffer_errors, "UDP datagrams not sent because a send buffer was full."),
#undef GAUGE
#undef COUNTER
};

_Static_assert(sizeof counters / sizeof *counters == sizeof(struct ph_counters) / sizeof(int64_t),
               "each counter of the kernel has a metric");

static void put_kernel(struct ph__exposition *to, const struct ph_sockets *sockets)
{
    struct ph_counters values;
    ph_sockets_counters(sockets, &values);
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        int64_t value;
        memcpy(&value, (const char *)&values + counters[i].offset, sizeof value);
        if (value >= 0) { /* what is not known is left out, never 0 */
            ph__exposition_one(to, counters[i].name, counters[i].metric, counters[i].help,
                               (uint64_t)value);
        }
    }
}

/* ---- the machine's sockets ---- */

static void put_success(struct ph__exposition *to, const struct ph_snapshot *snapshot)
{
    ph__exposition_family(to, "porthole_collector_success", PH__METRIC_GAUGE,
                          "1 where the sockets of a protocol could be read, else 0.");
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        enum ph_protocol protocol = (enum ph_protocol)i;
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "protocol", ph_protocol_name(protocol));
        ph__exposition_u64(to, snapshot && ph_snapshot_source(snapshot, protocol, NULL) !=
                                               PH_SOURCE_UNAVAILABLE);
    }
}

/* One sample for each rule and severity that there is a finding of. Findings come in this order. */
static void put_findings(struct ph__exposition *to, const struct ph_findings *findings)
{
    ph__exposition_family(to, "porthole_findings", PH__METRIC_GAUGE,
                          "What the doctor finds wrong, by rule.");
    const struct ph_finding *finding;
    for (size_t i = 0; (finding = ph_findings_at(findings, i));) {
        uint64_t count = 0;
        const struct ph_finding *other;
        for (; (other = ph_findings_at(findings, i)) && other->severity == finding->severity &&
               strcmp(other->rule, finding->rule) == 0;
             i++) {
            count++;
        }
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "id", finding->rule);
        ph__exposition_label(to, "severity", ph_severity_name(finding->severity));
        ph__exposition_u64(to, count);
    }
}

/* A scrape does not fail because the sockets cannot be read: it says so. */
static int put_sockets(struct ph__exposition *to, const struct ph__status *status,
                       unsigned max_age_ms, bool owners)
{
    struct ph_findings *findings = NULL;
    struct ph_snapshot *snapshot = NULL;
    uint64_t begun_us = ph__clock_us();
    bool looked = owners && ph_doctor_look(status->doctor, max_age_ms, &findings, &snapshot) == 0;
    if (!looked && ph_sockets_snapshot(status->sockets, max_age_ms, &snapshot) < 0) {
        snapshot = NULL; /* which is said below */
    }
    uint64_t took_us = ph__clock_us() - begun_us;
    put_success(to, snapshot);
    ph__exposition_family(to, "porthole_collect_duration_seconds", PH__METRIC_GAUGE,
                          "How long this scrape waited for the sockets and their owners.");
    ph__exposition_begin(to, "");
    ph__exposition_us(to, took_us);
    int err = snapshot ? ph__metrics_of_sockets(to, snapshot, looked) : 0;
    if (looked) {
        put_findings(to, findings);
    }
    ph_findings_unref(findings);
    ph_snapshot_unref(snapshot);
    return err;
}

/* ---- the reply ---- */

static int reply(struct ph__call *call, struct ph__exposition *exposition)
{
    static const char prometheus[] = "text/plain; version=0.0.4; charset=utf-8";
    static const char open_metrics[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ph__exposition_end(exposition);
    return ph__reply_buf(call->res, exposition->open_metrics ? open_metrics : prometheus,
                         &exposition->buf);
}

static int gather(struct ph__call *call, struct ph__exposition *exposition, unsigned max_age_ms,
                  bool owners)
{
    put_server(exposition, ph_request_server(call->req));
    put_kernel(exposition, call->status->sockets);
    int err = put_sockets(exposition, call->status, max_age_ms, owners);
    ph__facts_write_metrics(call->status->facts, exposition);
    return err;
}

int ph__serve_metrics(struct ph__call *call)
{
    static const char *const types[] = {"text/plain", "application/openmetrics-text"};
    enum { TYPES = sizeof types / sizeof *types };
    char problem[PH__PROBLEM_TEXT];
    unsigned max_age_ms = 0;
    bool owners = true;
    int err = ph__read_max_age(call->req, &max_age_ms, problem, sizeof problem);
    err = err ? err : ph__read_owners(call->req, &owners, problem, sizeof problem);
    if (err < 0) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    size_t type = ph__negotiate_among(ph_request_header(call->req, "Accept"), types, TYPES);
    if (type == TYPES) {
        return ph_reply_problem(call->res, 406,
                                "The Accept header takes neither text/plain nor "
                                "application/openmetrics-text.");
    }
    struct ph__exposition exposition;
    ph__exposition_init(&exposition, type == 1);
    err = ph_response_header(call->res, "Vary", "Accept");
    err = err ? err : gather(call, &exposition, max_age_ms, owners);
    err = err ? err : reply(call, &exposition);
    ph__buf_done(&exposition.buf);
    return err;
}
