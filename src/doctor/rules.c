/* SPDX-License-Identifier: MIT
 *
 * The table of rules, and of their thresholds.
 */
#include "doctor/rules.h"

#include "doctor/say.h"

static const struct ph_doctor_threshold thresholds[] = {
#define ROW(constant, name, value) {name, value},
    PH__THRESHOLD_MAP(ROW)
#undef ROW
};

const struct ph_doctor_threshold *ph_doctor_threshold_at(size_t index)
{
    return index < PH__THRESHOLDS ? &thresholds[index] : NULL;
}

const struct ph__rule ph__rules[] = {
    {{"accept_queue_full", "sock_diag",
      "a listener's accept queue is at 80 % of its backlog, beyond it, or drops connections"},
     ph__rule_accept_queue_full},
    {{"syn_queue_pressure", "sock_diag, /proc/net/netstat",
      "handshakes of a port are at 75 % of what may wait, or their queue overflows"},
     ph__rule_syn_queue_pressure},
    {{"close_wait_leak", "sock_diag",
      "10 connections of a process that their peers closed a minute ago are still open"},
     ph__rule_close_wait_leak},
    {{"ephemeral_ports_low", "sock_diag, ip_local_port_range",
      "connections from one address to one place use 70 % or 90 % of the ports there are"},
     ph__rule_ephemeral_ports_low},
    {{"ephemeral_overlap", "sock_diag, ip_local_reserved_ports",
      "a listening port may be given to an outgoing connection while its service restarts"},
     ph__rule_ephemeral_overlap},
    {{"orphans_high", "/proc/net/sockstat", "orphans are at 25 % or 50 % of tcp_max_orphans"},
     ph__rule_orphans_high},
    {{"tcp_memory_pressure", "/proc/net/sockstat",
      "TCP's buffers are beyond the pressure mark of tcp_mem, or at 90 % of its limit"},
     ph__rule_tcp_memory_pressure},
    {{"udp_receive_drops", "sock_diag",
      "a UDP socket drops datagrams, or its receive queue is at 90 % of its buffer"},
     ph__rule_udp_receive_drops},
    {{"retransmissions_high", "/proc/net/snmp, sock_diag",
      "2 % of at least 1000 segments were sent again, or one segment three times"},
     ph__rule_retransmissions_high},
    {{"peer_silent", "sock_diag", "a request for a connection was sent again twice"},
     ph__rule_peer_silent},
    {{"peer_not_reading", "sock_diag", "a peer has closed its window: it does not read"},
     ph__rule_peer_not_reading},
    {{"not_reading", "sock_diag",
      "received bytes fill half of the buffer and have not become fewer for 5 s"},
     ph__rule_not_reading},
    {{"exposed_service", "sock_diag",
      "a port of a database, a debugger or the like can be reached by everybody"},
     ph__rule_exposed_service},
    {{"loopback_family_mismatch", "sock_diag, /etc/hosts",
      "localhost has two addresses, and a port is listened on at one of them"},
     ph__rule_loopback_mismatch},
    {{"duplicate_listeners", "sock_diag",
      "different programs listen on one address and port and share its connections"},
     ph__rule_duplicate_listeners},
    {{"fd_limit_near", "/proc/PID/fd, /proc/PID/limits",
      "a process has 80 % or 95 % of the descriptors that it may have"},
     ph__rule_fd_limit_near},
    {{"dead_unix_socket", "sock_diag, stat(2)",
      "the path of a listening unix socket is gone or belongs to another one"},
     ph__rule_dead_unix_socket},
    {{"no_visible_owner", "sock_diag, /proc", "a listener has no process that can be seen"},
     ph__rule_no_visible_owner},
    {{"conntrack_near_full", "/proc/sys/net/netfilter",
      "the table of tracked connections is at 90 % or 95 %"},
     ph__rule_conntrack_near_full},
};
const size_t ph__rule_count = sizeof ph__rules / sizeof ph__rules[0];

const struct ph_doctor_rule *ph_doctor_rule_at(size_t index)
{
    return index < ph__rule_count ? &ph__rules[index].shown : NULL;
}

void ph__rules_judge(const struct ph__look *look, struct ph_findings *findings)
{
    for (size_t i = 0; i < ph__rule_count; i++) {
        findings->rule = ph__rules[i].shown.name;
        findings->source = ph__rules[i].shown.source;
        findings->of_rule = 0;
        ph__rules[i].judge(look, findings);
    }
}

const char ph__no_look_before[] =
    "this is the first look, and changes are seen by the next, a second later or more";

int64_t ph__rise(int64_t before, int64_t now)
{
    if (before < 0 || now < 0) {
        return -1;
    }
    return now > before ? now - before : 0;
}

const struct ph_process *ph__first_owner(const struct ph__look *look,
                                         const struct ph_socket *socket)
{
    return socket->owner_count > 0 ? ph_snapshot_owner(look->snapshot, socket, 0).process : NULL;
}

const char *ph__holder_of(struct ph_findings *findings, const struct ph__look *look,
                          const struct ph_socket *socket)
{
    struct ph__buf who;
    ph__buf_init(&who, 0);
    ph__say_holder(&who, look->snapshot, socket, ph__first_owner(look, socket));
    return ph__findings_take(findings, &who);
}

const char *ph__name_of(struct ph_findings *findings, const struct ph_process *process)
{
    struct ph__buf who;
    ph__buf_init(&who, 0);
    ph__say_process(&who, process);
    return ph__findings_take(findings, &who);
}
