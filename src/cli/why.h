/* SPDX-License-Identifier: MIT
 *
 * Why a server could not be started where it was told to listen.
 */
#ifndef PORTHOLE_CLI_WHY_H
#define PORTHOLE_CLI_WHY_H

#include <stddef.h>

/* The doctor's reason for a listen address ("127.0.0.1:80", "[::1]:80") that could not be bound
 * to, and its first advice: one line. "" when nothing can be told. */
void ph__why_describe(const char *listen, char *text, size_t size);

#endif
