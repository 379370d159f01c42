/* SPDX-License-Identifier: MIT
 *
 * What RFC 9110 and 9112 demand of a complete head beyond what llhttp checks.
 */
#ifndef PORTHOLE_HTTP_CHECK_H
#define PORTHOLE_HTTP_CHECK_H

#include "http/parse.h"

/*
 * Checks the head [head, head + size), whose positions stand in parser->req, and fills in
 * keep_alive, chunked, expect_continue and content_length. Must run before names and values are
 * ended with NULs.
 */
enum ph__parse_result ph__check_head(struct ph__parser *parser, const char *head, size_t size);

#endif
