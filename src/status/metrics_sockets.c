/* SPDX-License-Identifier: MIT
 *
 * Metrics of the machine's sockets: by state, by listener, by command.
 */
#include "status/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many commands are shown, those with the most sockets. */
enum { COMMANDS_MAX = 20 };

/* ---- by state ---- */

static void put_states(struct ph__exposition *to, const struct ph_snapshot *snapshot)
{
    ph__exposition_family(to, "porthole_sockets", PH__METRIC_GAUGE, "Sockets by protocol.");
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        enum ph_protocol protocol = (enum ph_protocol)i;
        if (ph_snapshot_source(snapshot, protocol, NULL) == PH_SOURCE_UNAVAILABLE) {
            continue;
        }
        size_t total = 0;
        for (int j = 0; j < PH_STATE_COUNT; j++) {
            total += ph_snapshot_state_count(snapshot, protocol, (enum ph_state)j);
        }
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "protocol", ph_protocol_name(protocol));
        ph__exposition_u64(to, total);
    }
    if (ph_snapshot_source(snapshot, PH_PROTOCOL_TCP, NULL) == PH_SOURCE_UNAVAILABLE) {
        return;
    }
    ph__exposition_family(to, "porthole_tcp_sockets", PH__METRIC_GAUGE, "TCP sockets by state.");
    for (int i = 0; i < PH_STATE_CONNECTED; i++) {
        enum ph_state state = (enum ph_state)i;
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "state", ph_state_name(state));
        ph__exposition_u64(to, ph_snapshot_state_count(snapshot, PH_PROTOCOL_TCP, state));
    }
}

/* ---- by listener ---- */

struct listener {
    const struct ph_socket *socket; /* one of those at this address and port */
    int64_t accept_queue;           /* sums; -1 unknown */
    int64_t backlog;
    int64_t drops;
    uint64_t unaccepted;
};

struct listeners {
    struct listener *items; /* by protocol, port, family and address */
    size_t count;
    uint16_t ephemeral_first, ephemeral_last;
};

/* UDP ports that the kernel gave out are those of clients, and change all the time. */
static bool is_listener(const struct listeners *listeners, const struct ph_socket *socket)
{
    bool udp = socket->protocol == PH_PROTOCOL_UDP || socket->protocol == PH_PROTOCOL_UDPLITE;
    if (!udp) {
        return socket->protocol == PH_PROTOCOL_TCP && socket->state == PH_STATE_LISTEN;
    }
    bool ephemeral = socket->local_port >= listeners->ephemeral_first &&
                     socket->local_port <= listeners->ephemeral_last;
    return socket->state == PH_STATE_UNCONNECTED && socket->local_port != 0 && !ephemeral;
}

static int compare_places(const struct ph_socket *a, const struct ph_socket *b)
{
    if (a->protocol != b->protocol) {
        return a->protocol < b->protocol ? -1 : 1;
    }
    if (a->local_port != b->local_port) {
        return a->local_port < b->local_port ? -1 : 1;
    }
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    return memcmp(a->local_address, b->local_address, sizeof a->local_address);
}

static int compare_listeners(const void *a, const void *b)
{
    return compare_places(((const struct listener *)a)->socket,
                          ((const struct listener *)b)->socket);
}

static void add(int64_t *sum, int64_t more)
{
    if (more >= 0) {
        *sum = (*sum < 0 ? 0 : *sum) + more;
    }
}

/* Several sockets may share an address and port (SO_REUSEPORT): they are one. */
static void merge(struct listeners *listeners)
{
    size_t kept = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *item = &listeners->items[i];
        struct listener *last = kept ? &listeners->items[kept - 1] : NULL;
        if (!last || compare_listeners(last, item) != 0) {
            listeners->items[kept++] = *item;
            continue;
        }
        add(&last->accept_queue, item->accept_queue);
        add(&last->backlog, item->backlog);
        add(&last->drops, item->drops);
    }
    listeners->count = kept;
}

static struct listener *find(const struct listeners *listeners, const struct ph_socket *place)
{
    const struct listener wanted = {.socket = place};
    return listeners->count ? bsearch(&wanted, listeners->items, listeners->count, sizeof wanted,
                                      compare_listeners)
                            : NULL;
}

/* The listener that a connection came to: at its address, or at any. */
static struct listener *listener_of(const struct listeners *listeners,
                                    const struct ph_socket *socket)
{
    struct ph_socket place = *socket;
    struct listener *found = find(listeners, &place);
    memset(place.local_address, 0, sizeof place.local_address);
    found = found ? found : find(listeners, &place);
    place.family = PH_FAMILY_IPV6; /* which takes IPv4, too */
    return found ? found : find(listeners, &place);
}

/* Confirmed by the kernel, and no process has it: it waits for accept(2). */
static bool is_unaccepted(const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_TCP && socket->state == PH_STATE_ESTABLISHED &&
           socket->direction == PH_DIRECTION_INBOUND && socket->inode == 0;
}

static int collect_listeners(struct listeners *listeners, const struct ph_snapshot *snapshot)
{
    size_t sockets = ph_snapshot_count(snapshot);
    size_t count = 0;
    for (size_t i = 0; i < sockets; i++) {
        count += is_listener(listeners, ph_snapshot_at(snapshot, i));
    }
    listeners->items = calloc(count ? count : 1, sizeof *listeners->items);
    if (!listeners->items) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (is_listener(listeners, socket)) {
            listeners->items[listeners->count++] =
                (struct listener){socket, socket->accept_queue, socket->backlog, socket->drops, 0};
        }
    }
    qsort(listeners->items, listeners->count, sizeof *listeners->items, compare_listeners);
    merge(listeners);
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        struct listener *listener = is_unaccepted(socket) ? listener_of(listeners, socket) : NULL;
        if (listener) {
            listener->unaccepted++;
        }
    }
    return 0;
}

static void put_place(struct ph__exposition *to, const struct ph_socket *socket)
{
    char address[PH_ADDRESS_TEXT];
    char port[8];
    ph_socket_local_address(socket, address, sizeof address);
    snprintf(port, sizeof port, "%u", socket->local_port);
    ph__exposition_begin(to, "");
    ph__exposition_label(to, "protocol", ph_protocol_name(socket->protocol));
    ph__exposition_label(to, "address", address);
    ph__exposition_label(to, "port", port);
}

/* One of the numbers of a listener; -1 unknown. */
static int64_t value_of(const struct listener *listener, size_t offset)
{
    int64_t value;
    memcpy(&value, (const char *)listener + offset, sizeof value);
    return value;
}

static void put_listeners(struct ph__exposition *to, const struct listeners *listeners)
{
    static const struct {
        const char *name;
        enum ph__metric metric;
        const char *help;
        size_t offset;
        bool tcp_only;
    } rows[] = {
        {"porthole_listener_accept_queue", PH__METRIC_GAUGE,
         "Connections that wait to be accepted.", offsetof(struct listener, accept_queue), true},
        {"porthole_listener_accept_queue_limit", PH__METRIC_GAUGE,
         "How many may wait; beyond it they are dropped.", offsetof(struct listener, backlog),
         true},
        {"porthole_listener_unaccepted", PH__METRIC_GAUGE,
         "Established connections that no process has accepted.",
         offsetof(struct listener, unaccepted), true},
        {"porthole_listener_drops_total", PH__METRIC_COUNTER,
         "Connections or datagrams that the sockets at a port dropped.",
         offsetof(struct listener, drops), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ph__exposition_family(to, rows[i].name, rows[i].metric, rows[i].help);
        for (size_t j = 0; j < listeners->count; j++) {
            const struct listener *listener = &listeners->items[j];
            int64_t value = value_of(listener, rows[i].offset);
            bool tcp = listener->socket->protocol == PH_PROTOCOL_TCP;
            if (value >= 0 && (tcp || !rows[i].tcp_only)) {
                put_place(to, listener->socket);
                ph__exposition_u64(to, (uint64_t)value);
            }
        }
    }
}

/* ---- by command ---- */

struct command {
    const char *name;
    uint64_t sockets;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct command *)a)->name, ((const struct command *)b)->name);
}

static int compare_counts(const void *a, const void *b)
{
    const struct command *x = a;
    const struct command *y = b;
    return x->sockets != y->sockets ? (x->sockets > y->sockets ? -1 : 1) : compare_names(a, b);
}

/* One entry a process and socket; its descriptors stand side by side. */
static size_t list_commands(const struct ph_snapshot *snapshot, struct command *to)
{
    size_t count = 0;
    size_t sockets = ph_snapshot_count(snapshot);
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        const struct ph_process *last = NULL;
        for (uint32_t j = 0; j < socket->owner_count; j++) {
            const struct ph_process *process = ph_snapshot_owner(snapshot, socket, j).process;
            if (process != last) {
                to[count++] = (struct command){process->command, 1};
            }
            last = process;
        }
    }
    return count;
}

static size_t sum_up(struct command *commands, size_t count)
{
    size_t kept = 0;
    qsort(commands, count, sizeof *commands, compare_names);
    for (size_t i = 0; i < count; i++) {
        if (kept && strcmp(commands[kept - 1].name, commands[i].name) == 0) {
            commands[kept - 1].sockets++;
        } else {
            commands[kept++] = commands[i];
        }
    }
    qsort(commands, kept, sizeof *commands, compare_counts);
    return kept;
}

static int put_commands(struct ph__exposition *to, const struct ph_snapshot *snapshot)
{
    size_t owners = 0;
    size_t sockets = ph_snapshot_count(snapshot);
    for (size_t i = 0; i < sockets; i++) {
        owners += ph_snapshot_at(snapshot, i)->owner_count;
    }
    struct command *commands = calloc(owners ? owners : 1, sizeof *commands);
    if (!commands) {
        return -ENOMEM;
    }
    size_t count = sum_up(commands, list_commands(snapshot, commands));
    ph__exposition_family(to, "porthole_process_sockets", PH__METRIC_GAUGE,
                          "Sockets by the command of their processes, the largest ones.");
    for (size_t i = 0; i < count && i < COMMANDS_MAX; i++) {
        ph__exposition_begin(to, "");
        ph__exposition_label(to, "command", commands[i].name);
        ph__exposition_u64(to, commands[i].sockets);
    }
    free(commands);
    return 0;
}

/* ---- ephemeral ports ---- */

static void put_ephemeral(struct ph__exposition *to, const struct ph_snapshot *snapshot,
                          uint16_t first, uint16_t last)
{
    uint8_t used[(UINT16_MAX + 1) / 8] = {0};
    unsigned count = 0;
    size_t sockets = ph_snapshot_count(snapshot);
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        uint16_t port = socket->local_port;
        if (socket->protocol != PH_PROTOCOL_TCP || port < first || port > last) {
            continue;
        }
        uint8_t bit = (uint8_t)(1U << port % 8);
        count += !(used[port / 8] & bit);
        used[port / 8] |= bit;
    }
    ph__exposition_family(to, "porthole_ephemeral_ports_used_ratio", PH__METRIC_GAUGE,
                          "Part of the ports of ip_local_port_range that TCP sockets have.");
    ph__exposition_begin(to, "");
    ph__exposition_number(to, (double)count / (last - first + 1));
}

int ph__metrics_of_sockets(struct ph__exposition *exposition, const struct ph_snapshot *snapshot,
                           bool owners)
{
    struct listeners listeners = {.items = NULL};
    ph_snapshot_ephemeral_ports(snapshot, &listeners.ephemeral_first, &listeners.ephemeral_last);
    put_states(exposition, snapshot);
    int err = collect_listeners(&listeners, snapshot);
    if (!err) {
        put_listeners(exposition, &listeners);
    }
    free(listeners.items);
    put_ephemeral(exposition, snapshot, listeners.ephemeral_first, listeners.ephemeral_last);
    return !err && owners ? put_commands(exposition, snapshot) : err;
}
