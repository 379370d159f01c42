/* SPDX-License-Identifier: MIT
 *
 * The pool of blocking handlers.
 */
#include "server/pool.h"

#include "server/server.h"

#include <errno.h>
#include <stdlib.h>

/* Waits for a job; NULL when the pool ends. */
static struct ph__completion *next_job(struct ph__pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->ending) {
        pthread_cond_wait(&pool->wanted, &pool->lock);
    }
    struct ph__completion *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first) {
            pool->last = NULL;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *run(void *user)
{
    struct ph__pool *pool = user;
    struct ph__completion *job;
    while ((job = next_job(pool))) {
        struct ph__worker *worker = job->conn->worker;
        job->result = ph__exchange_call(job->conn->exchange);
        ph__worker_complete(worker, job);
    }
    return NULL;
}

static int init(struct ph__pool *pool, unsigned threads, unsigned queue)
{
    *pool = (struct ph__pool){0};
    int err = pthread_mutex_init(&pool->lock, NULL);
    if (err) {
        return -err;
    }
    err = pthread_cond_init(&pool->wanted, NULL);
    if (err) {
        pthread_mutex_destroy(&pool->lock);
        return -err;
    }
    pool->open = true;
    /* A job counts until its worker has seen it: hence as many more as may be under way. */
    pool->jobs_max = queue + threads;
    pool->threads = calloc(threads, sizeof *pool->threads);
    return pool->threads ? 0 : -ENOMEM;
}

int ph__pool_start(struct ph__pool *pool, unsigned threads, unsigned queue)
{
    int err = init(pool, threads, queue);
    while (err == 0 && pool->thread_count < threads) {
        err = -pthread_create(&pool->threads[pool->thread_count], NULL, run, pool);
        if (err == 0) {
            pool->thread_count++;
        }
    }
    if (err < 0) {
        ph__pool_stop(pool);
    }
    return err;
}

void ph__pool_stop(struct ph__pool *pool)
{
    if (!pool->open) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->wanted);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    free(pool->threads);
    pthread_cond_destroy(&pool->wanted);
    pthread_mutex_destroy(&pool->lock);
    *pool = (struct ph__pool){0};
}

void ph__pool_end_job(struct ph__pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->jobs--;
    pthread_mutex_unlock(&pool->lock);
}

/* What was called has returned, and the worker sees it. */
static void arrive(struct ph__completion *job)
{
    struct ph__conn *conn = job->conn;
    ph__pool_end_job(&conn->worker->server->pool);
    ph__conn_handled(conn, job->result);
}

int ph__pool_submit(struct ph__pool *pool, struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__completion *job = &exchange->job;
    pthread_mutex_lock(&pool->lock);
    bool accepted = pool->jobs < pool->jobs_max || exchange->receiver.receive;
    if (accepted) {
        pool->jobs++;
        *job = (struct ph__completion){.conn = conn, .arrive = arrive};
        if (pool->last) {
            pool->last->next = job;
        } else {
            pool->first = job;
        }
        pool->last = job;
        pthread_cond_signal(&pool->wanted);
    }
    pthread_mutex_unlock(&pool->lock);
    return accepted ? 0 : -EAGAIN;
}
