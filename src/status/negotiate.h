/* SPDX-License-Identifier: MIT
 *
 * The formats of a list, and the choice by the Accept header (RFC 9110 section 12.5.1); likewise
 * the coding of a file, and Accept-Encoding (section 12.5.3).
 */
#ifndef PORTHOLE_STATUS_NEGOTIATE_H
#define PORTHOLE_STATUS_NEGOTIATE_H

#include <stddef.h>

/* Most wanted first, where a client leaves the choice to us. */
enum ph__format {
    PH__FORMAT_JSON,
    PH__FORMAT_NDJSON,
    PH__FORMAT_TEXT,
    PH__FORMAT_CSV,
    PH__FORMAT_COUNT,
};

/* "json", "ndjson", "text", "csv". */
const char *ph__format_name(enum ph__format format);

/* The media type without parameters. */
const char *ph__format_media_type(enum ph__format format);

/* What goes into Content-Type. */
const char *ph__format_content_type(enum ph__format format);

/* The format of this name, or PH__FORMAT_COUNT. */
enum ph__format ph__format_find(const char *name);

/* Of `count` media types (at most 8), most wanted first, the place of the one that an Accept header
 * (NULL: none) likes best; `count` when it takes none. */
size_t ph__negotiate_among(const char *accept, const char *const *types, size_t count);

/* The format that an Accept header (NULL: none) likes best; PH__FORMAT_COUNT when it takes none. */
enum ph__format ph__negotiate(const char *accept);

enum ph__coding {
    PH__CODING_NONE, /* the client takes neither of the others */
    PH__CODING_IDENTITY,
    PH__CODING_GZIP,
};

/* The coding that an Accept-Encoding header (NULL: none) likes best; gzip when it likes both. */
enum ph__coding ph__negotiate_coding(const char *accept_encoding);

#endif
