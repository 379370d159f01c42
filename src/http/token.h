/* SPDX-License-Identifier: MIT
 *
 * Tokens: method names, field names and the like.
 */
#ifndef PORTHOLE_HTTP_TOKEN_H
#define PORTHOLE_HTTP_TOKEN_H

#include <stdbool.h>
#include <string.h>

/* RFC 9110 section 5.6.2. */
static inline bool ph__is_token_char(char c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(marks, c));
}

#endif
