/* SPDX-License-Identifier: MIT
 *
 * What the commands share that explain a port.
 */
#ifndef PORTHOLE_CLI_WHY_H
#define PORTHOLE_CLI_WHY_H

#include <porthole/doctor.h>

#include <stddef.h>

/* Prints an explanation. */
void ph__why_print(const struct ph_why *why);

/* Reads a port number. @return 0, or an exit status once the error is told. */
int ph__port_read(const char *text, unsigned long *ret_port);

/* The doctor's reason for a listen address ("127.0.0.1:80", "[::1]:80") that could not be bound
 * to, and its first advice: one line. "" when nothing can be told. */
void ph__why_describe(const char *listen, char *text, size_t size);

#endif
