/* SPDX-License-Identifier: MIT
 *
 * What the program does with a socket, on any thread: messages and a Close that wait for the
 * worker, and holds.
 */
#include "base/utf8.h"
#include "websocket/websocket.h"

#include <porthole/stream.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- sending ---- */

static struct ph__queued *new_message(enum ph_websocket_kind kind, const void *data, size_t size)
{
    struct ph__queued *message = malloc(sizeof *message + size);
    if (message) {
        *message = (struct ph__queued){.opcode = kind == PH_WEBSOCKET_TEXT ? PH__OPCODE_TEXT
                                                                           : PH__OPCODE_BINARY,
                                       .size = size};
        if (size > 0) {
            memcpy(message->data, data, size);
        }
    }
    return message;
}

/* What a message costs, so that empty ones are not for nothing. */
static size_t cost(size_t size)
{
    return size + sizeof(struct ph__queued);
}

/* With the lock held: whether a message of this size may be sent now. */
static int check_room(const struct ph_websocket *socket, size_t size)
{
    if (socket->gone) {
        return -ECANCELED;
    }
    if (socket->closing) {
        return -EPIPE;
    }
    size_t max = socket->route->cfg.queue_max;
    if (size > max) {
        return -EMSGSIZE;
    }
    return socket->queued > 0 && socket->queued + cost(size) > max ? -EAGAIN : 0;
}

/* With the lock held. */
static void append(struct ph_websocket *socket, struct ph__queued *message)
{
    if (socket->first) {
        socket->last->next = message;
    } else {
        socket->first = message;
    }
    socket->last = message;
    socket->queued += cost(message->size);
}

int ph_websocket_send(struct ph_websocket *socket, enum ph_websocket_kind kind, const void *data,
                      size_t size)
{
    if (kind != PH_WEBSOCKET_TEXT && kind != PH_WEBSOCKET_BINARY) {
        return -EINVAL;
    }
    if (kind == PH_WEBSOCKET_TEXT && !ph__utf8_is_valid(data, size)) {
        return -EILSEQ;
    }
    pthread_mutex_lock(&socket->lock);
    /* Of what stands behind others the worker knows already. */
    bool wake = !socket->first && !socket->calling;
    int err = check_room(socket, size);
    struct ph__queued *message = err == 0 ? new_message(kind, data, size) : NULL;
    if (message) {
        append(socket, message);
    } else if (err == 0) {
        err = -ENOMEM;
    }
    pthread_mutex_unlock(&socket->lock);
    if (err == 0 && wake) {
        ph_waker_wake(socket->waker);
    }
    return err;
}

int ph_websocket_send_text(struct ph_websocket *socket, const char *text)
{
    return ph_websocket_send(socket, PH_WEBSOCKET_TEXT, text, strlen(text));
}

size_t ph_websocket_room(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    size_t room = 0;
    if (check_room(socket, 0) == 0) {
        size_t max = socket->route->cfg.queue_max;
        room = socket->queued > 0 ? max - socket->queued - cost(0) : max;
    }
    pthread_mutex_unlock(&socket->lock);
    return room;
}

/* ---- closing ---- */

static bool is_code(unsigned code)
{
    return (code >= 1000 && code <= 1003 && code != PH_WEBSOCKET_PROTOCOL) ||
           (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* With the lock held. */
static void set_closing(struct ph_websocket *socket, unsigned code, const char *reason)
{
    socket->closing = true;
    socket->code = code;
    memcpy(socket->reason, reason, strlen(reason) + 1);
}

int ph_websocket_close(struct ph_websocket *socket, unsigned code, const char *reason)
{
    const char *text = reason ? reason : "";
    if (!is_code(code) || strlen(text) > PH_WEBSOCKET_REASON) {
        return -EINVAL;
    }
    if (!ph__utf8_is_valid(text, strlen(text))) {
        return -EILSEQ;
    }
    pthread_mutex_lock(&socket->lock);
    bool wake = !socket->calling;
    int err = socket->gone ? -ECANCELED : socket->closing ? -EPIPE : 0;
    if (err == 0) {
        set_closing(socket, code, text);
    }
    pthread_mutex_unlock(&socket->lock);
    if (err == 0 && wake) {
        ph_waker_wake(socket->waker);
    }
    return err;
}

/* ---- holds ---- */

struct ph_websocket *ph_websocket_hold(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    socket->holders++;
    pthread_mutex_unlock(&socket->lock);
    return socket;
}

void ph_websocket_free(struct ph_websocket *socket)
{
    if (!socket) {
        return;
    }
    pthread_mutex_lock(&socket->lock);
    bool last = --socket->holders == 0;
    pthread_mutex_unlock(&socket->lock);
    if (last) {
        ph_waker_free(socket->waker);
        pthread_mutex_destroy(&socket->lock);
        free(socket);
    }
}

/* ---- for the worker ---- */

void ph__websocket_set_calling(struct ph_websocket *socket, bool calling)
{
    pthread_mutex_lock(&socket->lock);
    socket->calling = calling;
    pthread_mutex_unlock(&socket->lock);
}

struct ph__queued *ph__websocket_next(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    struct ph__queued *message = socket->first;
    socket->queued -= socket->in_hand;
    socket->in_hand = 0;
    if (message) {
        socket->first = message->next;
        socket->in_hand = cost(message->size);
    }
    pthread_mutex_unlock(&socket->lock);
    return message;
}

void ph__websocket_stop_sending(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    socket->closing = true;
    pthread_mutex_unlock(&socket->lock);
}

void ph__websocket_begin_close(struct ph_websocket *socket, unsigned code)
{
    pthread_mutex_lock(&socket->lock);
    if (!socket->closing) {
        set_closing(socket, code, "");
    }
    pthread_mutex_unlock(&socket->lock);
}

bool ph__websocket_is_closing(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    bool closing = socket->closing;
    pthread_mutex_unlock(&socket->lock);
    return closing;
}

void ph__websocket_set_gone(struct ph_websocket *socket)
{
    pthread_mutex_lock(&socket->lock);
    struct ph__queued *message = socket->first;
    socket->gone = true;
    socket->first = NULL;
    pthread_mutex_unlock(&socket->lock);
    while (message) {
        struct ph__queued *next = message->next;
        free(message);
        message = next;
    }
}
