/* SPDX-License-Identifier: MIT
 *
 * Protocols that follow HTTP on a connection, by the reply 101 (RFC 9110 section 7.8). The
 * connection moves the bytes, both ways at once, and looks at the clock; what the bytes mean is
 * the protocol's affair. All is called on the connection's worker.
 */
#ifndef PORTHOLE_SERVER_UPGRADE_H
#define PORTHOLE_SERVER_UPGRADE_H

#include "base/buf.h"

#include <porthole/server.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph__upgrade;
struct ph_waker;

/* What is sent at one go, at most. */
enum { PH__UPGRADE_OUT = 16 * 1024 };

struct ph__upgrade_kind {
    /* Takes all of what the peer has sent. */
    void (*receive)(struct ph__upgrade *upgrade, const char *bytes, size_t size, uint64_t now_us);

    /* Puts what is to be sent into `out`, which is empty: up to PH__UPGRADE_OUT bytes. Called when
     * all that it has put there before has gone, and when the waker was woken. */
    void (*fill)(struct ph__upgrade *upgrade, struct ph__buf *out, uint64_t now_us);

    /* Called each ph__server_tick() milliseconds at least, unless much is sent; false: the peer is
     * not there any more, and the connection is to be broken off. */
    bool (*tick)(struct ph__upgrade *upgrade, uint64_t now_us);

    /* The server is stopping: it should come to its end. */
    void (*drain)(struct ph__upgrade *upgrade);

    /* The connection has ended, or is about to: nothing of it is called any more. */
    void (*end)(struct ph__upgrade *upgrade);
};

/* The beginning of each protocol's own structure. What is not its kind is up to date whenever one
 * of its functions returns. */
struct ph__upgrade {
    const struct ph__upgrade_kind *kind;
    struct ph_waker *waker; /* the connection's hold of it */
    bool deaf;              /* nothing is to be received before what is to be sent has gone */
    bool ended;             /* all is said, and nothing more wanted, once `out` is sent */
    bool unread;            /* the peer may still be sending then */
};

/*
 * Makes what wakes the connection of a request, so that `fill` is called soon: ph_waker_wake(), any
 * thread. Two hold it: the program, until ph_waker_free(), and upgrade->waker, for
 * ph__upgrade_begin() or ph__waker_abandon(). Returns 0 or -ENOMEM.
 */
int ph__upgrade_prepare(struct ph__upgrade *upgrade, struct ph_request *req);

/*
 * Replies 101, with the fields that were added, and has the protocol follow. The last thing that a
 * handler does before it returns 0: from here on the connection will call `end`.
 *
 * @return 0; PH_ERR_REPLIED; -ENOMEM.
 */
int ph__upgrade_begin(struct ph__upgrade *upgrade, struct ph_request *req, struct ph_response *res,
                      const char *protocol);

/* Replies 426 to who asks without an upgrade that is needed. Returns as ph_reply_problem(). */
int ph__upgrade_required(struct ph_response *res, const char *protocol, const char *detail);

/* Has connections that are upgraded look at the clock so often, at least; before the start. */
void ph__server_tick(struct ph_server *server, unsigned tick_ms);

#endif
