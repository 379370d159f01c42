/* SPDX-License-Identifier: MIT
 *
 * A connection that has left HTTP behind: what it receives goes to the protocol that followed, and
 * what that has to say is sent. Either may wait, and the other goes on.
 */
#include "server/conn.h"
#include "server/server.h"
#include "server/upgrade.h"
#include "server/waker.h"
#include "server/worker.h"

/* Nothing of HTTP is needed any more but the buffers. */
enum ph__step ph__conn_begin_upgrade(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__upgrade *upgrade = exchange->upgrade;
    struct ph__input *in = &exchange->in;
    exchange->resume = PH__RESUME_UPGRADED;
    ph__conn_set_state(conn, PH__CONN_UPGRADED);
    conn->writable = true; /* let the kernel say otherwise */
    if (ph__worker_draining(conn->worker)) {
        upgrade->kind->drain(upgrade);
    }
    size_t from = exchange->in_end;
    size_t more = in->size - from; /* the peer did not wait for the reply */
    in->start = in->size = exchange->in_end = 0;
    if (more > 0) {
        upgrade->kind->receive(upgrade, in->data + from, more, conn->worker->now_us);
    }
    return PH__STEP_GO;
}

void ph__conn_drop_upgrade(struct ph__conn *conn)
{
    struct ph__upgrade *upgrade = conn->exchange->upgrade;
    if (!upgrade) {
        return;
    }
    conn->exchange->upgrade = NULL;
    ph__waker_abandon(upgrade->waker);
    upgrade->kind->end(upgrade);
}

/* All is said. The peer may be in the middle of something that nobody wants to hear any more. */
static enum ph__step end(struct ph__conn *conn)
{
    conn->exchange->error_reply = conn->exchange->upgrade->unread;
    ph__conn_drop_upgrade(conn);
    return ph__conn_end(conn);
}

static enum ph__step send_more(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct iovec rest = {exchange->out.data + exchange->sent, exchange->out.size - exchange->sent};
    ph__io_send(&exchange->io, conn->fd, &rest, 1);
    return PH__STEP_IO;
}

static enum ph__step receive_more(struct ph__conn *conn)
{
    struct ph__input *in = &conn->exchange->in;
    return ph__conn_receive(conn, in->data, in->capacity);
}

enum ph__step ph__conn_upgraded(struct ph__conn *conn)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__upgrade *upgrade = exchange->upgrade;
    if (exchange->sent == exchange->out.size) {
        exchange->sent = 0;
        ph__buf_reset(&exchange->out);
        upgrade->kind->fill(upgrade, &exchange->out, conn->worker->now_us);
        if (ph__buf_error(&exchange->out)) {
            return ph__conn_break_off(conn); /* no memory for what was to be said */
        }
    }
    if (exchange->out.size > exchange->sent) {
        if (conn->writable) {
            return send_more(conn);
        }
        return conn->readable && !upgrade->deaf ? receive_more(conn) : PH__STEP_WAIT;
    }
    if (upgrade->ended) {
        return end(conn);
    }
    return conn->readable ? receive_more(conn) : PH__STEP_WAIT;
}

enum ph__step ph__conn_upgrade_received(struct ph__conn *conn, ssize_t got)
{
    struct ph__exchange *exchange = conn->exchange;
    struct ph__upgrade *upgrade = exchange->upgrade;
    if (got < 0) {
        return ph__conn_close(conn);
    }
    if (got == 0) {
        return PH__STEP_GO;
    }
    upgrade->kind->receive(upgrade, exchange->in.data, (size_t)got, conn->worker->now_us);
    return PH__STEP_GO;
}

enum ph__step ph__conn_upgrade_expired(struct ph__conn *conn)
{
    struct ph__upgrade *upgrade = conn->exchange->upgrade;
    if (!upgrade->kind->tick(upgrade, conn->worker->now_us)) {
        return ph__conn_break_off(conn);
    }
    conn->restart = PH__RESTART;
    return PH__STEP_GO;
}
