/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/connections: this server's own connections, each joined with its socket, so that
 * filters can say of a connection what they can say of a socket.
 */
#include "base/clock.h"
#include "status/rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PEER_TEXT = 64 };

static const char *const states[] = {"accepted",  "head",     "body", "handling",  "writing",
                                     "streaming", "upgraded", "idle", "lingering", NULL};
enum { STATE_COUNT = sizeof states / sizeof states[0] - 1 };

/* One connection, copied: its texts live only during the visit. */
struct row {
    uint64_t id;
    unsigned worker;
    size_t state; /* index into states; STATE_COUNT, whose name is NULL: another one */
    char peer[PEER_TEXT];
    char *route; /* owned; NULL: none yet */
    uint64_t accepted_unix_ms;
    uint64_t requests;
    int64_t accept_wait_ms;
    int64_t first_byte_us;
    const struct ph_socket *socket; /* NULL: not in the snapshot, or over a unix socket */
};

struct rows {
    struct row *rows;
    size_t count;
    size_t capacity;
};

/* A TCP socket by its remote end; the key that connections are looked up by. */
struct end {
    uint8_t address[16];
    uint16_t port;
    const struct ph_socket *socket;
};

static size_t find_state(const char *name)
{
    size_t i = 0;
    while (i < STATE_COUNT && strcmp(states[i], name) != 0) {
        i++;
    }
    return i;
}

static int grow(struct rows *rows)
{
    size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
    struct row *more = realloc(rows->rows, capacity * sizeof *more);
    if (!more) {
        return -ENOMEM;
    }
    rows->rows = more;
    rows->capacity = capacity;
    return 0;
}

static int visit(void *user, const struct ph_connection *connection)
{
    struct rows *rows = user;
    if (rows->count == rows->capacity && grow(rows) < 0) {
        return -ENOMEM;
    }
    struct row row = {
        .id = connection->id,
        .worker = connection->worker,
        .state = find_state(connection->state),
        .accepted_unix_ms = connection->accepted_unix_ms,
        .requests = connection->requests,
        .accept_wait_ms = connection->accept_wait_ms,
        .first_byte_us = connection->first_byte_us,
    };
    size_t size = strnlen(connection->peer, sizeof row.peer - 1);
    memcpy(row.peer, connection->peer, size);
    if (connection->route) {
        row.route = strdup(connection->route);
        if (!row.route) {
            return -ENOMEM;
        }
    }
    rows->rows[rows->count++] = row;
    return 0;
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->rows[i].route);
    }
    free(rows->rows);
    free(rows);
}

static int compare_ends(const void *left, const void *right)
{
    const struct end *a = left;
    const struct end *b = right;
    int order = memcmp(a->address, b->address, sizeof a->address);
    return order ? order : (a->port > b->port) - (a->port < b->port);
}

/* An IPv4 address counts as its IPv6-mapped form. */
static void map_address(uint8_t ret_address[16], bool ipv4, const uint8_t *address)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (ipv4) {
        memcpy(ret_address, prefix, sizeof prefix);
        memcpy(ret_address + sizeof prefix, address, 4);
    } else {
        memcpy(ret_address, address, 16);
    }
}

/* The TCP port at the end of "127.0.0.1:80" or "[::1]:80"; 0 where there is none. */
static uint16_t port_of(const char *text)
{
    const char *colon = strrchr(text, ':');
    unsigned long port = colon && strncmp(text, "unix:", 5) != 0 ? strtoul(colon + 1, NULL, 10) : 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool parse_end(const char *peer, struct end *ret_end)
{
    char host[PEER_TEXT];
    const char *colon = strrchr(peer, ':');
    if (!colon) {
        return false; /* a unix socket */
    }
    bool bracketed = peer[0] == '[' && colon > peer + 1 && colon[-1] == ']';
    size_t size = (size_t)(colon - peer) - (bracketed ? 2 : 0);
    memcpy(host, peer + bracketed, size);
    host[size] = '\0';
    host[strcspn(host, "%")] = '\0'; /* a link-local address carries its interface */
    uint8_t address[16];
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, host, address) != 1) {
        return false;
    }
    *ret_end = (struct end){.port = port_of(peer)};
    map_address(ret_end->address, !bracketed, address);
    return true;
}

static bool is_listener_port(const struct ph_server *server, uint16_t port)
{
    for (size_t i = 0; i < ph_server_listener_count(server); i++) {
        if (port_of(ph_server_listener(server, i)) == port) {
            return true;
        }
    }
    return false;
}

/* The accepted TCP sockets that can be this server's, ordered by their remote end. */
static size_t find_ends(const struct ph_snapshot *snapshot, const struct ph_server *server,
                        struct ph__buf *buf)
{
    size_t count = ph_snapshot_count(snapshot);
    uint16_t known = 0; /* most sockets of a busy server have one and the same port */
    for (size_t i = 0; i < count; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (socket->protocol != PH_PROTOCOL_TCP || !socket->has_remote || socket->local_port == 0) {
            continue;
        }
        if (socket->local_port != known && !is_listener_port(server, socket->local_port)) {
            continue;
        }
        known = socket->local_port;
        struct end end = {.port = socket->remote_port, .socket = socket};
        map_address(end.address, socket->family == PH_FAMILY_IPV4, socket->remote_address);
        ph__buf_append(buf, &end, sizeof end);
    }
    size_t found = ph__buf_error(buf) ? 0 : buf->size / sizeof(struct end);
    if (found > 1) {
        qsort(buf->data, found, sizeof(struct end), compare_ends);
    }
    return found;
}

static int join_sockets(const struct ph__view *view, const struct ph_server *server,
                        struct rows *rows)
{
    if (!view->snapshot) {
        return 0;
    }
    struct ph__buf ends;
    ph__buf_init(&ends, 0);
    size_t count = find_ends(view->snapshot, server, &ends);
    int err = ph__buf_error(&ends);
    for (size_t i = 0; i < rows->count && count > 0; i++) {
        struct end wanted;
        if (parse_end(rows->rows[i].peer, &wanted)) {
            const struct end *end =
                bsearch(&wanted, ends.data, count, sizeof(struct end), compare_ends);
            rows->rows[i].socket = end ? end->socket : NULL;
        }
    }
    ph__buf_done(&ends);
    return err;
}

static int open_connections(struct ph__view *view, const struct ph_server *server)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return -ENOMEM;
    }
    int err = ph_server_connections(server, visit, rows);
    err = err ? err : join_sockets(view, server, rows);
    if (err < 0) {
        free_rows(rows);
        return err;
    }
    view->data = rows;
    return 0;
}

static void close_connections(struct ph__view *view)
{
    if (view->data) {
        free_rows(view->data);
    }
}

static const struct row *row_at(const struct ph__view *view, size_t row)
{
    return &((const struct rows *)view->data)->rows[row];
}

static void get_id(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__buf_put_u64(value->scratch, row_at(view, row)->id);
    ph__value_scratch(value);
}

static void get_socket_id(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_socket *socket = row_at(view, row)->socket;
    char *room = socket ? ph__buf_reserve(value->scratch, PH_SOCKET_ID_TEXT) : NULL;
    if (room) {
        value->scratch->size += ph_socket_id(socket, room, PH_SOCKET_ID_TEXT);
        ph__value_scratch(value);
    }
}

static void get_worker(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, row_at(view, row)->worker);
}

static void get_state(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, states[row_at(view, row)->state]);
}

static void get_peer(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, row_at(view, row)->peer);
}

static void get_route(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, row_at(view, row)->route);
}

static void get_accepted_at(const struct ph__view *view, size_t row, struct ph__value *value)
{
    char *room = ph__buf_reserve(value->scratch, PH__RFC3339_TEXT);
    if (room) {
        value->scratch->size +=
            ph__format_rfc3339(row_at(view, row)->accepted_unix_ms, room, PH__RFC3339_TEXT);
        ph__value_scratch(value);
    }
}

static void get_requests(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, (int64_t)row_at(view, row)->requests);
}

static void get_accept_wait(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, row_at(view, row)->accept_wait_ms);
}

static void get_first_byte(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, row_at(view, row)->first_byte_us);
}

static const struct ph__column columns[] = {
    {"id", "Never used twice in the life of the server", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_id,
     NULL, 0},
    {"socket_id", "Its socket; null where the snapshot is older than the connection",
     PH__SCHEMA_TEXT, 0, get_socket_id, NULL, 0},
    {"worker", "Number of the worker that serves it", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN,
     get_worker, NULL, 0},
    {"state", "accepted, head, body, handling, writing, streaming, upgraded, idle or lingering",
     PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_state, NULL, 0},
    {"peer", "The client's address and port, or unix", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_peer,
     NULL, 0},
    {"route", "Pattern of the current request, or of the last", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN,
     get_route, NULL, 0},
    {"accepted_at", "When it was accepted", "{\"type\":\"string\",\"format\":\"date-time\"}",
     PH__COLUMN_SHOWN, get_accepted_at, NULL, 0},
    {"requests", "Requests received so far", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN, get_requests,
     NULL, 0},
    {"accept_wait_ms", "How long it waited in the accept queue", PH__SCHEMA_INTEGER,
     PH__COLUMN_SHOWN, get_accept_wait, NULL, 0},
    {"first_byte_us", "From accept to the first byte of the first reply", PH__SCHEMA_INTEGER,
     PH__COLUMN_SHOWN, get_first_byte, NULL, 0},
};

static size_t count(const struct ph__view *view)
{
    return ((const struct rows *)view->data)->count;
}

static size_t state_of(const struct ph__view *view, size_t row)
{
    return row_at(view, row)->state;
}

static bool match(const struct ph__view *view, size_t row, const struct ph_filter *filter)
{
    const struct ph_socket *socket = row_at(view, row)->socket;
    return socket && ph_filter_match(filter, view->snapshot, socket);
}

const struct ph__list_kind ph__list_connections = {
    .name = "connections",
    .row_name = "Connection",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .open = open_connections,
    .close = close_connections,
    .count = count,
    .match = match,
    .states = states,
    .state = state_of,
    .without_snapshot = true,
};
