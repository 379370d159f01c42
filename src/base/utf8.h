/* SPDX-License-Identifier: MIT
 *
 * UTF-8 as RFC 3629 defines it, for text that strangers chose.
 */
#ifndef PORTHOLE_BASE_UTF8_H
#define PORTHOLE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the well-formed sequence at `text` (1 to 4), or 0 where there is none. size > 0. */
size_t ph__utf8_length(const char *text, size_t size);

/* True when all of the text is well-formed. */
bool ph__utf8_is_valid(const char *text, size_t size);

#endif
