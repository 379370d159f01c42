/* SPDX-License-Identifier: MIT
 *
 * Rules about TCP connections.
 */
#include "doctor/rules.h"
#include "doctor/say.h"

#include <stdlib.h>
#include <string.h>

/* ---- close_wait_leak ---- */

struct leak {
    size_t all, old, more;
    const struct ph_socket *socket; /* one of them */
};

static struct leak count_leak(const struct ph__look *look, const struct ph_process_use *use)
{
    struct leak leak = {.all = 0};
    double wanted_us = look->thresholds[PH__THRESHOLD_CLOSE_WAIT_SECONDS] * 1e6;
    for (size_t i = 0; i < use->socket_count; i++) {
        const struct ph_socket *socket = ph_processes_socket(look->processes, use, i);
        if (socket->protocol != PH_PROTOCOL_TCP || socket->state != PH_STATE_CLOSE_WAIT) {
            continue;
        }
        const struct ph__remembered *now = ph__memory_find(look->now, socket);
        const struct ph__remembered *last = ph__memory_find(look->before, socket);
        leak.all++;
        leak.old += now && (double)(look->now->taken_us - now->since_us) >= wanted_us;
        leak.more += !last || last->state != PH_STATE_CLOSE_WAIT;
        leak.socket = socket;
    }
    return leak;
}

static void judge_leak(const struct ph__look *look, struct ph_findings *findings,
                       const struct ph_process_use *use)
{
    struct leak leak = count_leak(look, use);
    if (leak.old == 0 || (double)leak.old < look->thresholds[PH__THRESHOLD_CLOSE_WAIT_LEAST]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_process(
        findings, leak.more > 0 ? PH_SEVERITY_ERROR : PH_SEVERITY_WARNING, use->process);
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(
        findings, "%s does not close %zu connections that their peers have closed",
        ph__name_of(findings, use->process), leak.all);
    finding->advice = ph__findings_text(
        findings,
        "The peers have said that nothing more will come (recv(2) returned 0), and the process "
        "keeps its descriptors: it leaks them. See which: porthole sockets --pid %ld --state "
        "close-wait",
        (long)use->process->pid);
    ph__findings_evidence(finding, "close_wait", (double)leak.all);
    ph__findings_evidence(finding, "close_wait_old", (double)leak.old);
    ph__findings_evidence(finding, "close_wait_new", (double)leak.more);
    ph__findings_evidence(finding, "descriptors", (double)use->fd_count);
    ph__findings_evidence(finding, "descriptors_limit", (double)use->fd_limit);
}

void ph__rule_close_wait_leak(const struct ph__look *look, struct ph_findings *findings)
{
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
    }
    size_t count = ph_processes_count(look->processes);
    for (size_t i = 0; i < count; i++) {
        judge_leak(look, findings, ph_processes_at(look->processes, i));
    }
}

/* ---- ephemeral_ports_low ---- */

static bool is_outgoing(const struct ph__settings *settings, const struct ph_socket *socket)
{
    bool given = socket->local_port >= settings->ephemeral_first &&
                 socket->local_port <= settings->ephemeral_last;
    return socket->protocol == PH_PROTOCOL_TCP && socket->has_remote && given &&
           (socket->direction == PH_DIRECTION_OUTBOUND || socket->direction == PH_DIRECTION_LOCAL);
}

/* By source, destination and its port: what must have a port of its own within. */
static int compare_routes(const void *a, const void *b)
{
    const struct ph_socket *x = *(const struct ph_socket *const *)a;
    const struct ph_socket *y = *(const struct ph_socket *const *)b;
    int order = memcmp(x->local_address, y->local_address, sizeof x->local_address);
    order = order ? order : memcmp(x->remote_address, y->remote_address, sizeof x->remote_address);
    return order ? order : (int)x->remote_port - (int)y->remote_port;
}

static size_t usable_ports(const struct ph__settings *settings)
{
    size_t usable = 0;
    for (unsigned port = settings->ephemeral_first; port <= settings->ephemeral_last; port++) {
        usable += !ph__is_reserved(settings, (uint16_t)port);
    }
    return usable;
}

static void judge_route(const struct ph__look *look, struct ph_findings *findings,
                        const struct ph_socket *socket, size_t used, size_t usable)
{
    double ratio = ph__ratio((int64_t)used, (int64_t)usable);
    if (ratio < look->thresholds[PH__THRESHOLD_EPHEMERAL_WARNING]) {
        return;
    }
    char local[PH_ADDRESS_TEXT];
    char remote[PH__END_TEXT];
    ph_socket_local_address(socket, local, sizeof local);
    ph__say_end(socket, true, remote);
    struct ph_finding *finding = ph__findings_add(
        findings, ph__severity_of(ratio, look->thresholds[PH__THRESHOLD_EPHEMERAL_ERROR]), "%s-%s",
        local, remote);
    if (finding) {
        finding->title =
            ph__findings_text(findings, "connections from %s to %s use %zu of %zu local ports",
                              local, remote, used, usable);
        finding->advice =
            "When all are used, connect(2) fails with EADDRNOTAVAIL. Reuse connections, add source "
            "addresses, or widen the range: sysctl net.ipv4.ip_local_port_range='1024 65535'";
        ph__findings_evidence(finding, "ports_used", (double)used);
        ph__findings_evidence(finding, "ports_usable", (double)usable);
    }
}

void ph__rule_ephemeral_ports_low(const struct ph__look *look, struct ph_findings *findings)
{
    size_t usable = usable_ports(&look->settings);
    size_t sockets = ph_snapshot_count(look->snapshot);
    size_t count = 0;
    for (size_t i = 0; i < sockets; i++) {
        count += is_outgoing(&look->settings, ph_snapshot_at(look->snapshot, i));
    }
    if (ph__ratio((int64_t)count, (int64_t)usable) <
        look->thresholds[PH__THRESHOLD_EPHEMERAL_WARNING]) {
        return; /* not even all together */
    }
    const struct ph_socket **routes = calloc(count ? count : 1, sizeof(const struct ph_socket *));
    if (!routes) {
        findings->failed = true;
        return;
    }
    count = 0;
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(look->snapshot, i);
        if (is_outgoing(&look->settings, socket)) {
            routes[count++] = socket;
        }
    }
    qsort(routes, count, sizeof *routes, compare_routes);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && compare_routes(&routes[from], &routes[to]) == 0; to++) {
        }
        judge_route(look, findings, routes[from], to - from, usable);
    }
    free(routes);
}

/* ---- peers ---- */

/* A listener on this machine that the request goes to, or NULL. */
static const struct ph_port *local_port_of(const struct ph__look *look,
                                           const struct ph_socket *socket)
{
    static const uint8_t loopback4[] = {127};
    static const uint8_t loopback6[16] = {[15] = 1};
    bool local = socket->family == PH_FAMILY_IPV4
                     ? memcmp(socket->remote_address, loopback4, 1) == 0 ||
                           memcmp(socket->remote_address, socket->local_address, 4) == 0
                     : memcmp(socket->remote_address, loopback6, 16) == 0 ||
                           memcmp(socket->remote_address, socket->local_address, 16) == 0;
    size_t count = local ? ph_ports_count(look->ports) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        if (port->protocol == PH_PROTOCOL_TCP && port->port == socket->remote_port) {
            return port;
        }
    }
    return NULL;
}

static void judge_silence(const struct ph__look *look, struct ph_findings *findings,
                          const struct ph_socket *socket)
{
    struct ph_finding *finding = ph__findings_add_socket(findings, PH_SEVERITY_WARNING, socket);
    if (!finding) {
        return;
    }
    char remote[PH__END_TEXT];
    ph__say_end(socket, true, remote);
    finding->title =
        ph__findings_text(findings, "%s does not answer requests for a connection", remote);
    ph__findings_evidence(finding, "retransmits", socket->retransmits);
    const struct ph_port *port = local_port_of(look, socket);
    if (port) {
        finding->advice = ph__findings_text(
            findings,
            "It listens on this machine, with %lld connections waiting of %lld: its accept queue "
            "is full, or a firewall drops the request. See porthole why %u",
            (long long)port->accept_queue, (long long)port->backlog, port->port);
        ph__findings_evidence(finding, "accept_queue", (double)port->accept_queue);
        ph__findings_evidence(finding, "backlog", (double)port->backlog);
        return;
    }
    finding->advice = "The host is down, or something on the way drops the packets: a closed port "
                      "would have refused at once.";
}

void ph__rule_peer_silent(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_snapshot_count(look->snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(look->snapshot, i);
        if (socket->protocol == PH_PROTOCOL_TCP && socket->state == PH_STATE_SYN_SENT &&
            (double)socket->retransmits >= look->thresholds[PH__THRESHOLD_SILENT_RETRANSMITS]) {
            judge_silence(look, findings, socket);
        }
    }
}

void ph__rule_peer_not_reading(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_snapshot_count(look->snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(look->snapshot, i);
        if (socket->protocol != PH_PROTOCOL_TCP || socket->timer != PH_TIMER_PERSIST) {
            continue;
        }
        struct ph_finding *finding = ph__findings_add_socket(findings, PH_SEVERITY_WARNING, socket);
        if (finding) {
            char remote[PH__END_TEXT];
            ph__say_end(socket, true, remote);
            finding->title =
                ph__findings_text(findings, "%s does not read what is sent to it", remote);
            finding->advice = "The peer has closed its receive window; what waits here is kept in "
                              "memory until it reads again. The fault is on the other side.";
            ph__findings_evidence(finding, "send_queue_bytes", (double)socket->send_queue_bytes);
            ph__findings_evidence(finding, "retransmits", socket->retransmits);
        }
    }
}

/* ---- not_reading ---- */

static void judge_reading(const struct ph__look *look, struct ph_findings *findings,
                          const struct ph_socket *socket)
{
    double ratio = ph__ratio(socket->receive_queue_bytes, socket->receive_buffer_bytes);
    const struct ph__remembered *now = ph__memory_find(look->now, socket);
    double seconds = now ? (double)(look->now->taken_us - now->since_us) / 1e6 : 0;
    if (ratio < look->thresholds[PH__THRESHOLD_NOT_READING_RATIO] ||
        seconds < look->thresholds[PH__THRESHOLD_NOT_READING_SECONDS]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_socket(findings, PH_SEVERITY_WARNING, socket);
    if (!finding) {
        return;
    }
    char remote[PH__END_TEXT];
    ph__say_end(socket, true, remote);
    finding->title = ph__findings_text(findings, "%s does not read what %s sends",
                                       ph__holder_of(findings, look, socket), remote);
    finding->advice = "It is busy, stopped or waits for something else; its peer can send nothing "
                      "more meanwhile. See what it does: cat /proc/PID/stack, or strace -p PID";
    finding->certain = false; /* it may want to read later */
    ph__findings_evidence(finding, "receive_queue_bytes", (double)socket->receive_queue_bytes);
    ph__findings_evidence(finding, "receive_buffer_bytes", (double)socket->receive_buffer_bytes);
    ph__findings_evidence(finding, "unchanged_seconds", (double)(int64_t)seconds);
}

void ph__rule_not_reading(const struct ph__look *look, struct ph_findings *findings)
{
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
    }
    size_t count = ph_snapshot_count(look->snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(look->snapshot, i);
        if (socket->protocol == PH_PROTOCOL_TCP && socket->state != PH_STATE_LISTEN &&
            socket->receive_queue_bytes > 0) {
            judge_reading(look, findings, socket);
        }
    }
}
