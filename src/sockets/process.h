/* SPDX-License-Identifier: MIT
 *
 * What /proc/PID says about a process: name, user, start, systemd unit, container.
 */
#ifndef PORTHOLE_SOCKETS_PROCESS_H
#define PORTHOLE_SOCKETS_PROCESS_H

#include "sockets/arena.h"

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of a text, or .text == NULL. */
struct ph__slice {
    const char *text;
    size_t size;
};

/* When the process started, in ticks since boot, out of /proc/PID/stat. A recycled pid has a
 * later one. @return false when malformed. */
bool ph__process_parse_start(const char *stat, uint64_t *ret_start);

/* The effective uid out of /proc/PID/status. */
bool ph__process_parse_uid(const char *status, uint32_t *ret_uid);

/* The innermost systemd unit and container that /proc/PID/cgroup names. */
void ph__process_parse_cgroup(const char *cgroup, struct ph__slice *ret_unit,
                              struct ph__slice *ret_container);

/* Reads the start time of the process whose folder is at `path` below `folder`. @return 0;
 * a negative errno, -ESRCH for a text that does not parse. */
int ph__process_start(int folder, const char *path, uint64_t *ret_start);

/* Whether pids in the folder `proc` are those that ph__process_clock() takes. */
bool ph__process_clocks_fit(int proc);

/* The time that all threads of a process have run, ended ones included. */
bool ph__process_clock(int pid, uint64_t *ret_ns);

/* Whether a process is the one that started then, and none of its threads, which are at most
 * `threads_max`, runs or is about to: what it has done shows in its clock. */
bool ph__process_sleeps(int proc, int pid, uint64_t start, size_t threads_max);

/* The soft limit of open descriptors out of /proc/PID/limits. @return false when malformed, or when
 * there is none. */
bool ph__process_parse_limit(const char *limits, int64_t *ret_limit);

/* How many descriptors a process has open. @return a negative errno when that cannot be seen. */
int64_t ph__process_descriptors(int folder, const char *path);

/* Its soft limit of them, or a negative errno. */
int64_t ph__process_limit(int folder, const char *path);

/* Reads the rest, all but pid and user, with texts in the arena. A file that cannot be read leaves
 * its field empty. @return 0; -ENOMEM; -EMFILE, -ENFILE; -ESRCH when not even the uid is there. */
int ph__process_read(int folder, const char *path, struct ph__arena *arena,
                     struct ph_process *ret_process);

#endif
