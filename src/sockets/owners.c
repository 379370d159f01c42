/* SPDX-License-Identifier: MIT
 *
 * Owners: every process that holds a socket, found by the links in /proc/PID/fd. Why a socket has
 * none is a matter of reason.c.
 *
 * A process may end while it is read, and its pid may go to another. All files are therefore read
 * relative to the open folder of the process, and its start time is compared with that of
 * whoever has the pid afterwards.
 */
#include "sockets/files.h"
#include "sockets/process.h"
#include "sockets/reason.h"
#include "sockets/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_FOUND = 256, LINK_TEXT = 64, PID_TEXT = 16 };

/* One descriptor that is a socket of the snapshot. */
struct found {
    uint32_t row;
    int fd;
    const struct ph_process *process;
};

struct scan {
    struct ph_snapshot *snapshot;
    int proc;                /* folder, owned */
    struct ph__index inodes; /* to rows */
    struct found *found;     /* owned */
    size_t count;
    size_t capacity;
    bool denied;    /* some process could not be looked into */
    bool init_seen; /* pid 1 is listed: nobody hides processes from us */
};

static bool is_fatal(int err)
{
    return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

static bool is_denied(int err)
{
    return err == -EACCES || err == -EPERM;
}

static int add_found(struct scan *scan, struct found found)
{
    if (scan->count == scan->capacity) {
        size_t capacity = scan->capacity ? scan->capacity * 2 : FIRST_FOUND;
        struct found *items = realloc(scan->found, capacity * sizeof *items);
        if (!items) {
            return -ENOMEM;
        }
        scan->found = items;
        scan->capacity = capacity;
    }
    scan->found[scan->count++] = found;
    return 0;
}

/* A decimal number and nothing else; -1 for other names. */
static int parse_name(const char *name)
{
    char *end;
    if (*name < '0' || *name > '9') {
        return -1;
    }
    errno = 0;
    long number = strtol(name, &end, 10);
    return *end || errno || number > INT_MAX ? -1 : (int)number;
}

/* The inode in "socket:[123]", 0 for other links. */
static uint64_t parse_link(const char *link)
{
    static const char prefix[] = "socket:[";
    if (strncmp(link, prefix, sizeof prefix - 1) != 0) {
        return 0;
    }
    return strtoull(link + sizeof prefix - 1, NULL, 10);
}

/* Records the descriptor if it is a socket of the snapshot. */
static int look_at_descriptor(struct scan *scan, int folder, const char *name,
                              const struct ph_process *process)
{
    char link[LINK_TEXT];
    int fd = parse_name(name);
    if (fd < 0) {
        return 0;
    }
    ssize_t length = readlinkat(folder, name, link, sizeof link - 1);
    if (length < 0) {
        int err = -errno;
        return is_denied(err) || is_fatal(err) ? err : 0; /* else closed meanwhile */
    }
    link[length] = '\0';
    uint64_t inode = parse_link(link);
    size_t cursor;
    uint32_t row = inode ? ph__index_find(&scan->inodes, inode, &cursor) : PH__INDEX_NONE;
    int err = 0;
    for (; err == 0 && row != PH__INDEX_NONE; row = ph__index_next(&scan->inodes, inode, &cursor)) {
        err = add_found(scan, (struct found){.row = row, .fd = fd, .process = process});
    }
    return err;
}

static int look_at_descriptors(struct scan *scan, DIR *dir, const struct ph_process *process)
{
    struct dirent *entry;
    int err = 0;
    while (err == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        err = look_at_descriptor(scan, dirfd(dir), entry->d_name, process);
    }
    if (is_denied(err)) {
        scan->denied = true; /* the folder can be listed, but no link in it be read */
        return 0;
    }
    return err == 0 && errno == ENOMEM ? -ENOMEM : err;
}

/* Reads about a process that turned out to hold sockets. @return 1; 0 when it has ended. */
static int describe(struct scan *scan, int folder, const char *pid, struct ph_process *process)
{
    uint64_t start = 0;
    uint64_t start_after = 0;
    int err = ph__process_start(folder, "..", &start);
    if (err == 0) {
        err = ph__process_read(folder, "..", &scan->snapshot->owners.arena, process);
    }
    if (err == 0) {
        err = ph__process_start(scan->proc, pid, &start_after);
    }
    if (err < 0) {
        scan->denied |= is_denied(err);
        return is_fatal(err) ? err : 0;
    }
    process->user = ph_snapshot_user(scan->snapshot, process->uid);
    return start == start_after;
}

static int open_descriptors(struct scan *scan, const char *pid, DIR **ret_dir)
{
    char path[PID_TEXT + 4];
    snprintf(path, sizeof path, "%s/fd", pid);
    int folder = ph__files_open_folder(scan->proc, path);
    if (folder < 0) {
        scan->denied |= is_denied(folder);
        return is_fatal(folder) ? folder : 0; /* else it has ended */
    }
    *ret_dir = fdopendir(folder);
    if (!*ret_dir) {
        int err = -errno;
        close(folder);
        return is_fatal(err) ? err : 0; /* fstat() counts the descriptors, and finds no process */
    }
    return 1;
}

static int look_at_process(struct scan *scan, const char *name)
{
    char pid[PID_TEXT];
    int number = parse_name(name);
    if (number < 0) {
        return 0;
    }
    snprintf(pid, sizeof pid, "%d", number);
    scan->init_seen |= number == 1;
    DIR *dir;
    int err = open_descriptors(scan, pid, &dir);
    if (err <= 0) {
        return err;
    }
    struct ph_process *process = ph__arena_alloc(&scan->snapshot->owners.arena, sizeof *process);
    size_t before = scan->count;
    if (process) {
        *process = (struct ph_process){.pid = number};
        err = look_at_descriptors(scan, dir, process);
    } else {
        err = -ENOMEM;
    }
    if (err == 0 && scan->count > before) {
        int same = describe(scan, dirfd(dir), pid, process);
        if (same <= 0) {
            scan->count = before;
            err = same;
        }
    }
    closedir(dir);
    return err;
}

static int look_at_processes(struct scan *scan)
{
    /* Opened again: readdir() takes its folder over. */
    int folder = ph__files_open_folder(scan->proc, ".");
    DIR *dir = folder < 0 ? NULL : fdopendir(folder);
    int err = folder < 0 ? folder : 0;
    if (!dir) {
        err = err < 0 ? err : -errno;
        if (folder >= 0) {
            close(folder);
        }
        return err;
    }
    struct dirent *entry;
    while (err == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        err = look_at_process(scan, entry->d_name);
    }
    if (err == 0 && errno == ENOMEM) {
        err = -ENOMEM;
    }
    closedir(dir);
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

/* The owners of a socket stand in the order of pid and descriptor, whatever readdir() says. */
static int group_by_row(struct scan *scan)
{
    if (scan->count > 0) {
        qsort(scan->found, scan->count, sizeof *scan->found, compare_found);
    }
    struct ph_socket *rows = scan->snapshot->rows.items;
    size_t row_count = scan->snapshot->rows.count;
    struct ph_owner *items = malloc((scan->count + 1) * sizeof *items);
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

static int scan_processes(struct ph_snapshot *snapshot)
{
    struct scan scan = {.snapshot = snapshot};
    ph__index_init(&scan.inodes, snapshot->seed);
    scan.proc = ph__files_open_folder(AT_FDCWD, snapshot->cfg.proc_root);
    int err = is_fatal(scan.proc) ? scan.proc : index_inodes(&scan);
    if (err == 0 && scan.proc >= 0) {
        err = look_at_processes(&scan);
    }
    if (err == 0) {
        err = group_by_row(&scan);
    }
    if (err == 0) {
        bool denied = scan.denied || scan.proc < 0 || !scan.init_seen;
        err = ph__reason_fill(snapshot, scan.proc, denied);
    }
    if (err < 0) {
        ph__arena_done(&snapshot->owners.arena);
        free(snapshot->owners.items);
        snapshot->owners.items = NULL;
    }
    free(scan.found);
    ph__index_done(&scan.inodes);
    if (scan.proc >= 0) {
        close(scan.proc);
    }
    return err;
}

int ph_snapshot_owners(struct ph_snapshot *snapshot)
{
    struct ph__owners *owners = &snapshot->owners;
    pthread_mutex_lock(&owners->lock);
    unsigned attempts = owners->attempts;
    while (owners->scanning) {
        pthread_cond_wait(&owners->finished, &owners->lock);
    }
    /* Who waited shares the result, a failure too; who comes later tries again. */
    if (!owners->done && owners->attempts == attempts) {
        owners->scanning = true;
        pthread_mutex_unlock(&owners->lock);
        int err = scan_processes(snapshot);
        pthread_mutex_lock(&owners->lock);
        owners->scanning = false;
        owners->attempts++;
        owners->result = err;
        owners->done = err == 0;
        pthread_cond_broadcast(&owners->finished);
    }
    int result = owners->result;
    pthread_mutex_unlock(&owners->lock);
    return result;
}

struct ph_owner ph_snapshot_owner(const struct ph_snapshot *snapshot,
                                  const struct ph_socket *socket, uint32_t index)
{
    return snapshot->owners.items[socket->owner_first + index];
}
