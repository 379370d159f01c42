/* SPDX-License-Identifier: MIT
 *
 * Why a socket has no owner. What has no inode is told by its state. What has one is held by
 * somebody: by a process that we may not look into, by a message between processes, by a process
 * outside our view, by the kernel. Or it was closed since the snapshot: before anybody is
 * suspected, the tables are read again.
 */
#include "sockets/reason.h"

#include "sockets/collect.h"
#include "sockets/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_TEXT = 64, FILE_TEXT = 1024 };

/* What is known of the sockets that are held by somebody unseen. */
struct clues {
    bool denied;         /* some process could not be looked into */
    bool in_flight;      /* some descriptor is inside a message */
    bool outmost;        /* we see all processes, not only those of a container */
    bool rechecked;      /* the next two are filled */
    struct ph__rows now; /* the tables, read again */
    struct ph__index now_by_inode;
};

/* Whether /proc shows the first pid namespace, whose inode number is fixed in the kernel. Without
 * the link it is taken for granted. */
static bool is_outmost_namespace(int proc)
{
    char link[PATH_TEXT];
    ssize_t length = readlinkat(proc, "self/ns/pid", link, sizeof link - 1);
    if (length < 0) {
        return true;
    }
    link[length] = '\0';
    return strcmp(link, "pid:[4026531836]") == 0;
}

/* How many descriptors wait in the messages that a unix socket has received. */
static unsigned long count_in_flight(int proc, struct ph_owner owner)
{
    char path[PATH_TEXT];
    char text[FILE_TEXT];
    snprintf(path, sizeof path, "%d/fdinfo/%d", (int)owner.process->pid, owner.fd);
    if (ph__files_read(proc, path, text, sizeof text) < 0) {
        return 0;
    }
    const char *line = strstr(text, "scm_fds:");
    return line ? strtoul(line + strlen("scm_fds:"), NULL, 10) : 0;
}

static bool is_any_in_flight(const struct ph_snapshot *snapshot, int proc)
{
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const struct ph_socket *row = &snapshot->rows.items[i];
        if (row->protocol == PH_PROTOCOL_UNIX && row->owner_count > 0 &&
            count_in_flight(proc, ph_snapshot_owner(snapshot, row, 0)) > 0) {
            return true;
        }
    }
    return false;
}

/* Why a socket without inode has no owner: no process can have it open. */
static enum ph_owner_unknown reason_without_inode(const struct ph_socket *row)
{
    switch (row->state) {
    case PH_STATE_TIME_WAIT:
        return PH_OWNER_UNKNOWN_TIME_WAIT;
    case PH_STATE_SYN_RECV:
        return PH_OWNER_UNKNOWN_HANDSHAKE;
    case PH_STATE_ESTABLISHED:
    case PH_STATE_CLOSE_WAIT:
        return row->direction == PH_DIRECTION_OUTBOUND ? PH_OWNER_UNKNOWN_ORPHAN
                                                       : PH_OWNER_UNKNOWN_NOT_ACCEPTED;
    case PH_STATE_LISTEN:
        return PH_OWNER_UNKNOWN_KERNEL;
    default:
        return PH_OWNER_UNKNOWN_ORPHAN;
    }
}

static bool was_closed(const struct clues *clues, const struct ph_socket *row)
{
    size_t cursor;
    uint32_t at = ph__index_find(&clues->now_by_inode, row->inode, &cursor);
    for (; at != PH__INDEX_NONE; at = ph__index_next(&clues->now_by_inode, row->inode, &cursor)) {
        const struct ph_socket *now = &clues->now.items[at];
        if (now->protocol == row->protocol && now->cookie == row->cookie) {
            return false;
        }
    }
    return true;
}

/* The kernel's ends of netlink: nobody else has port 0. */
static bool is_kernels(const struct ph_socket *row)
{
    return row->protocol == PH_PROTOCOL_NETLINK && ph_socket_local_port(row) == 0;
}

static enum ph_owner_unknown reason_of(const struct clues *clues, const struct ph_socket *row)
{
    if (is_kernels(row)) {
        return PH_OWNER_UNKNOWN_KERNEL;
    }
    if (row->inode == 0) {
        return reason_without_inode(row);
    }
    if (clues->rechecked && was_closed(clues, row)) {
        return PH_OWNER_UNKNOWN_ORPHAN;
    }
    /* Into processes of our own user we could look, the rare undumpable one aside. */
    bool looked = !clues->denied || (row->uid_known && row->uid == geteuid());
    if (clues->in_flight && looked) {
        return PH_OWNER_UNKNOWN_IN_FLIGHT;
    }
    if (clues->denied) {
        return PH_OWNER_UNKNOWN_PERMISSION;
    }
    return clues->outmost ? PH_OWNER_UNKNOWN_KERNEL : PH_OWNER_UNKNOWN_OTHER_NAMESPACE;
}

/* Reads the tables again. A source that fails now leaves the question open. */
static int recheck(struct clues *clues, struct ph__arena *arena, const struct ph_snapshot *snapshot)
{
    ph__rows_init(&clues->now, arena, snapshot->cfg.sockets_max, snapshot->seed);
    struct ph__collection collection = {.rows = &clues->now, .protocols = snapshot->protocols};
    int err = ph__collect(&collection, &snapshot->cfg);
    if (err == PH_ERR_LIMIT || err == PH_ERR_SOURCE) {
        return 0;
    }
    for (size_t i = 0; err == 0 && i < clues->now.count; i++) {
        uint64_t inode = clues->now.items[i].inode;
        err = inode ? ph__index_put(&clues->now_by_inode, inode, (uint32_t)i) : 0;
    }
    clues->rechecked = err == 0;
    return err;
}

static bool is_any_held_by_somebody_unseen(const struct ph_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const struct ph_socket *row = &snapshot->rows.items[i];
        if (row->inode && row->owner_count == 0 && !is_kernels(row)) {
            return true;
        }
    }
    return false;
}

int ph__reason_fill(struct ph_snapshot *snapshot, int proc, bool denied)
{
    struct clues clues = {.denied = denied};
    struct ph__arena arena = {NULL};
    int err = 0;
    ph__index_init(&clues.now_by_inode, snapshot->seed);
    if (is_any_held_by_somebody_unseen(snapshot)) {
        clues.in_flight = is_any_in_flight(snapshot, proc);
        clues.outmost = is_outmost_namespace(proc);
        /* Without permission there are always some, and the answer is the same. */
        err = denied ? 0 : recheck(&clues, &arena, snapshot);
    }
    for (size_t i = 0; err == 0 && i < snapshot->rows.count; i++) {
        struct ph_socket *row = &snapshot->rows.items[i];
        row->owner_unknown = row->owner_count > 0 ? PH_OWNER_UNKNOWN_NONE : reason_of(&clues, row);
    }
    ph__rows_done(&clues.now);
    ph__index_done(&clues.now_by_inode);
    ph__arena_done(&arena);
    return err;
}
