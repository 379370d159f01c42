/* SPDX-License-Identifier: MIT
 *
 * Threads for handlers that may block. A request waits in a queue of bounded length; a slow
 * handler delays only those behind it here, never a worker. While it is here its connection
 * stays with its worker, in state handling, and only the exchange is the handler's.
 */
#ifndef PORTHOLE_SERVER_POOL_H
#define PORTHOLE_SERVER_POOL_H

#include "server/worker.h"

#include <pthread.h>

struct ph__pool {
    pthread_mutex_t lock;
    pthread_cond_t wanted;        /* a job, or the end */
    struct ph__completion *first; /* waiting, in order */
    struct ph__completion *last;
    pthread_t *threads;
    unsigned thread_count; /* running */
    unsigned jobs;         /* submitted, and not seen again by their workers */
    unsigned jobs_max;
    bool ending;
    bool open; /* set up */
};

/* Starts `threads` threads; `queue` more requests may wait. Returns 0 or a negative errno. */
int ph__pool_start(struct ph__pool *pool, unsigned threads, unsigned queue);

/* Ends the threads once all jobs are done; also after a failed start. */
void ph__pool_stop(struct ph__pool *pool);

/* Queues what exchange->call of a connection says; returns 0, or -EAGAIN when the queue is full. A
 * request whose body it has begun to take is never turned away: of these there are not more than
 * it let in. */
int ph__pool_submit(struct ph__pool *pool, struct ph__conn *conn);

/* Its worker has seen a job completed; what arrives there says so itself. */
void ph__pool_end_job(struct ph__pool *pool);

#endif
