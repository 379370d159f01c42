/* SPDX-License-Identifier: MIT
 *
 * The benchmark's reply by libevent's evhttp: an event loop and a listening socket for each worker.
 */
#include "peers/peer.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <pthread.h>

static int listeners[PEER_WORKERS_MAX];

static void answer(struct evhttp_request *request, void *user)
{
    if (user) {
        peer_take_long();
    }
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        peer_fail("evbuffer_new");
    }
    evbuffer_add_reference(body, BENCH_BODY, BENCH_BODY_SIZE, NULL, NULL);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", BENCH_TYPE);
    evhttp_send_reply(request, 200, "OK", body);
    evbuffer_free(body);
}

static void *work(void *argument)
{
    static char is_slow;
    struct event_base *base = event_base_new();
    struct evhttp *http = base ? evhttp_new(base) : NULL;
    if (!http || evhttp_accept_socket(http, *(const int *)argument) < 0) {
        peer_fail("evhttp_accept_socket");
    }
    evhttp_set_cb(http, "/hello", answer, NULL);
    evhttp_set_cb(http, "/slow", answer, &is_slow);
    event_base_dispatch(base);
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned workers = peer_workers(argc, argv);
    unsigned port = 0;
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < workers; i++) {
        listeners[i] = peer_listen(&port);
    }
    peer_ready(port);
    for (unsigned i = 1; i < workers; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &listeners[i]) != 0) {
            peer_fail("pthread_create");
        }
    }
    work(&listeners[0]);
    return 0;
}
