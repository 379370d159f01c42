/* SPDX-License-Identifier: MIT
 *
 * porthole by HTTPS, as the benchmarks run it, by its public headers only.
 *
 *   serve_tls WORKERS CERTIFICATE KEY
 *
 * GET /1k is a reply of 1000 bytes. Prints "listening on PORT"; SIGTERM ends it.
 */
#include <porthole/porthole.h>
#include <porthole/tls.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char body[1000];
static struct ph_server *server;

static int reply(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    return ph_reply_static(res, 200, "text/plain", body, sizeof body);
}

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: serve_tls WORKERS CERTIFICATE KEY\n");
        return 2;
    }
    const struct ph_config config = {.listen = "127.0.0.1:0",
                                     .workers = (unsigned)strtoul(argv[1], NULL, 10),
                                     .idle_ms = 600000};
    const struct ph_tls_config tls = {.certificate_file = argv[2], .key_file = argv[3]};
    char reason[PH_TLS_REASON] = "";
    memset(body, 'x', sizeof body);
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_tls(server, &tls, reason, sizeof reason);
    err = err ? err : ph_server_route(server, "GET /1k", reply, NULL);
    err = err ? err : ph_server_start(server);
    if (err) {
        fprintf(stderr, "serve_tls: %s\n", reason[0] ? reason : ph_strerror(err));
    } else {
        const struct sigaction action = {.sa_handler = stop};
        sigaction(SIGTERM, &action, NULL);
        printf("listening on %u\n", (unsigned)ph_server_port(server));
        fflush(stdout);
        ph_server_wait(server);
    }
    ph_server_free(server);
    return err ? 1 : 0;
}
