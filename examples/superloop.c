/* SPDX-License-Identifier: MIT
 *
 * The server without threads, as in firmware: one loop does everything, turn by turn.
 *
 *   superloop [ADDRESS]      GET /ticks tells how often the loop has done its own work.
 *
 * SIGTERM and SIGINT end it.
 */
#include <porthole/porthole.h>

#include <signal.h>
#include <stdio.h>

enum { WORK_EVERY_MS = 10 };

static unsigned long ticks; /* handlers run in the same thread: no lock */
static struct ph_server *server;

static int tell_ticks(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    char json[64];
    snprintf(json, sizeof json, "{\"ticks\":%lu}\n", ticks);
    return ph_reply_json(res, 200, json);
}

static void stop(int signal_number)
{
    (void)signal_number;
    ph_server_request_stop(server);
}

/* Reads a sensor, drives a motor: never longer than a request may wait. */
static void do_own_work(void)
{
    ticks++;
}

int main(int argc, char **argv)
{
    struct ph_config config = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080",
                               .workers = PH_NO_THREADS};
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_route(server, "GET /ticks", tell_ticks, NULL);
    err = err ? err : ph_server_start(server);
    if (err) {
        fprintf(stderr, "superloop: %s: %s\n", config.listen, ph_strerror(err));
        ph_server_free(server);
        return 2;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    printf("listening on %s\n", ph_server_listener(server, 0));
    fflush(stdout);
    while (ph_server_poll(server, WORK_EVERY_MS) > 0) {
        do_own_work();
    }
    ph_server_free(server);
    return 0;
}
