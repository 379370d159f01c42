/* SPDX-License-Identifier: MIT
 *
 * The server inside an event loop that is not its own: here poll(2), which also watches standard
 * input. GET /line replies with the last line that was read there; its end ends the program.
 *
 *   own_loop [ADDRESS]
 */
#include <porthole/porthole.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

static char line[256] = "nothing yet\n";

static int last_line(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    return ph_reply_text(res, 200, line);
}

/* Serves until standard input ends. Returns 0 or a negative errno. */
static int serve(struct ph_server *server)
{
    int fd = ph_server_fd(server);
    if (fd < 0) {
        return fd;
    }
    struct pollfd watched[] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0) {
            continue; /* a signal */
        }
        if (watched[0].revents) {
            int running = ph_server_poll(server, 0);
            if (running <= 0) {
                return running;
            }
        }
        if (watched[1].revents && !fgets(line, sizeof line, stdin)) {
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    struct ph_config config = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080",
                               .workers = PH_NO_THREADS};
    struct ph_server *server = NULL;
    setvbuf(stdin, NULL, _IONBF, 0); /* or poll() would not see what stdio has read ahead */
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_route(server, "GET /line", last_line, NULL);
    err = err ? err : ph_server_start(server);
    if (!err) {
        printf("listening on %s\n", ph_server_listener(server, 0));
        fflush(stdout);
        err = serve(server);
    }
    if (err) {
        fprintf(stderr, "own_loop: %s: %s\n", config.listen, ph_strerror(err));
    }
    ph_server_free(server);
    return err ? 2 : 0;
}
