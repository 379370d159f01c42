/* SPDX-License-Identifier: MIT
 *
 * The opening handshake (RFC 6455 section 4): what a request has to say, and what it is told.
 * Nothing here replies, or keeps anything.
 */
#ifndef PORTHOLE_WEBSOCKET_HANDSHAKE_H
#define PORTHOLE_WEBSOCKET_HANDSHAKE_H

#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>

enum { PH__ACCEPT_TEXT = 29 }; /* of Sec-WebSocket-Accept, with a NUL */

struct ph__handshake {
    int status;                   /* 0: in order; 400, 405 or 426 */
    const char *detail;           /* what is wrong */
    char accept[PH__ACCEPT_TEXT]; /* the answer to the key */
};

struct ph__handshake ph__handshake_check(const struct ph_request *req);

/* The answer to a key (section 4.2.2). */
void ph__handshake_accept(const char *key, char accept[PH__ACCEPT_TEXT]);

/* True when some field of this name has the token among those that its commas part. */
bool ph__handshake_has_token(const struct ph_request *req, const char *name, const char *token,
                             bool any_case);

/* The first of `protocols`, NULL behind the last, that the request offers; or NULL. */
const char *ph__handshake_protocol(const struct ph_request *req, const char *const *protocols);

/* True for what can be listed as an origin. */
bool ph__origin_is_valid(const char *origin);

/* Whether a page of the request's origin may come: by the list, or without one by its host. */
bool ph__origin_may_come(const struct ph_request *req, const char *const *origins);

#endif
