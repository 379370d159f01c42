/* SPDX-License-Identifier: MIT
 *
 * The raw client of support/client.h, by way of TLS: its functions do all the rest. What OpenSSL
 * allocates for it does not fail by support/allocations.h, if the test spares its thread.
 */
#ifndef PORTHOLE_TESTS_TLS_CLIENT_H
#define PORTHOLE_TESTS_TLS_CLIENT_H

#include "support/client.h"

#include <openssl/ssl.h>

/* What clients are to be like; for the test to change, and to free by SSL_CTX_free(). They check no
 * certificate. */
SSL_CTX *tls_settings(void);

/* Puts TLS on a client that is connected, without a handshake yet; client_close() takes it off.
 * When the server ends without saying so by TLS, end_error is EPIPE. */
SSL *tls_begin(struct client *client, SSL_CTX *settings);

/* Shakes hands; false when that fails. */
bool tls_handshake(struct client *client);

/* Connects to a port of 127.0.0.1 and shakes hands. */
struct client tls_open(uint16_t port);

#endif
