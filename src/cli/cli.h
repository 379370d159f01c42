/* SPDX-License-Identifier: MIT
 *
 * The program porthole: what its commands share.
 */
#ifndef PORTHOLE_CLI_CLI_H
#define PORTHOLE_CLI_CLI_H

#include <porthole/error.h>

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses. */
enum { PH__EXIT_OK = 0, PH__EXIT_FOUND = 1, PH__EXIT_WRONG = 2 };

struct ph__command {
    const char *name;
    const char *summary;               /* one line for the overview */
    const char *help;                  /* the whole text of `porthole help NAME` */
    int (*run)(int argc, char **argv); /* argv[0] is the first argument of the command */
};

extern const struct ph__command ph__serve_command;
extern const struct ph__command ph__ports_command;
extern const struct ph__command ph__sockets_command;
extern const struct ph__command ph__processes_command;
extern const struct ph__command ph__why_command;
extern const struct ph__command ph__doctor_command;
extern const struct ph__command ph__watch_command;
extern const struct ph__command ph__probe_command;

/* Prints the overview, or the help of one command. @return an exit status. */
int ph__help_print(const char *name);

/* Prints "porthole: …" and a line end on standard error. @return PH__EXIT_WRONG. */
int ph__fail(const char *format, ...) PH_PRINTF(1, 2);

/* What ph__fail() says comes from this file from now on, and is told with its name; NULL: from no
 * file. */
void ph__fail_in_file(const char *path);

/* Writes to standard output, as the functions of porthole/status.h want it. `user` is an int that
 * gets the result, for those who tell this failure from others; or NULL. @return 0 or a negative
 * errno. */
int ph__output_write(void *user, const char *text, size_t size);

/* Lets so much time pass between two looks. */
void ph__wait_ms(unsigned ms);

/* Flushes standard output and tells of a failure, except of a reader that went away.
 * @param err  what went wrong before, or 0. @return an exit status. */
int ph__output_finish(int err);

#endif
