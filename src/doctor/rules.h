/* SPDX-License-Identifier: MIT
 *
 * The doctor's rules: each judges what a look has gathered, reads nothing itself, and tells what
 * it finds. A new rule is one function and one row of the table in rules.c.
 */
#ifndef PORTHOLE_DOCTOR_RULES_H
#define PORTHOLE_DOCTOR_RULES_H

#include "doctor/findings.h"
#include "doctor/memory.h"

#include <porthole/doctor.h>

/* Each: constant, name, default. */
#define PH__THRESHOLD_MAP(X)                                        \
    X(ACCEPT_WARNING, "accept_queue_full.warning_ratio", 0.8)       \
    X(SYN_WARNING, "syn_queue_pressure.warning_ratio", 0.75)        \
    X(CLOSE_WAIT_SECONDS, "close_wait_leak.seconds", 60)            \
    X(CLOSE_WAIT_LEAST, "close_wait_leak.sockets", 10)              \
    X(EPHEMERAL_WARNING, "ephemeral_ports_low.warning_ratio", 0.7)  \
    X(EPHEMERAL_ERROR, "ephemeral_ports_low.error_ratio", 0.9)      \
    X(ORPHANS_WARNING, "orphans_high.warning_ratio", 0.25)          \
    X(ORPHANS_ERROR, "orphans_high.error_ratio", 0.5)               \
    X(MEMORY_ERROR, "tcp_memory_pressure.error_ratio", 0.9)         \
    X(UDP_QUEUE, "udp_receive_drops.warning_ratio", 0.9)            \
    X(RETRANSMISSIONS, "retransmissions_high.warning_ratio", 0.02)  \
    X(RETRANSMISSIONS_LEAST, "retransmissions_high.segments", 1000) \
    X(RETRANSMITS, "retransmissions_high.socket_retransmits", 3)    \
    X(SILENT_RETRANSMITS, "peer_silent.retransmits", 2)             \
    X(NOT_READING_RATIO, "not_reading.queue_ratio", 0.5)            \
    X(NOT_READING_SECONDS, "not_reading.seconds", 5)                \
    X(FD_WARNING, "fd_limit_near.warning_ratio", 0.8)               \
    X(FD_ERROR, "fd_limit_near.error_ratio", 0.95)                  \
    X(CONNTRACK_WARNING, "conntrack_near_full.warning_ratio", 0.9)  \
    X(CONNTRACK_ERROR, "conntrack_near_full.error_ratio", 0.95)

#define PH__ENUMERATOR(constant, name, value) PH__THRESHOLD_##constant,
enum ph__threshold { PH__THRESHOLD_MAP(PH__ENUMERATOR) PH__THRESHOLDS };
#undef PH__ENUMERATOR

/* Settings of the kernel; -1 unknown. */
struct ph__settings {
    int64_t somaxconn;
    int64_t tcp_max_syn_backlog;
    int64_t conntrack_count, conntrack_max;
    uint16_t ephemeral_first, ephemeral_last;
    bool reserved_known;
    uint8_t reserved[(UINT16_MAX + 1) / 8]; /* ip_local_reserved_ports, a bit each */
    bool localhost_has_ipv6;                /* and IPv4, by /etc/hosts */
};

/* What became of the path of a unix listener. */
struct ph__unix_path {
    const struct ph_socket *socket;
    int error; /* of stat(2): 0 or a negative errno */
    bool is_socket;
};

/* All that the rules judge by. */
struct ph__look {
    const struct ph_snapshot *snapshot; /* with owners */
    const struct ph_ports *ports;
    const struct ph_processes *processes;
    struct ph_counters counters;
    struct ph__settings settings;
    const struct ph__unix_path *paths; /* of unix listeners that have an absolute path */
    size_t path_count;
    const struct ph__memory *before; /* NULL: there is no look to compare with */
    const struct ph__memory *now;    /* with how long things have lasted */
    double thresholds[PH__THRESHOLDS];
    int32_t own_pid;
};

struct ph__rule {
    struct ph_doctor_rule shown; /* first */
    void (*judge)(const struct ph__look *look, struct ph_findings *findings);
};

extern const struct ph__rule ph__rules[];
extern const size_t ph__rule_count;

/* Judges by all rules. */
void ph__rules_judge(const struct ph__look *look, struct ph_findings *findings);

/* ---- what several rules need ---- */

static inline double ph__ratio(int64_t part, int64_t whole)
{
    return whole > 0 && part >= 0 ? (double)part / (double)whole : 0;
}

static inline enum ph_severity ph__severity_of(double ratio, double error)
{
    return ratio >= error ? PH_SEVERITY_ERROR : PH_SEVERITY_WARNING;
}

static inline bool ph__is_reserved(const struct ph__settings *settings, uint16_t port)
{
    return settings->reserved[port / 8] & (1U << port % 8);
}

/* How much a counter has risen; -1 where that is unknown, 0 when it has been reset. */
int64_t ph__rise(int64_t before, int64_t now);

/* The first process that holds a socket, or NULL. */
const struct ph_process *ph__first_owner(const struct ph__look *look,
                                         const struct ph_socket *socket);

/* Who holds a socket, and who a process is, as sentences have it. */
const char *ph__holder_of(struct ph_findings *findings, const struct ph__look *look,
                          const struct ph_socket *socket);
const char *ph__name_of(struct ph_findings *findings, const struct ph_process *process);

/* Why a rule about change cannot judge. */
extern const char ph__no_look_before[];

/* The rules, in the file of their kind. */
void ph__rule_accept_queue_full(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_syn_queue_pressure(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_ephemeral_overlap(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_exposed_service(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_loopback_mismatch(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_duplicate_listeners(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_dead_unix_socket(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_no_visible_owner(const struct ph__look *look, struct ph_findings *findings);

void ph__rule_close_wait_leak(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_ephemeral_ports_low(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_peer_silent(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_peer_not_reading(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_not_reading(const struct ph__look *look, struct ph_findings *findings);

void ph__rule_udp_receive_drops(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_retransmissions_high(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_orphans_high(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_tcp_memory_pressure(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_fd_limit_near(const struct ph__look *look, struct ph_findings *findings);
void ph__rule_conntrack_near_full(const struct ph__look *look, struct ph_findings *findings);

#endif
