/* SPDX-License-Identifier: MIT
 *
 * What may stand between a connection and its socket, such as TLS. Whoever has one receives and
 * sends by it instead of by recv(2) and send(2).
 *
 * Receiving and sending keep the rules of net/batch.h: they never wait, and few bytes mean that
 * the socket has no more, or takes no more. Either may have to wait for either direction, as a
 * handshake does: a user tries both again after any event.
 */
#ifndef PORTHOLE_NET_TRANSPORT_H
#define PORTHOLE_NET_TRANSPORT_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ph__transport;

struct ph__transport_kind {
    /*
     * As recv(2): bytes; 0 when the peer sends no more; -EAGAIN; another negative errno.
     * -EPROTONOSUPPORT: the peer does not know that there is a transport, and is to be answered
     * without one.
     */
    ssize_t (*receive)(struct ph__transport *transport, void *to, size_t room);

    /* As send(2). After -EAGAIN or a part, what follows begins with the rest. */
    ssize_t (*send)(struct ph__transport *transport, const struct iovec *parts,
                    unsigned part_count);

    /* Tells the peer that nothing more will be sent, as well as that goes without waiting. */
    void (*say_end)(struct ph__transport *transport);

    /* Frees it, without a word to the peer. The socket stays open. */
    void (*free)(struct ph__transport *transport);
};

/* The beginning of each one's own structure. For one thread at a time. */
struct ph__transport {
    const struct ph__transport_kind *kind;
};

#endif
