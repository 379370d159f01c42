/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/sockets: the columns of a socket row.
 */
#include "status/rows.h"

#include <string.h>

/* What item() gave for this row. */
static const struct ph_socket *socket_of(const struct ph__view *view, size_t row,
                                         const struct ph__value *value)
{
    (void)view;
    (void)row;
    return value->item;
}

static bool has_address(const struct ph_socket *socket)
{
    return socket->family != PH_FAMILY_UNIX;
}

static void get_id(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_socket_text(value, socket_of(view, row, value), ph_socket_id, PH_SOCKET_ID_TEXT);
}

static void get_protocol(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_word(value, ph_protocol_name(socket_of(view, row, value)->protocol));
}

static void get_family(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_word(value, ph_family_name(socket_of(view, row, value)->family));
}

static void get_state(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_word(value, ph_state_name(socket_of(view, row, value)->state));
}

static void get_type(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_word(value, ph_socket_type_name(socket_of(view, row, value)));
}

static void get_local_address(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (has_address(socket)) {
        ph__value_socket_text(value, socket, ph_socket_local_address, PH_ADDRESS_TEXT);
    }
}

/* Port 0 is no port: nothing has been bound yet. That of netlink is the kernel's. */
static void put_port(struct ph__value *value, const struct ph_socket *socket, int64_t port)
{
    if (port > 0 || (port == 0 && socket->family == PH_FAMILY_NETLINK)) {
        ph__value_int(value, port);
    }
}

static void get_local_port(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    put_port(value, socket, ph_socket_local_port(socket));
}

static void get_remote_address(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (has_address(socket) && socket->has_remote) {
        ph__value_socket_text(value, socket, ph_socket_remote_address, PH_ADDRESS_TEXT);
    }
}

static void get_remote_port(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    put_port(value, socket, ph_socket_remote_port(socket));
}

static void get_interface(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->interface == 0) {
        return;
    }
    const char *name = ph_snapshot_interface(view->snapshot, socket->interface);
    if (name) {
        ph__value_text(value, name);
        return;
    }
    ph__buf_put_u64(value->scratch, socket->interface);
    ph__value_scratch(value);
}

static void get_path(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->protocol == PH_PROTOCOL_UNIX && socket->path) {
        ph__value_socket_text(value, socket, ph_socket_path, PH_SOCKET_PATH_TEXT);
        value->plain = false; /* a quote is still a quote */
    }
}

static void get_abstract(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->protocol == PH_PROTOCOL_UNIX && socket->path) {
        ph__value_bool(value, socket->abstract);
    }
}

static void get_peer_id(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *peer = ph_snapshot_peer(view->snapshot, socket_of(view, row, value));
    if (peer) {
        ph__value_socket_text(value, peer, ph_socket_id, PH_SOCKET_ID_TEXT);
    }
}

static void get_direction(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_direction direction = socket_of(view, row, value)->direction;
    ph__value_word(value, direction == PH_DIRECTION_NONE ? NULL : ph_direction_name(direction));
}

static void get_scope(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_scope scope = socket_of(view, row, value)->scope;
    ph__value_word(value, scope == PH_SCOPE_NONE ? NULL : ph_scope_name(scope));
}

static void get_inode(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->inode != 0) {
        ph__value_int(value, (int64_t)socket->inode);
    }
}

static void get_uid(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->uid_known) {
        ph__value_int(value, socket->uid);
    }
}

static void get_user(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    ph__value_text(value, socket->uid_known ? ph_snapshot_user(view->snapshot, socket->uid) : NULL);
}

/* "nginx(812:6) nginx(813:6)": command, process, descriptor. */
static void get_owners(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    for (uint32_t i = 0; view->owners && i < socket->owner_count; i++) {
        struct ph_owner owner = ph_snapshot_owner(view->snapshot, socket, i);
        ph__buf_printf(value->scratch, "%s%s(%d:%d)", i ? " " : "",
                       owner.process->command ? owner.process->command : "?", owner.process->pid,
                       owner.fd);
    }
    ph__value_scratch(value);
}

static void write_owners(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    const struct ph_socket *socket = ph__socket_row(view, row);
    if (!view->owners) {
        ph__buf_puts(buf, "null");
        return;
    }
    ph__buf_putc(buf, '[');
    for (uint32_t i = 0; i < socket->owner_count; i++) {
        struct ph_owner owner = ph_snapshot_owner(view->snapshot, socket, i);
        ph__buf_puts(buf, i ? ",{\"pid\":" : "{\"pid\":");
        ph__buf_put_i64(buf, owner.process->pid);
        ph__buf_puts(buf, ",\"command\":");
        ph__put_text(buf, owner.process->command);
        ph__buf_puts(buf, ",\"fd\":");
        ph__buf_put_i64(buf, owner.fd);
        ph__buf_putc(buf, '}');
    }
    ph__buf_putc(buf, ']');
}

static void get_owner_unknown(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_owner_unknown reason = socket_of(view, row, value)->owner_unknown;
    if (view->owners && reason != PH_OWNER_UNKNOWN_NONE) {
        ph__value_word(value, ph_owner_unknown_name(reason));
    }
}

static void get_accept_queue(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, socket_of(view, row, value)->accept_queue);
}

static void get_backlog(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, socket_of(view, row, value)->backlog);
}

static void get_receive_queue(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, socket_of(view, row, value)->receive_queue_bytes);
}

static void get_send_queue(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, socket_of(view, row, value)->send_queue_bytes);
}

static void get_drops(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, socket_of(view, row, value)->drops);
}

/* "retransmit 200ms 3": kind, time left, retransmissions. */
static void get_timer(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (socket->timer != PH_TIMER_NONE) {
        ph__buf_printf(value->scratch, "%s %lldms %u", ph_timer_name(socket->timer),
                       (long long)socket->timer_expires_ms, socket->retransmits);
        ph__value_scratch(value);
    }
}

static void write_timer(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    const struct ph_socket *socket = ph__socket_row(view, row);
    if (socket->timer == PH_TIMER_NONE) {
        ph__buf_puts(buf, "null");
        return;
    }
    ph__buf_puts(buf, "{\"kind\":\"");
    ph__buf_puts(buf, ph_timer_name(socket->timer));
    ph__buf_puts(buf, "\",\"expires_ms\":");
    if (socket->timer_expires_ms < 0) {
        ph__buf_puts(buf, "null");
    } else {
        ph__buf_put_i64(buf, socket->timer_expires_ms);
    }
    ph__buf_puts(buf, ",\"retransmits\":");
    ph__buf_put_u64(buf, socket->retransmits);
    ph__buf_putc(buf, '}');
}

static void put_end(const struct ph__view *view, struct ph__value *value,
                    const struct ph_socket *socket, ph__socket_text address, int64_t port)
{
    bool brackets = socket->family == PH_FAMILY_IPV6;
    ph__buf_puts(value->scratch, brackets ? "[" : "");
    ph__value_socket_text(value, socket, address, PH_ADDRESS_TEXT);
    ph__buf_puts(value->scratch, brackets ? "]:" : ":");
    const char *interface = socket->protocol == PH_PROTOCOL_PACKET
                                ? ph_snapshot_interface(view->snapshot, socket->interface)
                                : NULL;
    if (interface) {
        ph__buf_puts(value->scratch, interface);
    } else if (port > 0 || (port == 0 && socket->family == PH_FAMILY_NETLINK)) {
        ph__buf_put_i64(value->scratch, port);
    } else {
        ph__buf_putc(value->scratch, '*');
    }
    ph__value_scratch(value);
}

static void get_local(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (has_address(socket)) {
        put_end(view, value, socket, ph_socket_local_address, ph_socket_local_port(socket));
    } else {
        get_path(view, row, value);
    }
}

static void get_remote(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    if (has_address(socket) && socket->has_remote) {
        put_end(view, value, socket, ph_socket_remote_address, ph_socket_remote_port(socket));
    } else if (!has_address(socket)) {
        get_peer_id(view, row, value);
    }
}

/* The owners, or in parentheses the reason why there is none. */
static void get_owner(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    get_owners(view, row, value);
    if (value->kind == PH__VALUE_NULL && view->owners &&
        socket->owner_unknown != PH_OWNER_UNKNOWN_NONE) {
        ph__buf_printf(value->scratch, "(%s)", ph_owner_unknown_name(socket->owner_unknown));
        ph__value_scratch(value);
    }
}

/* Bytes waiting, or connections waiting on a listener. */
static void get_waiting(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = socket_of(view, row, value);
    bool listener = socket->accept_queue >= 0;
    ph__value_known(value, listener ? socket->accept_queue : socket->receive_queue_bytes);
}

#define DETAIL_COLUMN(constant, kind, name, ss_name, description) \
    {name, description, PH__SCHEMA_##kind, PH__COLUMN_DETAILS, ph__get_detail, NULL, constant},

static const struct ph__column columns[] = {
    {"id", "Stable while the socket lives", PH__SCHEMA_TEXT, 0, get_id, NULL, 0},
    {"protocol", "tcp, udp, unix, raw, packet, netlink, mptcp, udplite or vsock", PH__SCHEMA_TEXT,
     PH__COLUMN_SHOWN, get_protocol, NULL, 0},
    {"family", "ipv4, ipv6, unix, packet, netlink or vsock", PH__SCHEMA_TEXT, 0, get_family, NULL,
     0},
    {"state",
     "TCP's states; closed is also a socket that is bound and does not listen. UDP: "
     "connected, unconnected",
     PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_state, NULL, 0},
    {"local_address",
     "Address of this end; packet: the type of frames; netlink: the subsystem; vsock: the machine",
     PH__SCHEMA_TEXT, 0, get_local_address, NULL, 0},
    {"local_port", "Port of this end; raw: the number of the IP protocol; netlink: the port id",
     PH__SCHEMA_INTEGER, 0, get_local_port, NULL, 0},
    {"remote_address", "Address of the other end", PH__SCHEMA_TEXT, 0, get_remote_address, NULL, 0},
    {"remote_port", "Port of the other end", PH__SCHEMA_INTEGER, 0, get_remote_port, NULL, 0},
    {"interface", "Network interface it is bound to", PH__SCHEMA_TEXT, 0, get_interface, NULL, 0},
    {"path", "Unix: path or abstract name, odd bytes as \\xHH", PH__SCHEMA_TEXT, 0, get_path, NULL,
     0},
    {"abstract", "Unix: whether the name is abstract", PH__SCHEMA_BOOLEAN, 0, get_abstract, NULL,
     0},
    {"peer_id", "Id of the other end, where it is on this machine", PH__SCHEMA_TEXT,
     PH__COLUMN_JOINED, get_peer_id, NULL, 0},
    {"direction", "listen, inbound, outbound, or local where the roles cannot be told",
     PH__SCHEMA_TEXT, PH__COLUMN_JOINED, get_direction, NULL, 0},
    {"scope", "Who can reach it: loopback, link, private, public or all", PH__SCHEMA_TEXT, 0,
     get_scope, NULL, 0},
    {"inode", "Inode in the kernel", PH__SCHEMA_INTEGER, 0, get_inode, NULL, 0},
    {"uid", "User who created it", PH__SCHEMA_INTEGER, 0, get_uid, NULL, 0},
    {"user", "Name of that user", PH__SCHEMA_TEXT, 0, get_user, NULL, 0},
    {"owners", "Processes that have it open",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"pid\":{\"type\":"
     "\"integer\"},\"command\":{\"type\":[\"string\",\"null\"]},\"fd\":{\"type\":\"integer\"}}}}",
     PH__COLUMN_OWNERS, get_owners, write_owners, 0},
    {"owner_unknown", "Why there is no owner", PH__SCHEMA_TEXT, PH__COLUMN_OWNERS,
     get_owner_unknown, NULL, 0},
    {"accept_queue", "Listeners: connections waiting to be accepted", PH__SCHEMA_INTEGER, 0,
     get_accept_queue, NULL, 0},
    {"backlog", "Listeners: the limit of that queue", PH__SCHEMA_INTEGER, 0, get_backlog, NULL, 0},
    {"receive_queue_bytes", "Received, but not read yet", PH__SCHEMA_INTEGER, 0, get_receive_queue,
     NULL, 0},
    {"send_queue_bytes", "Written, but not confirmed yet", PH__SCHEMA_INTEGER, 0, get_send_queue,
     NULL, 0},
    {"drops", "What this socket dropped", PH__SCHEMA_INTEGER, 0, get_drops, NULL, 0},
    {"timer", "The running timer",
     "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"expires_ms\":{"
     "\"type\":[\"integer\",\"null\"]},\"retransmits\":{\"type\":\"integer\"}}}",
     0, get_timer, write_timer, 0},
    {"type", "stream, datagram, seqpacket or raw; only when asked for", PH__SCHEMA_TEXT,
     PH__COLUMN_EXTRA, get_type, NULL, 0},
    {"queue", "Bytes to read, or on a listener connections to accept; only when asked for",
     PH__SCHEMA_INTEGER, PH__COLUMN_EXTRA | PH__COLUMN_SHOWN, get_waiting, NULL, 0},
    {"local", "Address and port, or path; only when asked for", PH__SCHEMA_TEXT,
     PH__COLUMN_EXTRA | PH__COLUMN_SHOWN, get_local, NULL, 0},
    {"remote", "Address and port of the other end, or its id; only when asked for", PH__SCHEMA_TEXT,
     PH__COLUMN_EXTRA | PH__COLUMN_SHOWN, get_remote, NULL, 0},
    {"owner", "Owners in one word each, or why there is none; only when asked for", PH__SCHEMA_TEXT,
     PH__COLUMN_EXTRA | PH__COLUMN_SHOWN | PH__COLUMN_OWNERS, get_owner, NULL, 0},
    PH_DETAIL_MAP(DETAIL_COLUMN){
        "details", "All details that are known, in one line; only when asked for", PH__SCHEMA_TEXT,
        PH__COLUMN_EXTRA | PH__COLUMN_SHOWN | PH__COLUMN_DETAILS, ph__get_details, NULL, 0},
};

static size_t count(const struct ph__view *view)
{
    return ph_snapshot_count(view->snapshot);
}

/* The id of the other end stands in every row, and that end may lie anywhere: rows ahead have
 * theirs fetched. */
static const void *item(const struct ph__view *view, size_t row)
{
    enum { AHEAD = 8 };
    const struct ph_socket *ahead = view->data ? NULL : ph_snapshot_at(view->snapshot, row + AHEAD);
    const struct ph_socket *peer = ahead ? ph_snapshot_peer(view->snapshot, ahead) : NULL;
    if (peer) {
        __builtin_prefetch(&peer->cookie);
    }
    return ph__socket_row(view, row);
}

static bool match(const struct ph__view *view, size_t row, const struct ph_filter *filter)
{
    return ph_filter_match(filter, view->snapshot, ph__socket_row(view, row));
}

const struct ph__list_kind ph__list_sockets = {
    .name = "sockets",
    .row_name = "Socket",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .count = count,
    .item = item,
    .match = match,
    .narrows = true,
    .params = ph__sockets_params,
};
