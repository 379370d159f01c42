/* SPDX-License-Identifier: MIT
 *
 * Details of sockets: a dump of its own, with everything asked for, joined to the rows of a
 * snapshot by the kernel's cookies.
 */
#include "sockets/details.h"

#include "base/exhausted.h"
#include "sockets/narrow.h"
#include "sockets/netlink.h"
#include "sockets/pages.h"
#include "sockets/snapshot.h"
#include "sockets/tables.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ph_details {
    struct ph_snapshot *snapshot;     /* a reference */
    const struct ph__detail_set *set; /* the snapshot's, or `own` */
    struct ph__detail_set own;
};

struct reading {
    struct ph_snapshot *snapshot;
    struct ph__detail_set *set;
    struct ph__netlink netlink;
    enum ph_protocol protocol;       /* of the dump that runs */
    struct ph__index cookies;        /* rows by cookie, where all are wanted */
    const struct ph_socket *only;    /* wanted; NULL: all are */
    const struct ph__narrowing *tcp; /* what is enough; NULL: all */
    const struct ph__narrowing *udp;
};

void ph__detail_set_done(struct ph__detail_set *set)
{
    ph__arena_done(&set->arena);
    ph__pages_free(set->of, set->room, sizeof *set->of);
    ph__cgroups_done(&set->cgroups);
    *set = (struct ph__detail_set){.of = NULL};
}

static int keep(struct reading *reading, const struct ph_socket *row,
                const struct ph__detail *detail)
{
    size_t size = ph__detail_size(detail);
    struct ph__detail *copy = ph__arena_alloc(&reading->set->arena, size);
    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, detail, size);
    copy->cgroup = ph__cgroups_path(&reading->set->cgroups, row->cgroup);
    reading->set->of[row - reading->snapshot->rows.items] = copy;
    return 0;
}

/* The row of a socket that was read again, or NULL: one that is younger than the snapshot, or is
 * not wanted, has none. */
static const struct ph_socket *row_of(const struct reading *reading, const struct ph_socket *socket)
{
    const struct ph_socket *row = reading->only;
    if (!row) {
        size_t cursor;
        uint32_t at = ph__index_find(&reading->cookies, socket->cookie, &cursor);
        row = at == PH__INDEX_NONE ? NULL : &reading->snapshot->rows.items[at];
    }
    bool same =
        row && row->cookie && row->cookie == socket->cookie && row->protocol == socket->protocol;
    return same ? row : NULL;
}

static int on_message(void *user, const unsigned char *payload, size_t size)
{
    struct reading *reading = user;
    struct ph_socket socket;
    struct ph__detail detail;
    int got = ph__table_parse(reading->protocol, payload, size, &socket);
    if (got <= 0) {
        return got;
    }
    const struct ph_socket *row = row_of(reading, &socket);
    if (!row) {
        return 0;
    }
    ph__detail_parse(&socket, payload, size, &detail);
    return keep(reading, row, &detail);
}

static int dump(struct reading *reading, const struct ph__netlink_request *request)
{
    int err = reading->netlink.fd < 0 ? ph__netlink_init(&reading->netlink) : 0;
    err = err ? err : ph__netlink_dump(&reading->netlink, request, on_message, reading);
    if (err < 0) {
        ph__netlink_done(&reading->netlink); /* the rest of a broken dump goes with its socket */
    }
    return err;
}

/* TCP of both families by one walk through its table. */
static int dump_tcp(struct reading *reading)
{
    const struct ph__cut none = {0};
    unsigned char bytes[PH__TCP_REQUEST];
    reading->protocol = PH_PROTOCOL_TCP;
    return dump(reading, &(struct ph__netlink_request){
                             .type = TCPDIAG_GETSOCK,
                             .data = bytes,
                             .size = ph__inet_diag_request_tcp(none, PH__HALF_BOTH, reading->tcp,
                                                               PH__EXTENT_DETAILS, bytes)});
}

static int dump_table(struct reading *reading, const struct ph__table *table)
{
    const struct ph__narrowing *narrowing = table->protocol == PH_PROTOCOL_TCP   ? reading->tcp
                                            : table->protocol == PH_PROTOCOL_UDP ? reading->udp
                                                                                 : NULL;
    unsigned char bytes[PH__INET_DIAG_REQUEST];
    reading->protocol = table->protocol;
    return dump(reading,
                &(struct ph__netlink_request){
                    .type = SOCK_DIAG_BY_FAMILY,
                    .data = bytes,
                    .size = ph__table_request(table, narrowing, PH__EXTENT_DETAILS, bytes)});
}

/* Reads the tables of a set of protocols. What the kernel refuses is not known. */
static int read_tables(struct reading *reading, unsigned protocols)
{
    const struct ph_snapshot *snapshot = reading->snapshot;
    int err = 0;
    if (protocols & PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) &&
        snapshot->sources[PH_PROTOCOL_TCP] == PH_SOURCE_SOCK_DIAG) {
        err = dump_tcp(reading);
        protocols &= err ? protocols : ~PH_PROTOCOL_BIT(PH_PROTOCOL_TCP);
    }
    for (size_t i = 0; !ph__is_exhausted(err) && i < PH__TABLE_COUNT; i++) {
        const struct ph__table *table = &ph__tables[i];
        bool wanted = protocols & PH_PROTOCOL_BIT(table->protocol) &&
                      snapshot->sources[table->protocol] == PH_SOURCE_SOCK_DIAG &&
                      (!reading->only || reading->only->family == table->family);
        err = wanted ? dump_table(reading, table) : 0;
    }
    return ph__is_exhausted(err) ? err : 0;
}

/* Asks the kernel for the sockets with the ports of one. */
static int narrow_to(const struct ph_socket *socket, struct ph__narrowing *ret_narrowing,
                     bool *ret_narrowed)
{
    char port[16];
    char problem[64];
    struct ph_filter *filter = NULL;
    int err = ph_filter_new(&filter);
    if (!err) {
        snprintf(port, sizeof port, "%u", socket->local_port);
        err = ph_filter_add(filter, "local_port", port, problem, sizeof problem);
    }
    if (!err && socket->has_remote) {
        snprintf(port, sizeof port, "%u", socket->remote_port);
        err = ph_filter_add(filter, "remote_port", port, problem, sizeof problem);
    }
    *ret_narrowed = !err && ph__narrow(filter, socket->protocol, false, ret_narrowing);
    ph_filter_free(filter);
    return err;
}

static int read_one(struct reading *reading, const struct ph_socket *socket)
{
    bool narrows = socket->protocol == PH_PROTOCOL_TCP || socket->protocol == PH_PROTOCOL_UDP;
    struct ph__narrowing narrowing;
    bool narrowed = false;
    int err = narrows ? narrow_to(socket, &narrowing, &narrowed) : 0;
    if (err < 0) {
        return err;
    }
    reading->only = socket;
    reading->tcp = reading->udp = narrowed ? &narrowing : NULL;
    return read_tables(reading, PH_PROTOCOL_BIT(socket->protocol));
}

/* The kernel's cookies are all different. */
static int index_cookies(struct reading *reading)
{
    const struct ph__rows *rows = &reading->snapshot->rows;
    int err = ph__index_reserve(&reading->cookies, rows->count);
    for (size_t i = 0; !err && i < rows->count; i++) {
        uint64_t cookie = rows->items[i].cookie;
        err = cookie ? ph__index_put(&reading->cookies, cookie, (uint32_t)i) : 0;
    }
    return err;
}

static int read_whole(struct reading *reading)
{
    const struct ph_snapshot *snapshot = reading->snapshot;
    int err = index_cookies(reading);
    reading->tcp = snapshot->tcp;
    reading->udp = snapshot->udp;
    return err ? err : read_tables(reading, snapshot->protocols);
}

/* `set` is empty, and stays so on failure. */
static int read_set(struct ph_snapshot *snapshot, const struct ph_socket *const sockets[],
                    size_t count, struct ph__detail_set *set)
{
    struct reading reading = {.snapshot = snapshot, .set = set, .netlink = {.fd = -1}};
    ph__index_init(&reading.cookies, snapshot->seed);
    int err = ph__cgroups_read(&set->cgroups);
    set->of = err ? NULL : ph__pages_new(snapshot->rows.count + 1, sizeof *set->of);
    set->room = snapshot->rows.count + 1;
    if (!set->of) {
        err = -ENOMEM;
    } else if (!sockets) {
        err = read_whole(&reading);
    }
    for (size_t i = 0; !err && sockets && i < count; i++) {
        err = read_one(&reading, sockets[i]);
    }
    ph__netlink_done(&reading.netlink);
    ph__index_done(&reading.cookies);
    if (err < 0) {
        ph__detail_set_done(set);
    }
    return err;
}

/* Fits ph__once_run(). */
static int read_all(void *user)
{
    struct ph_snapshot *snapshot = user;
    return read_set(snapshot, NULL, 0, &snapshot->details);
}

int ph_details_new(struct ph_details **ret_details, struct ph_snapshot *snapshot,
                   const struct ph_socket *const sockets[], size_t count)
{
    struct ph_details *details = calloc(1, sizeof *details);
    if (!details) {
        return -ENOMEM;
    }
    int err = sockets ? read_set(snapshot, sockets, count, &details->own)
                      : ph__once_run(&snapshot->details_once, read_all, snapshot);
    if (err < 0) {
        free(details);
        return err;
    }
    details->set = sockets ? &details->own : &snapshot->details;
    details->snapshot = ph_snapshot_ref(snapshot);
    *ret_details = details;
    return 0;
}

void ph_details_free(struct ph_details *details)
{
    if (details) {
        ph__detail_set_done(&details->own);
        ph_snapshot_unref(details->snapshot);
        free(details);
    }
}

static const struct ph__detail *detail_of(const struct ph_details *details,
                                          const struct ph_socket *socket)
{
    return details->set->of[socket - details->snapshot->rows.items];
}

int64_t ph_details_number(const struct ph_details *details, const struct ph_socket *socket,
                          enum ph_detail detail)
{
    return ph__detail_number(detail_of(details, socket), socket, detail);
}

const char *ph_details_text(const struct ph_details *details, const struct ph_socket *socket,
                            enum ph_detail detail)
{
    return ph__detail_text(detail_of(details, socket), detail);
}
