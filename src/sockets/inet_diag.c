/* SPDX-License-Identifier: MIT
 *
 * inet_diag: the request, and a message with its attributes read into a row.
 */
#include "sockets/inet_diag.h"

#include "sockets/netlink.h"
#include "sockets/rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

/* States 1 to 12, and 13: bound but not listening, which no state mask of old has. */
enum { ALL_STATES = 0x3FFE };

/* Headers before Linux 5.9 do not have these. */
enum { PROTOCOL_MPTCP = 262, REQUEST_PROTOCOL = 3 };

/* MPTCP's number does not fit into the request proper; a kernel that does not look at the
 * attribute must not take what stands there for another protocol. */
static uint8_t protocol_number(enum ph_protocol protocol)
{
    switch (protocol) {
    case PH_PROTOCOL_TCP:
        return IPPROTO_TCP;
    case PH_PROTOCOL_UDP:
        return IPPROTO_UDP;
    case PH_PROTOCOL_UDPLITE:
        return IPPROTO_UDPLITE;
    case PH_PROTOCOL_RAW:
        return IPPROTO_RAW;
    default:
        return 0;
    }
}

/* The field has 8 bits; MEMINFO says less than SKMEMINFO does. */
static uint8_t extensions(enum ph__extent extent)
{
    const uint8_t all = UINT8_MAX & ~(1U << (INET_DIAG_MEMINFO - 1));
    return extent == PH__EXTENT_ROW ? 1U << (INET_DIAG_SKMEMINFO - 1) : all;
}

/* Appends bytecode, if there is any. @return the size of the whole. */
static size_t append_bytecode(unsigned char *request, size_t size, const void *steps,
                              size_t steps_size)
{
    struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + steps_size),
                               .nla_type = INET_DIAG_REQ_BYTECODE};
    if (steps_size == 0) {
        return size;
    }
    memcpy(request + size, &attribute, sizeof attribute);
    memcpy(request + size + sizeof attribute, steps, steps_size);
    return size + sizeof attribute + steps_size;
}

static size_t append_narrowing(unsigned char *request, size_t size,
                               const struct ph__narrowing *narrowing)
{
    return narrowing ? append_bytecode(request, size, narrowing->steps, narrowing->size) : size;
}

size_t ph__inet_diag_request(enum ph_protocol protocol, enum ph_family family,
                             const struct ph__narrowing *narrowing, enum ph__extent extent,
                             unsigned char ret_request[PH__INET_DIAG_REQUEST])
{
    struct inet_diag_req_v2 request = {
        .sdiag_family = family == PH_FAMILY_IPV6 ? AF_INET6 : AF_INET,
        .sdiag_protocol = protocol_number(protocol),
        .idiag_ext = extensions(extent),
        .idiag_states = narrowing ? narrowing->states : ALL_STATES,
        .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
    };
    struct {
        struct nlattr head;
        uint32_t protocol;
    } attribute = {{sizeof attribute, REQUEST_PROTOCOL}, PROTOCOL_MPTCP};
    _Static_assert(sizeof request + sizeof attribute == PH__INET_DIAG_HEAD, "size");
    size_t size = sizeof request;
    memcpy(ret_request, &request, sizeof request);
    if (protocol == PH_PROTOCOL_MPTCP) {
        memcpy(ret_request + size, &attribute, sizeof attribute);
        size += sizeof attribute;
    }
    return append_narrowing(ret_request, size, narrowing);
}

/* One comparison of the bytecode; `yes` and `no` say how many bytes further the next one stands,
 * and one step behind the last means that the socket does not fit. */
static struct inet_diag_bc_op *put_port(struct inet_diag_bc_op *at, unsigned char code, size_t no,
                                        unsigned port)
{
    at[0] = (struct inet_diag_bc_op){.code = code, .yes = 2 * sizeof *at, .no = (uint16_t)no};
    at[1] = (struct inet_diag_bc_op){.no = (uint16_t)port};
    return at + 2;
}

enum { HALF_STEPS = 7 };

/* "The local port is beyond the cut; or it is there or beyond, and the remote port, too." */
static void put_half(struct ph__cut cut, enum ph__half half, struct inet_diag_bc_op ops[HALF_STEPS])
{
    bool low = half == PH__HALF_LOW;
    unsigned char local = low ? INET_DIAG_BC_S_LE : INET_DIAG_BC_S_GE;
    unsigned char remote = low ? INET_DIAG_BC_D_LE : INET_DIAG_BC_D_GE;
    size_t step = sizeof *ops;
    struct inet_diag_bc_op *at = ops;
    at = put_port(at, local, 3 * step, low ? cut.local_port - 1U : cut.local_port + 1U);
    *at++ = (struct inet_diag_bc_op){
        .code = INET_DIAG_BC_JMP, .yes = (unsigned char)step, .no = (uint16_t)(5 * step)};
    at = put_port(at, local, 5 * step, cut.local_port);
    put_port(at, remote, 3 * step, low ? cut.remote_port : cut.remote_port + 1U);
}

size_t ph__inet_diag_request_tcp(struct ph__cut cut, enum ph__half half,
                                 const struct ph__narrowing *narrowing, enum ph__extent extent,
                                 unsigned char ret_request[PH__TCP_REQUEST])
{
    struct inet_diag_req request = {
        .idiag_family = AF_UNSPEC,
        .idiag_ext = extensions(extent),
        .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
        .idiag_states = narrowing ? narrowing->states : ALL_STATES,
    };
    struct inet_diag_bc_op ops[HALF_STEPS];
    _Static_assert(sizeof request + sizeof(struct nlattr) + sizeof ops + PH__BYTECODE_SIZE ==
                       PH__TCP_REQUEST,
                   "size");
    memcpy(ret_request, &request, sizeof request);
    if (half == PH__HALF_BOTH) {
        return append_narrowing(ret_request, sizeof request, narrowing);
    }
    put_half(cut, half, ops);
    return append_bytecode(ret_request, sizeof request, ops, sizeof ops);
}

bool ph__inet_diag_is_connectionless(enum ph_protocol protocol)
{
    return protocol == PH_PROTOCOL_UDP || protocol == PH_PROTOCOL_UDPLITE ||
           protocol == PH_PROTOCOL_RAW;
}

uint16_t ph__inet_diag_type(enum ph_protocol protocol)
{
    if (protocol == PH_PROTOCOL_RAW) {
        return SOCK_RAW;
    }
    return ph__inet_diag_is_connectionless(protocol) ? SOCK_DGRAM : SOCK_STREAM;
}

bool ph__inet_diag_state(enum ph_protocol protocol, unsigned number, enum ph_state *ret_state)
{
    static const enum ph_state states[] = {
        [1] = PH_STATE_ESTABLISHED, [2] = PH_STATE_SYN_SENT,   [3] = PH_STATE_SYN_RECV,
        [4] = PH_STATE_FIN_WAIT1,   [5] = PH_STATE_FIN_WAIT2,  [6] = PH_STATE_TIME_WAIT,
        [7] = PH_STATE_CLOSED,      [8] = PH_STATE_CLOSE_WAIT, [9] = PH_STATE_LAST_ACK,
        [10] = PH_STATE_LISTEN,     [11] = PH_STATE_CLOSING,   [12] = PH_STATE_SYN_RECV,
        [13] = PH_STATE_CLOSED,
    };
    if (number < 1 || number >= sizeof states / sizeof states[0]) {
        return false;
    }
    if (ph__inet_diag_is_connectionless(protocol)) {
        *ret_state = number == 1 ? PH_STATE_CONNECTED : PH_STATE_UNCONNECTED;
    } else {
        *ret_state = states[number];
    }
    return true;
}

void ph__inet_diag_queues(struct ph_socket *socket, int64_t receive, int64_t send)
{
    socket->has_remote = socket->state != PH_STATE_LISTEN && socket->state != PH_STATE_CLOSED &&
                         socket->state != PH_STATE_UNCONNECTED;
    if (socket->state == PH_STATE_LISTEN) {
        socket->accept_queue = receive;
        socket->backlog = send;
    } else {
        socket->receive_queue_bytes = receive;
        socket->send_queue_bytes = send;
    }
}

enum ph_timer ph__inet_diag_timer(unsigned number)
{
    static const enum ph_timer timers[] = {PH_TIMER_NONE, PH_TIMER_RETRANSMIT, PH_TIMER_KEEPALIVE,
                                           PH_TIMER_TIME_WAIT, PH_TIMER_PERSIST};
    return number < sizeof timers / sizeof timers[0] ? timers[number] : PH_TIMER_NONE;
}

static int read_attributes(const unsigned char *data, size_t size, struct ph_socket *socket)
{
    struct ph__netlink_attribute attribute;
    int more;
    while ((more = ph__netlink_next_attribute(&data, &size, &attribute)) > 0) {
        if (attribute.type == INET_DIAG_SKV6ONLY && attribute.size >= 1) {
            socket->v6only = attribute.data[0] != 0;
            socket->v6only_known = true;
        } else if (attribute.type == INET_DIAG_SKMEMINFO &&
                   attribute.size >= (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t)) {
            uint32_t memory[SK_MEMINFO_DROPS + 1];
            memcpy(memory, attribute.data, sizeof memory);
            socket->drops = memory[SK_MEMINFO_DROPS];
            socket->receive_buffer_bytes = memory[SK_MEMINFO_RCVBUF];
        } else if (attribute.type == INET_DIAG_MARK && attribute.size >= sizeof socket->mark) {
            memcpy(&socket->mark, attribute.data, sizeof socket->mark);
            socket->mark_known = true;
        } else if (attribute.type == INET_DIAG_CGROUP_ID &&
                   attribute.size >= sizeof socket->cgroup) {
            memcpy(&socket->cgroup, attribute.data, sizeof socket->cgroup);
        }
    }
    return more;
}

int ph__inet_diag_parse(enum ph_protocol protocol, const unsigned char *payload, size_t size,
                        struct ph_socket *ret_socket)
{
    struct inet_diag_msg message;
    if (size < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    enum ph_state state;
    if ((message.idiag_family != AF_INET && message.idiag_family != AF_INET6) ||
        !ph__inet_diag_state(protocol, message.idiag_state, &state)) {
        return 0;
    }
    bool ipv6 = message.idiag_family == AF_INET6;
    struct ph_socket socket = ph__rows_blank(protocol, ipv6 ? PH_FAMILY_IPV6 : PH_FAMILY_IPV4);
    socket.state = state;
    socket.type = ph__inet_diag_type(protocol);
    ph__inet_diag_queues(&socket, message.idiag_rqueue, message.idiag_wqueue);
    memcpy(socket.local_address, message.id.idiag_src, ipv6 ? 16 : 4);
    socket.local_port = ntohs(message.id.idiag_sport);
    if (socket.has_remote) {
        memcpy(socket.remote_address, message.id.idiag_dst, ipv6 ? 16 : 4);
        socket.remote_port = ntohs(message.id.idiag_dport);
    }
    socket.interface = message.id.idiag_if;
    socket.cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0];
    socket.inode = message.idiag_inode;
    socket.uid = message.idiag_uid;
    /* Without an inode the kernel may have lost the owner, and says 0: that is not root. */
    socket.uid_known = (message.idiag_inode != 0 || message.idiag_uid != 0) &&
                       state != PH_STATE_TIME_WAIT && state != PH_STATE_SYN_RECV;
    socket.timer = ph__inet_diag_timer(message.idiag_timer);
    if (socket.timer != PH_TIMER_NONE) {
        socket.timer_expires_ms = message.idiag_expires;
        socket.retransmits = message.idiag_retrans;
    }
    int err = read_attributes(payload + sizeof message, size - sizeof message, &socket);
    if (err < 0) {
        return err;
    }
    *ret_socket = socket;
    return 1;
}
