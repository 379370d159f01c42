/* SPDX-License-Identifier: MIT
 *
 * The scan of /proc. A process may end while it is read, and its pid may go to another: its files
 * are read relative to its open folder. Whoever names the process afterwards compares its start
 * time once more.
 */
#include "sockets/holders.h"

#include "base/decimal.h"
#include "base/exhausted.h"
#include "sockets/files.h"
#include "sockets/pages.h"
#include "sockets/process.h"
#include "sockets/thread.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below so many links a second thread costs more than it saves. */
enum { FEW_LINKS = 1000, FIRST_CAPACITY = 64, LINK_TEXT = 64, PID_TEXT = 16 };

struct scan {
    struct ph__holders *holders;
    const struct ph__holders *before;
    int proc;
    bool clocks; /* the pids are those of our clocks */
    unsigned threads;
};

static bool is_denied(int err)
{
    return err == -EACCES || err == -EPERM;
}

/* Makes room for one more. @return false without memory. */
static bool grow(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *more = ph__pages_grow(*items, *capacity, wanted, size);
    if (more) {
        *items = more;
        *capacity = wanted;
    }
    return more != NULL;
}

static int add_holding(struct ph__holders *holders, struct ph__holding holding)
{
    void *items = holders->holdings;
    if (!grow(&items, holders->holding_count, &holders->holding_capacity, sizeof holding)) {
        return -ENOMEM;
    }
    holders->holdings = items;
    holders->holdings[holders->holding_count++] = holding;
    return 0;
}

static int add_holder(struct ph__holders *holders, struct ph__holder holder)
{
    void *items = holders->items;
    if (!grow(&items, holders->count, &holders->capacity, sizeof holder)) {
        return -ENOMEM;
    }
    holders->items = items;
    holders->items[holders->count++] = holder;
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

/* Some descriptors of one process, whose inodes are to be read. */
struct links {
    int folder;
    struct ph__holding *items;
    size_t count;
    int err;
};

/* Fits ph__thread_start(). What is no socket, or closed meanwhile, gets the inode 0. */
static void *read_links(void *user)
{
    struct links *links = user;
    for (size_t i = 0; i < links->count && links->err == 0; i++) {
        char name[PH__DECIMAL_TEXT + 1];
        char link[LINK_TEXT];
        *ph__decimal_put(name, (uint64_t)links->items[i].fd) = '\0';
        ssize_t length = readlinkat(links->folder, name, link, sizeof link - 1);
        if (length < 0) {
            int err = -errno;
            links->err = is_denied(err) || ph__is_exhausted(err) ? err : 0;
            continue;
        }
        link[length] = '\0';
        links->items[i].inode = parse_link(link);
    }
    return NULL;
}

/* Reads the links of all holdings from `first` on, and keeps those that are sockets. */
static int read_all_links(const struct scan *scan, int folder, size_t first)
{
    struct ph__holders *holders = scan->holders;
    size_t count = holders->holding_count - first;
    if (count == 0) {
        return 0;
    }
    size_t half = scan->threads > 1 && count >= FEW_LINKS ? count / 2 : count;
    struct links here = {.folder = folder, .items = holders->holdings + first, .count = half};
    struct links there = {.folder = folder, .items = here.items + half, .count = count - half};
    pthread_t thread;
    bool started = there.count > 0 && ph__thread_start(&thread, read_links, &there);
    read_links(&here);
    if (started) {
        pthread_join(thread, NULL);
    } else {
        read_links(&there);
    }
    size_t kept = first;
    for (size_t i = first; i < holders->holding_count; i++) {
        if (holders->holdings[i].inode) {
            holders->holdings[kept++] = holders->holdings[i];
        }
    }
    holders->holding_count = kept;
    return here.err ? here.err : there.err;
}

static int list_descriptors(const struct scan *scan, DIR *dir)
{
    struct dirent *entry;
    int err = 0;
    while (err == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        int fd = parse_name(entry->d_name);
        err = fd < 0 ? 0 : add_holding(scan->holders, (struct ph__holding){.fd = fd});
    }
    return err == 0 && errno == ENOMEM ? -ENOMEM : err;
}

static int open_descriptors(const struct scan *scan, int pid, DIR **ret_dir)
{
    char path[PID_TEXT + 4];
    snprintf(path, sizeof path, "%d/fd", pid);
    int folder = ph__files_open_folder(scan->proc, path);
    if (folder < 0) {
        scan->holders->denied |= is_denied(folder);
        return ph__is_exhausted(folder) ? folder : 0; /* else it has ended */
    }
    *ret_dir = fdopendir(folder);
    if (!*ret_dir) {
        int err = -errno;
        close(folder);
        return ph__is_exhausted(err) ? err
                                     : 0; /* fstat() counts the descriptors, and finds no process */
    }
    return 1;
}

static int read_process(const struct scan *scan, struct ph__holder *holder)
{
    struct ph__holders *holders = scan->holders;
    DIR *dir;
    int err = open_descriptors(scan, holder->pid, &dir);
    if (err <= 0) {
        return err;
    }
    holder->first = holders->holding_count;
    err = list_descriptors(scan, dir);
    holder->read = holders->holding_count - holder->first;
    err = err ? err : read_all_links(scan, dirfd(dir), holder->first);
    holder->count = holders->holding_count - holder->first;
    if (is_denied(err)) {
        holders->denied = true; /* the folder can be listed, but no link in it be read */
        holder->clock_ns = 0;
        err = 0;
    }
    if (err == 0 && holder->count > 0) {
        int start_err = ph__process_start(dirfd(dir), "..", &holder->start);
        if (start_err < 0) { /* it has ended */
            holders->denied |= is_denied(start_err);
            holders->holding_count = holder->first;
            holder->count = 0;
            err = ph__is_exhausted(start_err) ? start_err : 0;
        }
    }
    closedir(dir);
    return err == 0 && holder->count > 0 ? add_holder(holders, *holder) : err;
}

static int compare_pids(const void *left, const void *right)
{
    const struct ph__holder *a = left;
    const struct ph__holder *b = right;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

/* What is known of a process that has not run since, or NULL. */
static const struct ph__holder *find_unchanged(const struct scan *scan, int pid)
{
    const struct ph__holder key = {.pid = pid};
    const struct ph__holder *old =
        scan->before && scan->clocks && scan->before->count > 0
            ? bsearch(&key, scan->before->items, scan->before->count, sizeof key, compare_pids)
            : NULL;
    uint64_t clock_ns;
    if (!old || old->clock_ns == 0 || old->read < PH__HOLDERS_MANY ||
        !ph__process_sleeps(scan->proc, pid, old->start, old->read / 8) ||
        !ph__process_clock(pid, &clock_ns) || clock_ns != old->clock_ns) {
        return NULL;
    }
    return old;
}

static int take_over(const struct scan *scan, const struct ph__holder *old)
{
    struct ph__holder holder = *old;
    holder.first = scan->holders->holding_count;
    int err = 0;
    for (size_t i = 0; err == 0 && i < old->count; i++) {
        err = add_holding(scan->holders, scan->before->holdings[old->first + i]);
    }
    return err == 0 ? add_holder(scan->holders, holder) : err;
}

static int look_at_process(const struct scan *scan, const char *name)
{
    struct ph__holder holder = {.pid = parse_name(name)};
    if (holder.pid < 0) {
        return 0;
    }
    scan->holders->init_seen |= holder.pid == 1;
    const struct ph__holder *old = find_unchanged(scan, holder.pid);
    if (old) {
        return take_over(scan, old);
    }
    if (!scan->clocks || !ph__process_clock(holder.pid, &holder.clock_ns)) {
        holder.clock_ns = 0;
    }
    return read_process(scan, &holder);
}

static int look_at_processes(const struct scan *scan)
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

int ph__holders_scan(struct ph__holders *ret_holders, int proc, const struct ph__holders *before,
                     unsigned threads)
{
    struct ph__holders holders = {.items = NULL};
    struct scan scan = {
        .holders = &holders,
        .before = before,
        .proc = proc,
        .clocks = ph__process_clocks_fit(proc),
        .threads = threads,
    };
    int err = look_at_processes(&scan);
    if (err < 0) {
        ph__holders_done(&holders);
        return err;
    }
    if (holders.count > 0) {
        qsort(holders.items, holders.count, sizeof *holders.items, compare_pids);
    }
    *ret_holders = holders;
    return 0;
}

void ph__holders_done(struct ph__holders *holders)
{
    ph__pages_free(holders->items, holders->capacity, sizeof *holders->items);
    ph__pages_free(holders->holdings, holders->holding_capacity, sizeof *holders->holdings);
    *holders = (struct ph__holders){.items = NULL};
}
