/* SPDX-License-Identifier: MIT
 *
 * A file as a reply: validators, conditions, ranges.
 */
#ifndef PORTHOLE_SERVER_CONTENT_H
#define PORTHOLE_SERVER_CONTENT_H

#include "http/conditions.h"

#include <porthole/http.h>

#include <sys/types.h>

enum { PH__ETAG_MAX = 64 };

struct ph__content {
    int fd;
    uint64_t size;
    const char *type;
    const char *coding; /* for Content-Encoding; NULL: none */
    char etag[PH__ETAG_MAX];
    int64_t modified;
};

/* Replies to a GET or HEAD. The fields that are the caller's have been added. Takes the descriptor
 * over, also on failure. Returns as a handler does. */
int ph__content_reply(struct ph_request *req, struct ph_response *res,
                      const struct ph__content *content);

#endif
