/* SPDX-License-Identifier: MIT
 *
 * Netlink dumps. Headers are copied out before they are read: nothing promises that a message
 * lies aligned, and every length is checked against what has really arrived.
 *
 * Between two datagrams of a dump the kernel remembers how many sockets of a hash chain it has
 * shown. When one of these goes meanwhile, another one is skipped. That cannot be seen, only be
 * made unlikely: many datagrams are fetched by one call, and parsed afterwards.
 */
#include "sockets/netlink.h"

#include "sockets/pages.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel answers at once; the limit is for a kernel that never says it is done. */
enum { TIMEOUT_SECONDS = 10 };

int ph__netlink_init(struct ph__netlink *netlink)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) {
        *netlink = (struct ph__netlink){.fd = -1};
        return -errno;
    }
    return ph__netlink_init_fd(netlink, fd);
}

int ph__netlink_init_fd(struct ph__netlink *netlink, int fd)
{
    *netlink = (struct ph__netlink){.fd = fd};
    struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
    int err = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0) {
        err = -errno;
    }
    netlink->buffer = err == 0 ? ph__pages_new(PH__NETLINK_BATCH, PH__NETLINK_DATAGRAM) : NULL;
    if (err == 0 && !netlink->buffer) {
        err = -ENOMEM;
    }
    if (err < 0) {
        ph__netlink_done(netlink);
    }
    return err;
}

uint32_t ph__netlink_port(const struct ph__netlink *netlink)
{
    struct sockaddr_nl address = {0};
    socklen_t size = sizeof address;
    int err = getsockname(netlink->fd, (struct sockaddr *)&address, &size);
    return err == 0 && address.nl_family == AF_NETLINK ? address.nl_pid : 0;
}

void ph__netlink_done(struct ph__netlink *netlink)
{
    if (netlink->fd >= 0) {
        close(netlink->fd);
    }
    ph__pages_free(netlink->buffer, PH__NETLINK_BATCH, PH__NETLINK_DATAGRAM);
    *netlink = (struct ph__netlink){.fd = -1};
}

/* Messages and attributes begin at multiples of 4; the macros for it compute in int. */
static size_t align(size_t size)
{
    return (size + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

static int send_request(struct ph__netlink *netlink, const struct ph__netlink_request *request)
{
    struct nlmsghdr header = {
        .nlmsg_len = (uint32_t)(sizeof header + request->size),
        .nlmsg_type = request->type,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
        .nlmsg_seq = ++netlink->sequence,
    };
    memcpy(netlink->buffer, &header, sizeof header);
    memcpy(netlink->buffer + sizeof header, request->data, request->size);
    netlink->type = request->type;
    ssize_t sent;
    do {
        sent = send(netlink->fd, netlink->buffer, header.nlmsg_len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* Some datagrams that arrived. */
struct batch {
    unsigned count;
    struct mmsghdr datagrams[PH__NETLINK_BATCH];
    struct iovec pieces[PH__NETLINK_BATCH];
    struct sockaddr_nl senders[PH__NETLINK_BATCH];
};

/* Waits for one datagram, and takes those along that are there. */
static int receive(const struct ph__netlink *netlink, struct batch *batch)
{
    for (size_t i = 0; i < PH__NETLINK_BATCH; i++) {
        batch->senders[i] = (struct sockaddr_nl){0};
        batch->pieces[i] = (struct iovec){
            .iov_base = netlink->buffer + i * PH__NETLINK_DATAGRAM,
            .iov_len = PH__NETLINK_DATAGRAM,
        };
        batch->datagrams[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->senders[i],
            .msg_namelen = sizeof batch->senders[i],
            .msg_iov = &batch->pieces[i],
            .msg_iovlen = 1,
        };
    }
    int count;
    do {
        count = recvmmsg(netlink->fd, batch->datagrams, PH__NETLINK_BATCH, MSG_WAITFORONE, NULL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    batch->count = (unsigned)count;
    return 0;
}

/* The error that NLMSG_DONE and NLMSG_ERROR carry; a dump of a protocol whose module is missing
 * ends with NLMSG_DONE, and only this number says that it was no empty list. */
static int carried_error(const unsigned char *payload, size_t size, int without)
{
    int32_t error;
    if (size < sizeof error) {
        return without;
    }
    memcpy(&error, payload, sizeof error);
    return error > 0 || error < -4095 ? -EBADMSG : error;
}

/* Hands the messages of one datagram on. *ret_done is set when the dump is over. */
static int walk_datagram(const struct ph__netlink *netlink, const unsigned char *at, size_t size,
                         ph__netlink_message message, void *user, bool *ret_done)
{
    while (size > 0) {
        struct nlmsghdr header;
        if (size < sizeof header) {
            return -EBADMSG;
        }
        memcpy(&header, at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) {
            return -EBADMSG;
        }
        const unsigned char *payload = at + sizeof header;
        size_t payload_size = header.nlmsg_len - sizeof header;
        size_t step = align(header.nlmsg_len);
        step = step < size ? step : size;
        at += step;
        size -= step;
        if (header.nlmsg_seq != netlink->sequence) {
            continue; /* left over from a dump that was given up */
        }
        int err = 0;
        switch (header.nlmsg_type) {
        case NLMSG_DONE:
            *ret_done = true;
            return carried_error(payload, payload_size, 0);
        case NLMSG_ERROR:
            *ret_done = true;
            err = carried_error(payload, payload_size, -EBADMSG);
            return err == 0 ? -EBADMSG : err; /* an acknowledgement nobody asked for */
        default: /* NLMSG_NOOP, and what later kernels may say, are passed over */
            if (header.nlmsg_type == netlink->type) {
                err = message(user, payload, payload_size);
            }
            break;
        }
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static int walk_batch(const struct ph__netlink *netlink, const struct batch *batch,
                      ph__netlink_message message, void *user, bool *ret_done)
{
    int err = 0;
    for (unsigned i = 0; err == 0 && i < batch->count && !*ret_done; i++) {
        const struct mmsghdr *datagram = &batch->datagrams[i];
        if (batch->senders[i].nl_family == AF_NETLINK && batch->senders[i].nl_pid != 0) {
            continue; /* not from the kernel: others can write to the socket, too */
        }
        if (datagram->msg_len == 0 || datagram->msg_hdr.msg_flags & MSG_TRUNC) {
            return -EBADMSG;
        }
        err = walk_datagram(netlink, batch->pieces[i].iov_base, datagram->msg_len, message, user,
                            ret_done);
    }
    return err;
}

int ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                     ph__netlink_message message, void *user)
{
    struct batch batch;
    int err = send_request(netlink, request);
    bool done = false;
    netlink->datagrams = 0;
    while (err == 0 && !done) {
        err = receive(netlink, &batch);
        if (err == 0) {
            netlink->datagrams += batch.count;
            err = walk_batch(netlink, &batch, message, user, &done);
        }
    }
    return err;
}

int ph__netlink_next_attribute(const unsigned char **data, size_t *size,
                               struct ph__netlink_attribute *ret_attribute)
{
    struct nlattr header;
    if (*size == 0) {
        return 0;
    }
    if (*size < sizeof header) {
        return -EBADMSG;
    }
    memcpy(&header, *data, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > *size) {
        return -EBADMSG;
    }
    *ret_attribute = (struct ph__netlink_attribute){
        .type = header.nla_type & (unsigned)NLA_TYPE_MASK,
        .data = *data + sizeof header,
        .size = header.nla_len - sizeof header,
    };
    size_t step = align(header.nla_len);
    step = step < *size ? step : *size;
    *data += step;
    *size -= step;
    return 1;
}
