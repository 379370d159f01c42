/* SPDX-License-Identifier: MIT
 *
 * The schemas, and the columns whose values they say in words of their own.
 */
#include "status/schemas.h"

#include "status/rows.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum end { LOCAL, REMOTE, SOURCE, DESTINATION };

static bool is_ip(const struct ph_socket *socket)
{
    return socket->family == PH_FAMILY_IPV4 || socket->family == PH_FAMILY_IPV6;
}

static bool is_stateful(const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_TCP || socket->protocol == PH_PROTOCOL_MPTCP;
}

static void put_address(struct ph__value *value, const struct ph_socket *socket, bool remote)
{
    ph__value_socket_text(value, socket,
                          remote ? ph_socket_remote_address : ph_socket_local_address,
                          PH_ADDRESS_TEXT);
}

/* Which half of a conversation is the source's: that of the end that asked for it. A listener is
 * where conversations go to. False: there is no such end. */
static bool find_half(const struct ph_socket *socket, enum end end, bool *ret_remote)
{
    bool called =
        socket->direction == PH_DIRECTION_INBOUND || socket->direction == PH_DIRECTION_LISTEN;
    *ret_remote = called == (end == SOURCE);
    return is_ip(socket) && (!*ret_remote || socket->has_remote);
}

static void get_ip(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    bool remote;
    (void)view;
    (void)row;
    if (find_half(socket, (enum end)value->which, &remote)) {
        put_address(value, socket, remote);
    }
}

static void get_ip_port(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    bool remote;
    (void)view;
    (void)row;
    if (find_half(socket, (enum end)value->which, &remote)) {
        uint16_t port = remote ? socket->remote_port : socket->local_port;
        ph__value_known(value, port ? port : -1);
    }
}

/* An address, or the name of a unix socket. */
static void get_name(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    (void)view;
    (void)row;
    bool is_unix = socket->family == PH_FAMILY_UNIX;
    if (is_unix && value->which == LOCAL && socket->path) {
        ph__value_socket_text(value, socket, ph_socket_path, PH_SOCKET_PATH_TEXT);
        value->plain = false; /* a quote is still a quote */
    } else if (!is_unix && (value->which == LOCAL || socket->has_remote)) {
        put_address(value, socket, value->which == REMOTE);
    }
}

static void get_ip_version(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    (void)view;
    (void)row;
    ph__value_word(value, is_ip(socket) ? ph_family_name(socket->family) : NULL);
}

static void get_otel_state(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    (void)view;
    (void)row;
    switch (socket->state) {
    case PH_STATE_FIN_WAIT1:
        ph__value_word(value, "fin_wait_1");
        break;
    case PH_STATE_FIN_WAIT2:
        ph__value_word(value, "fin_wait_2");
        break;
    case PH_STATE_SYN_RECV:
        ph__value_word(value, "syn_received");
        break;
    default:
        ph__value_word(value, is_stateful(socket) ? ph_state_name(socket->state) : NULL);
        break;
    }
}

static void get_ecs_direction(const struct ph__view *view, size_t row, struct ph__value *value)
{
    enum ph_direction direction = ((const struct ph_socket *)value->item)->direction;
    (void)view;
    (void)row;
    ph__value_word(value, direction == PH_DIRECTION_INBOUND    ? "ingress"
                          : direction == PH_DIRECTION_OUTBOUND ? "egress"
                                                               : NULL);
}

static void get_osquery_state(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    (void)view;
    (void)row;
    if (!is_stateful(socket)) {
        return;
    }
    for (const char *c = ph_state_name(socket->state); *c; c++) {
        ph__buf_putc(value->scratch, (char)toupper((unsigned char)*c));
    }
    ph__value_scratch_word(value);
}

static void get_family_number(const struct ph__view *view, size_t row, struct ph__value *value)
{
    static const int numbers[PH_FAMILY_COUNT] = {
        [PH_FAMILY_IPV4] = AF_INET,       [PH_FAMILY_IPV6] = AF_INET6,
        [PH_FAMILY_UNIX] = AF_UNIX,       [PH_FAMILY_PACKET] = AF_PACKET,
        [PH_FAMILY_NETLINK] = AF_NETLINK, [PH_FAMILY_VSOCK] = AF_VSOCK,
    };
    (void)view;
    (void)row;
    ph__value_int(value, numbers[((const struct ph_socket *)value->item)->family]);
}

/* The IP protocol; 0, as socket(2) takes it, for those that are none. */
static void get_protocol_number(const struct ph__view *view, size_t row, struct ph__value *value)
{
    static const int numbers[PH_PROTOCOL_COUNT] = {
        [PH_PROTOCOL_TCP] = IPPROTO_TCP,         [PH_PROTOCOL_UDP] = IPPROTO_UDP,
        [PH_PROTOCOL_RAW] = IPPROTO_RAW,         [PH_PROTOCOL_MPTCP] = IPPROTO_MPTCP,
        [PH_PROTOCOL_UDPLITE] = IPPROTO_UDPLITE,
    };
    (void)view;
    (void)row;
    ph__value_int(value, numbers[((const struct ph_socket *)value->item)->protocol]);
}

/* These schemas have room for one process: the first. Without any its process is NULL. */
static struct ph_owner first_owner(const struct ph__view *view, const struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    return view->owners && socket->owner_count > 0 ? ph_snapshot_owner(view->snapshot, socket, 0)
                                                   : (struct ph_owner){.process = NULL, .fd = -1};
}

static void get_pid(const struct ph__view *view, size_t row, struct ph__value *value)
{
    struct ph_owner owner = first_owner(view, value);
    (void)row;
    ph__value_known(value, owner.process ? owner.process->pid : -1);
}

static void get_fd(const struct ph__view *view, size_t row, struct ph__value *value)
{
    (void)row;
    ph__value_known(value, first_owner(view, value).fd);
}

static void get_command(const struct ph__view *view, size_t row, struct ph__value *value)
{
    struct ph_owner owner = first_owner(view, value);
    (void)row;
    ph__value_text(value, owner.process ? owner.process->command : NULL);
}

static void get_uid_text(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = value->item;
    (void)view;
    (void)row;
    if (socket->uid_known) {
        ph__buf_put_u64(value->scratch, socket->uid);
        ph__value_scratch_word(value);
    }
}

#define COLUMN(flags, get, which) (&(const struct ph__column){"", "", "", flags, get, NULL, which})
#define OWNER(get) COLUMN(PH__COLUMN_OWNERS, get, 0)

static const struct ph__schema_field otel[] = {
    {"network.transport", "protocol", NULL},
    {"network.type", "family", COLUMN(0, get_ip_version, 0)},
    {"network.connection.state", "state", COLUMN(0, get_otel_state, 0)},
    {"network.local.address", "local_address", COLUMN(0, get_name, LOCAL)},
    {"network.local.port", "local_port", NULL},
    {"network.peer.address", "remote_address", COLUMN(0, get_name, REMOTE)},
    {"network.peer.port", "remote_port", NULL},
    {"network.interface.name", "interface", NULL},
    {"process.pid", "owners", OWNER(get_pid)},
    {"process.executable.name", "owners", OWNER(get_command)},
    {"user.id", "uid", COLUMN(0, get_uid_text, 0)},
    {"user.name", "user", NULL},
};

static const struct ph__schema_field ecs[] = {
    {"network.transport", "protocol", NULL},
    {"network.type", "family", COLUMN(0, get_ip_version, 0)},
    {"network.direction", "direction", COLUMN(PH__COLUMN_JOINED, get_ecs_direction, 0)},
    {"source.ip", "local_address", COLUMN(PH__COLUMN_JOINED, get_ip, SOURCE)},
    {"source.port", "local_port", COLUMN(PH__COLUMN_JOINED, get_ip_port, SOURCE)},
    {"destination.ip", "remote_address", COLUMN(PH__COLUMN_JOINED, get_ip, DESTINATION)},
    {"destination.port", "remote_port", COLUMN(PH__COLUMN_JOINED, get_ip_port, DESTINATION)},
    {"file.path", "path", NULL},
    {"process.pid", "owners", OWNER(get_pid)},
    {"process.name", "owners", OWNER(get_command)},
    {"user.id", "uid", COLUMN(0, get_uid_text, 0)},
    {"user.name", "user", NULL},
};

/* The table process_open_sockets. */
static const struct ph__schema_field osquery[] = {
    {"pid", "owners", OWNER(get_pid)},
    {"fd", "owners", OWNER(get_fd)},
    {"socket", "inode", NULL},
    {"family", "family", COLUMN(0, get_family_number, 0)},
    {"protocol", "protocol", COLUMN(0, get_protocol_number, 0)},
    {"local_address", "local_address", NULL},
    {"remote_address", "remote_address", NULL},
    {"local_port", "local_port", NULL},
    {"remote_port", "remote_port", NULL},
    {"path", "path", NULL},
    {"state", "state", COLUMN(0, get_osquery_state, 0)},
};

#define COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

const struct ph__schema *ph__schema_find(const char *name)
{
    static const struct ph__schema schemas[] = {
        {"otel", otel, COUNT(otel)},
        {"ecs", ecs, COUNT(ecs)},
        {"osquery", osquery, COUNT(osquery)},
    };
    for (size_t i = 0; i < COUNT(schemas); i++) {
        if (strcmp(schemas[i].name, name) == 0) {
            return &schemas[i];
        }
    }
    return NULL;
}
