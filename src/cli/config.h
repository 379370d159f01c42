/* SPDX-License-Identifier: MIT
 *
 * Options of a command from a file: one JSON object whose names are those of the options.
 */
#ifndef PORTHOLE_CLI_CONFIG_H
#define PORTHOLE_CLI_CONFIG_H

#include "cli/options.h"

struct ph__config;

/*
 * Reads a file, and has each option taken that is not among the arguments as well: those win.
 *
 * @param ret_config  holds the texts that were taken; to be freed by ph__config_free(), after an
 *                    error too.
 * @return 0, or an exit status once the error is told.
 */
int ph__config_read(struct ph__config **ret_config, const char *path,
                    const struct ph__option *options, int argc, char **argv, void *user);

/* NULL is allowed. */
void ph__config_free(struct ph__config *config);

#endif
