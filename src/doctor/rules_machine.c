/* SPDX-License-Identifier: MIT
 *
 * Rules about the machine as a whole, about datagrams, and about processes.
 */
#include "doctor/rules.h"
#include "doctor/say.h"

void ph__rule_orphans_high(const struct ph__look *look, struct ph_findings *findings)
{
    int64_t orphans = look->counters.tcp_orphans;
    int64_t limit = look->counters.tcp_orphans_limit;
    if (orphans < 0 || limit <= 0) {
        ph__findings_no(findings, "net/sockstat or tcp_max_orphans cannot be read");
        return;
    }
    double ratio = ph__ratio(orphans, limit);
    if (ratio < look->thresholds[PH__THRESHOLD_ORPHANS_WARNING]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add(
        findings, ph__severity_of(ratio, look->thresholds[PH__THRESHOLD_ORPHANS_ERROR]), "machine");
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(
        findings, "%lld connections that no process has any more are still finishing",
        (long long)orphans);
    finding->advice = "Peers do not confirm the end of these connections. Beyond the limit the "
                      "kernel resets them: look whether peers vanish, or raise it: sysctl "
                      "net.ipv4.tcp_max_orphans";
    ph__findings_evidence(finding, "orphans", (double)orphans);
    ph__findings_evidence(finding, "orphans_limit", (double)limit);
}

void ph__rule_tcp_memory_pressure(const struct ph__look *look, struct ph_findings *findings)
{
    const struct ph_counters *counters = &look->counters;
    int64_t used = counters->tcp_memory_bytes;
    int64_t pressure = counters->tcp_memory_pressure_bytes;
    int64_t limit = counters->tcp_memory_limit_bytes;
    if (used < 0 || pressure <= 0 || limit <= 0) {
        ph__findings_no(findings, "net/sockstat or tcp_mem cannot be read");
        return;
    }
    bool error = ph__ratio(used, limit) > look->thresholds[PH__THRESHOLD_MEMORY_ERROR];
    if (used <= pressure && !error) {
        return;
    }
    struct ph_finding *finding =
        ph__findings_add(findings, error ? PH_SEVERITY_ERROR : PH_SEVERITY_WARNING, "machine");
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(
        findings, "TCP's buffers hold %lld MiB, and TCP saves memory", (long long)(used >> 20));
    finding->advice = "Look for sockets with large queues: porthole sockets "
                      "--sort=-receive_queue_bytes --limit 10. The limits are sysctl "
                      "net.ipv4.tcp_mem, in pages.";
    ph__findings_evidence(finding, "memory_bytes", (double)used);
    ph__findings_evidence(finding, "pressure_bytes", (double)pressure);
    ph__findings_evidence(finding, "limit_bytes", (double)limit);
}

void ph__rule_conntrack_near_full(const struct ph__look *look, struct ph_findings *findings)
{
    int64_t count = look->settings.conntrack_count;
    int64_t max = look->settings.conntrack_max;
    if (count < 0 || max <= 0) {
        ph__findings_no(findings, "connections are not tracked here (no nf_conntrack)");
        return;
    }
    double ratio = ph__ratio(count, max);
    if (ratio < look->thresholds[PH__THRESHOLD_CONNTRACK_WARNING]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add(
        findings, ph__severity_of(ratio, look->thresholds[PH__THRESHOLD_CONNTRACK_ERROR]),
        "machine");
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(findings, "%lld of %lld tracked connections are in use",
                                       (long long)count, (long long)max);
    finding->advice = "When the table is full, packets of new connections are dropped. Raise it: "
                      "sysctl net.netfilter.nf_conntrack_max; or do not track what need not be.";
    ph__findings_evidence(finding, "tracked", (double)count);
    ph__findings_evidence(finding, "tracked_limit", (double)max);
}

/* ---- retransmissions ---- */

static void judge_segments(const struct ph__look *look, struct ph_findings *findings)
{
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
        return;
    }
    const struct ph_counters *before = &look->before->counters;
    int64_t out = ph__rise(before->tcp_segments_out, look->counters.tcp_segments_out);
    int64_t again =
        ph__rise(before->tcp_retransmitted_segments, look->counters.tcp_retransmitted_segments);
    if (out < 0 || again < 0) {
        ph__findings_no(findings, "net/snmp cannot be read");
        return;
    }
    double ratio = ph__ratio(again, out);
    if ((double)out < look->thresholds[PH__THRESHOLD_RETRANSMISSIONS_LEAST] ||
        ratio <= look->thresholds[PH__THRESHOLD_RETRANSMISSIONS]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add(findings, PH_SEVERITY_WARNING, "machine");
    if (finding) {
        finding->title = ph__findings_text(
            findings, "%.1f %% of the segments sent lately were sent again", ratio * 100);
        finding->advice = "Packets are lost: look at the links (ip -s link), at queues that drop "
                          "(tc -s qdisc), and at which peers it is.";
        ph__findings_evidence(finding, "retransmitted_segments", (double)again);
        ph__findings_evidence(finding, "segments", (double)out);
    }
}

static void judge_socket(const struct ph__look *look, struct ph_findings *findings,
                         const struct ph_socket *socket)
{
    if (socket->protocol != PH_PROTOCOL_TCP || socket->state == PH_STATE_SYN_SENT ||
        socket->timer != PH_TIMER_RETRANSMIT ||
        (double)socket->retransmits < look->thresholds[PH__THRESHOLD_RETRANSMITS]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_socket(findings, PH_SEVERITY_WARNING, socket);
    if (finding) {
        char remote[PH__END_TEXT];
        ph__say_end(socket, true, remote);
        finding->title =
            ph__findings_text(findings, "%s does not confirm what was sent to it", remote);
        finding->advice = "The peer is gone, or packets to it or from it are lost. The kernel goes "
                          "on trying for many minutes; TCP_USER_TIMEOUT makes it give up earlier.";
        ph__findings_evidence(finding, "retransmits", socket->retransmits);
        ph__findings_evidence(finding, "send_queue_bytes", (double)socket->send_queue_bytes);
    }
}

void ph__rule_retransmissions_high(const struct ph__look *look, struct ph_findings *findings)
{
    judge_segments(look, findings);
    size_t count = ph_snapshot_count(look->snapshot);
    for (size_t i = 0; i < count; i++) {
        judge_socket(look, findings, ph_snapshot_at(look->snapshot, i));
    }
}

/* ---- datagrams ---- */

static void judge_datagrams(const struct ph__look *look, struct ph_findings *findings,
                            const struct ph_socket *socket)
{
    const struct ph__remembered *last = ph__memory_find(look->before, socket);
    int64_t rise = last ? ph__rise(last->drops, socket->drops) : 0;
    double ratio = ph__ratio(socket->receive_queue_bytes, socket->receive_buffer_bytes);
    if (rise <= 0 && ratio < look->thresholds[PH__THRESHOLD_UDP_QUEUE]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_socket(findings, PH_SEVERITY_WARNING, socket);
    if (!finding) {
        return;
    }
    finding->title = rise > 0
                         ? ph__findings_text(findings,
                                             "UDP port %u has dropped %lld datagrams "
                                             "since the last look",
                                             socket->local_port, (long long)rise)
                         : ph__findings_text(findings, "the receive queue of UDP port %u is full",
                                             socket->local_port);
    finding->advice = "The process reads too slowly: have it drain the socket faster. A larger "
                      "buffer (SO_RCVBUF, sysctl net.core.rmem_max) helps with bursts only.";
    ph__findings_evidence(finding, "drops", (double)socket->drops);
    ph__findings_evidence(finding, "new_drops", (double)rise);
    ph__findings_evidence(finding, "receive_queue_bytes", (double)socket->receive_queue_bytes);
    ph__findings_evidence(finding, "receive_buffer_bytes", (double)socket->receive_buffer_bytes);
}

void ph__rule_udp_receive_drops(const struct ph__look *look, struct ph_findings *findings)
{
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
    }
    size_t count = ph_snapshot_count(look->snapshot);
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(look->snapshot, i);
        if (socket->protocol == PH_PROTOCOL_UDP || socket->protocol == PH_PROTOCOL_UDPLITE) {
            judge_datagrams(look, findings, socket);
        }
    }
}

/* ---- processes ---- */

static void judge_descriptors(const struct ph__look *look, struct ph_findings *findings,
                              const struct ph_process_use *use)
{
    double ratio = ph__ratio(use->fd_count, use->fd_limit);
    if (ratio < look->thresholds[PH__THRESHOLD_FD_WARNING]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_process(
        findings, ph__severity_of(ratio, look->thresholds[PH__THRESHOLD_FD_ERROR]), use->process);
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(findings, "%s has %lld of %lld descriptors open",
                                       ph__name_of(findings, use->process),
                                       (long long)use->fd_count, (long long)use->fd_limit);
    finding->advice = ph__findings_text(
        findings,
        "At the limit accept(2) and open(2) fail. If the number keeps rising it is a leak: ls -l "
        "/proc/%ld/fd. Else raise the limit: LimitNOFILE= of its unit, or ulimit -n.",
        (long)use->process->pid);
    ph__findings_evidence(finding, "descriptors", (double)use->fd_count);
    ph__findings_evidence(finding, "descriptors_limit", (double)use->fd_limit);
}

void ph__rule_fd_limit_near(const struct ph__look *look, struct ph_findings *findings)
{
    bool unknown = false;
    size_t count = ph_processes_count(look->processes);
    for (size_t i = 0; i < count; i++) {
        const struct ph_process_use *use = ph_processes_at(look->processes, i);
        unknown |= use->fd_count < 0;
        judge_descriptors(look, findings, use);
    }
    if (unknown) {
        ph__findings_no(findings, "the descriptors of some processes cannot be counted: it takes "
                                  "their user, or CAP_SYS_PTRACE");
    }
}
