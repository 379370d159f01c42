/* SPDX-License-Identifier: MIT
 *
 * Which sockets each process has open, by the links in /proc/PID/fd. Which rows of a snapshot
 * these are is left to owners.c.
 *
 * A link costs about 4 us, so what was read of a process with many descriptors may be taken over
 * from the scan before, under a condition that proves it unchanged. A process changes its
 * descriptors by running, and only so: what others send it, it has to receive. It has not run
 * since when its processor clock shows what it showed before its links were read, and none of its
 * threads runs now, the start time being the same (the clock lags behind only while one runs).
 * Counting the descriptors would prove nothing: a close and an open leave the number as it was.
 *
 * One thing is not covered: two processes that share one table of descriptors (CLONE_FILES
 * without CLONE_THREAD), of which one sleeps while the other changes it.
 */
#ifndef PORTHOLE_SOCKETS_HOLDERS_H
#define PORTHOLE_SOCKETS_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor that is a socket. */
struct ph__holding {
    uint64_t inode;
    int fd;
};

struct ph__holder {
    int pid;
    uint64_t start;    /* when the process started */
    uint64_t clock_ns; /* its processor clock before the links were read; 0: not to be taken over */
    size_t read;       /* how many descriptors it had */
    size_t first;      /* its holdings */
    size_t count;
};

struct ph__holders {
    struct ph__holder *items; /* those with sockets, by pid; owned */
    size_t count;
    size_t capacity;
    struct ph__holding *holdings; /* owned */
    size_t holding_count;
    size_t holding_capacity;
    bool denied;    /* some process could not be looked into */
    bool init_seen; /* pid 1 is listed: nobody hides processes from us */
};

/* Below this number of descriptors a process is always read: that is as fast. */
enum { PH__HOLDERS_MANY = 100 };

/*
 * Reads all processes of the folder `proc`, which stays the caller's.
 *
 * @param before   what an earlier scan found, or NULL.
 * @param threads  how many may read the links of one process.
 * @return 0, also when some could not be looked into; -ENOMEM; -EMFILE, -ENFILE.
 */
int ph__holders_scan(struct ph__holders *ret_holders, int proc, const struct ph__holders *before,
                     unsigned threads);

/* Frees what is inside, and leaves it empty. */
void ph__holders_done(struct ph__holders *holders);

#endif
