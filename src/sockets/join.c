/* SPDX-License-Identifier: MIT
 *
 * Joins among the rows, each through an index, so that the whole is linear.
 *
 * Which end began is not recorded by the kernel. A connection whose local end a listener covers
 * was answered here; else, when the other end is answered here, it was begun here; else the port
 * that the kernel gave out (the ephemeral one) is the end that began.
 */
#include "sockets/join.h"

#include "sockets/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ports that programs run by root take for the client's end (NFS and its like). */
enum { RESERVED_CLIENT_FIRST = 512, RESERVED_CLIENT_LAST = 1023, LOOPBACK_INTERFACE = 1 };

struct join {
    struct ph_socket *items;
    size_t count;
    struct ph__port_range ephemeral;
    struct ph__index listeners; /* end_key() of TCP listeners and unconnected UDP */
    /* A bit for each port in it: most ports have no listener, and this costs no hashing. */
    uint8_t listening[PH_PROTOCOL_UNIX][(UINT16_MAX + 1) / 8];
    struct ph__index connections; /* tuple_key() of what has a remote end */
    struct ph__index unix_inodes;
    struct ph__index unix_listeners; /* hash of the name */
};

static bool is_listener(const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_TCP
               ? socket->state == PH_STATE_LISTEN
               : socket->state == PH_STATE_UNCONNECTED && socket->local_port != 0;
}

static uint64_t end_key(const struct ph__index *index, enum ph_protocol protocol,
                        const struct ph__address *address, uint16_t port)
{
    uint8_t bytes[20] = {(uint8_t)protocol};
    memcpy(bytes + 2, &port, sizeof port);
    memcpy(bytes + 4, address->bytes, sizeof address->bytes);
    return ph__index_hash(index, bytes, sizeof bytes);
}

static uint64_t tuple_key(const struct ph__index *index, enum ph_protocol protocol,
                          const struct ph__address *local, uint16_t local_port,
                          const struct ph__address *remote, uint16_t remote_port)
{
    uint8_t bytes[40] = {(uint8_t)protocol};
    memcpy(bytes + 2, &local_port, sizeof local_port);
    memcpy(bytes + 4, &remote_port, sizeof remote_port);
    memcpy(bytes + 8, local->bytes, sizeof local->bytes);
    memcpy(bytes + 24, remote->bytes, sizeof remote->bytes);
    return ph__index_hash(index, bytes, sizeof bytes);
}

static struct ph__address local_of(const struct ph_socket *socket)
{
    return ph__address_of(socket->family, socket->local_address);
}

static struct ph__address remote_of(const struct ph_socket *socket)
{
    return ph__address_of(socket->family, socket->remote_address);
}

static bool same_address(const struct ph__address *a, const struct ph__address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* A row with these two ends, or PH__INDEX_NONE. */
static uint32_t find_tuple(const struct join *join, enum ph_protocol protocol,
                           const struct ph__address *local, uint16_t local_port,
                           const struct ph__address *remote, uint16_t remote_port)
{
    const struct ph__index *index = &join->connections;
    uint64_t key = tuple_key(index, protocol, local, local_port, remote, remote_port);
    size_t cursor;
    uint32_t at = ph__index_find(index, key, &cursor);
    for (; at != PH__INDEX_NONE; at = ph__index_next(index, key, &cursor)) {
        const struct ph_socket *found = &join->items[at];
        struct ph__address found_local = local_of(found);
        struct ph__address found_remote = remote_of(found);
        if (found->protocol == protocol && found->local_port == local_port &&
            found->remote_port == remote_port && same_address(&found_local, local) &&
            same_address(&found_remote, remote)) {
            break;
        }
    }
    return at;
}

/* Whether something at exactly this end accepts on an interface, over IPv4 if need be. */
static bool listens_at(const struct join *join, enum ph_protocol protocol,
                       const struct ph__address *address, uint16_t port, uint32_t interface,
                       bool over_ipv4)
{
    uint64_t key = end_key(&join->listeners, protocol, address, port);
    size_t cursor;
    uint32_t at = ph__index_find(&join->listeners, key, &cursor);
    for (; at != PH__INDEX_NONE; at = ph__index_next(&join->listeners, key, &cursor)) {
        const struct ph_socket *found = &join->items[at];
        struct ph__address local = local_of(found);
        if (found->protocol == protocol && found->local_port == port &&
            same_address(&local, address) &&
            (found->interface == 0 || found->interface == interface) &&
            !(over_ipv4 && found->v6only)) {
            return true;
        }
    }
    return false;
}

/* Whether a listener here covers an address and port. */
static bool is_served(const struct join *join, enum ph_protocol protocol,
                      const struct ph__address *address, uint16_t port, uint32_t interface)
{
    static const uint8_t any[16] = {0};
    if (!(join->listening[protocol][port / 8] >> port % 8 & 1)) {
        return false;
    }
    struct ph__address any_ipv4 = ph__address_of(PH_FAMILY_IPV4, any);
    struct ph__address any_ipv6 = ph__address_of(PH_FAMILY_IPV6, any);
    bool ipv4 = ph__address_is_ipv4(address);
    return listens_at(join, protocol, address, port, interface, false) ||
           (ipv4 && listens_at(join, protocol, &any_ipv4, port, interface, false)) ||
           listens_at(join, protocol, &any_ipv6, port, interface, ipv4);
}

static int index_listener(struct join *join, uint32_t row)
{
    const struct ph_socket *socket = &join->items[row];
    struct ph__address local = local_of(socket);
    join->listening[socket->protocol][socket->local_port / 8] |=
        (uint8_t)(1U << socket->local_port % 8);
    /* Many sockets may share one end (SO_REUSEPORT): one is enough. */
    if (!socket->v6only &&
        listens_at(join, socket->protocol, &local, socket->local_port, socket->interface, true)) {
        return 0;
    }
    if (socket->v6only &&
        listens_at(join, socket->protocol, &local, socket->local_port, socket->interface, false)) {
        return 0;
    }
    uint64_t key = end_key(&join->listeners, socket->protocol, &local, socket->local_port);
    return ph__index_put(&join->listeners, key, row);
}

static int index_connection(struct join *join, uint32_t row)
{
    const struct ph_socket *socket = &join->items[row];
    struct ph__address local = local_of(socket);
    struct ph__address remote = remote_of(socket);
    if (find_tuple(join, socket->protocol, &local, socket->local_port, &remote,
                   socket->remote_port) != PH__INDEX_NONE) {
        return 0;
    }
    uint64_t key = tuple_key(&join->connections, socket->protocol, &local, socket->local_port,
                             &remote, socket->remote_port);
    return ph__index_put(&join->connections, key, row);
}

static int index_unix(struct join *join, uint32_t row)
{
    const struct ph_socket *socket = &join->items[row];
    int err = 0;
    if (socket->inode) {
        err = ph__index_put(&join->unix_inodes, socket->inode, row);
    }
    if (err == 0 && socket->state == PH_STATE_LISTEN && socket->path) {
        uint64_t key = ph__index_hash(&join->unix_listeners, socket->path, socket->path_size);
        size_t cursor;
        if (ph__index_find(&join->unix_listeners, key, &cursor) == PH__INDEX_NONE) {
            err = ph__index_put(&join->unix_listeners, key, row);
        }
    }
    return err;
}

static int index_rows(struct join *join)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < join->count; i++) {
        const struct ph_socket *socket = &join->items[i];
        if (socket->protocol == PH_PROTOCOL_UNIX) {
            err = index_unix(join, (uint32_t)i);
        } else if (socket->has_remote) {
            err = index_connection(join, (uint32_t)i);
        } else if (is_listener(socket)) {
            err = index_listener(join, (uint32_t)i);
        }
    }
    return err;
}

static bool is_ephemeral(const struct join *join, uint16_t port)
{
    return port >= join->ephemeral.first && port <= join->ephemeral.last;
}

/* No listener tells: the ports have to. */
static enum ph_direction guess_direction(const struct join *join, const struct ph_socket *socket,
                                         bool both_here)
{
    bool local = is_ephemeral(join, socket->local_port);
    bool remote = is_ephemeral(join, socket->remote_port);
    if (local != remote) {
        return local ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_INBOUND;
    }
    if (both_here) {
        return PH_DIRECTION_LOCAL;
    }
    bool reserved =
        socket->local_port >= RESERVED_CLIENT_FIRST && socket->local_port <= RESERVED_CLIENT_LAST;
    return local || reserved ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_INBOUND;
}

static void join_connection(const struct join *join, struct ph_socket *socket)
{
    struct ph__address local = local_of(socket);
    struct ph__address remote = remote_of(socket);
    uint32_t peer = find_tuple(join, socket->protocol, &remote, socket->remote_port, &local,
                               socket->local_port);
    const struct ph_socket *other = peer == PH__INDEX_NONE ? NULL : &join->items[peer];
    if (other && other != socket) {
        socket->peer = peer;
    }
    if (socket->state == PH_STATE_SYN_SENT || socket->state == PH_STATE_SYN_RECV) {
        socket->direction =
            socket->state == PH_STATE_SYN_SENT ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_INBOUND;
        return;
    }
    bool both_here = other || ph__address_is_loopback(&remote) || same_address(&local, &remote);
    bool served = is_served(join, socket->protocol, &local, socket->local_port, socket->interface);
    bool other_served = both_here && is_served(join, socket->protocol, &remote, socket->remote_port,
                                               other ? other->interface : socket->interface);
    if (served != other_served) {
        socket->direction = served ? PH_DIRECTION_INBOUND : PH_DIRECTION_OUTBOUND;
    } else {
        socket->direction = guess_direction(join, socket, both_here);
    }
}

static bool has_listener_name(const struct join *join, const struct ph_socket *socket)
{
    uint64_t key = ph__index_hash(&join->unix_listeners, socket->path, socket->path_size);
    size_t cursor;
    return ph__index_find(&join->unix_listeners, key, &cursor) != PH__INDEX_NONE;
}

/* The accepting end of a stream carries its listener's name; the other end is mostly unnamed. */
static enum ph_direction unix_stream_direction(const struct join *join,
                                               const struct ph_socket *socket,
                                               const struct ph_socket *other)
{
    bool named = socket->path != NULL;
    bool other_named = other && other->path;
    if (named && other_named) {
        named = has_listener_name(join, socket);
        other_named = has_listener_name(join, other);
    }
    if (named == other_named) {
        return PH_DIRECTION_LOCAL;
    }
    return named ? PH_DIRECTION_INBOUND : PH_DIRECTION_OUTBOUND;
}

static void join_unix_peer(const struct join *join, struct ph_socket *socket)
{
    if (!socket->peer_inode) {
        return;
    }
    size_t cursor;
    uint32_t peer = ph__index_find(&join->unix_inodes, socket->peer_inode, &cursor);
    if (peer != PH__INDEX_NONE) {
        socket->peer = peer;
    }
}

static void join_unix_direction(const struct join *join, struct ph_socket *socket)
{
    const struct ph_socket *other = socket->peer < 0 ? NULL : &join->items[socket->peer];
    if (socket->state == PH_STATE_ESTABLISHED) {
        socket->direction = unix_stream_direction(join, socket, other);
    } else if (socket->state == PH_STATE_CONNECTED) {
        bool mutual = other && other->peer >= 0 && &join->items[other->peer] == socket;
        socket->direction = other && !mutual ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_LOCAL;
    }
}

static void set_scope(struct ph_socket *socket)
{
    bool bound = socket->state == PH_STATE_LISTEN || socket->state == PH_STATE_CLOSED ||
                 socket->state == PH_STATE_UNCONNECTED;
    if (socket->protocol == PH_PROTOCOL_UNIX || !bound || socket->local_port == 0) {
        return;
    }
    struct ph__address local = local_of(socket);
    socket->scope =
        socket->interface == LOOPBACK_INTERFACE ? PH_SCOPE_LOOPBACK : ph__address_scope(&local);
}

static void fill_rows(struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        if (join->items[i].protocol == PH_PROTOCOL_UNIX) {
            join_unix_peer(join, &join->items[i]);
        }
    }
    for (size_t i = 0; i < join->count; i++) {
        struct ph_socket *socket = &join->items[i];
        if (socket->state == PH_STATE_LISTEN) {
            socket->direction = PH_DIRECTION_LISTEN;
        } else if (socket->protocol == PH_PROTOCOL_UNIX) {
            join_unix_direction(join, socket);
        } else if (socket->has_remote) {
            join_connection(join, socket);
        }
        set_scope(socket);
    }
}

int ph__join(struct ph__rows *rows, struct ph__port_range ephemeral)
{
    struct join *join = calloc(1, sizeof *join);
    if (!join) {
        return -ENOMEM;
    }
    join->items = rows->items;
    join->count = rows->count;
    join->ephemeral = ephemeral;
    struct ph__index *const indexes[] = {&join->listeners, &join->connections, &join->unix_inodes,
                                         &join->unix_listeners};
    size_t index_count = sizeof indexes / sizeof indexes[0];
    for (size_t i = 0; i < index_count; i++) {
        ph__index_init(indexes[i], rows->seen.seed);
    }
    int err = index_rows(join);
    if (err == 0) {
        fill_rows(join);
    }
    for (size_t i = 0; i < index_count; i++) {
        ph__index_done(indexes[i]);
    }
    free(join);
    return err;
}
