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
#include "sockets/inet_diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ports that programs run by root take for the client's end (NFS and its like). */
enum { RESERVED_CLIENT_FIRST = 512, RESERVED_CLIENT_LAST = 1023, LOOPBACK_INTERFACE = 1 };

/* Rows that are worked on together; how far ahead memory is asked for; and the mark of a row whose
 * peer is still to be found. */
enum { BLOCK = 32, AHEAD = 8, PEER_LATER = -2 };

struct join {
    struct ph_socket *items;
    size_t count;
    struct ph__port_range ephemeral;
    struct ph__index listeners; /* end_key() of TCP listeners, unconnected UDP and their like */
    /* A bit for each port in it: most ports have no listener, and this costs no hashing. */
    uint8_t listening[2][(UINT16_MAX + 1) / 8]; /* [1]: without connections */
    struct ph__index connections;               /* connection_key() of what has a remote end */
    struct ph__index unix_inodes;
    struct ph__index unix_listeners; /* hash of the name */
};

/* Whether both ends have addresses and ports, so that they can be joined by them. */
static bool has_ends(const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_TCP || socket->protocol == PH_PROTOCOL_UDP ||
           socket->protocol == PH_PROTOCOL_MPTCP || socket->protocol == PH_PROTOCOL_UDPLITE ||
           socket->protocol == PH_PROTOCOL_VSOCK;
}

static bool is_listener(const struct ph_socket *socket)
{
    return socket->state == PH_STATE_LISTEN ||
           (socket->state == PH_STATE_UNCONNECTED && socket->local_port != 0);
}

/* One end as a number. IPv4, plain or mapped, needs no more than one round. */
static uint64_t end_number(uint64_t seed, const struct ph__address *address, uint16_t port)
{
    uint64_t halves[2];
    memcpy(halves, address->bytes, sizeof halves);
    uint64_t high = ph__address_is_ipv4(address) ? 0 : ph__index_mix(halves[0] ^ seed);
    return ph__index_mix((halves[1] ^ seed) + high + port * UINT64_C(0x9E3779B97F4A7C15));
}

static uint64_t end_key(const struct ph__index *index, enum ph_protocol protocol,
                        const struct ph__address *address, uint16_t port)
{
    return end_number(index->seed, address, port) + protocol;
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

/* The same for both ends of a connection: one search finds either. */
static uint64_t connection_key(const struct join *join, const struct ph_socket *socket)
{
    uint64_t seed = join->connections.seed;
    struct ph__address local = local_of(socket);
    struct ph__address remote = remote_of(socket);
    return socket->protocol + end_number(seed, &local, socket->local_port) +
           end_number(seed, &remote, socket->remote_port);
}

static bool same_end(enum ph_family family_a, const uint8_t a[16], enum ph_family family_b,
                     const uint8_t b[16])
{
    if (family_a == family_b) {
        return memcmp(a, b, 16) == 0; /* behind the 4 bytes of IPv4 there are zeros */
    }
    struct ph__address address_a = ph__address_of(family_a, a);
    struct ph__address address_b = ph__address_of(family_b, b);
    return same_address(&address_a, &address_b);
}

/* Whether two rows have the same two ends. */
static bool is_same_tuple(const struct ph_socket *a, const struct ph_socket *b)
{
    return a->protocol == b->protocol && a->local_port == b->local_port &&
           a->remote_port == b->remote_port &&
           same_end(a->family, a->local_address, b->family, b->local_address) &&
           same_end(a->family, a->remote_address, b->family, b->remote_address);
}

/* Whether two rows are the two ends of one connection. */
static bool is_other_end(const struct ph_socket *a, const struct ph_socket *b)
{
    return a->protocol == b->protocol && a->local_port == b->remote_port &&
           a->remote_port == b->local_port &&
           same_end(a->family, a->local_address, b->family, b->remote_address) &&
           same_end(a->family, a->remote_address, b->family, b->local_address);
}

/* The address as listeners are found by it. A vsock listener is there for all numbers that this
 * machine has: without the number the port is left, which stands behind it. */
static struct ph__address listening_end(enum ph_protocol protocol,
                                        const struct ph__address *address)
{
    struct ph__address end = *address;
    if (protocol == PH_PROTOCOL_VSOCK) {
        memset(end.bytes, 0, sizeof(uint32_t));
    }
    return end;
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
        struct ph__address whole = local_of(found);
        struct ph__address local = listening_end(protocol, &whole);
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
    if (!(join->listening[ph__inet_diag_is_connectionless(protocol)][port / 8] >> port % 8 & 1)) {
        return false;
    }
    if (protocol == PH_PROTOCOL_VSOCK) {
        struct ph__address end = listening_end(protocol, address);
        return listens_at(join, protocol, &end, port, interface, false);
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
    struct ph__address whole = local_of(socket);
    struct ph__address local = listening_end(socket->protocol, &whole);
    bool connectionless = ph__inet_diag_is_connectionless(socket->protocol);
    join->listening[connectionless][socket->local_port / 8] |=
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

/* Of several rows with the same ends (one closing, one new) the first stands for all, and alone is
 * in the index. It and the first row with the ends exchanged are each other's peer. */
static int index_connection(struct join *join, uint32_t row, uint64_t key)
{
    struct ph_socket *socket = &join->items[row];
    uint32_t other = PH__INDEX_NONE;
    size_t cursor;
    uint32_t at = ph__index_find(&join->connections, key, &cursor);
    for (; at != PH__INDEX_NONE; at = ph__index_next(&join->connections, key, &cursor)) {
        const struct ph_socket *found = &join->items[at];
        if (is_same_tuple(found, socket)) {
            socket->peer = PEER_LATER;
            return 0;
        }
        other = is_other_end(found, socket) ? at : other;
    }
    if (other != PH__INDEX_NONE) {
        socket->peer = other;
        join->items[other].peer = row;
    }
    return ph__index_put(&join->connections, key, row);
}

/* The peer of a row that is not the first of its kind. */
static int64_t find_peer(const struct join *join, const struct ph_socket *socket)
{
    uint64_t key = connection_key(join, socket);
    size_t cursor;
    uint32_t at = ph__index_find(&join->connections, key, &cursor);
    while (at != PH__INDEX_NONE && !is_other_end(&join->items[at], socket)) {
        at = ph__index_next(&join->connections, key, &cursor);
    }
    return at == PH__INDEX_NONE ? -1 : (int64_t)at;
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

static int index_row(struct join *join, uint32_t row, uint64_t key)
{
    const struct ph_socket *socket = &join->items[row];
    if (socket->protocol == PH_PROTOCOL_UNIX) {
        return index_unix(join, row);
    }
    if (!has_ends(socket)) {
        return 0;
    }
    if (socket->has_remote) {
        return index_connection(join, row, key);
    }
    return is_listener(socket) ? index_listener(join, row) : 0;
}

/* Asks for the memory that index_row() is going to need: slots, and then the rows that are found
 * there, lie in no order, and each would be waited for. */
static void fetch_block(const struct join *join, size_t from, size_t end, uint64_t keys[BLOCK])
{
    for (size_t i = from; i < end; i++) {
        const struct ph_socket *socket = &join->items[i];
        bool connection = socket->has_remote && has_ends(socket);
        keys[i - from] = connection ? connection_key(join, socket) : 0;
        ph__index_prefetch(&join->connections, keys[i - from]);
    }
    for (size_t i = from; i < end; i++) {
        size_t cursor;
        uint32_t at = ph__index_find(&join->connections, keys[i - from], &cursor);
        if (at != PH__INDEX_NONE) {
            __builtin_prefetch(&join->items[at], 1);
        }
    }
}

static int index_rows(struct join *join)
{
    uint64_t keys[BLOCK];
    size_t end = 0;
    for (size_t from = 0; from < join->count; from = end) {
        end = from + BLOCK < join->count ? from + BLOCK : join->count;
        fetch_block(join, from, end, keys);
        for (size_t i = from; i < end; i++) {
            int err = index_row(join, (uint32_t)i, keys[i - from]);
            if (err < 0) {
                return err;
            }
        }
    }
    return 0;
}

static bool is_ephemeral(const struct join *join, uint16_t port)
{
    return port >= join->ephemeral.first && port <= join->ephemeral.last;
}

/* No listener tells: the ports have to. */
static enum ph_direction guess_direction(const struct join *join, const struct ph_socket *socket,
                                         bool both_here)
{
    if (socket->protocol == PH_PROTOCOL_VSOCK) { /* has ports of its own */
        return both_here ? PH_DIRECTION_LOCAL : PH_DIRECTION_OUTBOUND;
    }
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
    if (socket->peer == PEER_LATER) {
        socket->peer = find_peer(join, socket);
    }
    const struct ph_socket *other = socket->peer < 0 ? NULL : &join->items[socket->peer];
    if (socket->state == PH_STATE_SYN_SENT || socket->state == PH_STATE_SYN_RECV) {
        socket->direction =
            socket->state == PH_STATE_SYN_SENT ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_INBOUND;
        return;
    }
    struct ph__address local = local_of(socket);
    struct ph__address remote = remote_of(socket);
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

/* Raw and netlink sockets have another end, but no conversation: they only chose whom they talk
 * to. */
static void join_remote(const struct join *join, struct ph_socket *socket)
{
    if (has_ends(socket)) {
        join_connection(join, socket);
        return;
    }
    struct ph__address local = local_of(socket);
    struct ph__address remote = remote_of(socket);
    bool here = socket->protocol == PH_PROTOCOL_NETLINK || ph__address_is_loopback(&remote) ||
                same_address(&local, &remote);
    socket->direction = here ? PH_DIRECTION_LOCAL : PH_DIRECTION_OUTBOUND;
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

/* What has no IP address reaches no further than the frames of a link, or the other machines on
 * this hardware; netlink stays within the machine, as unix sockets do, and has no scope. */
static void set_link_scope(struct ph_socket *socket)
{
    bool packet = socket->protocol == PH_PROTOCOL_PACKET;
    if (packet || (socket->protocol == PH_PROTOCOL_VSOCK && socket->state == PH_STATE_LISTEN)) {
        bool loopback = packet && socket->interface == LOOPBACK_INTERFACE;
        socket->scope = loopback ? PH_SCOPE_LOOPBACK : PH_SCOPE_LINK;
    }
}

static void set_scope(struct ph_socket *socket)
{
    bool bound = socket->state == PH_STATE_LISTEN || socket->state == PH_STATE_CLOSED ||
                 socket->state == PH_STATE_UNCONNECTED;
    if (socket->family >= PH_FAMILY_UNIX) {
        set_link_scope(socket);
        return;
    }
    if (!bound || socket->local_port == 0) {
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
        int64_t ahead = i + AHEAD < join->count ? join->items[i + AHEAD].peer : -1;
        if (ahead >= 0) {
            __builtin_prefetch(&join->items[ahead].interface);
        }
        if (socket->state == PH_STATE_LISTEN) {
            socket->direction = PH_DIRECTION_LISTEN;
        } else if (socket->protocol == PH_PROTOCOL_UNIX) {
            join_unix_direction(join, socket);
        } else if (socket->has_remote) {
            join_remote(join, socket);
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
    struct ph__index *const indexes[] = {&join->listeners, &join->unix_inodes,
                                         &join->unix_listeners};
    size_t index_count = sizeof indexes / sizeof indexes[0];
    for (size_t i = 0; i < index_count; i++) {
        ph__index_init(indexes[i], rows->seen.seed);
    }
    /* Gathering is over: its index has the right size for the connections. */
    join->connections = rows->seen;
    ph__index_init(&rows->seen, join->connections.seed);
    ph__index_clear(&join->connections);
    int err = index_rows(join);
    if (err == 0) {
        fill_rows(join);
    }
    for (size_t i = 0; i < index_count; i++) {
        ph__index_done(indexes[i]);
    }
    ph__index_done(&join->connections);
    free(join);
    return err;
}
