/* SPDX-License-Identifier: MIT
 *
 * A dump by netlink(7): one request, then messages until the kernel says it is done. What the
 * messages mean is left to inet_diag.c and unix_diag.c.
 */
#ifndef PORTHOLE_SOCKETS_NETLINK_H
#define PORTHOLE_SOCKETS_NETLINK_H

#include <stddef.h>
#include <stdint.h>

struct ph__netlink {
    int fd; /* owned; -1: not open */
    uint32_t sequence;
    uint16_t type;         /* of the last request */
    size_t datagrams;      /* that the last dump came in */
    unsigned char *buffer; /* owned; for PH__NETLINK_BATCH datagrams */
};

/* The kernel fills at most 32 KiB a datagram, and less when it sees a smaller buffer. */
enum { PH__NETLINK_DATAGRAM = 64 * 1024, PH__NETLINK_BATCH = 16 };

/* What is asked; the kernel's answers have the same type. */
struct ph__netlink_request {
    uint16_t type; /* SOCK_DIAG_BY_FAMILY, or TCPDIAG_GETSOCK of old */
    const void *data;
    size_t size;
};

/* Receives the payload of one message. A negative return ends the dump and is returned. */
typedef int (*ph__netlink_message)(void *user, const unsigned char *payload, size_t size);

/* An attribute in a message; `data` need not be aligned for its type. */
struct ph__netlink_attribute {
    unsigned type;
    const unsigned char *data;
    size_t size;
};

/* Opens a socket to sock_diag(7). @return 0; -ENOMEM; a negative errno from socket(2), such as
 * -EPROTONOSUPPORT on a kernel without it, -EMFILE. */
int ph__netlink_init(struct ph__netlink *netlink);

/* The same over a given datagram socket, which it owns from now on, also after a failure. */
int ph__netlink_init_fd(struct ph__netlink *netlink, int fd);

/* The port id that the kernel gave this socket with the first request; 0 unknown. */
uint32_t ph__netlink_port(const struct ph__netlink *netlink);

void ph__netlink_done(struct ph__netlink *netlink);

/**
 * Sends one dump request and hands each message of the reply to `message`.
 *
 * @return 0; the kernel's error, -ENOENT when it lacks the protocol; -EBADMSG for a reply that is
 *         malformed or cut short; -ETIMEDOUT; a negative errno from the socket.
 */
int ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                     ph__netlink_message message, void *user);

/* Takes the next attribute off the front of *data. @return 1; 0 at the end; -EBADMSG. */
int ph__netlink_next_attribute(const unsigned char **data, size_t *size,
                               struct ph__netlink_attribute *ret_attribute);

#endif
