/* SPDX-License-Identifier: MIT
 *
 * The benchmark's reply by the library of h2o: an event loop and a listening socket for each
 * worker.
 */
#include "peers/peer.h"

#define H2O_USE_LIBUV 0
#include <h2o.h>
#include <pthread.h>

enum { IDLE_MS = 600000 };

static h2o_globalconf_t config;
static int listeners[PEER_WORKERS_MAX];

struct worker {
    h2o_context_t context;
    h2o_accept_ctx_t accepts;
};

static int answer(h2o_handler_t *self, h2o_req_t *request)
{
    (void)self;
    request->res.status = 200;
    request->res.reason = "OK";
    request->res.content_length = BENCH_BODY_SIZE;
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT(BENCH_TYPE));
    h2o_send_inline(request, H2O_STRLIT(BENCH_BODY));
    return 0;
}

static int answer_slowly(h2o_handler_t *self, h2o_req_t *request)
{
    peer_take_long();
    return answer(self, request);
}

static void connected(h2o_socket_t *listener, const char *error)
{
    struct worker *worker = listener->data;
    h2o_socket_t *socket;
    while (!error && (socket = h2o_evloop_socket_accept(listener))) {
        h2o_accept(&worker->accepts, socket);
    }
}

static void *work(void *argument)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        peer_fail("no memory");
        return NULL;
    }
    h2o_context_init(&worker->context, h2o_evloop_create(), &config);
    worker->accepts.ctx = &worker->context;
    worker->accepts.hosts = config.hosts;
    h2o_socket_t *listener = h2o_evloop_socket_create(worker->context.loop, *(const int *)argument,
                                                      H2O_SOCKET_FLAG_DONT_READ);
    listener->data = worker;
    h2o_socket_read_start(listener, connected);
    while (h2o_evloop_run(worker->context.loop, INT32_MAX) == 0) {
        ;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned workers = peer_workers(argc, argv);
    unsigned port = 0;
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    config.http1.req_timeout = IDLE_MS;
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(h2o_config_register_path(host, "/hello", 0), sizeof(h2o_handler_t))->on_req =
        answer;
    h2o_create_handler(h2o_config_register_path(host, "/slow", 0), sizeof(h2o_handler_t))->on_req =
        answer_slowly;
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
