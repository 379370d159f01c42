/* SPDX-License-Identifier: MIT
 *
 * Stopping: whoever has been confirmed before the stop and has asked something gets an answer, if
 * it can be given in time; whoever has not is let go at once.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"
#define WAIT "GET /wait HTTP/1.1" HOST "\r\n"

/* ---- threads that can be held up at their next call ---- */

static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_changed = PTHREAD_COND_INITIALIZER;
static bool hold_accept;
static bool hold_worker;
static pthread_t worker; /* that served /thread last */
static _Atomic int workers_held;

static void set_hold(bool *which, bool hold)
{
    pthread_mutex_lock(&hold_lock);
    *which = hold;
    pthread_cond_broadcast(&hold_changed);
    pthread_mutex_unlock(&hold_lock);
}

int __real_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
    pthread_mutex_lock(&hold_lock);
    bool held = hold_worker && pthread_equal(pthread_self(), worker);
    workers_held += held;
    while (held && hold_worker) {
        pthread_cond_wait(&hold_changed, &hold_lock);
    }
    workers_held -= held;
    pthread_mutex_unlock(&hold_lock);
    return __real_epoll_wait(epoll, events, max, timeout);
}

int __real_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    pthread_mutex_lock(&hold_lock);
    while (hold_accept) {
        pthread_cond_wait(&hold_changed, &hold_lock);
    }
    pthread_mutex_unlock(&hold_lock);
    return __real_accept4(fd, from, size, flags);
}

/* ---- */

static void check_last_reply(struct client *client, const char *body)
{
    struct reply reply = client_reply(client, "");
    assert_reply_text(&reply, 200, body);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    assert_int_equal(client_wait_end(client), 0);
    client_close(client);
}

static struct client open_idle(struct ph_server *server)
{
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    return client;
}

/* Requests the stop, and returns when the workers have been told: this idle client is let go. */
static void stop_and_see(struct ph_server *server, struct client *idle)
{
    ph_server_request_stop(server);
    assert_true(ph_server_stopping(server));
    assert_int_equal(client_wait_end(idle), 0);
    client_close(idle);
}

static void test_stop_when_connections_are_idle_then_closed_at_once(void **state)
{
    (void)state;
    struct ph_server *server = server_start(NULL);
    struct client idle = open_idle(server);
    struct client silent = client_open(ph_server_port(server));
    wait_connections(server, "accepted", 1);
    ph_server_stop(server);
    assert_int_equal(client_wait_end(&idle), 0);
    assert_int_equal(client_wait_end(&silent), 0);
    client_close(&idle);
    client_close(&silent);
    assert_false(ph_server_stopping(server));
    ph_server_free(server);
}

static void test_stop_when_requests_are_in_flight_then_answered_and_closed(void **state)
{
    (void)state;
    gate_close();
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    struct client idle = open_idle(server);
    struct client handling = client_open(ph_server_port(server));
    struct client head = client_open(ph_server_port(server));
    struct client body = client_open(ph_server_port(server));
    struct client chunks = client_open(ph_server_port(server));
    struct client writing = client_open_small(ph_server_port(server), 4096);
    client_puts(&handling, WAIT HELLO);
    client_puts(&head, "GET /hel");
    client_puts(&body, "POST /echo HTTP/1.1" HOST "Content-Length: 4\r\n\r\nab");
    client_puts(&chunks, "POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab");
    client_puts(&writing, "GET /big?size=12000000 HTTP/1.1" HOST "\r\n");
    wait_connections(server, "body", 2);
    wait_connections(server, "head", 1);
    wait_connections(server, "writing", 1);
    wait_waiting(1);

    stop_and_see(server, &idle);
    client_puts(&head, "lo HTTP/1.1" HOST "\r\n");
    check_last_reply(&head, "hello");
    client_puts(&body, "cd");
    check_last_reply(&body, "abcd");
    client_puts(&chunks, "\r\n0\r\n\r\n");
    check_last_reply(&chunks, "ab");
    gate_open();
    struct reply reply = client_reply(&handling, "GET"); /* began before the stop */
    assert_reply_text(&reply, 200, "waited");
    reply_done(&reply);
    check_last_reply(&handling, "hello");
    client_widen(&writing);
    reply = client_reply(&writing, "GET");
    assert_int_equal(reply.body_size, 12000000);
    assert_true(reply.complete);
    reply_done(&reply);
    assert_int_equal(client_wait_end(&writing), 0);
    client_close(&writing);
    ph_server_wait(server);
    ph_server_free(server);
}

/* The reply in hand was begun before the stop and does not end the connection. */
static void test_stop_when_a_request_arrives_behind_one_in_flight_then_both_answered(void **state)
{
    (void)state;
    gate_close();
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    struct client idle = open_idle(server);
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, WAIT);
    wait_waiting(1);
    client_puts(&client, HELLO);
    client_wait_sent(&client);
    stop_and_see(server, &idle);
    gate_open();
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "waited");
    reply_done(&reply);
    check_last_reply(&client, "hello");
    ph_server_wait(server);
    ph_server_free(server);
}

static void test_stop_when_drain_takes_too_long_then_cut(void **state)
{
    (void)state;
    gate_close();
    const struct ph_config cfg = {.drain_ms = 200};
    struct ph_server *server = server_start(&cfg);
    struct client handling = client_open(ph_server_port(server));
    struct client head = client_open(ph_server_port(server));
    struct client body = client_open(ph_server_port(server));
    struct client writing = client_open_small(ph_server_port(server), 4096);
    client_puts(&handling, WAIT);
    client_puts(&head, "GET /hel");
    client_puts(&body, "POST /echo HTTP/1.1" HOST "Content-Length: 4\r\n\r\nab");
    client_puts(&writing, "GET /big?size=12000000 HTTP/1.0\r\n\r\n");
    wait_connections(server, "body", 1);
    wait_connections(server, "head", 1);
    wait_connections(server, "writing", 1);
    wait_waiting(1);
    ph_server_request_stop(server);
    assert_int_equal(client_skip_to_end(&handling), 0);
    assert_int_equal(client_skip_to_end(&head), 0);
    assert_int_equal(client_skip_to_end(&body), 0);
    assert_true(client_skip_to_end(&writing) < 12000000);
    assert_int_equal(writing.end_error, ECONNRESET);
    gate_open(); /* a handler cannot be cut; what it replies is thrown away */
    ph_server_wait(server);
    assert_int_equal(bodies_held, 0);
    client_close(&handling);
    client_close(&head);
    client_close(&body);
    client_close(&writing);
    ph_server_free(server);
}

static void test_stop_when_there_is_a_delay_then_serves_meanwhile(void **state)
{
    (void)state;
    const struct ph_config cfg = {.drain_delay_ms = 1500};
    struct ph_server *server = server_start(&cfg);
    struct client idle = open_idle(server);
    ph_server_request_stop(server);
    assert_true(ph_server_stopping(server));
    int served = 0;
    while (!client_receive(&idle, 0) && !idle.ended && served < 5) {
        assert_served(ph_server_port(server));
        served++;
    }
    assert_int_equal(served, 5);
    struct reply reply = client_ask(&idle, HELLO);
    assert_reply_text(&reply, 200, "hello");
    assert_no_reply_field(&reply, "Connection");
    reply_done(&reply);
    assert_int_equal(client_wait_end(&idle), 0);
    client_close(&idle);
    ph_server_wait(server);
    ph_server_free(server);
}

/* The handshake is over, so the client takes itself for connected, but nobody has accepted it. */
static void test_stop_when_many_wait_in_the_accept_queue_then_all_answered(void **state)
{
    (void)state;
    enum { CLIENTS = 700 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct ph_server *server = server_start(NULL);
    struct client *clients = calloc(CLIENTS, sizeof *clients);
    assert_non_null(clients);
    set_hold(&hold_accept, true);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(ph_server_port(server));
        client_puts(&clients[i], HELLO);
        client_wait_sent(&clients[i]); /* or the handshake may not be over on the other side */
    }
    ph_server_request_stop(server);
    set_hold(&hold_accept, false);
    for (int i = 0; i < CLIENTS; i++) {
        struct reply reply = client_reply(&clients[i], "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        client_close(&clients[i]);
    }
    free(clients);
    ph_server_wait(server);
    ph_server_free(server);
}

static int note_thread(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    pthread_mutex_lock(&hold_lock);
    worker = pthread_self();
    pthread_mutex_unlock(&hold_lock);
    return ph_reply_text(res, 200, "noted");
}

static bool worker_is_held(void *user)
{
    (void)user;
    return workers_held > 0;
}

static bool refuses(void *user)
{
    struct client client = client_socket();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ph_server_port(user))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool refused = connect(client.fd, (struct sockaddr *)&to, sizeof to) < 0;
    client_close(&client);
    return refused;
}

/* Two workers, so that accepting has a thread of its own; one of them can be held, when its thread
 * has become known by a request. */
static struct ph_server *start_with_known_worker(unsigned drain_ms)
{
    const struct ph_config cfg = {.workers = 2, .drain_ms = drain_ms};
    struct ph_server *server = server_new(&cfg);
    assert_int_equal(ph_server_route(server, "GET /thread", note_thread, NULL), 0);
    assert_int_equal(ph_server_start(server), 0);
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, "GET /thread HTTP/1.1" HOST "\r\n");
    assert_reply_text(&reply, 200, "noted");
    reply_done(&reply);
    client_close(&client);
    wait_connections(server, "", 0);
    return server;
}

/* Requests that have arrived, but of which a worker has not heard when it is told to stop. */
static void test_stop_when_requests_have_just_been_sent_then_all_answered(void **state)
{
    (void)state;
    enum { CLIENTS = 40 };
    struct ph_server *server = start_with_known_worker(1000);
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = i % 2 ? open_idle(server) : client_open(ph_server_port(server));
    }
    wait_connections(server, "accepted", CLIENTS / 2);
    wait_connections(server, "idle", CLIENTS / 2);
    set_hold(&hold_worker, true);
    for (int i = 0; i < CLIENTS; i++) {
        client_puts(&clients[i], HELLO);
        client_wait_sent(&clients[i]);
    }
    wait_until(worker_is_held, NULL);
    ph_server_request_stop(server);
    wait_until(refuses, server);
    set_hold(&hold_worker, false);
    for (int i = 0; i < CLIENTS; i++) {
        struct reply reply = client_reply(&clients[i], "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        assert_int_equal(client_wait_end(&clients[i]), 0);
        client_close(&clients[i]);
    }
    ph_server_wait(server);
    ph_server_free(server);
}

/*
 * A connection has more requests than fit two turns, so the worker will come back to it. Before
 * that the client is gone, and the order arrives to cut all connections: the worker learns of both
 * at once, and must not close the connection twice.
 */
static void test_stop_when_a_busy_connection_breaks_then_ends(void **state)
{
    (void)state;
    enum { PIPELINED = 160 };
    const struct ph_config cfg = {.workers = 2, .drain_ms = 1};
    struct ph_server *server = server_new(&cfg);
    assert_int_equal(ph_server_route(server, "GET /thread", note_thread, NULL), 0);
    assert_int_equal(ph_server_start(server), 0);
    struct client other = client_open(ph_server_port(server));
    struct reply reply = client_ask(&other, "GET /thread HTTP/1.1" HOST "\r\n");
    assert_reply_text(&reply, 200, "noted");
    reply_done(&reply);
    char bytes[sizeof HELLO * PIPELINED];
    char *at = bytes;
    for (int i = 0; i < PIPELINED; i++) {
        at = stpcpy(at, HELLO);
    }
    struct client between = client_open(ph_server_port(server)); /* goes to the other worker */
    wait_connections(server, "accepted", 1);
    struct client client = client_open(ph_server_port(server)); /* to the same as the first */
    wait_connections(server, "accepted", 2);

    set_hold(&hold_worker, true);
    client_send(&client, bytes, (size_t)(at - bytes));
    wait_until(worker_is_held, NULL);
    client_reset(&client);
    ph_server_request_stop(server);
    wait_until(refuses, server);
    assert_true(client_hears_nothing(&other, 50)); /* long after drain_ms */
    set_hold(&hold_worker, false);
    assert_int_equal(client_wait_end(&other), 0);
    client_close(&other);
    client_close(&between);
    ph_server_wait(server);
    ph_server_free(server);
}

static int stop_from_handler(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    ph_server_request_stop(ph_request_server(req));
    return ph_reply_text(res, 200, "stopping");
}

static void test_stop_when_a_handler_asks_then_answered_first(void **state)
{
    (void)state;
    struct ph_server *server = server_new(NULL);
    assert_int_equal(ph_server_route(server, "POST /stop", stop_from_handler, NULL), 0);
    assert_int_equal(ph_server_start(server), 0);
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, "POST /stop HTTP/1.1" HOST "\r\n");
    assert_reply_text(&reply, 200, "stopping");
    reply_done(&reply);
    ph_server_wait(server);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    ph_server_free(server);
}

static void *run_server(void *user)
{
    return ph_server_run(user) == 0 ? user : NULL;
}

static bool accepts(void *user)
{
    const struct sockaddr_un *address = user;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    close(fd);
    return connected;
}

/* One thread runs the server, which waits for its end, and another one stops it. */
static void test_stop_when_another_thread_waits_for_the_end_then_both_return(void **state)
{
    (void)state;
    char folder[] = "/tmp/porthole-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    char listen[200];
    snprintf(listen, sizeof listen, "unix:%s", address.sun_path);
    const struct ph_config cfg = {.listen = listen};
    struct ph_server *server = server_new(&cfg);
    pthread_t runner;
    assert_int_equal(pthread_create(&runner, NULL, run_server, server), 0);
    wait_until(accepts, &address);
    struct client client = client_open_unix(address.sun_path);
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    assert_true(client_hears_nothing(&client, 50)); /* by now it waits */
    ph_server_stop(server);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    void *result;
    pthread_join(runner, &result);
    assert_ptr_equal(result, server);
    ph_server_free(server);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_when_connections_are_idle_then_closed_at_once),
        cmocka_unit_test(test_stop_when_requests_are_in_flight_then_answered_and_closed),
        cmocka_unit_test(test_stop_when_a_request_arrives_behind_one_in_flight_then_both_answered),
        cmocka_unit_test(test_stop_when_drain_takes_too_long_then_cut),
        cmocka_unit_test(test_stop_when_there_is_a_delay_then_serves_meanwhile),
        cmocka_unit_test(test_stop_when_many_wait_in_the_accept_queue_then_all_answered),
        cmocka_unit_test(test_stop_when_requests_have_just_been_sent_then_all_answered),
        cmocka_unit_test(test_stop_when_a_busy_connection_breaks_then_ends),
        cmocka_unit_test(test_stop_when_a_handler_asks_then_answered_first),
        cmocka_unit_test(test_stop_when_another_thread_waits_for_the_end_then_both_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
