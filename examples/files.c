/* SPDX-License-Identifier: MIT
 *
 * files FOLDER [ADDRESS:PORT]: serves a folder, until SIGTERM or SIGINT.
 */
#include <porthole/porthole.h>

#include <signal.h>
#include <stdio.h>

static struct ph_server *server;

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: files FOLDER [ADDRESS:PORT]\n");
        return 2;
    }
    const struct ph_config config = {.listen = argc > 2 ? argv[2] : "127.0.0.1:8080"};
    const struct ph_files_config folder = {
        .root = argv[1],
        .precompressed = true,
        .cache_control = "no-cache", /* may be kept, and is asked about each time */
    };
    const char *what = config.listen;
    int err = ph_server_new(&server, &config);
    if (err == 0) {
        err = ph_server_files(server, "/", &folder);
        what = err ? folder.root : what;
    }
    if (err == 0) {
        const struct sigaction action = {.sa_handler = stop};
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        err = ph_server_start(server);
    }
    if (err == 0) {
        printf("listening on %s\n", ph_server_listener(server, 0));
        fflush(stdout);
        ph_server_wait(server);
    } else {
        fprintf(stderr, "files: %s: %s\n", what, ph_strerror(err));
    }
    ph_server_free(server);
    return err ? 2 : 0;
}
