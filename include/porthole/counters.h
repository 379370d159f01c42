/* SPDX-License-Identifier: MIT
 *
 * The kernel's counters of sockets, datagrams and segments.
 */
#ifndef PORTHOLE_COUNTERS_H
#define PORTHOLE_COUNTERS_H

#include <porthole/error.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_sockets;

/* Each line: field, unit or meaning in the name, source; see proc_net(5) and RFC 4022, 4113. */
#define PH_COUNTER_MAP(X)                                                       \
    X(tcp_in_use)                 /* sockstat: TCP inuse */                     \
    X(tcp_orphans)                /* sockstat: TCP orphan */                    \
    X(tcp_time_wait)              /* sockstat: TCP tw */                        \
    X(tcp_allocated)              /* sockstat: TCP alloc */                     \
    X(tcp_memory_bytes)           /* sockstat: TCP mem, times the page size */  \
    X(tcp_memory_pressure_bytes)  /* sys/net/ipv4/tcp_mem, the second number */ \
    X(tcp_memory_limit_bytes)     /* sys/net/ipv4/tcp_mem, the third */         \
    X(tcp_orphans_limit)          /* sys/net/ipv4/tcp_max_orphans */            \
    X(tcp_active_opens)           /* snmp: Tcp ActiveOpens */                   \
    X(tcp_passive_opens)          /* snmp: Tcp PassiveOpens */                  \
    X(tcp_segments_in)            /* snmp: Tcp InSegs */                        \
    X(tcp_segments_out)           /* snmp: Tcp OutSegs */                       \
    X(tcp_retransmitted_segments) /* snmp: Tcp RetransSegs */                   \
    X(tcp_listen_overflows)       /* netstat: TcpExt ListenOverflows */         \
    X(tcp_listen_drops)           /* netstat: TcpExt ListenDrops */             \
    X(tcp_request_queue_cookies)  /* netstat: TcpExt TCPReqQFullDoCookies */    \
    X(tcp_request_queue_drops)    /* netstat: TcpExt TCPReqQFullDrop */         \
    X(udp_in_use)                 /* sockstat: UDP inuse */                     \
    X(udp_memory_bytes)           /* sockstat: UDP mem, times the page size */  \
    X(udp_datagrams_in)           /* snmp: Udp InDatagrams */                   \
    X(udp_datagrams_out)          /* snmp: Udp OutDatagrams */                  \
    X(udp_no_ports)               /* snmp: Udp NoPorts */                       \
    X(udp_in_errors)              /* snmp: Udp InErrors */                      \
    X(udp_receive_buffer_errors)  /* snmp: Udp RcvbufErrors */                  \
    X(udp_send_buffer_errors)     /* snmp: Udp SndbufErrors */

struct ph_counters {
#define PH_COUNTER_FIELD(name) int64_t name; /* -1 unknown */
    PH_COUNTER_MAP(PH_COUNTER_FIELD)
#undef PH_COUNTER_FIELD
};

/** Reads them now. What cannot be read is -1; it never fails. */
PH_API void ph_sockets_counters(const struct ph_sockets *sockets, struct ph_counters *ret_counters);

#ifdef __cplusplus
}
#endif

#endif
