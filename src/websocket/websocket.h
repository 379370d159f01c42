/* SPDX-License-Identifier: MIT
 *
 * A socket. Its worker has it, as long as the connection lasts; the program, on any thread, adds to
 * what is to be sent. What both need is under the lock.
 */
#ifndef PORTHOLE_WEBSOCKET_WEBSOCKET_H
#define PORTHOLE_WEBSOCKET_WEBSOCKET_H

#include "server/upgrade.h"
#include "websocket/frames.h"

#include <porthole/websocket.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What is served at a path; lives as long as the server. */
struct ph__websocket_route {
    struct ph_websocket_config cfg; /* defaults filled in; owns its lists */
    uint64_t write_us, ping_us, pong_us;
};

/* A message that waits. */
struct ph__queued {
    struct ph__queued *next;
    enum ph__opcode opcode;
    size_t size;
    char data[];
};

struct ph_websocket {
    struct ph__upgrade upgrade; /* must be first */
    const struct ph__websocket_route *route;
    const char *protocol; /* of route->cfg.protocols; NULL: none */

    /* The worker's own. */
    void *data; /* the program's */
    struct ph__frames *frames;
    uint64_t heard_us;    /* when something last came */
    uint64_t asked_us;    /* when it was pinged since; 0: it was not */
    uint64_t closed_us;   /* when our Close was collected; 0: not yet */
    uint64_t filled_us;   /* when the last of `out` had gone */
    struct ph__buf early; /* what had to be collected before the connection asked for it */
    bool sending;         /* something has been put into `out` since */
    bool undrained;       /* the program has not been told that all has gone */
    bool close_said;      /* it is with the frames */

    pthread_mutex_t lock; /* guards all below */
    unsigned holders;
    struct ph_waker *waker; /* the program's hold of it */
    struct ph__queued *first, *last;
    size_t queued;  /* bytes in the queue, and of the message in hand */
    size_t in_hand; /* bytes of the message that the frames have */
    bool calling;   /* the worker will look at the queue by itself */
    bool closing;   /* ph_websocket_close() has been called, or the peer has said Close */
    bool gone;      /* the connection has ended */
    unsigned code;  /* to close with */
    char reason[PH__CLOSE_REASON];
};

/* A socket for a request whose handshake is in order, with one hold, the connection's. Returns NULL
 * without memory. */
struct ph_websocket *ph__websocket_new(const struct ph__websocket_route *route,
                                       struct ph_request *req);

/* Gives that hold back before there is a connection. */
void ph__websocket_refuse(struct ph_websocket *socket);

/* ---- queue.c, for the worker ---- */

/* From now on what the program sends wakes the worker, or, while it calls the program, does not. */
void ph__websocket_set_calling(struct ph_websocket *socket, bool calling);

/* Takes the first message out of the queue; NULL: there is none. The one taken before has gone. */
struct ph__queued *ph__websocket_next(struct ph_websocket *socket);

/* From here on nothing is taken from the program. */
void ph__websocket_stop_sending(struct ph_websocket *socket);

/* Closes, unless that is under way; no wake-up. */
void ph__websocket_begin_close(struct ph_websocket *socket, unsigned code);

bool ph__websocket_is_closing(struct ph_websocket *socket);

/* The connection has ended: what waits is thrown away. */
void ph__websocket_set_gone(struct ph_websocket *socket);

#endif
