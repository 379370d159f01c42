/* SPDX-License-Identifier: MIT
 *
 * The smallest server: hello [ADDR:PORT] answers GET /hello with a line of JSON.
 */
#include <porthole/porthole.h>

#include <stdio.h>

static int hello(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    return ph_reply_json(res, 200, "{\"hello\":\"world\"}\n");
}

int main(int argc, char **argv)
{
    struct ph_config config = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080"};
    struct ph_server *server = NULL;
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_route(server, "GET /hello", hello, NULL);
    err = err ? err : ph_server_run(server);
    if (err) {
        fprintf(stderr, "hello: %s: %s\n", config.listen, ph_strerror(err));
    }
    ph_server_free(server);
    return err ? 2 : 0;
}
