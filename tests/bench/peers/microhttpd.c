/* SPDX-License-Identifier: MIT
 *
 * The benchmark's reply by libmicrohttpd: epoll, on a thread of its own or a pool of them.
 */
#include "peers/peer.h"

#include <microhttpd.h>

static struct MHD_Response *response;

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **state)
{
    static int seen;
    (void)user, (void)version, (void)body, (void)body_size;
    if (!*state) { /* the head; it wants to be asked again for the reply */
        *state = &seen;
        return MHD_YES;
    }
    if (strcmp(url, "/slow") == 0) {
        peer_take_long();
    } else if (strcmp(url, "/hello") != 0 || strcmp(method, "GET") != 0) {
        return MHD_NO;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int argc, char **argv)
{
    unsigned workers = peer_workers(argc, argv);
    unsigned port = 0;
    int listener = peer_listen(&port);
    char body[] = BENCH_BODY;
    response = MHD_create_response_from_buffer(BENCH_BODY_SIZE, body, MHD_RESPMEM_MUST_COPY);
    if (!response ||
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, BENCH_TYPE) != MHD_YES) {
        peer_fail("MHD_create_response_from_buffer");
    }
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, 100000, NULL},
        {workers > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, workers, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                          MHD_OPTION_ARRAY, options, MHD_OPTION_END)) {
        peer_fail("MHD_start_daemon");
    }
    peer_ready(port);
    for (;;) {
        pause();
    }
}
