/* SPDX-License-Identifier: MIT
 *
 * The transport of a connection. Most have none, and then the connection's own structure has no
 * place for it: there may be many thousands of these.
 */
#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <sys/socket.h>

bool ph__conn_wrap(struct ph__conn *conn)
{
    struct ph_server *server = conn->worker->server;
    const struct ph__sockaddr peer = ph__conn_peer(conn);
    if (!server->transports || peer.family == AF_UNIX) {
        return true;
    }
    struct ph__transport *transport = server->wrapper.wrap(server->wrapper.user, conn->fd);
    server->transports[conn->index] = transport;
    conn->wrapped = transport;
    return transport;
}

struct ph__transport *ph__conn_transport(const struct ph__conn *conn)
{
    return conn->wrapped ? conn->worker->server->transports[conn->index] : NULL;
}

void ph__conn_unwrap(struct ph__conn *conn, bool say_end)
{
    struct ph__transport *transport = ph__conn_transport(conn);
    if (!transport) {
        return;
    }
    if (say_end) {
        transport->kind->say_end(transport);
    }
    transport->kind->free(transport);
    conn->worker->server->transports[conn->index] = NULL;
    conn->wrapped = false;
    if (conn->exchange) {
        conn->exchange->io.transport = NULL;
    }
}
