/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/ports: the columns of a port row, which merges all sockets of one protocol and port.
 */
#include "status/rows.h"

#include <stdlib.h>
#include <string.h>

static const struct ph_port *port_at(const struct ph__view *view, size_t row)
{
    return ph_ports_at(view->data, row);
}

static void get_protocol(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, ph_protocol_name(port_at(view, row)->protocol));
}

static void get_port(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, port_at(view, row)->port);
}

static void get_service(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, port_at(view, row)->service);
}

static void get_scope(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_scope scope = port_at(view, row)->scope;
    ph__value_text(value, scope == PH_SCOPE_NONE ? NULL : ph_scope_name(scope));
}

static int compare_addresses(const void *left, const void *right)
{
    const struct ph_socket *const *a = left;
    const struct ph_socket *const *b = right;
    if ((*a)->family != (*b)->family) {
        return (*a)->family < (*b)->family ? -1 : 1;
    }
    size_t size = (*a)->family == PH_FAMILY_IPV4 ? 4 : sizeof(*a)->local_address;
    return memcmp((*a)->local_address, (*b)->local_address, size);
}

/* Puts one socket for each address of the port into `found`, as an array of pointers. */
static size_t find_addresses(const struct ph__view *view, size_t row, struct ph__buf *found)
{
    const struct ph_port *port = port_at(view, row);
    for (size_t i = 0; i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(view->data, port, i);
        ph__buf_append(found, &socket, sizeof(const struct ph_socket *));
    }
    const struct ph_socket **sockets = (const struct ph_socket **)(void *)found->data;
    size_t count = ph__buf_error(found) ? 0 : port->socket_count;
    if (count > 1) {
        qsort(sockets, count, sizeof *sockets, compare_addresses);
    }
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || compare_addresses(&sockets[unique - 1], &sockets[i]) != 0) {
            sockets[unique++] = sockets[i];
        }
    }
    return unique;
}

/* The addresses, each in quotes for JSON. */
static void put_addresses(const struct ph__view *view, size_t row, bool json, struct ph__buf *buf)
{
    struct ph__buf found;
    ph__buf_init(&found, 0);
    size_t count = find_addresses(view, row, &found);
    const struct ph_socket **sockets = (const struct ph_socket **)(void *)found.data;
    for (size_t i = 0; i < count; i++) {
        char text[PH_ADDRESS_TEXT];
        size_t size = ph_socket_local_address(sockets[i], text, sizeof text);
        ph__buf_puts(buf, i == 0 ? "" : json ? "," : " ");
        if (json) {
            ph__buf_put_json(buf, text, size);
        } else {
            ph__buf_append(buf, text, size);
        }
    }
    buf->error = ph__buf_error(&found) ? ph__buf_error(&found) : buf->error;
    ph__buf_done(&found);
}

static void get_addresses(const struct ph__view *view, size_t row, struct ph__value *value)
{
    put_addresses(view, row, false, value->scratch);
    ph__value_scratch(value);
}

static void write_addresses(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    ph__buf_putc(buf, '[');
    put_addresses(view, row, true, buf);
    ph__buf_putc(buf, ']');
}

static int compare_owners(const void *left, const void *right)
{
    const struct ph_owner *a = left;
    const struct ph_owner *b = right;
    int order = (a->process->pid > b->process->pid) - (a->process->pid < b->process->pid);
    return order ? order : (a->fd > b->fd) - (a->fd < b->fd);
}

/* Puts one owner for each process that holds the port into `found`, with its first descriptor. */
static size_t find_owners(const struct ph__view *view, size_t row, struct ph__buf *found)
{
    const struct ph_port *port = port_at(view, row);
    for (size_t i = 0; view->owners && i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(view->data, port, i);
        for (uint32_t k = 0; k < socket->owner_count; k++) {
            struct ph_owner owner = ph_snapshot_owner(view->snapshot, socket, k);
            ph__buf_append(found, &owner, sizeof owner);
        }
    }
    struct ph_owner *owners = (struct ph_owner *)(void *)found->data;
    size_t count = ph__buf_error(found) ? 0 : found->size / sizeof *owners;
    if (count > 1) {
        qsort(owners, count, sizeof *owners, compare_owners);
    }
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || owners[unique - 1].process->pid != owners[i].process->pid) {
            owners[unique++] = owners[i];
        }
    }
    return unique;
}

static void get_owners(const struct ph__view *view, size_t row, struct ph__value *value)
{
    struct ph__buf found;
    ph__buf_init(&found, 0);
    size_t count = find_owners(view, row, &found);
    const struct ph_owner *owners = (const struct ph_owner *)(void *)found.data;
    for (size_t i = 0; i < count; i++) {
        const struct ph_process *process = owners[i].process;
        ph__buf_printf(value->scratch, "%s%s(%d)", i ? " " : "",
                       process->command ? process->command : "?", process->pid);
    }
    value->scratch->error = ph__buf_error(&found) ? ph__buf_error(&found) : value->scratch->error;
    ph__buf_done(&found);
    ph__value_scratch(value);
}

static void write_owner(const struct ph_owner *owner, struct ph__buf *buf)
{
    const struct ph_process *process = owner->process;
    ph__buf_puts(buf, "{\"pid\":");
    ph__buf_put_i64(buf, process->pid);
    ph__buf_puts(buf, ",\"command\":");
    ph__put_text(buf, process->command);
    ph__buf_puts(buf, ",\"fd\":");
    ph__buf_put_i64(buf, owner->fd);
    ph__buf_puts(buf, ",\"user\":");
    ph__put_text(buf, process->user);
    ph__buf_puts(buf, ",\"unit\":");
    ph__put_text(buf, process->unit);
    ph__buf_puts(buf, ",\"container\":");
    ph__put_text(buf, process->container);
    ph__buf_putc(buf, '}');
}

static void write_owners(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    if (!view->owners) {
        ph__buf_puts(buf, "null");
        return;
    }
    struct ph__buf found;
    ph__buf_init(&found, 0);
    size_t count = find_owners(view, row, &found);
    const struct ph_owner *owners = (const struct ph_owner *)(void *)found.data;
    ph__buf_putc(buf, '[');
    for (size_t i = 0; i < count; i++) {
        ph__buf_puts(buf, i ? "," : "");
        write_owner(&owners[i], buf);
    }
    ph__buf_putc(buf, ']');
    buf->error = ph__buf_error(&found) ? ph__buf_error(&found) : buf->error;
    ph__buf_done(&found);
}

/* Told only where no socket of the port has an owner: the first reason. */
static enum ph_owner_unknown find_reason(const struct ph__view *view, size_t row)
{
    const struct ph_port *port = port_at(view, row);
    enum ph_owner_unknown reason = PH_OWNER_UNKNOWN_NONE;
    for (size_t i = 0; view->owners && i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(view->data, port, i);
        if (socket->owner_count > 0) {
            return PH_OWNER_UNKNOWN_NONE;
        }
        reason = reason == PH_OWNER_UNKNOWN_NONE ? socket->owner_unknown : reason;
    }
    return reason;
}

static void get_owner_unknown(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_owner_unknown reason = find_reason(view, row);
    if (reason != PH_OWNER_UNKNOWN_NONE) {
        ph__value_text(value, ph_owner_unknown_name(reason));
    }
}

static void get_owner(const struct ph__view *view, size_t row, struct ph__value *value)
{
    get_owners(view, row, value);
    enum ph_owner_unknown reason = find_reason(view, row);
    if (value->kind == PH__VALUE_NULL && reason != PH_OWNER_UNKNOWN_NONE) {
        ph__buf_printf(value->scratch, "(%s)", ph_owner_unknown_name(reason));
        ph__value_scratch(value);
    }
}

static void get_accept_queue(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, port_at(view, row)->accept_queue);
}

static void get_backlog(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, port_at(view, row)->backlog);
}

static void get_drops(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, port_at(view, row)->drops);
}

/* Which states a connection of a port can be in. */
static bool can_have(const struct ph_port *port, enum ph_state state)
{
    if (port->protocol == PH_PROTOCOL_UDP) {
        return state == PH_STATE_CONNECTED;
    }
    return state != PH_STATE_LISTEN && state != PH_STATE_SYN_SENT && state != PH_STATE_CLOSED &&
           state < PH_STATE_CONNECTED;
}

/* "established=3 time_wait=1", without the states that none is in. */
static void get_connections(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_port *port = port_at(view, row);
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        enum ph_state state = (enum ph_state)i;
        if (can_have(port, state) && port->connections[i] > 0) {
            ph__buf_printf(value->scratch, "%s%s=%lu", value->scratch->size ? " " : "",
                           ph_state_name(state), (unsigned long)port->connections[i]);
        }
    }
    if (port->unaccepted > 0) {
        ph__buf_printf(value->scratch, "%sunaccepted=%lu", value->scratch->size ? " " : "",
                       (unsigned long)port->unaccepted);
    }
    ph__value_scratch(value);
}

static void write_connections(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    const struct ph_port *port = port_at(view, row);
    const char *separator = "{\"";
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        enum ph_state state = (enum ph_state)i;
        if (can_have(port, state)) {
            ph__buf_puts(buf, separator);
            ph__buf_puts(buf, ph_state_name(state));
            ph__buf_puts(buf, "\":");
            ph__buf_put_u64(buf, port->connections[i]);
            separator = ",\"";
        }
    }
    if (port->protocol == PH_PROTOCOL_TCP) {
        ph__buf_puts(buf, ",\"unaccepted\":");
        ph__buf_put_u64(buf, port->unaccepted);
    }
    ph__buf_putc(buf, '}');
}

static void get_unaccepted(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_port *port = port_at(view, row);
    ph__value_known(value, port->protocol == PH_PROTOCOL_TCP ? (int64_t)port->unaccepted : -1);
}

static void put_socket_ids(const struct ph__view *view, size_t row, const char *separator,
                           const char *quote, struct ph__buf *buf)
{
    const struct ph_port *port = port_at(view, row);
    for (size_t i = 0; i < port->socket_count; i++) {
        char id[PH_SOCKET_ID_TEXT]; /* made of characters that need no escape */
        size_t size = ph_socket_id(ph_ports_socket(view->data, port, i), id, sizeof id);
        ph__buf_puts(buf, i ? separator : "");
        ph__buf_puts(buf, quote);
        ph__buf_append(buf, id, size);
        ph__buf_puts(buf, quote);
    }
}

static void get_socket_ids(const struct ph__view *view, size_t row, struct ph__value *value)
{
    put_socket_ids(view, row, " ", "", value->scratch);
    ph__value_scratch(value);
}

static void write_socket_ids(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    ph__buf_putc(buf, '[');
    put_socket_ids(view, row, ",", "\"", buf);
    ph__buf_putc(buf, ']');
}

static void get_findings(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_port *port = port_at(view, row);
    if (!view->findings) {
        ph__value_null(value);
        return;
    }
    ph__put_findings(view, PH_SUBJECT_PORT, port->protocol, port->port, false, value->scratch);
    ph__value_scratch(value);
}

static void write_findings(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    const struct ph_port *port = port_at(view, row);
    ph__put_findings(view, PH_SUBJECT_PORT, port->protocol, port->port, true, buf);
}

#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

static const struct ph__column columns[] = {
    {"protocol", "tcp or udp", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_protocol, NULL, 0},
    {"port", "The port", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN, get_port, NULL, 0},
    {"service", "Its name in the services database", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_service,
     NULL, 0},
    {"addresses", "Local addresses, all families", TEXTS, PH__COLUMN_SHOWN, get_addresses,
     write_addresses, 0},
    {"scope", "Who can reach it, the widest: loopback, link, private, public or all",
     PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_scope, NULL, 0},
    {"owners", "Processes that hold it, once each, with their first descriptor",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"pid\":{\"type\":"
     "\"integer\"},\"command\":{\"type\":[\"string\",\"null\"]},\"fd\":{\"type\":\"integer\"},"
     "\"user\":{\"type\":[\"string\",\"null\"]},\"unit\":{\"type\":[\"string\",\"null\"]},"
     "\"container\":{\"type\":[\"string\",\"null\"]}}}}",
     PH__COLUMN_OWNERS, get_owners, write_owners, 0},
    {"owner_unknown", "Why there is no owner", PH__SCHEMA_TEXT, PH__COLUMN_OWNERS,
     get_owner_unknown, NULL, 0},
    {"accept_queue", "Connections waiting to be accepted, all listeners", PH__SCHEMA_INTEGER,
     PH__COLUMN_SHOWN, get_accept_queue, NULL, 0},
    {"backlog", "The limit of those queues, summed up", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN,
     get_backlog, NULL, 0},
    {"drops", "What its sockets dropped", PH__SCHEMA_INTEGER, 0, get_drops, NULL, 0},
    {"connections", "Connections by state on this side; unaccepted: established, but not accepted",
     "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", PH__COLUMN_SHOWN,
     get_connections, write_connections, 0},
    {"socket_ids", "Ids of the listening or bound sockets", TEXTS, 0, get_socket_ids,
     write_socket_ids, 0},
    {"findings", "Ids of findings about it, at most 5 s old; null: nobody looked", TEXTS,
     PH__COLUMN_FINDINGS, get_findings, write_findings, 0},
    {"unaccepted", "As in connections; only when asked for", PH__SCHEMA_INTEGER, PH__COLUMN_EXTRA,
     get_unaccepted, NULL, 0},
    {"owner", "Owners in one word each, or why there is none; only when asked for", PH__SCHEMA_TEXT,
     PH__COLUMN_EXTRA | PH__COLUMN_SHOWN | PH__COLUMN_OWNERS, get_owner, NULL, 0},
};

static int open_ports(struct ph__view *view, const struct ph_server *server)
{
    (void)server;
    struct ph_ports *ports = NULL;
    int err = ph_ports_new(&ports, view->snapshot);
    view->data = err < 0 ? NULL : ports;
    return err;
}

static void close_ports(struct ph__view *view)
{
    ph_ports_free(view->data);
}

static size_t count(const struct ph__view *view)
{
    return ph_ports_count(view->data);
}

/* A port is listed when one of its listening or bound sockets matches. */
static bool match(const struct ph__view *view, size_t row, const struct ph_filter *filter)
{
    const struct ph_port *port = port_at(view, row);
    for (size_t i = 0; i < port->socket_count; i++) {
        if (ph_filter_match(filter, view->snapshot, ph_ports_socket(view->data, port, i))) {
            return true;
        }
    }
    return false;
}

const struct ph__list_kind ph__list_ports = {
    .name = "ports",
    .protocols = PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) | PH_PROTOCOL_BIT(PH_PROTOCOL_UDP),
    .row_name = "Port",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .open = open_ports,
    .close = close_ports,
    .count = count,
    .match = match,
};
