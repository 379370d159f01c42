/* SPDX-License-Identifier: MIT
 *
 * Field values with parameters: media types (RFC 9110 section 8.3.1), dispositions (RFC 6266).
 */
#ifndef PORTHOLE_HTTP_MEDIA_H
#define PORTHOLE_HTTP_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

/* Whether what stands before the parameters is `type`, in any case. NULL is nothing. */
bool ph__media_is(const char *value, const char *type);

/*
 * Copies the parameter of this name, without its quotes. In a quoted string a backslash takes the
 * meaning from a quote or another one only, since browsers send paths and escape nothing else.
 *
 * @return 1; 0 when it is absent; -1 when a parameter is malformed, or longer than `size` with a
 *         NUL.
 */
int ph__media_param(const char *value, const char *name, char *to, size_t size);

#endif
