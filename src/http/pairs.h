/* SPDX-License-Identifier: MIT
 *
 * Decoded names and values of a query or a form, each pair "name\0value\0" behind the last.
 */
#ifndef PORTHOLE_HTTP_PAIRS_H
#define PORTHOLE_HTTP_PAIRS_H

#include <stddef.h>

/* The value of the first pair of this name, or NULL. */
const char *ph__pairs_find(const char *pairs, size_t count, const char *name);

/* Pair number `index`; -ERANGE when there are not so many. */
int ph__pairs_at(const char *pairs, size_t count, size_t index, const char **ret_name,
                 const char **ret_value);

#endif
