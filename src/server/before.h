/* SPDX-License-Identifier: MIT
 *
 * What is called before the handlers of routes: ph_server_before().
 */
#ifndef PORTHOLE_SERVER_BEFORE_H
#define PORTHOLE_SERVER_BEFORE_H

#include <porthole/http.h>

struct ph__before {
    struct ph__before *next; /* in the order they were added */
    ph_handler handler;
    void *user;
    size_t size; /* of the path */
    char path[]; /* without a slash at its end; "" is all */
};

/* Has the routes of a server call it; may be repeated. */
void ph__before_attach(struct ph_server *server);

void ph__before_free(struct ph_server *server);

/* Calls those of a request's path, until one replies. Returns as a handler does. */
int ph__before_call(struct ph_request *req, struct ph_response *res);

#endif
