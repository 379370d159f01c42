/* SPDX-License-Identifier: MIT
 *
 * What RFC 9110 and 9112 demand of a complete head beyond what llhttp checks.
 */
#ifndef PORTHOLE_HTTP_CHECK_H
#define PORTHOLE_HTTP_CHECK_H

#include "http/parse.h"

/*
 * Checks the head [head, head + size) and fills in the request, but for the uri and the fields,
 * of which it notes where they stand and how many there are.
 */
enum ph__parse_result ph__check_head(struct ph__parser *parser, const char *head, size_t size);

#endif
