/* SPDX-License-Identifier: MIT
 *
 * The benchmark's reply by civetweb, which keeps a thread for each connection, whatever number of
 * workers is asked for.
 */
#include "peers/peer.h"

#include <civetweb.h>

static int answer(struct mg_connection *connection, void *user)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: " BENCH_TYPE
                                "\r\nContent-Length: 150\r\nConnection: %s\r\n\r\n" BENCH_BODY;
    if (user) {
        peer_take_long();
    }
    const char *wish = mg_get_header(connection, "Connection");
    bool closes = wish && strcmp(wish, "close") == 0;
    char text[512];
    int size = snprintf(text, sizeof text, reply, closes ? "close" : "keep-alive");
    return mg_write(connection, text, (size_t)size) > 0 ? 200 : 500;
}

int main(int argc, char **argv)
{
    static const char *options[] = {
        "listening_ports",       "127.0.0.1:0", "num_threads", "600", "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "600000",      "tcp_nodelay", "1",   "connection_queue",  "1000",
        "listen_backlog",        "1000",        NULL};
    static char is_slow;
    struct mg_server_port port;
    (void)peer_workers(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    mg_init_library(0);
    struct mg_context *context = mg_start(NULL, NULL, options);
    if (!context || mg_get_server_ports(context, 1, &port) != 1) {
        peer_fail("mg_start");
    }
    mg_set_request_handler(context, "/hello", answer, NULL);
    mg_set_request_handler(context, "/slow", answer, &is_slow);
    peer_ready((unsigned)port.port);
    for (;;) {
        pause();
    }
}
