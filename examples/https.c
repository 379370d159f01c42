/* SPDX-License-Identifier: MIT
 *
 * hello by HTTPS: https CERTIFICATE KEY [ADDR:PORT] answers GET /hello with what was agreed on.
 */
#include <porthole/porthole.h>
#include <porthole/tls.h>

#include <stdio.h>

static int hello(struct ph_request *req, struct ph_response *res, void *user)
{
    struct ph_tls_info info = {.version = "no TLS", .cipher = ""};
    char text[200];
    (void)user;
    (void)ph_request_tls(req, &info); /* false on a unix socket */
    snprintf(text, sizeof text, "{\"tls\":\"%s\",\"cipher\":\"%s\"}\n", info.version, info.cipher);
    return ph_reply_json(res, 200, text);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: https CERTIFICATE KEY [ADDR:PORT]\n");
        return 2;
    }
    struct ph_config config = {.listen = argc > 3 ? argv[3] : "127.0.0.1:8443"};
    struct ph_tls_config tls = {.certificate_file = argv[1], .key_file = argv[2]};
    struct ph_server *server = NULL;
    char reason[PH_TLS_REASON] = "";
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_tls(server, &tls, reason, sizeof reason);
    err = err ? err : ph_server_route(server, "GET /hello", hello, NULL);
    err = err ? err : ph_server_run(server);
    if (err) {
        fprintf(stderr, "https: %s: %s\n", config.listen, reason[0] ? reason : ph_strerror(err));
    }
    ph_server_free(server);
    return err ? 2 : 0;
}
