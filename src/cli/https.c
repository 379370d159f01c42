/* SPDX-License-Identifier: MIT
 *
 * Certificate and key from the command line.
 */
#include "cli/https.h"

#include "cli/cli.h"

#include <porthole/error.h>

#if PH__HAVE_TLS

#include <porthole/tls.h>

#include <stdio.h>

int ph__https_begin(struct ph_server *server, const struct ph__https *https)
{
    if (!ph__https_is_wanted(https)) {
        return 0;
    }
    if (!https->certificate || !https->key) {
        return ph__fail("HTTPS needs both --tls-cert FILE and --tls-key FILE");
    }
    const struct ph_tls_config cfg = {.certificate_file = https->certificate,
                                      .key_file = https->key,
                                      .client_ca_file = https->client_ca};
    char reason[PH_TLS_REASON];
    int err = ph_server_tls(server, &cfg, reason, sizeof reason);
    if (err == PH_ERR_TLS) {
        return ph__fail("%s", reason);
    }
    return err < 0 ? ph__fail("cannot set HTTPS up: %s", ph_strerror(err)) : 0;
}

void ph__https_reload(struct ph_server *server)
{
    char reason[PH_TLS_REASON];
    int err = ph_server_tls_reload(server, reason, sizeof reason);
    if (err < 0) {
        fprintf(stderr, "porthole: the old certificate stays in use: %s\n",
                reason[0] ? reason : ph_strerror(err));
    } else {
        fprintf(stderr, "porthole: certificate and key have been read again\n");
    }
}

#else

int ph__https_begin(struct ph_server *server, const struct ph__https *https)
{
    (void)server;
    return ph__https_is_wanted(https) ? ph__fail("this build has no TLS, which --tls-cert, "
                                                 "--tls-key and --tls-client-ca are for")
                                      : 0;
}

void ph__https_reload(struct ph_server *server)
{
    (void)server;
}

#endif
