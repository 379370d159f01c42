/* SPDX-License-Identifier: MIT
 *
 * Owners: every process that holds a socket of the snapshot. What the processes hold is read by
 * holders.c; why a socket has no owner is a matter of reason.c.
 *
 * A pid may go to another process meanwhile: its start time is compared with that of whoever has
 * the pid once its name has been read.
 */
#include "base/exhausted.h"
#include "sockets/files.h"
#include "sockets/holders.h"
#include "sockets/pages.h"
#include "sockets/process.h"
#include "sockets/reason.h"
#include "sockets/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_FOUND = 256, PID_TEXT = 16, AHEAD = 8 };

/* One descriptor that is a socket of the snapshot. */
struct found {
    uint32_t row;
    int fd;
    const struct ph_process *process;
};

struct scan {
    struct ph_snapshot *snapshot;
    int proc; /* folder, owned */
    struct ph__holders holders;
    struct ph__index inodes; /* to rows */
    struct found *found;     /* owned */
    size_t count;
    size_t capacity;
};

static int add_found(struct scan *scan, struct found found)
{
    if (scan->count == scan->capacity) {
        size_t capacity = scan->capacity ? scan->capacity * 2 : FIRST_FOUND;
        struct found *items = ph__pages_grow(scan->found, scan->capacity, capacity, sizeof *items);
        if (!items) {
            return -ENOMEM;
        }
        scan->found = items;
        scan->capacity = capacity;
    }
    scan->found[scan->count++] = found;
    return 0;
}

/* Records what a process holds of the snapshot. */
static int match_holder(struct scan *scan, const struct ph__holder *holder,
                        const struct ph_process *process)
{
    const struct ph__holding *holdings = scan->holders.holdings + holder->first;
    int err = 0;
    for (size_t i = 0; err == 0 && i < holder->count; i++) {
        uint64_t inode = holdings[i].inode;
        size_t cursor;
        if (i + AHEAD < holder->count) {
            ph__index_prefetch(&scan->inodes, holdings[i + AHEAD].inode);
        }
        uint32_t row = ph__index_find(&scan->inodes, inode, &cursor);
        for (; err == 0 && row != PH__INDEX_NONE;
             row = ph__index_next(&scan->inodes, inode, &cursor)) {
            err = add_found(scan,
                            (struct found){.row = row, .fd = holdings[i].fd, .process = process});
        }
    }
    return err;
}

/* Reads about a process that turned out to hold sockets. @return 1; 0 when it has ended. */
static int describe(struct scan *scan, const struct ph__holder *holder, struct ph_process *process)
{
    char pid[PID_TEXT];
    uint64_t start = 0;
    snprintf(pid, sizeof pid, "%d", holder->pid);
    int err = ph__process_read(scan->proc, pid, &scan->snapshot->owners.arena, process);
    if (err == 0) {
        err = ph__process_start(scan->proc, pid, &start);
    }
    if (err < 0) {
        scan->holders.denied |= err == -EACCES || err == -EPERM;
        return ph__is_exhausted(err) ? err : 0;
    }
    process->user = ph_snapshot_user(scan->snapshot, process->uid);
    return start == holder->start;
}

static int look_at_holder(struct scan *scan, const struct ph__holder *holder)
{
    size_t before = scan->count;
    struct ph__known_process *known = ph__arena_alloc(&scan->snapshot->owners.arena, sizeof *known);
    if (!known) {
        return -ENOMEM;
    }
    *known = (struct ph__known_process){.process.pid = holder->pid, .start = holder->start};
    int err = match_holder(scan, holder, &known->process);
    if (err == 0 && scan->count > before) {
        int same = describe(scan, holder, &known->process);
        if (same <= 0) {
            scan->count = before;
            err = same;
        }
    }
    return err;
}

/* What is known from the last scan is given up meanwhile: who scans at the same time reads anew. */
static int look_at_holders(struct scan *scan)
{
    struct ph_snapshot *snapshot = scan->snapshot;
    struct ph__holders before = ph__tally_take_holders(snapshot->tally);
    int err = ph__holders_scan(&scan->holders, scan->proc, &before, snapshot->cfg.threads_max);
    ph__holders_done(&before);
    for (size_t i = 0; err == 0 && i < scan->holders.count; i++) {
        err = look_at_holder(scan, &scan->holders.items[i]);
    }
    return err;
}

static int compare_found(const void *left, const void *right)
{
    const struct found *a = left;
    const struct found *b = right;
    if (a->process->pid != b->process->pid) {
        return a->process->pid < b->process->pid ? -1 : 1;
    }
    return (a->fd > b->fd) - (a->fd < b->fd);
}

/* So it is as a rule: /proc lists by number. */
static bool is_sorted(const struct scan *scan)
{
    size_t i = 1;
    while (i < scan->count && compare_found(&scan->found[i - 1], &scan->found[i]) <= 0) {
        i++;
    }
    return i >= scan->count;
}

/* The owners of a socket stand in the order of pid and descriptor, whatever readdir() says. */
static int group_by_row(struct scan *scan)
{
    if (!is_sorted(scan)) {
        qsort(scan->found, scan->count, sizeof *scan->found, compare_found);
    }
    struct ph_socket *rows = scan->snapshot->rows.items;
    size_t row_count = scan->snapshot->rows.count;
    struct ph_owner *items = ph__pages_new(scan->count + 1, sizeof *items);
    if (!items) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < row_count; i++) {
        rows[i].owner_count = 0; /* left over, when an earlier scan failed */
    }
    for (size_t i = 0; i < scan->count; i++) {
        rows[scan->found[i].row].owner_count++;
    }
    uint32_t first = 0;
    for (size_t i = 0; i < row_count; i++) {
        rows[i].owner_first = first;
        first += rows[i].owner_count;
        rows[i].owner_count = 0; /* counted again while filling */
    }
    for (size_t i = 0; i < scan->count; i++) {
        struct ph_socket *row = &rows[scan->found[i].row];
        items[row->owner_first + row->owner_count++] =
            (struct ph_owner){.process = scan->found[i].process, .fd = scan->found[i].fd};
    }
    scan->snapshot->owners.items = items;
    scan->snapshot->owners.room = scan->count + 1;
    return 0;
}

static int index_inodes(struct scan *scan)
{
    const struct ph__rows *rows = &scan->snapshot->rows;
    int err = ph__index_reserve(&scan->inodes, rows->count);
    for (size_t i = 0; err == 0 && i < rows->count; i++) {
        if (rows->items[i].inode) {
            err = ph__index_put(&scan->inodes, rows->items[i].inode, (uint32_t)i);
        }
    }
    return err;
}

/* Fits ph__once_run(). */
static int scan_processes(void *user)
{
    struct ph_snapshot *snapshot = user;
    struct scan scan = {.snapshot = snapshot};
    ph__index_init(&scan.inodes, snapshot->seed);
    scan.proc = ph__files_open_folder(AT_FDCWD, snapshot->cfg.proc_root);
    int err = ph__is_exhausted(scan.proc) ? scan.proc : index_inodes(&scan);
    if (err == 0 && scan.proc >= 0) {
        err = look_at_holders(&scan);
    }
    if (err == 0) {
        err = group_by_row(&scan);
    }
    if (err == 0) {
        bool denied = scan.holders.denied || scan.proc < 0 || !scan.holders.init_seen;
        err = ph__reason_fill(snapshot, scan.proc, denied);
    }
    if (err < 0) {
        ph__arena_done(&snapshot->owners.arena);
        ph__pages_free(snapshot->owners.items, snapshot->owners.room,
                       sizeof *snapshot->owners.items);
        snapshot->owners.items = NULL;
    }
    if (err == 0) {
        ph__tally_keep_holders(snapshot->tally, &scan.holders, snapshot->cfg.owners_kept_max);
    }
    ph__holders_done(&scan.holders);
    ph__pages_free(scan.found, scan.capacity, sizeof *scan.found);
    ph__index_done(&scan.inodes);
    if (scan.proc >= 0) {
        close(scan.proc);
    }
    return err;
}

int ph_snapshot_owners(struct ph_snapshot *snapshot)
{
    return ph__once_run(&snapshot->owners.once, scan_processes, snapshot);
}

struct ph_owner ph_snapshot_owner(const struct ph_snapshot *snapshot,
                                  const struct ph_socket *socket, uint32_t index)
{
    return snapshot->owners.items[socket->owner_first + index];
}
