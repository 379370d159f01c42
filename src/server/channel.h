/* SPDX-License-Identifier: MIT
 *
 * Channels of Server-Sent Events (HTML standard, section 9.2). All events of a channel stand once
 * in one bounded ring; a subscriber is a position in it, and the generator of one reply. So a
 * thousand subscribers cost one copy of each event, and a slow one costs nothing: the ring goes
 * past him, and he is told how much he has missed.
 */
#ifndef PORTHOLE_SERVER_CHANNEL_H
#define PORTHOLE_SERVER_CHANNEL_H

#include <porthole/stream.h>

#include <pthread.h>

enum {
    PH__EVENT_TYPE_MAX = 63,
    PH__EVENT_TYPES_MAX = 255,
    PH__EVENT_NOTE_MAX = 96 /* holds what the channel says of itself at a time */
};

/* One event as it is sent. Held by the ring, and by subscribers that are in the middle of it. */
struct ph__channel_event {
    unsigned holders;
    size_t size;
    char type[PH__EVENT_TYPE_MAX + 1];
    char text[];
};

struct ph__subscriber {
    unsigned holders; /* the reply, and ph_channel_subscribe() as long as it runs */
    bool left;        /* the reply has ended */
    struct ph__subscriber *next;
    struct ph__subscriber **link; /* what points to it; NULL: it is not in the list */
    struct ph_channel *channel;
    struct ph_server *server;
    struct ph_waker *waker;
    uint64_t position;               /* number of the next event */
    struct ph__channel_event *event; /* of which part has been sent; NULL: none */
    size_t sent;                     /* of it */
    char note[PH__EVENT_NOTE_MAX];   /* to be sent before any event; "" nothing */
    uint64_t spoke_us;               /* when it last had something to send */
    uint64_t quiet_us;
    char types[PH__EVENT_TYPES_MAX + 1]; /* "": all */
};

struct ph_channel {
    struct ph_channel_config cfg;
    uint64_t origin; /* tells the ids of this channel from those of one before it */

    /* Held while `changed` is called, so that ph_channel_free() can wait for the end of that. */
    pthread_mutex_t calling;
    void (*changed)(struct ph_channel *channel, void *user);

    pthread_mutex_t lock; /* guards all below, and all events and subscribers */
    size_t holders;       /* the program, and each subscriber */
    bool closed;
    struct ph__channel_event **ring; /* event number n stands at n % cfg.events_max */
    uint64_t first, next;            /* [first, next) are kept */
    size_t bytes;
    struct ph__subscriber *subscribers;
    size_t subscriber_count;
};

/* All below with the channel's lock held. */

/* Gives back a hold of an event; NULL is allowed. */
void ph__channel_drop_event(struct ph__channel_event *event);

/* Where event `number` stands. */
struct ph__channel_event **ph__channel_slot(const struct ph_channel *channel, uint64_t number);

/* Whether a subscriber has asked for events of this type. */
bool ph__subscriber_wants(const struct ph__subscriber *subscriber, const char *type);

/* Gives back a hold of the channel, and unlocks it. */
void ph__channel_let_go(struct ph_channel *channel);

#endif
