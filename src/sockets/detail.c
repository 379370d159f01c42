/* SPDX-License-Identifier: MIT
 *
 * Details out of messages, and values out of details.
 */
#include "sockets/detail.h"

#include "sockets/netlink.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <string.h>

/* ---- reading messages ---- */

enum { NONE = -1 };

/* What attributes are called in the messages of a protocol. */
struct layout {
    size_t head; /* what stands before them */
    int memory;
    int shutdown;
};

static struct layout layout_of(enum ph_protocol protocol)
{
    switch (protocol) {
    case PH_PROTOCOL_UNIX:
        return (struct layout){sizeof(struct unix_diag_msg), UNIX_DIAG_MEMINFO, UNIX_DIAG_SHUTDOWN};
    case PH_PROTOCOL_PACKET:
        return (struct layout){sizeof(struct packet_diag_msg), PACKET_DIAG_MEMINFO, NONE};
    case PH_PROTOCOL_NETLINK:
        return (struct layout){sizeof(struct netlink_diag_msg), NETLINK_DIAG_MEMINFO, NONE};
    case PH_PROTOCOL_VSOCK:
        return (struct layout){sizeof(struct vsock_diag_msg), NONE, NONE};
    default:
        return (struct layout){sizeof(struct inet_diag_msg), INET_DIAG_SKMEMINFO,
                               INET_DIAG_SHUTDOWN};
    }
}

/* Copies a word that ends with its attribute or with a NUL. */
static void read_word(const struct ph__netlink_attribute *attribute, char word[PH__DETAIL_WORD])
{
    size_t size = strnlen((const char *)attribute->data, attribute->size);
    size = size < PH__DETAIL_WORD - 1 ? size : PH__DETAIL_WORD - 1;
    memcpy(word, attribute->data, size);
    word[size] = '\0';
}

/* What is on top of TCP comes as attributes within one; its name is the first kind. */
static void read_ulp(const struct ph__netlink_attribute *attribute, struct ph__detail *detail)
{
    enum { ULP_NAME = 1 };
    const unsigned char *data = attribute->data;
    size_t size = attribute->size;
    struct ph__netlink_attribute inner;
    while (ph__netlink_next_attribute(&data, &size, &inner) > 0) {
        if (inner.type == ULP_NAME) {
            read_word(&inner, detail->ulp);
        }
    }
}

/* Attributes that only IP sockets have. That of MPTCP with TCP's number is another structure. */
static void read_inet(enum ph_protocol protocol, const struct ph__netlink_attribute *attribute,
                      struct ph__detail *detail)
{
    bool tcp = protocol == PH_PROTOCOL_TCP;
    if (attribute->type == INET_DIAG_TOS && attribute->size >= 1) {
        detail->tos = attribute->data[0];
    } else if (attribute->type == INET_DIAG_TCLASS && attribute->size >= 1) {
        detail->tclass = attribute->data[0];
    } else if (attribute->type == INET_DIAG_CONG) {
        read_word(attribute, detail->congestion_control);
    } else if (attribute->type == INET_DIAG_ULP_INFO) {
        read_ulp(attribute, detail);
    } else if (attribute->type == INET_DIAG_BBRINFO && attribute->size >= sizeof detail->bbr) {
        memcpy(detail->bbr, attribute->data, sizeof detail->bbr);
        detail->has_bbr = true;
    } else if (attribute->type == INET_DIAG_INFO && tcp) {
        size_t size = attribute->size;
        detail->info_size = (uint16_t)(size < sizeof detail->info ? size : sizeof detail->info);
        memcpy(detail->info, attribute->data, detail->info_size);
    }
}

void ph__detail_parse(const struct ph_socket *socket, const unsigned char *payload, size_t size,
                      struct ph__detail *ret_detail)
{
    const struct layout layout = layout_of(socket->protocol);
    bool is_ip = socket->family == PH_FAMILY_IPV4 || socket->family == PH_FAMILY_IPV6;
    size_t head = NLMSG_ALIGN(layout.head);
    const unsigned char *data = payload + head;
    size_t left = size > head ? size - head : 0;
    struct ph__netlink_attribute attribute;
    struct ph__detail detail = {.tos = -1, .tclass = -1, .shutdown = -1};
    while (ph__netlink_next_attribute(&data, &left, &attribute) > 0) {
        int type = (int)attribute.type;
        if (type == layout.memory && attribute.size >= sizeof detail.memory) {
            memcpy(detail.memory, attribute.data, sizeof detail.memory);
            detail.has_memory = true;
        } else if (type == layout.shutdown && attribute.size >= 1) {
            detail.shutdown = attribute.data[0] & 3;
        } else if (is_ip) {
            read_inet(socket->protocol, &attribute, &detail);
        }
    }
    if (socket->state == PH_STATE_LISTEN) {
        detail.info_size = 0; /* a listener's numbers mean other things */
    }
    *ret_detail = detail;
}

size_t ph__detail_size(const struct ph__detail *detail)
{
    return offsetof(struct ph__detail, info) + detail->info_size;
}

/* ---- values ---- */

/* Where a number stands in struct tcp_info, and which value of it means "unknown". */
struct place {
    uint16_t offset;
    uint8_t size; /* 0: it is not there */
    bool zero_is_unknown;
};

/* Headers before Linux 6.7 do not have these. */
enum { RECEIVE_WINDOW_AT = 232, REHASH_AT = 236, TIMEOUTS_AT = 240 };

#define AT(member)                                                                     \
    {                                                                                  \
        offsetof(struct tcp_info, member), sizeof((struct tcp_info *)0)->member, false \
    }
#define MEASURED_AT(member)                                                           \
    {                                                                                 \
        offsetof(struct tcp_info, member), sizeof((struct tcp_info *)0)->member, true \
    }

static const struct place places[PH_DETAIL_COUNT] = {
    [PH_DETAIL_CWND] = AT(tcpi_snd_cwnd),
    [PH_DETAIL_RTT_US] = MEASURED_AT(tcpi_rtt),
    [PH_DETAIL_RTTVAR_US] = MEASURED_AT(tcpi_rttvar),
    [PH_DETAIL_RECEIVE_RTT_US] = MEASURED_AT(tcpi_rcv_rtt),
    [PH_DETAIL_RTO_US] = MEASURED_AT(tcpi_rto),
    [PH_DETAIL_ATO_US] = MEASURED_AT(tcpi_ato),
    [PH_DETAIL_BACKOFF] = AT(tcpi_backoff),
    [PH_DETAIL_PROBES] = AT(tcpi_probes),
    [PH_DETAIL_MSS_BYTES] = AT(tcpi_snd_mss),
    [PH_DETAIL_RECEIVE_MSS_BYTES] = AT(tcpi_rcv_mss),
    [PH_DETAIL_ADVERTISED_MSS_BYTES] = AT(tcpi_advmss),
    [PH_DETAIL_PMTU_BYTES] = MEASURED_AT(tcpi_pmtu),
    [PH_DETAIL_RETRANSMITTED_BYTES] = AT(tcpi_bytes_retrans),
    [PH_DETAIL_ACKED_BYTES] = AT(tcpi_bytes_acked),
    [PH_DETAIL_RECEIVED_BYTES] = AT(tcpi_bytes_received),
    [PH_DETAIL_SENT_SEGMENTS] = AT(tcpi_segs_out),
    [PH_DETAIL_RECEIVED_SEGMENTS] = AT(tcpi_segs_in),
    [PH_DETAIL_SENT_DATA_SEGMENTS] = AT(tcpi_data_segs_out),
    [PH_DETAIL_RECEIVED_DATA_SEGMENTS] = AT(tcpi_data_segs_in),
    [PH_DETAIL_DELIVERED] = AT(tcpi_delivered),
    [PH_DETAIL_DELIVERED_CE] = AT(tcpi_delivered_ce),
    [PH_DETAIL_UNACKED] = AT(tcpi_unacked),
    [PH_DETAIL_SACKED] = AT(tcpi_sacked),
    [PH_DETAIL_LOST] = AT(tcpi_lost),
    [PH_DETAIL_RETRANSMITTING] = AT(tcpi_retrans),
    [PH_DETAIL_RETRANSMISSIONS] = AT(tcpi_total_retrans),
    [PH_DETAIL_TIMEOUTS] = {TIMEOUTS_AT, sizeof(uint16_t), false},
    [PH_DETAIL_FACKETS] = AT(tcpi_fackets),
    [PH_DETAIL_DSACK_DUPLICATES] = AT(tcpi_dsack_dups),
    [PH_DETAIL_REORDERING] = AT(tcpi_reordering),
    [PH_DETAIL_REORDERINGS_SEEN] = AT(tcpi_reord_seen),
    [PH_DETAIL_OUT_OF_ORDER_SEGMENTS] = AT(tcpi_rcv_ooopack),
    [PH_DETAIL_PACING_RATE] = AT(tcpi_pacing_rate),
    [PH_DETAIL_MAX_PACING_RATE] = AT(tcpi_max_pacing_rate),
    [PH_DETAIL_DELIVERY_RATE] = MEASURED_AT(tcpi_delivery_rate),
    [PH_DETAIL_BUSY_US] = AT(tcpi_busy_time),
    [PH_DETAIL_RECEIVE_WINDOW_LIMITED_US] = AT(tcpi_rwnd_limited),
    [PH_DETAIL_SEND_BUFFER_LIMITED_US] = AT(tcpi_sndbuf_limited),
    [PH_DETAIL_LAST_SENT_MS] = AT(tcpi_last_data_sent),
    [PH_DETAIL_LAST_RECEIVED_MS] = AT(tcpi_last_data_recv),
    [PH_DETAIL_LAST_ACK_MS] = AT(tcpi_last_ack_recv),
    [PH_DETAIL_NOT_SENT_BYTES] = AT(tcpi_notsent_bytes),
    [PH_DETAIL_SEND_WINDOW_BYTES] = AT(tcpi_snd_wnd),
    [PH_DETAIL_RECEIVE_WINDOW_BYTES] = {RECEIVE_WINDOW_AT, sizeof(uint32_t), false},
    [PH_DETAIL_RECEIVE_SPACE_BYTES] = AT(tcpi_rcv_space),
    [PH_DETAIL_RECEIVE_SSTHRESH_BYTES] = AT(tcpi_rcv_ssthresh),
    [PH_DETAIL_REHASHES] = {REHASH_AT, sizeof(uint32_t), false},
};

static int64_t read_place(const struct ph__detail *detail, struct place place)
{
    uint64_t number = 0;
    uint32_t half;
    uint16_t quarter;
    const unsigned char *from = detail->info + place.offset;
    if (detail->info_size < place.offset + place.size) {
        return -1; /* this kernel is older */
    }
    switch (place.size) {
    case sizeof number:
        memcpy(&number, from, sizeof number);
        break;
    case sizeof half:
        memcpy(&half, from, sizeof half);
        number = half;
        break;
    case sizeof quarter:
        memcpy(&quarter, from, sizeof quarter);
        number = quarter;
        break;
    default:
        number = *from;
    }
    /* A rate of all ones has no limit. */
    return number > INT64_MAX || (number == 0 && place.zero_is_unknown) ? -1 : (int64_t)number;
}

/* Of the first bytes, where bits have names but no offsets. */
enum { FIRST_BYTES = 8, INFINITE_SSTHRESH = 0x7FFFFFFF };

static bool read_first(const struct ph__detail *detail, struct tcp_info *ret_info)
{
    bool known = detail->info_size >= FIRST_BYTES;
    memcpy(ret_info, detail->info, FIRST_BYTES);
    return known;
}

static int64_t option(const struct ph__detail *detail, unsigned bit)
{
    struct tcp_info info;
    return read_first(detail, &info) ? (info.tcpi_options & bit) != 0 : -1;
}

static int64_t wscale(const struct ph__detail *detail, bool send)
{
    struct tcp_info info;
    bool known = read_first(detail, &info) && info.tcpi_options & TCPI_OPT_WSCALE;
    return !known ? -1 : send ? info.tcpi_snd_wscale : info.tcpi_rcv_wscale;
}

static int64_t app_limited(const struct ph__detail *detail)
{
    struct tcp_info info;
    return read_first(detail, &info) ? info.tcpi_delivery_rate_app_limited : -1;
}

static int64_t below(int64_t number, int64_t limit)
{
    return number < limit ? number : -1;
}

static int64_t sent_once(const struct ph__detail *detail)
{
    const struct place sent = AT(tcpi_bytes_sent);
    int64_t twice = read_place(detail, places[PH_DETAIL_RETRANSMITTED_BYTES]);
    return twice < 0 ? -1 : read_place(detail, sent) - twice;
}

static int64_t send_rate(const struct ph__detail *detail)
{
    int64_t rtt = read_place(detail, places[PH_DETAIL_RTT_US]);
    int64_t window = read_place(detail, places[PH_DETAIL_CWND]);
    int64_t mss = read_place(detail, places[PH_DETAIL_MSS_BYTES]);
    /* Both are far below 2^31, and their product times a million still is below 2^63: 64 KiB by
     * 2^27 segments. */
    bool fits = rtt > 0 && window > 0 && mss > 0 && window < 1 << 27 && mss <= 1 << 16;
    return fits ? window * mss * 1000000 / rtt : -1;
}

static int64_t bbr_number(const struct ph__detail *detail, enum ph_detail which)
{
    enum { BANDWIDTH_LOW, BANDWIDTH_HIGH, MIN_RTT, PACING_GAIN, CWND_GAIN, ONE = 256 };
    const uint32_t *bbr = detail->bbr;
    switch (detail->has_bbr ? which : PH_DETAIL_COUNT) {
    case PH_DETAIL_BBR_BANDWIDTH:
        return (int64_t)((uint64_t)(bbr[BANDWIDTH_HIGH] & INT32_MAX) << 32 | bbr[BANDWIDTH_LOW]);
    case PH_DETAIL_BBR_MIN_RTT_US:
        return below(bbr[MIN_RTT], UINT32_MAX);
    case PH_DETAIL_BBR_PACING_GAIN:
        return (int64_t)bbr[PACING_GAIN] * 1000 / ONE;
    case PH_DETAIL_BBR_CWND_GAIN:
        return (int64_t)bbr[CWND_GAIN] * 1000 / ONE;
    default:
        return -1;
    }
}

/* The place in the kernel's array, or -1. */
static int memory_place(enum ph_detail which)
{
    switch (which) {
    case PH_DETAIL_RECEIVE_MEMORY_BYTES:
        return SK_MEMINFO_RMEM_ALLOC;
    case PH_DETAIL_RECEIVE_BUFFER_BYTES:
        return SK_MEMINFO_RCVBUF;
    case PH_DETAIL_SEND_MEMORY_BYTES:
        return SK_MEMINFO_WMEM_ALLOC;
    case PH_DETAIL_SEND_BUFFER_BYTES:
        return SK_MEMINFO_SNDBUF;
    case PH_DETAIL_FORWARD_MEMORY_BYTES:
        return SK_MEMINFO_FWD_ALLOC;
    case PH_DETAIL_QUEUED_MEMORY_BYTES:
        return SK_MEMINFO_WMEM_QUEUED;
    case PH_DETAIL_OPTION_MEMORY_BYTES:
        return SK_MEMINFO_OPTMEM;
    case PH_DETAIL_BACKLOG_MEMORY_BYTES:
        return SK_MEMINFO_BACKLOG;
    default:
        return -1;
    }
}

/* Numbers that need more than to be read where they stand. */
static int64_t made_number(const struct ph__detail *detail, enum ph_detail which)
{
    const struct place ssthresh = AT(tcpi_snd_ssthresh);
    const struct place min_rtt = MEASURED_AT(tcpi_min_rtt);
    int place = memory_place(which);
    if (place >= 0) {
        return detail->has_memory ? (int64_t)detail->memory[place] : -1;
    }
    switch (which) {
    case PH_DETAIL_SSTHRESH:
        return below(read_place(detail, ssthresh), INFINITE_SSTHRESH);
    case PH_DETAIL_MIN_RTT_US:
        return below(read_place(detail, min_rtt), UINT32_MAX);
    case PH_DETAIL_SENT_BYTES:
        return sent_once(detail);
    case PH_DETAIL_SEND_RATE:
        return send_rate(detail);
    case PH_DETAIL_SEND_WSCALE:
    case PH_DETAIL_RECEIVE_WSCALE:
        return wscale(detail, which == PH_DETAIL_SEND_WSCALE);
    case PH_DETAIL_APP_LIMITED:
        return app_limited(detail);
    case PH_DETAIL_TIMESTAMPS:
        return option(detail, TCPI_OPT_TIMESTAMPS);
    case PH_DETAIL_SACK:
        return option(detail, TCPI_OPT_SACK);
    case PH_DETAIL_ECN:
        return option(detail, TCPI_OPT_ECN);
    case PH_DETAIL_ECN_SEEN:
        return option(detail, TCPI_OPT_ECN_SEEN);
    case PH_DETAIL_FASTOPEN:
        return option(detail, TCPI_OPT_SYN_DATA);
    case PH_DETAIL_TOS:
        return detail->tos;
    case PH_DETAIL_TCLASS:
        return detail->tclass;
    default:
        return bbr_number(detail, which);
    }
}

int64_t ph__detail_number(const struct ph__detail *detail, const struct ph_socket *socket,
                          enum ph_detail which)
{
    if (which == PH_DETAIL_MARK) {
        return socket->mark_known ? (int64_t)socket->mark : -1;
    }
    if (which == PH_DETAIL_V6ONLY) {
        return socket->v6only_known ? socket->v6only : -1;
    }
    if (!detail) {
        return -1;
    }
    return places[which].size ? read_place(detail, places[which]) : made_number(detail, which);
}

static const char *congestion_state(const struct ph__detail *detail)
{
    /* enum tcp_ca_state of linux/tcp.h. */
    static const char *const names[] = {"open", "disorder", "cwr", "recovery", "loss"};
    size_t at = offsetof(struct tcp_info, tcpi_ca_state);
    bool known = detail->info_size > at && detail->info[at] < sizeof names / sizeof names[0];
    return known ? names[detail->info[at]] : NULL;
}

const char *ph__detail_text(const struct ph__detail *detail, enum ph_detail which)
{
    static const char *const shut[] = {"none", "receive", "send", "both"};
    switch (detail ? which : PH_DETAIL_COUNT) {
    case PH_DETAIL_CONGESTION_CONTROL:
        return detail->congestion_control[0] ? detail->congestion_control : NULL;
    case PH_DETAIL_CONGESTION_STATE:
        return congestion_state(detail);
    case PH_DETAIL_ULP:
        return detail->ulp[0] ? detail->ulp : NULL;
    case PH_DETAIL_SHUTDOWN:
        return detail->shutdown < 0 ? NULL : shut[detail->shutdown];
    case PH_DETAIL_CGROUP:
        return detail->cgroup;
    default:
        return NULL;
    }
}
