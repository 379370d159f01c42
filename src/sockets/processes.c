/* SPDX-License-Identifier: MIT
 *
 * The sockets grouped by the processes that hold them, with the descriptors of each.
 */
#include "base/exhausted.h"
#include "sockets/files.h"
#include "sockets/process.h"
#include "sockets/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A process and one of its sockets. */
struct holding {
    const struct ph_process *process;
    uint32_t row;
};

struct ph_processes {
    struct ph_snapshot *snapshot; /* a reference */
    struct ph_process_use *items; /* owned; by pid */
    size_t count;
    struct holding *holdings; /* owned; by pid, then row */
    size_t holding_count;
};

static int compare_holdings(const void *left, const void *right)
{
    const struct holding *a = left;
    const struct holding *b = right;
    if (a->process->pid != b->process->pid) {
        return a->process->pid < b->process->pid ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

/* The owners of a socket stand by pid: several descriptors of one process are neighbours. */
static void gather(struct ph_processes *processes)
{
    const struct ph_snapshot *snapshot = processes->snapshot;
    for (size_t row = 0; row < snapshot->rows.count; row++) {
        const struct ph_socket *socket = &snapshot->rows.items[row];
        const struct ph_process *last = NULL;
        for (uint32_t i = 0; i < socket->owner_count; i++) {
            const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
            if (process != last) {
                processes->holdings[processes->holding_count++] =
                    (struct holding){.process = process, .row = (uint32_t)row};
            }
            last = process;
        }
    }
    qsort(processes->holdings, processes->holding_count, sizeof *processes->holdings,
          compare_holdings);
}

static size_t count_owners(const struct ph_snapshot *snapshot)
{
    size_t count = 0;
    for (size_t row = 0; row < snapshot->rows.count; row++) {
        count += snapshot->rows.items[row].owner_count;
    }
    return count;
}

static void group(struct ph_processes *processes)
{
    const struct ph_socket *rows = processes->snapshot->rows.items;
    struct ph_process_use *use = NULL;
    for (size_t i = 0; i < processes->holding_count; i++) {
        const struct holding *holding = &processes->holdings[i];
        if (!use || use->process != holding->process) {
            use = &processes->items[processes->count++];
            *use = (struct ph_process_use){
                .process = holding->process, .fd_count = -1, .fd_limit = -1, .socket_first = i};
        }
        use->socket_count++;
        use->counts[rows[holding->row].protocol][rows[holding->row].state]++;
    }
}

static size_t count_processes(const struct ph_processes *processes)
{
    size_t count = 0;
    for (size_t i = 0; i < processes->holding_count; i++) {
        count += i == 0 || processes->holdings[i].process != processes->holdings[i - 1].process;
    }
    return count;
}

/* The pid may be another process's by now: its start time is looked at behind the numbers. */
static int read_descriptors(int proc, struct ph_process_use *use)
{
    char pid[16];
    uint64_t start = 0;
    const struct ph_process *process = use->process;
    if (!process) {
        return 0; /* never: each has been given its process */
    }
    snprintf(pid, sizeof pid, "%d", process->pid);
    int64_t count = ph__process_descriptors(proc, pid);
    int64_t limit = ph__is_exhausted(count) ? count : ph__process_limit(proc, pid);
    int err = ph__is_exhausted(limit) ? (int)limit : ph__process_start(proc, pid, &start);
    if (err < 0) {
        return ph__is_exhausted(err) ? err : 0;
    }
    if (start == ((const struct ph__known_process *)process)->start) {
        use->fd_count = count < 0 ? -1 : count;
        use->fd_limit = limit < 0 ? -1 : limit;
    }
    return 0;
}

static int read_all_descriptors(struct ph_processes *processes)
{
    int proc = ph__files_open_folder(AT_FDCWD, processes->snapshot->cfg.proc_root);
    int err = ph__is_exhausted(proc) ? proc : 0;
    for (size_t i = 0; proc >= 0 && err == 0 && i < processes->count; i++) {
        err = read_descriptors(proc, &processes->items[i]);
    }
    if (proc >= 0) {
        close(proc);
    }
    return err;
}

int ph_processes_new(struct ph_processes **ret_processes, struct ph_snapshot *snapshot)
{
    struct ph_processes *processes = calloc(1, sizeof *processes);
    if (!processes) {
        return -ENOMEM;
    }
    int err = -ENOMEM;
    processes->snapshot = ph_snapshot_ref(snapshot);
    processes->holdings = malloc((count_owners(snapshot) + 1) * sizeof *processes->holdings);
    if (processes->holdings) {
        gather(processes);
        processes->items = calloc(count_processes(processes) + 1, sizeof *processes->items);
    }
    if (processes->items) {
        group(processes);
        err = read_all_descriptors(processes);
    }
    if (err < 0) {
        ph_processes_free(processes);
        return err;
    }
    *ret_processes = processes;
    return 0;
}

void ph_processes_free(struct ph_processes *processes)
{
    if (!processes) {
        return;
    }
    ph_snapshot_unref(processes->snapshot);
    free(processes->items);
    free(processes->holdings);
    free(processes);
}

size_t ph_processes_count(const struct ph_processes *processes)
{
    return processes->count;
}

const struct ph_process_use *ph_processes_at(const struct ph_processes *processes, size_t index)
{
    return index < processes->count ? &processes->items[index] : NULL;
}

const struct ph_socket *ph_processes_socket(const struct ph_processes *processes,
                                            const struct ph_process_use *use, size_t index)
{
    if (index >= use->socket_count) {
        return NULL;
    }
    uint32_t row = processes->holdings[use->socket_first + index].row;
    return &processes->snapshot->rows.items[row];
}
