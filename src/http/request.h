/* SPDX-License-Identifier: MIT
 *
 * The request as parse.c fills it and http.h shows it. It owns nothing: the bytes stand in the
 * connection's buffer, where each name and value has been ended with a NUL in place.
 */
#ifndef PORTHOLE_HTTP_REQUEST_H
#define PORTHOLE_HTTP_REQUEST_H

#include "base/sockaddr.h"
#include "http/method.h"
#include "http/uri.h"

#include <porthole/http.h>

#include <stdbool.h>
#include <stdint.h>

/* Positions in the head. */
struct ph__field {
    uint32_t name, name_size;
    uint32_t value, value_size;
};

enum { PH__PARAMS_MAX = 8 };

struct ph__route;

struct ph_request {
    char *head; /* the buffer that the positions count from */
    enum ph__method method;
    int minor_version;
    uint32_t target, target_size;
    struct ph__field *fields; /* storage of the exchange, for limits.headers_max */
    unsigned field_count;
    struct ph__uri uri;

    bool keep_alive;         /* what the client asks for */
    bool chunked;            /* the body comes in chunks */
    bool expect_continue;    /* the client waits for 100 before it sends the body */
    uint64_t content_length; /* 0 without one */

    const char *body; /* NULL or body_size bytes */
    size_t body_size;

    const struct ph__route *route; /* NULL: none matched */
    const char *params[PH__PARAMS_MAX];

    struct ph_server *server;
    struct ph__sockaddr peer;
    char peer_text[PH__SOCKADDR_TEXT]; /* made when somebody asks */
};

/* The first field of this name, or NULL. */
const struct ph__field *ph__request_field(const struct ph_request *req, const char *name);

#endif
