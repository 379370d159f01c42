/* SPDX-License-Identifier: MIT
 *
 * The listening and bound sockets, grouped by protocol and port, with the connections on their
 * side counted.
 */
#include "sockets/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ph_ports {
    struct ph_snapshot *snapshot; /* a reference */
    struct ph_port *items;        /* owned; ordered by key_of() */
    size_t count;
    uint64_t *sockets; /* owned; sort_key() of each listening or bound socket, ordered */
};

/* Orders by port, then TCP before UDP. */
static uint32_t key_of(uint16_t port, enum ph_protocol protocol)
{
    return (uint32_t)port << 1 | (protocol == PH_PROTOCOL_UDP);
}

static uint64_t sort_key(const struct ph_socket *socket, size_t row)
{
    return (uint64_t)key_of(socket->local_port, socket->protocol) << 32 | row;
}

static bool is_member(const struct ph_socket *socket)
{
    return (socket->protocol == PH_PROTOCOL_TCP && socket->state == PH_STATE_LISTEN) ||
           (socket->protocol == PH_PROTOCOL_UDP && socket->state == PH_STATE_UNCONNECTED &&
            socket->local_port != 0);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t left;
    uint64_t right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

/* Adds a number to a sum, where -1 means unknown. */
static void add_known(int64_t *sum, int64_t number)
{
    if (number >= 0) {
        *sum = *sum < 0 ? number : *sum + number;
    }
}

static void add_member(struct ph_port *port, const struct ph_socket *socket)
{
    port->socket_count++;
    if (socket->scope > port->scope) {
        port->scope = socket->scope;
    }
    add_known(&port->accept_queue, socket->accept_queue);
    add_known(&port->backlog, socket->backlog);
    add_known(&port->drops, socket->drops);
}

static void group(struct ph_ports *ports, size_t members)
{
    const struct ph_socket *rows = ports->snapshot->rows.items;
    struct ph_port *port = NULL;
    for (size_t i = 0; i < members; i++) {
        const struct ph_socket *socket = &rows[(uint32_t)ports->sockets[i]];
        if (!port || port->protocol != socket->protocol || port->port != socket->local_port) {
            port = &ports->items[ports->count++];
            *port = (struct ph_port){
                .protocol = socket->protocol,
                .port = socket->local_port,
                .service =
                    ph__snapshot_service(ports->snapshot, socket->protocol, socket->local_port),
                .accept_queue = -1,
                .backlog = -1,
                .drops = -1,
                .socket_first = i,
            };
        }
        add_member(port, socket);
    }
}

static struct ph_port *find(struct ph_ports *ports, const struct ph_socket *socket)
{
    uint32_t wanted = key_of(socket->local_port, socket->protocol);
    size_t low = 0;
    size_t high = ports->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ph_port *port = &ports->items[middle];
        uint32_t key = key_of(port->port, port->protocol);
        if (key == wanted) {
            return port;
        }
        if (key < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void count_connections(struct ph_ports *ports)
{
    const struct ph__rows *rows = &ports->snapshot->rows;
    for (size_t i = 0; i < rows->count; i++) {
        const struct ph_socket *socket = &rows->items[i];
        if (socket->protocol == PH_PROTOCOL_UNIX || socket->direction != PH_DIRECTION_INBOUND) {
            continue;
        }
        struct ph_port *port = find(ports, socket);
        if (port) {
            port->connections[socket->state]++;
            port->unaccepted += socket->protocol == PH_PROTOCOL_TCP &&
                                socket->state == PH_STATE_ESTABLISHED && socket->inode == 0;
        }
    }
}

int ph_ports_new(struct ph_ports **ret_ports, struct ph_snapshot *snapshot)
{
    const struct ph__rows *rows = &snapshot->rows;
    size_t members = 0;
    for (size_t i = 0; i < rows->count; i++) {
        members += is_member(&rows->items[i]);
    }
    struct ph_ports *ports = calloc(1, sizeof *ports);
    if (!ports) {
        return -ENOMEM;
    }
    ports->snapshot = ph_snapshot_ref(snapshot);
    ports->sockets = malloc((members + 1) * sizeof *ports->sockets);
    ports->items = malloc((members + 1) * sizeof *ports->items);
    if (!ports->sockets || !ports->items) {
        ph_ports_free(ports);
        return -ENOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (is_member(&rows->items[i])) {
            ports->sockets[used++] = sort_key(&rows->items[i], i);
        }
    }
    qsort(ports->sockets, members, sizeof *ports->sockets, compare_keys);
    group(ports, members);
    count_connections(ports);
    *ret_ports = ports;
    return 0;
}

void ph_ports_free(struct ph_ports *ports)
{
    if (!ports) {
        return;
    }
    ph_snapshot_unref(ports->snapshot);
    free(ports->items);
    free(ports->sockets);
    free(ports);
}

size_t ph_ports_count(const struct ph_ports *ports)
{
    return ports->count;
}

const struct ph_port *ph_ports_at(const struct ph_ports *ports, size_t index)
{
    return index < ports->count ? &ports->items[index] : NULL;
}

const struct ph_socket *ph_ports_socket(const struct ph_ports *ports, const struct ph_port *port,
                                        size_t index)
{
    if (index >= port->socket_count) {
        return NULL;
    }
    return &ports->snapshot->rows.items[(uint32_t)ports->sockets[port->socket_first + index]];
}
