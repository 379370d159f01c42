/* SPDX-License-Identifier: MIT
 *
 * Tokens of deferred replies. Two hold one: the program, on any thread, until it frees it, and the
 * connection, on its worker, until the reply has been taken or the connection has ended. What the
 * program says is kept in the token; the worker alone makes the reply of it.
 */
#ifndef PORTHOLE_SERVER_TOKEN_H
#define PORTHOLE_SERVER_TOKEN_H

#include "base/buf.h"
#include "server/worker.h"

#include <pthread.h>

enum ph__token_state {
    PH__TOKEN_PENDING,
    PH__TOKEN_REPLIED, /* its completion has been given to the worker */
    PH__TOKEN_ENDED    /* there is no connection to reply to */
};

struct ph_token {
    pthread_mutex_t lock; /* guards all but what REPLIED makes the worker's */
    unsigned holders;
    enum ph__token_state state;
    struct ph__worker *worker;        /* alive while PENDING */
    struct ph__completion completion; /* what takes the token to the worker */
    uint64_t ready_us;                /* when the request was complete */
    bool arrived;                     /* the worker has got the completion; the worker's own */

    /* The reply; once REPLIED only the worker looks at it. */
    int status; /* 0: freed without a reply */
    char *content_type;
    struct ph__buf fields;
    void *body;
    size_t size;
};

/* ---- for the connection's worker ---- */

/* The connection has ended, or does without the token: takes back the worker's hold of it, or
 * leaves that to the completion that is on its way. */
void ph__token_abandon(struct ph_token *token);

/* Makes the reply of a token that has arrived, and takes back the worker's hold of it. Returns as
 * the ph_reply_* functions; PH_ERR_TOKEN when it was freed without a reply. */
int ph__token_make_reply(struct ph_token *token, struct ph_response *res);

#endif
