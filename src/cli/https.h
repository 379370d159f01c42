/* SPDX-License-Identifier: MIT
 *
 * What `serve` has of HTTPS. In builds without it, the same options are refused.
 */
#ifndef PORTHOLE_CLI_HTTPS_H
#define PORTHOLE_CLI_HTTPS_H

#include <stdbool.h>

struct ph_server;

/* As named by the options; NULL: not named. */
struct ph__https {
    const char *certificate;
    const char *key;
    const char *client_ca;
};

static inline bool ph__https_is_wanted(const struct ph__https *https)
{
    return https->certificate || https->key || https->client_ca;
}

/* Has the server speak TLS, if that is wanted. @return 0, or an exit status once the error is
 * told. */
int ph__https_begin(struct ph_server *server, const struct ph__https *https);

/* Reads the files again, and tells what came of it on standard error. */
void ph__https_reload(struct ph_server *server);

#endif
