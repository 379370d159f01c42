/* SPDX-License-Identifier: MIT
 *
 * HTTPS: TLS 1.2 and 1.3 on a server's TCP listeners, by OpenSSL 3. In a library of its own
 * (porthole::tls, or -lporthole-tls in front of -lporthole), so that who does without it does
 * without OpenSSL; builds with PORTHOLE_TLS=OFF, or where OpenSSL was not found, have none.
 *
 *     struct ph_tls_config tls = {.certificate_file = "cert.pem", .key_file = "key.pem"};
 *     char reason[PH_TLS_REASON];
 *     if (ph_server_tls(server, &tls, reason, sizeof reason) < 0) {
 *         fprintf(stderr, "%s\n", reason);
 *     }
 *
 * The handshake is made by the workers, none of which waits for it, within ph_config.head_ms from
 * the accept. Who asks without TLS is told so, by 400. Clients that name their protocols (ALPN,
 * RFC 7301) have to know HTTP/1.1. A file goes through memory, since sendfile(2) cannot encrypt.
 */
#ifndef PORTHOLE_TLS_H
#define PORTHOLE_TLS_H

#include <porthole/error.h>
#include <porthole/http.h>
#include <porthole/server.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PH_TLS_REASON = 512, /* holds each reason, if the path in it has up to 300 bytes */
    PH_TLS_CLIENT = 256
};

/** Files in PEM; the paths are copied. */
struct ph_tls_config {
    const char *certificate_file; /* the server's, then those that lead to its authority */
    const char *key_file;         /* without a passphrase; may be the same file */
    const char *client_ca_file;   /* NULL, or authorities: clients without a certificate by one of
                                   * them are refused in the handshake */
};

/**
 * Has all TCP listeners of a server speak TLS, from its start on; unix sockets stay as they are.
 * Reads the files, and blocks as long as that takes.
 *
 * @param cfg     certificate and key are needed. The macro passes its size, as ph_server_new().
 * @param reason  says in one line what is wrong with which file, after PH_ERR_TLS; "" otherwise.
 * @return 0; PH_ERR_TLS for a file that cannot be read, holds something else, or does not go with
 *         the others; -EINVAL without certificate or key; PH_ERR_STARTED; -ENOMEM. After a failure
 *         the server is what it was before.
 */
PH_API PH_MUST_CHECK int ph_server_tls_sized(struct ph_server *server,
                                             const struct ph_tls_config *cfg, size_t cfg_size,
                                             char *reason, size_t reason_size);
#define ph_server_tls(server, cfg, reason, reason_size) \
    ph_server_tls_sized((server), (cfg), sizeof(struct ph_tls_config), (reason), (reason_size))

/**
 * Reads the files again, for when a certificate has been renewed: connections that are open keep
 * the old one, new ones get the new one. Any thread, while the server serves or not; blocks as long
 * as the reading takes, and delays nobody else.
 *
 * @return 0; PH_ERR_TLS, after which the old one stays in use; -EINVAL when ph_server_tls() was
 *         never called; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_server_tls_reload(struct ph_server *server, char *reason,
                                              size_t reason_size);

/** What a connection has agreed on. The strings live as long as the program. */
struct ph_tls_info {
    const char *version;        /* "TLSv1.3", "TLSv1.2" */
    const char *cipher;         /* "TLS_AES_256_GCM_SHA384", as the TLS registry has it */
    bool resumed;               /* an earlier session goes on: no certificate was shown again */
    char client[PH_TLS_CLIENT]; /* the subject of the client's certificate as RFC 2253 writes it,
                                 * "CN=gateway 7,O=Example"; "" without one, or when longer */
};

/** For handlers: false when the request came without TLS. Does not block. */
PH_API bool ph_request_tls(const struct ph_request *req, struct ph_tls_info *ret_info);

#ifdef __cplusplus
}
#endif

#endif
