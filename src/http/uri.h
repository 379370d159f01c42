/* SPDX-License-Identifier: MIT
 *
 * Request targets (RFC 9112 section 3.2, RFC 3986): checked, split, and decoded exactly once.
 *
 * The path is decoded segment by segment, so an encoded slash is a slash within a segment and
 * never separates two. "." and ".." are resolved, encoded or not.
 */
#ifndef PORTHOLE_HTTP_URI_H
#define PORTHOLE_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

struct ph__uri {
    const char *path; /* "/a/b", decoded; NUL-terminated, in the scratch memory */
    size_t path_size;
    /* The same bytes without the first slash, and with a NUL for each separating one: "a\0b\0".
     * What stands at segments + i stands at path + 1 + i. */
    const char *segments;
    const char *query; /* decoded pairs, each "name\0value\0" */
    size_t query_count;
    const char *authority; /* of an absolute-form target, not decoded; NULL otherwise */
    size_t authority_size;
    bool asterisk; /* "*": the server as a whole; path is "*" and segments are empty */
};

/* How much scratch memory a target of this size can need. */
static inline size_t ph__uri_scratch(size_t target_size)
{
    return 2 * target_size + 16;
}

/*
 * Parses a target. `scratch` has ph__uri_scratch(size) bytes and must live as long as the
 * result. Returns NULL, or what is wrong as a sentence without a full stop.
 */
const char *ph__uri_parse(struct ph__uri *ret_uri, const char *target, size_t size, char *scratch);

/* A Host field or an authority: reg-name, IPv4 or [IPv6], and an optional port. */
bool ph__uri_is_host(const char *text, size_t size);

#endif
