/* SPDX-License-Identifier: MIT
 *
 * The acceptor: hands each confirmed connection to the worker with the fewest, and goes back to
 * listening. It also leads the stop: drain delay, listeners closed, workers drained, cut. With
 * several workers it has a thread of its own; one alone accepts between its other work, since two
 * threads that take turns on a processor only interrupt each other.
 */
#ifndef PORTHOLE_SERVER_ACCEPTOR_H
#define PORTHOLE_SERVER_ACCEPTOR_H

#include "net/listener.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ph_server;

/* Each stage follows the one before. */
enum ph__accept_stage {
    PH__ACCEPT_SERVING,
    PH__ACCEPT_DELAYING, /* the server is to stop, but drain_delay_ms goes on accepting */
    PH__ACCEPT_DRAINING, /* the listeners are closed, and connections end as they can */
    PH__ACCEPT_ENDED     /* the workers have been told to cut what is left */
};

struct ph__acceptor {
    struct ph_server *server;
    pthread_t thread;
    bool has_thread;
    enum ph__accept_stage stage;
    uint64_t until_ms; /* of a stage that ends by itself, CLOCK_MONOTONIC */
    struct ph__loop loop;
    int reserve_fd;       /* given up for a moment when descriptors run out; -1: already given up */
    bool paused;          /* the listeners are out of the loop until there are descriptors again, */
    uint64_t resume_ms;   /* which is tried at this time, CLOCK_MONOTONIC */
    unsigned next_worker; /* where the search for the fewest begins */
    uint64_t now_us;      /* CLOCK_MONOTONIC, read before each batch and with each connection */
    const struct ph__listener *serving; /* whose queue is being emptied */
    const struct ph__listener *empty;   /* whose queue was last seen empty, NULL none, and when: */
    uint64_t empty_us;
};

/* Nothing is opened yet. */
void ph__acceptor_init(struct ph__acceptor *acceptor, struct ph_server *server);
void ph__acceptor_done(struct ph__acceptor *acceptor);

/* Takes the listeners, which are open, into its loop. Returns 0 or a negative errno. */
int ph__acceptor_open(struct ph__acceptor *acceptor);

/* Once the thread has ended. The loop stays: ph_server_request_stop() may wake it at any time
 * between the first start and the end of the server. */
void ph__acceptor_close(struct ph__acceptor *acceptor);

/* Closes a listener; one that is closed is allowed. */
void ph__acceptor_close_listener(struct ph__acceptor *acceptor, struct ph__listener *listener);

/* For whoever drives it: how long nothing will have to be done unless its loop has an event;
 * negative: for ever. */
int ph__acceptor_timeout_ms(const struct ph__acceptor *acceptor);

/* False as long as only its loop's events give it something to do. */
static inline bool ph__acceptor_has_time(const struct ph__acceptor *acceptor)
{
    return acceptor->stage != PH__ACCEPT_SERVING || acceptor->paused;
}

/* Waits once, `timeout_ms` at most, accepts from the listeners that are ready, and takes the stage
 * on. Once it has ended it does nothing. */
void ph__acceptor_turn(struct ph__acceptor *acceptor, int timeout_ms);

/* Takes the stage on, without looking for events. */
void ph__acceptor_advance(struct ph__acceptor *acceptor);

/* Starts a thread for it, which ends when the server has stopped. Returns 0 or a negative errno. */
int ph__acceptor_start(struct ph__acceptor *acceptor);

/* Waits for the thread's end, if it has one. */
void ph__acceptor_join(struct ph__acceptor *acceptor);

#endif
