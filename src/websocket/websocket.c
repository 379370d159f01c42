/* SPDX-License-Identifier: MIT
 *
 * A socket on its worker: between the connection, the frames and the program's callbacks.
 */
#include "websocket/websocket.h"

#include "server/waker.h"

#include <errno.h>
#include <stdlib.h>

/* So many frames that wait are enough: pings come in faster than their answers go out. */
enum { WAITING_MAX = 16 };

static struct ph_websocket *socket_of(struct ph__upgrade *upgrade)
{
    return (struct ph_websocket *)upgrade; /* its first member */
}

/* Says how things stand, after each change of the frames. */
static void tell_connection(struct ph_websocket *socket)
{
    struct ph__upgrade *upgrade = &socket->upgrade;
    bool listens = ph__frames_listens(socket->frames);
    upgrade->deaf = !listens || ph__frames_waiting(socket->frames) > WAITING_MAX;
    upgrade->ended = !listens && ph__frames_has_closed(socket->frames);
    upgrade->unread = ph__frames_failed(socket->frames);
}

/* ---- out: the queue ---- */

/* Behind the last message. Where the peer has closed meanwhile, or was refused, that has been
 * answered. */
static int say_close(struct ph_websocket *socket)
{
    if (socket->close_said || !ph__websocket_is_closing(socket)) {
        return 0;
    }
    socket->close_said = true;
    int err = ph__frames_close(socket->frames, socket->code, socket->reason);
    return err == -EPIPE ? 0 : err;
}

/* The next message, or Close, into the frames; 0 when there is none, 1, -ENOMEM. */
static int load_next(struct ph_websocket *socket)
{
    bool said = socket->close_said;
    struct ph__queued *message = ph__websocket_next(socket);
    if (!message) {
        int err = say_close(socket);
        return err < 0 ? err : socket->close_said != said;
    }
    socket->undrained = true;
    int err = ph__frames_send(socket->frames, message->opcode, message->data, message->size);
    free(message);
    return err == -ENOMEM ? err : 1; /* behind a Close it is lost */
}

/* Fills `out` as far as there is something, up to `size_max` bytes. */
static void collect(struct ph_websocket *socket, struct ph__buf *out, size_t size_max)
{
    int loaded = 1;
    while (loaded > 0) {
        ph__frames_collect(socket->frames, out, size_max);
        if (out->size >= size_max || ph__buf_error(out)) {
            return;
        }
        loaded = load_next(socket);
    }
    if (loaded < 0) {
        out->error = loaded;
    }
}

/* Fits struct ph__frames_user: what was sent before the peer's Close came goes before the answer.
 * It is no more than the queue may hold. */
static void collect_all(void *user)
{
    struct ph_websocket *socket = user;
    collect(socket, &socket->early, SIZE_MAX);
}

/* ---- in ---- */

/* Fits ph__frames_message. */
static void take_message(void *user, enum ph__opcode opcode, const char *data, size_t size)
{
    struct ph_websocket *socket = user;
    const struct ph_websocket_config *cfg = &socket->route->cfg;
    if (cfg->message && !ph__websocket_is_closing(socket)) {
        cfg->message(socket, opcode == PH__OPCODE_TEXT ? PH_WEBSOCKET_TEXT : PH_WEBSOCKET_BINARY,
                     data, size, cfg->user);
    }
}

static void receive(struct ph__upgrade *upgrade, const char *bytes, size_t size, uint64_t now_us)
{
    struct ph_websocket *socket = socket_of(upgrade);
    socket->heard_us = now_us;
    socket->asked_us = 0;
    ph__websocket_set_calling(socket, true);
    ph__frames_receive(socket->frames, bytes, size);
    ph__websocket_set_calling(socket, false);
    if (!ph__frames_listens(socket->frames)) {
        ph__websocket_stop_sending(socket);
    }
    tell_connection(socket);
}

/* ---- out: the connection ---- */

static void tell_drained(struct ph_websocket *socket)
{
    const struct ph_websocket_config *cfg = &socket->route->cfg;
    socket->undrained = false;
    if (cfg->drained && !ph__websocket_is_closing(socket)) {
        ph__websocket_set_calling(socket, true);
        cfg->drained(socket, cfg->user);
        ph__websocket_set_calling(socket, false);
    }
}

static void fill(struct ph__upgrade *upgrade, struct ph__buf *out, uint64_t now_us)
{
    struct ph_websocket *socket = socket_of(upgrade);
    if (socket->heard_us == 0) { /* it begins */
        socket->heard_us = now_us;
        ph__websocket_set_calling(socket, false);
    }
    if (socket->early.size > 0 || ph__buf_error(&socket->early)) {
        struct ph__buf empty = *out;
        *out = socket->early;
        socket->early = empty;
    } else {
        collect(socket, out, PH__UPGRADE_OUT);
    }
    while (out->size == 0 && socket->undrained && !ph__buf_error(out)) {
        tell_drained(socket);
        collect(socket, out, PH__UPGRADE_OUT);
    }
    socket->filled_us = now_us;
    socket->sending = out->size > 0;
    if (socket->closed_us == 0 && ph__frames_has_closed(socket->frames)) {
        socket->closed_us = now_us;
    }
    tell_connection(socket);
}

/* ---- time ---- */

static bool tick(struct ph__upgrade *upgrade, uint64_t now_us)
{
    struct ph_websocket *socket = socket_of(upgrade);
    const struct ph__websocket_route *route = socket->route;
    if (socket->sending && now_us - socket->filled_us >= route->write_us) {
        return false;
    }
    if (socket->closed_us) {
        return now_us - socket->closed_us < route->pong_us;
    }
    if (socket->asked_us) {
        return now_us - socket->asked_us < route->pong_us;
    }
    if (now_us - socket->heard_us >= route->ping_us) {
        socket->asked_us = now_us;
        return ph__frames_send(socket->frames, PH__OPCODE_PING, NULL, 0) != -ENOMEM;
    }
    return true;
}

static void drain(struct ph__upgrade *upgrade)
{
    ph__websocket_begin_close(socket_of(upgrade), PH_WEBSOCKET_GOING_AWAY);
}

/* ---- beginning and end ---- */

/* Lets go of what only a connection needs. */
static void release(struct ph_websocket *socket)
{
    ph__frames_free(socket->frames);
    socket->frames = NULL;
    ph__buf_done(&socket->early);
    ph_websocket_free(socket);
}

static void end(struct ph__upgrade *upgrade)
{
    struct ph_websocket *socket = socket_of(upgrade);
    const struct ph_websocket_config *cfg = &socket->route->cfg;
    ph__websocket_set_gone(socket);
    if (cfg->closed) {
        cfg->closed(socket, ph__frames_code(socket->frames), ph__frames_reason(socket->frames),
                    cfg->user);
    }
    release(socket);
}

static const struct ph__upgrade_kind websocket_kind = {receive, fill, tick, drain, end};

struct ph_websocket *ph__websocket_new(const struct ph__websocket_route *route,
                                       struct ph_request *req)
{
    struct ph_websocket *socket = calloc(1, sizeof *socket);
    if (!socket || pthread_mutex_init(&socket->lock, NULL)) {
        free(socket);
        return NULL;
    }
    socket->upgrade.kind = &websocket_kind;
    socket->route = route;
    socket->holders = 1;
    socket->calling = true; /* the connection looks at the queue first of all */
    ph__buf_init(&socket->early, 0);
    const struct ph__frames_user user = {take_message, collect_all, socket};
    socket->frames = ph__frames_new(route->cfg.message_max, &user);
    if (!socket->frames || ph__upgrade_prepare(&socket->upgrade, req) < 0) {
        ph__frames_free(socket->frames);
        pthread_mutex_destroy(&socket->lock);
        free(socket);
        return NULL;
    }
    socket->waker = socket->upgrade.waker;
    return socket;
}

void ph__websocket_refuse(struct ph_websocket *socket)
{
    ph__websocket_set_gone(socket);
    ph__waker_abandon(socket->upgrade.waker);
    release(socket);
}

/* ---- for the program, within callbacks ---- */

const char *ph_websocket_protocol(const struct ph_websocket *socket)
{
    return socket->protocol;
}

void ph_websocket_set_data(struct ph_websocket *socket, void *data)
{
    socket->data = data;
}

void *ph_websocket_data(const struct ph_websocket *socket)
{
    return socket->data;
}
