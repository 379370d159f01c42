/* SPDX-License-Identifier: MIT
 *
 * Who holds a port that could not be had.
 */
#ifndef PORTHOLE_CLI_HOLDER_H
#define PORTHOLE_CLI_HOLDER_H

#include <stddef.h>

/*
 * Describes who holds the TCP port at the end of a listen address: "process 812 (nginx), user
 * www-data, listens on it". "" when nothing can be told.
 */
void ph__holder_describe(const char *listen, char *text, size_t size);

#endif
