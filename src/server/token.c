/* SPDX-License-Identifier: MIT
 *
 * Deferred replies.
 */
#include "server/token.h"

#include "http/response.h"
#include "server/exchange.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 4096 };

static void destroy(struct ph_token *token)
{
    pthread_mutex_destroy(&token->lock);
    free(token->content_type);
    free(token->body);
    ph__buf_done(&token->fields);
    free(token);
}

/* Unlocks, and frees when nobody holds it any more. */
static void let_go(struct ph_token *token)
{
    bool last = --token->holders == 0;
    pthread_mutex_unlock(&token->lock);
    if (last) {
        destroy(token);
    }
}

/* The reply has come to the worker. */
static void arrive(struct ph__completion *completion)
{
    struct ph_token *token =
        (struct ph_token *)(void *)((char *)completion - offsetof(struct ph_token, completion));
    pthread_mutex_lock(&token->lock);
    token->arrived = true;
    struct ph__conn *conn = completion->conn;
    if (!conn) { /* it has ended meanwhile */
        let_go(token);
        return;
    }
    pthread_mutex_unlock(&token->lock);
    ph__conn_token_arrived(conn);
}

int ph_defer(struct ph_request *req, struct ph_response *res, struct ph_token **ret_token)
{
    struct ph__exchange *exchange = ph__exchange_of(req);
    if (res->status || exchange->token) {
        return PH_ERR_REPLIED;
    }
    struct ph_token *token = calloc(1, sizeof *token);
    if (!token) {
        return -ENOMEM;
    }
    int err = pthread_mutex_init(&token->lock, NULL);
    if (err) {
        free(token);
        return -err;
    }
    token->holders = 2;
    token->worker = exchange->conn->worker;
    token->completion = (struct ph__completion){.conn = exchange->conn, .arrive = arrive};
    token->ready_us = exchange->ready_us;
    ph__buf_init(&token->fields, FIELDS_MAX);
    exchange->token = token;
    *ret_token = token;
    return 0;
}

/* With the lock held: whether a reply may still be made. */
static int check_pending(const struct ph_token *token)
{
    return token->state == PH__TOKEN_PENDING   ? 0
           : token->state == PH__TOKEN_REPLIED ? PH_ERR_REPLIED
                                               : -ECANCELED;
}

int ph_token_header(struct ph_token *token, const char *name, const char *value)
{
    pthread_mutex_lock(&token->lock);
    int err = check_pending(token);
    err = err ? err : ph__response_add_field(&token->fields, name, value);
    pthread_mutex_unlock(&token->lock);
    return err;
}

/* With the lock held. From here on the reply is the worker's. */
static void hand_over(struct ph_token *token)
{
    token->state = PH__TOKEN_REPLIED;
    ph__worker_complete(token->worker, &token->completion);
}

/* With the lock held. */
static int keep_reply(struct ph_token *token, int status, const char *content_type,
                      const void *data, size_t size)
{
    char *type = content_type ? strdup(content_type) : NULL;
    void *body = malloc(size ? size : 1);
    if (!body || (content_type && !type)) {
        free(type);
        free(body);
        return -ENOMEM;
    }
    if (size > 0) {
        memcpy(body, data, size);
    }
    token->status = status;
    token->content_type = type;
    token->body = body;
    token->size = size;
    return 0;
}

int ph_token_reply(struct ph_token *token, int status, const char *content_type, const void *data,
                   size_t size)
{
    if (status < 200 || status > 599) {
        return -EINVAL;
    }
    if (content_type && !ph__response_is_value(content_type)) {
        return PH_ERR_HEADER;
    }
    pthread_mutex_lock(&token->lock);
    int err = check_pending(token);
    err = err ? err : keep_reply(token, status, content_type, data, size);
    if (err == 0) {
        hand_over(token);
    }
    pthread_mutex_unlock(&token->lock);
    return err;
}

bool ph_token_is_wanted(struct ph_token *token)
{
    pthread_mutex_lock(&token->lock);
    bool wanted = token->state == PH__TOKEN_PENDING;
    pthread_mutex_unlock(&token->lock);
    return wanted;
}

void ph_token_free(struct ph_token *token)
{
    if (!token) {
        return;
    }
    pthread_mutex_lock(&token->lock);
    if (token->state == PH__TOKEN_PENDING) {
        hand_over(token); /* with status 0: the server says that there was no reply */
    }
    let_go(token);
}

/* ---- for the worker ---- */

void ph__token_abandon(struct ph_token *token)
{
    pthread_mutex_lock(&token->lock);
    if (token->state == PH__TOKEN_REPLIED && !token->arrived) {
        token->completion.conn = NULL; /* it is on its way, and will find nobody */
        pthread_mutex_unlock(&token->lock);
        return;
    }
    token->state = PH__TOKEN_ENDED;
    let_go(token);
}

int ph__token_make_reply(struct ph_token *token, struct ph_response *res)
{
    int err = token->status ? 0 : PH_ERR_TOKEN;
    if (err == 0 && token->fields.size > 0) {
        ph__buf_append(&res->fields, token->fields.data, token->fields.size);
        err = ph__buf_error(&res->fields);
    }
    if (err == 0) {
        err =
            ph_reply_take(res, token->status, token->content_type, token->body, token->size, free);
    }
    if (err == 0) {
        token->body = NULL; /* the response's now, or freed */
    }
    pthread_mutex_lock(&token->lock);
    let_go(token);
    return err;
}
