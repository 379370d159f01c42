/* SPDX-License-Identifier: MIT
 *
 * TLS on a connected socket: the one user of OpenSSL. The handshake is part of the first receive.
 */
#ifndef PORTHOLE_TLS_OPENSSL_H
#define PORTHOLE_TLS_OPENSSL_H

#include "net/transport.h"

#include <porthole/tls.h>

#include <stdbool.h>

struct ph__openssl; /* certificate and key, for as long as somebody uses them */

/*
 * Reads the files. Blocks as long as they do.
 *
 * @param reason  what is wrong with which file, when it returns PH_ERR_TLS.
 * @return 0; -ENOMEM; PH_ERR_TLS.
 */
int ph__openssl_new(struct ph__openssl **ret_openssl, const struct ph_tls_config *cfg, char *reason,
                    size_t reason_size);

/* Lets go of it; connections made with it keep it. NULL is allowed. */
void ph__openssl_unref(struct ph__openssl *openssl);

/* A connection that has just been accepted. The descriptor stays the caller's. NULL: no memory. */
struct ph__transport *ph__openssl_wrap(struct ph__openssl *openssl, int fd);

/* What a connection can tell; false when it is none of these, or the handshake is not done. */
bool ph__openssl_describe(struct ph__transport *transport, struct ph_tls_info *ret_info);

#endif
