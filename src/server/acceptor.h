/* SPDX-License-Identifier: MIT
 *
 * The accept thread: hands each confirmed connection to the worker with the fewest, and goes
 * back to listening. It also leads the stop: drain delay, listeners closed, workers drained, cut.
 */
#ifndef PORTHOLE_SERVER_ACCEPTOR_H
#define PORTHOLE_SERVER_ACCEPTOR_H

#include "net/listener.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct ph_server;

struct ph__acceptor {
    struct ph_server *server;
    pthread_t thread;
    struct ph__loop loop;
    int reserve_fd;       /* given up for a moment when descriptors run out; -1: already given up */
    bool paused;          /* the listeners are out of the loop until there are descriptors again */
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

/* Starts the thread, which ends when the server has stopped. Returns 0 or a negative errno. */
int ph__acceptor_start(struct ph__acceptor *acceptor);
void ph__acceptor_join(struct ph__acceptor *acceptor);

#endif
