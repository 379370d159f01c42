/* SPDX-License-Identifier: MIT
 *
 * Patterns for the names of unix sockets, as ss compares them.
 */
#ifndef PORTHOLE_SOCKETS_PATTERN_H
#define PORTHOLE_SOCKETS_PATTERN_H

#include <stdbool.h>

/* '*' stands for any bytes, '?' for one, "[a-z]" for one of a set, "[!a-z]" for one outside of it,
 * and a backslash takes the next byte as it is. The case of ASCII letters does not matter. */
bool ph__pattern_match(const char *pattern, const char *text);

#endif
