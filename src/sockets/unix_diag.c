/* SPDX-License-Identifier: MIT
 *
 * unix_diag: the request, and a message with its attributes read into a row.
 */
#include "sockets/unix_diag.h"

#include "sockets/netlink.h"
#include "sockets/rows.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

/* TCP's numbers, which the kernel also uses here; its header is not for programs. */
enum { STATE_ESTABLISHED = 1, STATE_LISTEN = 10 };

/* Headers before Linux 5.3 do not have these two. */
enum { SHOW_UID = 0x40, ATTRIBUTE_UID = 7 };

_Static_assert(sizeof(struct unix_diag_req) == PH__UNIX_DIAG_REQUEST, "size of the request");

void ph__unix_diag_request(unsigned char ret_request[PH__UNIX_DIAG_REQUEST])
{
    struct unix_diag_req request = {
        .sdiag_family = AF_UNIX,
        .udiag_states = UINT32_MAX,
        .udiag_show =
            UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO | SHOW_UID,
        .udiag_cookie = {UINT32_MAX, UINT32_MAX},
    };
    memcpy(ret_request, &request, sizeof request);
}

/* The name is not NUL-terminated; an abstract one begins with a NUL. */
static void read_name(const struct ph__netlink_attribute *attribute, struct ph_socket *socket)
{
    if (attribute->size == 0) {
        return;
    }
    const char *name = (const char *)attribute->data;
    socket->abstract = name[0] == '\0';
    socket->path = socket->abstract ? name + 1 : name;
    socket->path_size = socket->abstract ? attribute->size - 1 : strnlen(name, attribute->size);
}

static void read_queues(const struct ph__netlink_attribute *attribute, struct ph_socket *socket)
{
    struct unix_diag_rqlen queues;
    if (attribute->size < sizeof queues) {
        return;
    }
    memcpy(&queues, attribute->data, sizeof queues);
    if (socket->state == PH_STATE_LISTEN) {
        socket->accept_queue = queues.udiag_rqueue;
        socket->backlog = queues.udiag_wqueue;
    } else {
        socket->receive_queue_bytes = queues.udiag_rqueue;
        socket->send_queue_bytes = queues.udiag_wqueue;
    }
}

/* One attribute into the row. *ret_peer is set when there is a peer, even one without inode. */
static void read_attribute(const struct ph__netlink_attribute *attribute, struct ph_socket *socket,
                           bool *ret_peer)
{
    uint32_t number;
    switch (attribute->type) {
    case UNIX_DIAG_NAME:
        read_name(attribute, socket);
        break;
    case UNIX_DIAG_PEER:
        if (attribute->size >= sizeof number) {
            memcpy(&socket->peer_inode, attribute->data, sizeof socket->peer_inode);
            *ret_peer = true;
        }
        break;
    case UNIX_DIAG_RQLEN:
        read_queues(attribute, socket);
        break;
    case UNIX_DIAG_MEMINFO:
        if (attribute->size >= (SK_MEMINFO_DROPS + 1) * sizeof number) {
            memcpy(&number, attribute->data + SK_MEMINFO_DROPS * sizeof number, sizeof number);
            socket->drops = number;
        }
        break;
    case ATTRIBUTE_UID:
        if (attribute->size >= sizeof number) {
            memcpy(&socket->uid, attribute->data, sizeof socket->uid);
            socket->uid_known = socket->uid != 0 || socket->inode != 0;
        }
        break;
    default:
        break;
    }
}

int ph__unix_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket)
{
    struct unix_diag_msg message;
    if (size < sizeof message) {
        return -EBADMSG;
    }
    memcpy(&message, payload, sizeof message);
    if (message.udiag_family != AF_UNIX) {
        return 0;
    }
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    socket.type = message.udiag_type;
    socket.state = message.udiag_state == STATE_LISTEN        ? PH_STATE_LISTEN
                   : message.udiag_state == STATE_ESTABLISHED ? PH_STATE_ESTABLISHED
                                                              : PH_STATE_UNCONNECTED;
    socket.inode = message.udiag_ino;
    socket.cookie = (uint64_t)message.udiag_cookie[1] << 32 | message.udiag_cookie[0];

    const unsigned char *data = payload + sizeof message;
    size_t left = size - sizeof message;
    struct ph__netlink_attribute attribute;
    bool has_peer = false;
    int more;
    while ((more = ph__netlink_next_attribute(&data, &left, &attribute)) > 0) {
        read_attribute(&attribute, &socket, &has_peer);
    }
    if (more < 0) {
        return more;
    }
    /* A datagram socket counts as connected by its own peer: the kernel also calls the one that
     * it is connected to established, which talks with anybody. */
    if (socket.type == SOCK_DGRAM) {
        socket.state = has_peer ? PH_STATE_CONNECTED : PH_STATE_UNCONNECTED;
    }
    *ret_socket = socket;
    return 1;
}
