/* SPDX-License-Identifier: MIT
 *
 * Runs programs; what they print comes through pipes.
 */
#include "support/spawn.h"

#include "support/cmocka.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, WAIT_MS = 60000 };

struct process spawn_start(const char *const *arguments, int out)
{
    struct process process = {.out = -1, .err = -1, .status = -1};
    int out_pipe[2] = {-1, -1};
    int err_pipe[2];
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe2(err_pipe, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    if (out < 0) {
        assert_int_equal(pipe2(out_pipe, O_CLOEXEC), 0);
        out = out_pipe[1];
    }
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, 1), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, err_pipe[1], 2), 0);
    assert_int_equal(posix_spawn(&process.pid, arguments[0], &actions, NULL,
                                 (char *const *)(uintptr_t)arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(err_pipe[1]);
    process.err = err_pipe[0];
    if (out_pipe[1] >= 0) {
        close(out_pipe[1]);
        process.out = out_pipe[0];
    }
    process.out_text = calloc(1, TEXT_MAX);
    process.err_text = calloc(1, TEXT_MAX);
    assert_non_null(process.out_text);
    assert_non_null(process.err_text);
    return process;
}

/* Reads once from a descriptor behind what is there already; closes it at the end. */
static void read_once(int *fd, char *text)
{
    size_t size = strlen(text);
    assert_true(size + 1 < TEXT_MAX);
    ssize_t got = read(*fd, text + size, TEXT_MAX - 1 - size);
    assert_true(got >= 0);
    if (got == 0) {
        close(*fd);
        *fd = -1;
    }
}

int spawn_step(struct process *process)
{
    struct pollfd fds[] = {{.fd = process->out, .events = POLLIN},
                           {.fd = process->err, .events = POLLIN}};
    if (process->out < 0 && process->err < 0) {
        return 0;
    }
    assert_true(poll(fds, 2, WAIT_MS) > 0);
    if (fds[0].revents) {
        read_once(&process->out, process->out_text);
    }
    if (fds[1].revents) {
        read_once(&process->err, process->err_text);
    }
    return 1;
}

void spawn_wait(struct process *process)
{
    while (spawn_step(process)) {
    }
    int status = 0;
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void spawn_done(struct process *process)
{
    free(process->out_text);
    free(process->err_text);
}

struct process spawn_run(const char *const *arguments, int out)
{
    struct process process = spawn_start(arguments, out);
    spawn_wait(&process);
    return process;
}
