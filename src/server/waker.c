/* SPDX-License-Identifier: MIT
 *
 * Bodies whose generator may have nothing to say for a while.
 */
#include "server/waker.h"

#include "server/exchange.h"
#include "server/worker.h"

#include <errno.h>
#include <stdlib.h>

struct ph_waker {
    pthread_mutex_t lock; /* guards all below */
    unsigned holders;
    bool ended;  /* there is no connection to wake any more */
    bool posted; /* the completion is on its way to the worker, which then holds the waker, too */
    struct ph__worker *worker; /* alive until `ended` */
    struct ph__completion completion;
};

static void destroy(struct ph_waker *waker)
{
    pthread_mutex_destroy(&waker->lock);
    free(waker);
}

/* Unlocks, and frees when nobody holds it any more. */
static void let_go(struct ph_waker *waker)
{
    bool last = --waker->holders == 0;
    pthread_mutex_unlock(&waker->lock);
    if (last) {
        destroy(waker);
    }
}

/* On the worker: the program has something for the body. */
static void arrive(struct ph__completion *completion)
{
    struct ph_waker *waker =
        (struct ph_waker *)(void *)((char *)completion - offsetof(struct ph_waker, completion));
    pthread_mutex_lock(&waker->lock);
    waker->posted = false;
    struct ph__conn *conn = waker->ended ? NULL : completion->conn;
    let_go(waker); /* the connection's own hold is left, as long as it has not ended */
    if (conn) {
        ph__conn_woken(conn);
    }
}

struct ph_waker *ph__waker_new(struct ph__exchange *exchange)
{
    struct ph_waker *waker = calloc(1, sizeof *waker);
    if (!waker || pthread_mutex_init(&waker->lock, NULL)) {
        free(waker);
        return NULL;
    }
    waker->holders = 2;
    waker->worker = exchange->conn->worker;
    waker->completion = (struct ph__completion){.conn = exchange->conn, .arrive = arrive};
    return waker;
}

int ph_reply_generate_waking(struct ph_request *req, struct ph_response *res, int status,
                             const char *content_type, ph_generate generate, void *user,
                             void (*release)(void *user), struct ph_waker **ret_waker)
{
    struct ph__exchange *exchange = ph__exchange_of(req);
    struct ph_waker *waker = ph__waker_new(exchange);
    if (!waker) {
        return -ENOMEM;
    }
    /* Written before the release of a body that nobody wants, which may use it. */
    struct ph_waker *before = *ret_waker;
    *ret_waker = waker;
    int err = ph_reply_generate(res, status, content_type, generate, user, release);
    if (err == 0 && res->generate) {
        exchange->waker = waker;
        return 0;
    }
    if (err < 0) {
        *ret_waker = before;
        destroy(waker);
        return err;
    }
    ph__waker_abandon(waker); /* nobody wants the body of this one: a HEAD request */
    return 0;
}

void ph_waker_wake(struct ph_waker *waker)
{
    pthread_mutex_lock(&waker->lock);
    if (!waker->ended && !waker->posted) {
        waker->posted = true;
        waker->holders++;
        ph__worker_complete(waker->worker, &waker->completion);
    }
    pthread_mutex_unlock(&waker->lock);
}

bool ph_waker_is_wanted(struct ph_waker *waker)
{
    pthread_mutex_lock(&waker->lock);
    bool wanted = !waker->ended;
    pthread_mutex_unlock(&waker->lock);
    return wanted;
}

void ph_waker_free(struct ph_waker *waker)
{
    if (waker) {
        pthread_mutex_lock(&waker->lock);
        let_go(waker);
    }
}

void ph__waker_abandon(struct ph_waker *waker)
{
    pthread_mutex_lock(&waker->lock);
    waker->ended = true;
    let_go(waker);
}
