/* SPDX-License-Identifier: MIT
 *
 * The kernel's news of destroyed TCP sockets.
 */
#include "watch/destroyed.h"

#include "sockets/detail.h"
#include "sockets/inet_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 1 << 20, DATAGRAM = 8192 };

int ph__destroyed_open(void)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = 1U << (SKNLGRP_INET_TCP_DESTROY - 1) |
                                                     1U << (SKNLGRP_INET6_TCP_DESTROY - 1)};
    const int size = RECEIVE_BUFFER;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* smaller does, too */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

/* The other end, which a destroyed socket still has although it is closed. */
static void read_remote(const unsigned char *payload, struct ph_socket *socket)
{
    struct inet_diag_msg message;
    memcpy(&message, payload, sizeof message);
    socket->has_remote = message.id.idiag_dport != 0;
    socket->remote_port = ntohs(message.id.idiag_dport);
    memcpy(socket->remote_address, message.id.idiag_dst, socket->family == PH_FAMILY_IPV6 ? 16 : 4);
}

int ph__destroyed_parse(const unsigned char *payload, size_t size, struct ph__destroyed *ret)
{
    struct ph__destroyed destroyed;
    if (size < sizeof(struct inet_diag_msg)) {
        return -EBADMSG;
    }
    int found = ph__inet_diag_parse(PH_PROTOCOL_TCP, payload, size, &destroyed.socket);
    if (found <= 0) {
        return found < 0 ? found : -EPROTO;
    }
    read_remote(payload, &destroyed.socket);
    struct ph__detail detail;
    ph__detail_parse(&destroyed.socket, payload, size, &detail);
    const struct ph_socket *socket = &destroyed.socket;
    destroyed.sent_bytes = ph__detail_number(&detail, socket, PH_DETAIL_SENT_BYTES);
    destroyed.received_bytes = ph__detail_number(&detail, socket, PH_DETAIL_RECEIVED_BYTES);
    destroyed.rtt_us = ph__detail_number(&detail, socket, PH_DETAIL_RTT_US);
    destroyed.retransmissions = ph__detail_number(&detail, socket, PH_DETAIL_RETRANSMISSIONS);
    *ret = destroyed;
    return 0;
}

/* Hands on the messages of one datagram. What cannot be read is passed over. */
static int read_datagram(const unsigned char *bytes, size_t size,
                         int (*receive)(void *user, const struct ph__destroyed *destroyed),
                         void *user)
{
    struct nlmsghdr head;
    for (size_t at = 0; size - at >= sizeof head; at += NLMSG_ALIGN(head.nlmsg_len)) {
        struct ph__destroyed destroyed;
        memcpy(&head, bytes + at, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > size - at) {
            return 0;
        }
        bool ours = head.nlmsg_type == SOCK_DIAG_BY_FAMILY;
        if (ours && ph__destroyed_parse(bytes + at + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN,
                                        &destroyed) == 0) {
            int err = receive(user, &destroyed);
            if (err < 0) {
                return err;
            }
        }
        if (NLMSG_ALIGN(head.nlmsg_len) > size - at) {
            return 0;
        }
    }
    return 0;
}

int ph__destroyed_read(int fd, int (*receive)(void *user, const struct ph__destroyed *destroyed),
                       void *user, bool *ret_lost)
{
    unsigned char bytes[DATAGRAM];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == ENOBUFS) {
            *ret_lost = true;
            continue;
        }
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        int err = read_datagram(bytes, (size_t)got, receive, user);
        if (err < 0) {
            return err;
        }
    }
}
