/* SPDX-License-Identifier: MIT
 *
 * The request as parse.c fills it and http.h shows it. It owns nothing: the bytes stand in the
 * connection's buffer, where names and values are ended with a NUL in place.
 */
#ifndef PORTHOLE_HTTP_REQUEST_H
#define PORTHOLE_HTTP_REQUEST_H

#include "base/sockaddr.h"
#include "http/method.h"
#include "http/uri.h"

#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
    uint32_t fields_at, fields_end; /* the lines of the fields, in the head; the end is 0 until the
                                     * head is there and each of its lines is right */
    unsigned field_count;
    bool indexed; /* `fields` is filled in: not before somebody asks for one */

    bool keep_alive;         /* what the client asks for */
    bool chunked;            /* the body comes in chunks */
    bool expect_continue;    /* the client waits for 100 before it sends the body */
    uint64_t content_length; /* 0 without one */

    const char *body; /* NULL or body_size bytes */
    size_t body_size;

    const struct ph__route *route; /* NULL: none matched */

    /* From here on nothing is reset between requests: each is set before it is used. */
    struct ph__uri uri;
    struct ph__field *fields; /* storage of the exchange, for limits.headers_max; see `indexed` */
    const char *params[PH__PARAMS_MAX];

    struct ph_server *server;
    struct ph__sockaddr peer;
    char peer_text[PH__SOCKADDR_TEXT]; /* made when somebody asks */
};

/* Fills in `fields`, and ends each name and value with a NUL. Does so once. */
void ph__request_index(const struct ph_request *req);

/* Begins another request. */
static inline void ph__request_reset(struct ph_request *req)
{
    memset(req, 0, offsetof(struct ph_request, uri));
    req->peer_text[0] = '\0';
}

/* The first field of this name, or NULL. */
const struct ph__field *ph__request_field(const struct ph_request *req, const char *name);

#endif
