/* SPDX-License-Identifier: MIT
 *
 * packet_diag, netlink_diag and vsock_diag: the requests, and messages read into rows.
 */
#include "sockets/link_diag.h"

#include "sockets/ends.h"
#include "sockets/netlink.h"
#include "sockets/rows.h"

#include <errno.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>
#include <string.h>
#include <sys/socket.h>

/* TCP's numbers, which vsock also uses; their header is not for programs. */
enum { STATE_ESTABLISHED = 1, STATE_SYN_SENT = 2, STATE_LISTEN = 10, STATE_CLOSING = 11 };

void ph__packet_diag_request(unsigned char ret_request[PH__PACKET_DIAG_REQUEST])
{
    struct packet_diag_req request = {
        .sdiag_family = AF_PACKET,
        .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MEMINFO,
        .pdiag_cookie = {UINT32_MAX, UINT32_MAX},
    };
    _Static_assert(sizeof request == PH__PACKET_DIAG_REQUEST, "size of the request");
    memcpy(ret_request, &request, sizeof request);
}

void ph__netlink_diag_request(unsigned char ret_request[PH__NETLINK_DIAG_REQUEST])
{
    struct netlink_diag_req request = {
        .sdiag_family = AF_NETLINK,
        .sdiag_protocol = NDIAG_PROTO_ALL,
        .ndiag_show = NDIAG_SHOW_MEMINFO,
        .ndiag_cookie = {UINT32_MAX, UINT32_MAX},
    };
    _Static_assert(sizeof request == PH__NETLINK_DIAG_REQUEST, "size of the request");
    memcpy(ret_request, &request, sizeof request);
}

void ph__vsock_diag_request(unsigned char ret_request[PH__VSOCK_DIAG_REQUEST])
{
    struct vsock_diag_req request = {
        .sdiag_family = AF_VSOCK,
        .vdiag_states = UINT32_MAX,
        .vdiag_cookie = {UINT32_MAX, UINT32_MAX},
    };
    _Static_assert(sizeof request == PH__VSOCK_DIAG_REQUEST, "size of the request");
    memcpy(ret_request, &request, sizeof request);
}

static uint64_t cookie_of(const uint32_t halves[2])
{
    return (uint64_t)halves[1] << 32 | halves[0];
}

/* The queues and drops; the bytes that ss shows as waiting are what the queues take in memory. */
static void read_memory(const struct ph__netlink_attribute *attribute, struct ph_socket *socket)
{
    uint32_t numbers[SK_MEMINFO_DROPS + 1];
    if (attribute->size >= sizeof numbers) {
        memcpy(numbers, attribute->data, sizeof numbers);
        socket->receive_queue_bytes = numbers[SK_MEMINFO_RMEM_ALLOC];
        socket->send_queue_bytes = numbers[SK_MEMINFO_WMEM_ALLOC];
        socket->drops = numbers[SK_MEMINFO_DROPS];
    }
}

static void read_packet(const struct ph__netlink_attribute *attribute, struct ph_socket *socket)
{
    switch (attribute->type) {
    case PACKET_DIAG_INFO: /* begins with the interface */
        if (attribute->size >= sizeof socket->interface) {
            memcpy(&socket->interface, attribute->data, sizeof socket->interface);
        }
        break;
    case PACKET_DIAG_UID:
        if (attribute->size >= sizeof socket->uid) {
            memcpy(&socket->uid, attribute->data, sizeof socket->uid);
            socket->uid_known = socket->uid != 0 || socket->inode != 0;
        }
        break;
    case PACKET_DIAG_MEMINFO:
        read_memory(attribute, socket);
        break;
    default:
        break;
    }
}

int ph__packet_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket)
{
    struct packet_diag_msg message;
    struct ph__netlink_attribute attribute;
    if (size < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    if (message.pdiag_family != AF_PACKET) {
        return 0;
    }
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_PACKET, PH_FAMILY_PACKET);
    socket.type = message.pdiag_type;
    socket.inode = message.pdiag_ino;
    socket.cookie = cookie_of(message.pdiag_cookie);
    ph__ends_packet(&socket, message.pdiag_num);
    const unsigned char *data = payload + sizeof message;
    size_t left = size - sizeof message;
    int more;
    while ((more = ph__netlink_next_attribute(&data, &left, &attribute)) > 0) {
        read_packet(&attribute, &socket);
    }
    if (more < 0) {
        return more;
    }
    *ret_socket = socket;
    return 1;
}

int ph__netlink_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket)
{
    struct netlink_diag_msg message;
    struct ph__netlink_attribute attribute;
    if (size < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    if (message.ndiag_family != AF_NETLINK) {
        return 0;
    }
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_NETLINK, PH_FAMILY_NETLINK);
    socket.type = message.ndiag_type;
    socket.inode = message.ndiag_ino;
    socket.cookie = cookie_of(message.ndiag_cookie);
    ph__ends_netlink(&socket, message.ndiag_protocol, message.ndiag_portid,
                     message.ndiag_dst_portid);
    const unsigned char *data = payload + sizeof message;
    size_t left = size - sizeof message;
    int more;
    while ((more = ph__netlink_next_attribute(&data, &left, &attribute)) > 0) {
        if (attribute.type == NETLINK_DIAG_MEMINFO) {
            read_memory(&attribute, &socket);
        }
    }
    if (more < 0) {
        return more;
    }
    *ret_socket = socket;
    return 1;
}

static enum ph_state vsock_state(const struct vsock_diag_msg *message)
{
    if (message->vdiag_type == SOCK_DGRAM) {
        return message->vdiag_state == STATE_ESTABLISHED ? PH_STATE_CONNECTED
                                                         : PH_STATE_UNCONNECTED;
    }
    switch (message->vdiag_state) {
    case STATE_ESTABLISHED:
        return PH_STATE_ESTABLISHED;
    case STATE_SYN_SENT:
        return PH_STATE_SYN_SENT;
    case STATE_LISTEN:
        return PH_STATE_LISTEN;
    case STATE_CLOSING:
        return PH_STATE_CLOSING;
    default:
        return PH_STATE_CLOSED;
    }
}

int ph__vsock_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket)
{
    struct vsock_diag_msg message;
    if (size < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    if (message.vdiag_family != AF_VSOCK) {
        return 0;
    }
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_VSOCK, PH_FAMILY_VSOCK);
    socket.type = message.vdiag_type;
    socket.state = vsock_state(&message);
    socket.inode = message.vdiag_ino;
    socket.cookie = cookie_of(message.vdiag_cookie);
    ph__ends_vsock(&socket, (struct ph__vsock_end){message.vdiag_src_cid, message.vdiag_src_port},
                   (struct ph__vsock_end){message.vdiag_dst_cid, message.vdiag_dst_port});
    *ret_socket = socket;
    return 1;
}
