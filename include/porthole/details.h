/* SPDX-License-Identifier: MIT
 *
 * What the kernel tells of a socket beyond its row: the numbers of TCP (struct tcp_info, tcp(7)),
 * memory, options. Reading them costs the kernel about as much as the rows do, so they are read
 * only for those who ask. docs/SOCKETS.md says what ss calls each.
 *
 * All functions may be called from any thread.
 */
#ifndef PORTHOLE_DETAILS_H
#define PORTHOLE_DETAILS_H

#include <porthole/sockets.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a detail is: an integer, a flag (0 or 1), a word, or a ratio in thousandths. */
enum ph_detail_kind {
    PH_DETAIL_INTEGER,
    PH_DETAIL_BOOLEAN,
    PH_DETAIL_TEXT,
    PH_DETAIL_RATIO,
};

/* Each: constant, kind, name in JSON, what ss -tieomH calls it ("": it does not show it), and what
 * it is. TCP's are of connections; nothing is told of them in listen, syn_recv and time_wait. */
#define PH_DETAIL_MAP(X)                                                                           \
    X(PH_DETAIL_CONGESTION_CONTROL, TEXT, "congestion_control", "cubic, bbr, ...",                 \
      "TCP: name of the congestion control")                                                       \
    X(PH_DETAIL_CONGESTION_STATE, TEXT, "congestion_state", "",                                    \
      "TCP: open, disorder, cwr, recovery or loss")                                                \
    X(PH_DETAIL_CWND, INTEGER, "cwnd", "cwnd", "TCP: congestion window, in segments")              \
    X(PH_DETAIL_SSTHRESH, INTEGER, "ssthresh", "ssthresh",                                         \
      "TCP: where slow start ends, in segments; null: nowhere yet")                                \
    X(PH_DETAIL_RTT_US, INTEGER, "rtt_us", "rtt", "TCP: round trip time, smoothed")                \
    X(PH_DETAIL_RTTVAR_US, INTEGER, "rttvar_us", "rtt (behind the slash)",                         \
      "TCP: how much that varies")                                                                 \
    X(PH_DETAIL_MIN_RTT_US, INTEGER, "min_rtt_us", "minrtt", "TCP: the shortest round trip")       \
    X(PH_DETAIL_RECEIVE_RTT_US, INTEGER, "receive_rtt_us", "rcv_rtt",                              \
      "TCP: round trip time as the receiver estimates it")                                         \
    X(PH_DETAIL_RTO_US, INTEGER, "rto_us", "rto", "TCP: until it sends again, unanswered")         \
    X(PH_DETAIL_ATO_US, INTEGER, "ato_us", "ato", "TCP: how long a confirmation may wait")         \
    X(PH_DETAIL_BACKOFF, INTEGER, "backoff", "backoff", "TCP: how often the rto was doubled")      \
    X(PH_DETAIL_PROBES, INTEGER, "probes", "", "TCP: probes sent without an answer")               \
    X(PH_DETAIL_MSS_BYTES, INTEGER, "mss_bytes", "mss", "TCP: segment size when sending")          \
    X(PH_DETAIL_RECEIVE_MSS_BYTES, INTEGER, "receive_mss_bytes", "rcvmss",                         \
      "TCP: segment size when receiving, as estimated")                                            \
    X(PH_DETAIL_ADVERTISED_MSS_BYTES, INTEGER, "advertised_mss_bytes", "advmss",                   \
      "TCP: segment size offered to the other end")                                                \
    X(PH_DETAIL_PMTU_BYTES, INTEGER, "pmtu_bytes", "pmtu", "TCP: packet size of the path")         \
    X(PH_DETAIL_SENT_BYTES, INTEGER, "sent_bytes", "bytes_sent less bytes_retrans",                \
      "TCP: data sent, each byte once")                                                            \
    X(PH_DETAIL_RETRANSMITTED_BYTES, INTEGER, "retransmitted_bytes", "bytes_retrans",              \
      "TCP: data sent again")                                                                      \
    X(PH_DETAIL_ACKED_BYTES, INTEGER, "acked_bytes", "bytes_acked", "TCP: data confirmed")         \
    X(PH_DETAIL_RECEIVED_BYTES, INTEGER, "received_bytes", "bytes_received", "TCP: data received") \
    X(PH_DETAIL_SENT_SEGMENTS, INTEGER, "sent_segments", "segs_out", "TCP: segments sent")         \
    X(PH_DETAIL_RECEIVED_SEGMENTS, INTEGER, "received_segments", "segs_in",                        \
      "TCP: segments received")                                                                    \
    X(PH_DETAIL_SENT_DATA_SEGMENTS, INTEGER, "sent_data_segments", "data_segs_out",                \
      "TCP: segments with data sent")                                                              \
    X(PH_DETAIL_RECEIVED_DATA_SEGMENTS, INTEGER, "received_data_segments", "data_segs_in",         \
      "TCP: segments with data received")                                                          \
    X(PH_DETAIL_DELIVERED, INTEGER, "delivered", "delivered", "TCP: segments that arrived")        \
    X(PH_DETAIL_DELIVERED_CE, INTEGER, "delivered_ce", "delivered_ce",                             \
      "TCP: of those, marked by congestion")                                                       \
    X(PH_DETAIL_UNACKED, INTEGER, "unacked", "unacked", "TCP: segments in flight")                 \
    X(PH_DETAIL_SACKED, INTEGER, "sacked", "sacked", "TCP: of those, confirmed out of order")      \
    X(PH_DETAIL_LOST, INTEGER, "lost", "lost", "TCP: of those, taken for lost")                    \
    X(PH_DETAIL_RETRANSMITTING, INTEGER, "retransmitting", "retrans", "TCP: of those, sent again") \
    X(PH_DETAIL_RETRANSMISSIONS, INTEGER, "retransmissions", "retrans (behind the slash)",         \
      "TCP: segments sent again, in all")                                                          \
    X(PH_DETAIL_TIMEOUTS, INTEGER, "timeouts", "", "TCP: how often the rto ran out")               \
    X(PH_DETAIL_FACKETS, INTEGER, "fackets", "fackets",                                            \
      "TCP: from the first unconfirmed to the last confirmed segment")                             \
    X(PH_DETAIL_DSACK_DUPLICATES, INTEGER, "dsack_duplicates", "dsack_dups",                       \
      "TCP: segments that the other end had already")                                              \
    X(PH_DETAIL_REORDERING, INTEGER, "reordering", "reordering",                                   \
      "TCP: segments that may overtake without being taken for lost")                              \
    X(PH_DETAIL_REORDERINGS_SEEN, INTEGER, "reorderings_seen", "reord_seen",                       \
      "TCP: how often segments have overtaken")                                                    \
    X(PH_DETAIL_OUT_OF_ORDER_SEGMENTS, INTEGER, "out_of_order_segments", "rcv_ooopack",            \
      "TCP: segments received ahead of their turn")                                                \
    X(PH_DETAIL_SEND_RATE, INTEGER, "send_rate_bytes_per_second", "send",                          \
      "TCP: a window of data per round trip time; ss gives bits")                                  \
    X(PH_DETAIL_PACING_RATE, INTEGER, "pacing_rate_bytes_per_second", "pacing_rate",               \
      "TCP: how fast it sends at most; ss gives bits")                                             \
    X(PH_DETAIL_MAX_PACING_RATE, INTEGER, "max_pacing_rate_bytes_per_second",                      \
      "pacing_rate (behind the slash)",                                                            \
      "TCP: the limit the program set (SO_MAX_PACING_RATE); null: none; ss gives bits")            \
    X(PH_DETAIL_DELIVERY_RATE, INTEGER, "delivery_rate_bytes_per_second", "delivery_rate",         \
      "TCP: how fast data arrived lately; ss gives bits")                                          \
    X(PH_DETAIL_APP_LIMITED, BOOLEAN, "app_limited", "app_limited",                                \
      "TCP: that rate was bounded by the program, not by the network")                             \
    X(PH_DETAIL_BUSY_US, INTEGER, "busy_us", "busy", "TCP: time with data to send")                \
    X(PH_DETAIL_RECEIVE_WINDOW_LIMITED_US, INTEGER, "receive_window_limited_us", "rwnd_limited",   \
      "TCP: of that, held up by the other end's window")                                           \
    X(PH_DETAIL_SEND_BUFFER_LIMITED_US, INTEGER, "send_buffer_limited_us", "sndbuf_limited",       \
      "TCP: of that, held up by a small send buffer")                                              \
    X(PH_DETAIL_LAST_SENT_MS, INTEGER, "last_sent_ms", "lastsnd", "TCP: time since data was sent") \
    X(PH_DETAIL_LAST_RECEIVED_MS, INTEGER, "last_received_ms", "lastrcv",                          \
      "TCP: time since data was received")                                                         \
    X(PH_DETAIL_LAST_ACK_MS, INTEGER, "last_ack_ms", "lastack",                                    \
      "TCP: time since a confirmation was received")                                               \
    X(PH_DETAIL_NOT_SENT_BYTES, INTEGER, "not_sent_bytes", "notsent",                              \
      "TCP: written, but not sent once")                                                           \
    X(PH_DETAIL_SEND_WINDOW_BYTES, INTEGER, "send_window_bytes", "snd_wnd",                        \
      "TCP: what the other end is ready to receive")                                               \
    X(PH_DETAIL_RECEIVE_WINDOW_BYTES, INTEGER, "receive_window_bytes", "rcv_wnd",                  \
      "TCP: what this end has said it is ready to receive")                                        \
    X(PH_DETAIL_RECEIVE_SPACE_BYTES, INTEGER, "receive_space_bytes", "rcv_space",                  \
      "TCP: what the program reads in a round trip time")                                          \
    X(PH_DETAIL_RECEIVE_SSTHRESH_BYTES, INTEGER, "receive_ssthresh_bytes", "rcv_ssthresh",         \
      "TCP: the largest window to be offered at present")                                          \
    X(PH_DETAIL_SEND_WSCALE, INTEGER, "send_wscale", "wscale",                                     \
      "TCP: bits by which the other end's window is shifted")                                      \
    X(PH_DETAIL_RECEIVE_WSCALE, INTEGER, "receive_wscale", "wscale (behind the comma)",            \
      "TCP: bits by which this end's window is shifted")                                           \
    X(PH_DETAIL_TIMESTAMPS, BOOLEAN, "timestamps", "ts", "TCP: time stamps (RFC 7323)")            \
    X(PH_DETAIL_SACK, BOOLEAN, "sack", "sack", "TCP: selective confirmations (RFC 2018)")          \
    X(PH_DETAIL_ECN, BOOLEAN, "ecn", "ecn", "TCP: congestion notification (RFC 3168)")             \
    X(PH_DETAIL_ECN_SEEN, BOOLEAN, "ecn_seen", "ecnseen",                                          \
      "TCP: a packet marked as able to notify has come")                                           \
    X(PH_DETAIL_FASTOPEN, BOOLEAN, "fastopen", "fastopen",                                         \
      "TCP: the first segment carried data that was confirmed (RFC 7413)")                         \
    X(PH_DETAIL_ULP, TEXT, "ulp", "tcp-ulp-...",                                                   \
      "TCP: protocol on top in the kernel: tls, mptcp, ...; told to CAP_NET_ADMIN")                \
    X(PH_DETAIL_REHASHES, INTEGER, "rehashes", "rehash",                                           \
      "TCP: how often another path was tried for want of answers")                                 \
    X(PH_DETAIL_BBR_BANDWIDTH, INTEGER, "bbr_bandwidth_bytes_per_second", "bbr:(bw)",              \
      "TCP with bbr: bandwidth of the path; ss gives bits")                                        \
    X(PH_DETAIL_BBR_MIN_RTT_US, INTEGER, "bbr_min_rtt_us", "bbr:(mrtt)",                           \
      "TCP with bbr: shortest round trip of late")                                                 \
    X(PH_DETAIL_BBR_PACING_GAIN, RATIO, "bbr_pacing_gain_ratio", "bbr:(pacing_gain)",              \
      "TCP with bbr: pacing rate by bandwidth")                                                    \
    X(PH_DETAIL_BBR_CWND_GAIN, RATIO, "bbr_cwnd_gain_ratio", "bbr:(cwnd_gain)",                    \
      "TCP with bbr: window by bandwidth and round trip time")                                     \
    X(PH_DETAIL_SHUTDOWN, TEXT, "shutdown", "<->, <--, -->, ---",                                  \
      "none, receive, send or both: directions that shutdown(2) or the other end closed")          \
    X(PH_DETAIL_TOS, INTEGER, "tos", "", "IP: type of service of what it sends")                   \
    X(PH_DETAIL_TCLASS, INTEGER, "tclass", "", "IPv6: traffic class of what it sends")             \
    X(PH_DETAIL_MARK, INTEGER, "mark", "fwmark", "SO_MARK; told to CAP_NET_ADMIN")                 \
    X(PH_DETAIL_V6ONLY, BOOLEAN, "v6only", "v6only", "IPv6: takes no IPv4 (IPV6_V6ONLY)")          \
    X(PH_DETAIL_CGROUP, TEXT, "cgroup", "cgroup", "path of its control group (version 2)")         \
    X(PH_DETAIL_RECEIVE_MEMORY_BYTES, INTEGER, "receive_memory_bytes", "skmem:(r)",                \
      "memory of what is received, with the kernel's overhead")                                    \
    X(PH_DETAIL_RECEIVE_BUFFER_BYTES, INTEGER, "receive_buffer_bytes", "skmem:(rb)",               \
      "the limit of that (SO_RCVBUF)")                                                             \
    X(PH_DETAIL_SEND_MEMORY_BYTES, INTEGER, "send_memory_bytes", "skmem:(t)",                      \
      "memory of what is handed to the network")                                                   \
    X(PH_DETAIL_SEND_BUFFER_BYTES, INTEGER, "send_buffer_bytes", "skmem:(tb)",                     \
      "the limit for all that is to be sent (SO_SNDBUF)")                                          \
    X(PH_DETAIL_FORWARD_MEMORY_BYTES, INTEGER, "forward_memory_bytes", "skmem:(f)",                \
      "memory reserved, but not used")                                                             \
    X(PH_DETAIL_QUEUED_MEMORY_BYTES, INTEGER, "queued_memory_bytes", "skmem:(w)",                  \
      "memory of what is to be sent")                                                              \
    X(PH_DETAIL_OPTION_MEMORY_BYTES, INTEGER, "option_memory_bytes", "skmem:(o)",                  \
      "memory of options")                                                                         \
    X(PH_DETAIL_BACKLOG_MEMORY_BYTES, INTEGER, "backlog_memory_bytes", "skmem:(bl)",               \
      "memory of what came while the program held the socket")

#define PH_ENUMERATOR(name, kind, text, ss, description) name,
enum ph_detail { PH_DETAIL_MAP(PH_ENUMERATOR) PH_DETAIL_COUNT };
#undef PH_ENUMERATOR

/** What the map says; the strings live for ever. `detail` must be below PH_DETAIL_COUNT. */
PH_API enum ph_detail_kind ph_detail_kind(enum ph_detail detail);
PH_API const char *ph_detail_name(enum ph_detail detail);
PH_API const char *ph_detail_ss_name(enum ph_detail detail);
PH_API const char *ph_detail_description(enum ph_detail detail);

struct ph_details;

/**
 * Reads the details of some sockets of a snapshot, or of all. Blocks. They are younger than the
 * snapshot by the time between the two calls, and a socket that is gone has none.
 *
 * @param sockets  of the snapshot; NULL: all of it. Who asks for all shares what the first one
 *                 read; then the snapshot takes some 400 bytes more a socket, until its last unref.
 * @return 0, also where the kernel has no sock_diag(7): nothing is known then; -ENOMEM; -EMFILE,
 *         -ENFILE. The result holds a reference to the snapshot.
 */
PH_API PH_MUST_CHECK int ph_details_new(struct ph_details **ret_details,
                                        struct ph_snapshot *snapshot,
                                        const struct ph_socket *const sockets[], size_t count);

/** Frees them; NULL is allowed. */
PH_API void ph_details_free(struct ph_details *details);

/** A detail of a socket of the snapshot; -1 unknown, or a text. */
PH_API int64_t ph_details_number(const struct ph_details *details, const struct ph_socket *socket,
                                 enum ph_detail detail);

/** The same of a text, valid as long as `details`; NULL unknown, or a number. */
PH_API const char *ph_details_text(const struct ph_details *details, const struct ph_socket *socket,
                                   enum ph_detail detail);

#ifdef __cplusplus
}
#endif

#endif
