/* SPDX-License-Identifier: MIT
 *
 * Runs a program without a shell and keeps what it prints. For the test's own thread only.
 */
#ifndef PORTHOLE_TESTS_SPAWN_H
#define PORTHOLE_TESTS_SPAWN_H

#include <sys/types.h>

struct process {
    pid_t pid;
    int out; /* read ends; -1 when the test gave a descriptor of its own, or after the end */
    int err;
    int status; /* exit status once it has ended; -1 when a signal ended it */
    char *out_text;
    char *err_text;
};

/* Starts a program; `arguments` ends in NULL and begins with the path. `out` is the descriptor
 * for standard output, or -1 for a pipe. */
struct process spawn_start(const char *const *arguments, int out);

/* Waits for output, and reads it. @return 0 when both ends are closed. */
int spawn_step(struct process *process);

/* Waits until the program has ended. */
void spawn_wait(struct process *process);

void spawn_done(struct process *process);

/* Runs a program to its end. */
struct process spawn_run(const char *const *arguments, int out);

#endif
