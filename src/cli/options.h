/* SPDX-License-Identifier: MIT
 *
 * Options of a command, from a table: --name VALUE, --name=VALUE, or --name alone.
 */
#ifndef PORTHOLE_CLI_OPTIONS_H
#define PORTHOLE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What an option wants; the command line has texts only, a file of options has all of these. */
enum ph__option_kind {
    PH__ALONE,  /* nothing: it is there, or not */
    PH__TEXT,   /* a value */
    PH__NUMBER, /* a whole number */
    PH__LIST,   /* a value; the option may come several times */
    PH__FILE,   /* a file of options, in which it cannot stand itself */
};

struct ph__option {
    const char *name; /* without the dashes; the table ends in NULL. '_' is accepted for '-' */
    enum ph__option_kind kind;
    /* `value` is NULL without one. @return 0, or an exit status once the error is told. */
    int (*take)(void *user, const struct ph__option *option, const char *value);
};

/*
 * Reads the arguments of a command. After "--" all are words.
 *
 * @param command  for the hint after an error.
 * @param word     takes an argument that is no option, as `take` does; NULL: there are none.
 * @return 0, or an exit status once the error is told.
 */
int ph__options_read(const char *command, const struct ph__option *options, int argc, char **argv,
                     void *user, int (*word)(void *user, const char *text));

/* The option of this name, or NULL. */
const struct ph__option *ph__options_find(const struct ph__option *options, const char *name);

/* Whether arguments that ph__options_read() has accepted have this option. */
bool ph__options_given(const struct ph__option *options, const struct ph__option *option, int argc,
                       char **argv);

/* Reads a whole number from `min` to `max`. @return 0, or an exit status once the error is told. */
int ph__options_number(const char *name, const char *value, unsigned long min, unsigned long max,
                       unsigned long *ret_number);

#endif
