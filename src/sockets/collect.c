/* SPDX-License-Identifier: MIT
 *
 * Sources and fallback: sock_diag first, table by table, and /proc/net for what it refuses. A
 * table that neither has is said to be unavailable: that is not the same as empty.
 */
#include "sockets/collect.h"

#include "base/exhausted.h"
#include "sockets/ends.h"
#include "sockets/files.h"
#include "sockets/netlink.h"
#include "sockets/procfs.h"
#include "sockets/tables.h"
#include "sockets/tcp_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <unistd.h>

/* A short dump comes in one datagram, and its end in another. */
enum { ONE_PIECE = 2, REASON_TEXT = 200 };

struct reading {
    struct ph__rows *rows;
    const struct ph__table *table;
    const struct ph__netlink *netlink;
};

/* The socket that asks shows in the answer, and is gone before anybody reads it. */
static bool is_own(const struct reading *reading, const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_NETLINK &&
           ph__ends_subsystem(socket) == NETLINK_SOCK_DIAG && ph_socket_local_port(socket) != 0 &&
           ph_socket_local_port(socket) == ph__netlink_port(reading->netlink);
}

static int on_message(void *user, const unsigned char *payload, size_t size)
{
    struct reading *reading = user;
    struct ph_socket socket;
    int got = ph__table_parse(reading->table->protocol, payload, size, &socket);
    return got > 0 && !is_own(reading, &socket) ? ph__rows_add(reading->rows, &socket) : got;
}

static bool parse_line(const struct ph__table *table, char *line, size_t size,
                       struct ph_socket *ret_socket)
{
    switch (table->protocol) {
    case PH_PROTOCOL_UNIX:
        return ph__procfs_parse_unix(line, size, ret_socket);
    case PH_PROTOCOL_PACKET:
        return ph__procfs_parse_packet(line, ret_socket);
    case PH_PROTOCOL_NETLINK:
        return ph__procfs_parse_netlink(line, ret_socket);
    default:
        return ph__procfs_parse_inet(table->protocol, table->family, line, ret_socket);
    }
}

static int on_line(void *user, char *line, size_t size)
{
    struct reading *reading = user;
    struct ph_socket socket;
    bool got = parse_line(reading->table, line, size, &socket);
    return got ? ph__rows_add(reading->rows, &socket) : 0;
}

static int dump(struct ph__netlink *netlink, struct reading *reading,
                const struct ph__narrowing *narrowing)
{
    unsigned char bytes[PH__INET_DIAG_REQUEST];
    const struct ph__netlink_request request = {
        SOCK_DIAG_BY_FAMILY, bytes,
        ph__table_request(reading->table, narrowing, PH__EXTENT_ROW, bytes)};
    reading->netlink = netlink;
    int err = netlink->fd < 0 ? ph__netlink_init(netlink) : 0;
    if (err == 0) {
        err = ph__netlink_dump(netlink, &request, on_message, reading);
    }
    /* Unix sockets share few hash chains, so that a dump in several pieces may well skip one when
     * another is closed meanwhile. What one dump skips the next one has. */
    if (err == 0 && reading->table->protocol == PH_PROTOCOL_UNIX &&
        netlink->datagrams > ONE_PIECE) {
        err = ph__netlink_dump(netlink, &request, on_message, reading);
    }
    if (err < 0 && err != -ENOENT) {
        ph__netlink_done(netlink); /* the rest of a broken dump goes with its socket */
    }
    return err;
}

/* Errors of ours rather than of the source: another source would not help. */
static bool is_fatal(int err)
{
    return ph__is_exhausted(err) || err == PH_ERR_LIMIT;
}

static int set_reason(struct ph__collection *collection, const struct ph__table *table,
                      int diag_err, int proc_err)
{
    char text[REASON_TEXT];
    size_t used = 0;
    if (diag_err < 0) {
        used = (size_t)snprintf(text, sizeof text, "sock_diag: %s",
                                diag_err == -ENOENT ? "the kernel lacks the module"
                                                    : ph_strerror(diag_err));
    } else {
        used = (size_t)snprintf(text, sizeof text, "sock_diag: left alone as configured");
    }
    if (proc_err < 0 && table->path) {
        used += (size_t)snprintf(text + used, sizeof text - used, "; %s: %s", table->path,
                                 ph_strerror(proc_err));
    }
    char *reason = ph__arena_copy(collection->rows->texts, text, used);
    collection->reasons[table->protocol] = reason;
    return reason ? 0 : -ENOMEM;
}

/* What is enough of a table, or NULL. */
static const struct ph__narrowing *narrowing_of(const struct ph__collection *collection,
                                                const struct ph__table *table)
{
    return table->protocol == PH_PROTOCOL_TCP   ? collection->tcp
           : table->protocol == PH_PROTOCOL_UDP ? collection->udp
                                                : NULL;
}

/* Dumps a table; all of it where the kernel does not take the bytecode. */
static int dump_narrowed(const struct ph__collection *collection, struct ph__netlink *netlink,
                         struct reading *reading)
{
    const struct ph__narrowing *narrowing = narrowing_of(collection, reading->table);
    size_t before = reading->rows->count;
    int err = narrowing ? dump(netlink, reading, narrowing) : 0;
    if (narrowing && (err == 0 || is_fatal(err))) {
        return err;
    }
    ph__rows_truncate(reading->rows, before);
    return dump(netlink, reading, NULL);
}

/* Both families of a protocol count: it is said to come from the weaker source. */
static void set_source(struct ph__collection *collection, enum ph_protocol protocol,
                       enum ph_source source)
{
    if (collection->sources[protocol] != PH_SOURCE_PROCFS) {
        collection->sources[protocol] = source;
    }
}

static int read_table(struct ph__collection *collection, const struct ph__table *table,
                      const struct ph_sockets_config *cfg, int proc, struct ph__netlink *netlink)
{
    struct reading reading = {.rows = collection->rows, .table = table};
    size_t before = collection->rows->count;
    int diag_err = 0;
    if (!cfg->procfs_only) {
        diag_err = dump_narrowed(collection, netlink, &reading);
        if (diag_err == 0) {
            set_source(collection, table->protocol, PH_SOURCE_SOCK_DIAG);
            return ph__rows_settle(collection->rows);
        }
        if (is_fatal(diag_err)) {
            return diag_err;
        }
        ph__rows_truncate(collection->rows, before);
    }
    int proc_err = table->path ? proc : -ENOENT;
    if (proc_err >= 0) {
        proc_err = ph__files_lines(proc, table->path, on_line, &reading);
    }
    if (is_fatal(proc_err)) {
        return proc_err;
    }
    if (proc_err == -ENOENT && table->family == PH_FAMILY_IPV6) {
        return 0; /* a kernel without IPv6 */
    }
    if (proc_err < 0) {
        ph__rows_truncate(collection->rows, before);
    } else {
        set_source(collection, table->protocol, PH_SOURCE_PROCFS);
        int err = ph__rows_settle(collection->rows);
        if (err < 0) {
            return err;
        }
    }
    return set_reason(collection, table, diag_err, proc_err);
}

/* Reads TCP over both families by one walk, or two halves of one, where the kernel lets us. Where
 * not, it is read table by table. @return 1; 0 when that is left to do. */
static int read_tcp(struct ph__collection *collection, struct ph__netlink *netlink)
{
    size_t before = collection->rows->count;
    int err = ph__tcp_table_dump(netlink, collection->rows, collection->cut, collection->tcp);
    if (err < 0 && !is_fatal(err) && collection->tcp) {
        ph__rows_truncate(collection->rows, before); /* no bytecode, perhaps */
        err = ph__tcp_table_dump(netlink, collection->rows, collection->cut, NULL);
    }
    if (err == 0) {
        set_source(collection, PH_PROTOCOL_TCP, PH_SOURCE_SOCK_DIAG);
        err = ph__rows_settle(collection->rows);
        return err < 0 ? err : 1;
    }
    if (is_fatal(err)) {
        return err;
    }
    ph__rows_truncate(collection->rows, before);
    return 0;
}

int ph__collect(struct ph__collection *collection, const struct ph_sockets_config *cfg)
{
    struct ph__netlink netlink = {.fd = -1};
    int proc = ph__files_open_folder(AT_FDCWD, cfg->proc_root);
    int err = is_fatal(proc) ? proc : 0;
    unsigned left = collection->protocols;
    if (err == 0 && left & PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) && !cfg->procfs_only) {
        err = read_tcp(collection, &netlink);
        left &= err == 1 ? ~PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) : left;
        err = err == 1 ? 0 : err;
    }
    for (size_t i = 0; err == 0 && i < PH__TABLE_COUNT; i++) {
        if (left & PH_PROTOCOL_BIT(ph__tables[i].protocol)) {
            err = read_table(collection, &ph__tables[i], cfg, proc, &netlink);
        }
    }
    ph__netlink_done(&netlink);
    if (proc >= 0) {
        close(proc);
    }
    if (err < 0) {
        return err;
    }
    for (size_t i = 0; i < PH_PROTOCOL_COUNT; i++) {
        if (collection->sources[i] != PH_SOURCE_UNAVAILABLE) {
            return 0;
        }
    }
    return PH_ERR_SOURCE;
}
