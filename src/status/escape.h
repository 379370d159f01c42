/* SPDX-License-Identifier: MIT
 *
 * Text that strangers chose, made harmless for the place it goes to. JSON has its own function,
 * ph__buf_put_json().
 */
#ifndef PORTHOLE_STATUS_ESCAPE_H
#define PORTHOLE_STATUS_ESCAPE_H

#include "base/buf.h"

#include <stddef.h>

/*
 * For a terminal: control characters (C0, DEL, C1), characters that reorder or hide text, and
 * invalid UTF-8 come out as \xHH, byte by byte. Returns how many characters were written.
 */
size_t ph__escape_text(struct ph__buf *buf, const char *text, size_t size);

/*
 * One CSV cell (RFC 4180), in quotes where it needs them. Line ends and tabs stay; what else
 * ph__escape_text() escapes is escaped here too. A cell that a spreadsheet would take for a
 * formula gets an apostrophe in front.
 */
void ph__escape_csv(struct ph__buf *buf, const char *text, size_t size);

/* A value for an error text: in double quotes, escaped as for a terminal, cut after 60 bytes. */
enum { PH__QUOTE_TEXT = 256 };
const char *ph__quote(char buffer[PH__QUOTE_TEXT], const char *text);

#endif
