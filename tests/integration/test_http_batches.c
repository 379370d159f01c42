/* SPDX-License-Identifier: MIT
 *
 * What a wake-up finds ready costs one system call for all receives and one for all sends, where
 * there is a ring; without one, a call each. A handler holds the only worker up until everybody has
 * sent his request, so that one wake-up finds them all.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HOST "\r\nHost: a\r\n"

enum { CLIENTS = 64 };

/* ---- counting, and a ring that breaks ---- */

static _Atomic int submits;
static _Atomic int receives;
static _Atomic int sends;
static _Atomic int breaking; /* so many submits fail */

int __real_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait);
int __wrap_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait);
ssize_t __real_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __real_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags);

int __wrap_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait)
{
    submits++;
    if (breaking > 0) {
        breaking--;
        return -ENOMEM;
    }
    return __real_io_uring_submit_and_wait(uring, wait);
}

static pthread_t test_thread; /* whose calls do not count */

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
    receives += !pthread_equal(pthread_self(), test_thread);
    return __real_recv(fd, to, size, flags);
}

ssize_t __wrap_send(int fd, const void *from, size_t size, int flags)
{
    sends += !pthread_equal(pthread_self(), test_thread);
    return __real_send(fd, from, size, flags);
}

/* ---- the server ---- */

static _Atomic bool holding;
static _Atomic bool released;

/* On the worker, which a handler should not do. */
static int hold(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    holding = true;
    while (!released) {
        sched_yield();
    }
    return ph_reply_text(res, 200, "held");
}

static int number(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    return ph_reply_text(res, 200, ph_request_param(req, "number"));
}

static struct ph_server *start(enum ph_loop loop)
{
    const struct ph_config cfg = {.workers = 1, .loop = loop};
    struct ph_server *server = server_new(&cfg);
    assert_int_equal(ph_server_route(server, "GET /hold", hold, NULL), 0);
    assert_int_equal(ph_server_route(server, "GET /number/:number", number, NULL), 0);
    assert_int_equal(ph_server_start(server), 0);
    return server;
}

static void ask(struct client *client, const char *path)
{
    char text[128];
    snprintf(text, sizeof text, "GET %s HTTP/1.1" HOST "\r\n", path);
    client_puts(client, text);
    client_wait_sent(client);
}

/* Has the worker find the requests of all clients at once, and checks each reply. */
static void burst(struct ph_server *server, struct client clients[CLIENTS])
{
    struct client holder = client_open(ph_server_port(server));
    holding = released = false;
    ask(&holder, "/hold");
    while (!holding) {
        sched_yield();
    }
    submits = receives = sends = 0;
    for (int i = 0; i < CLIENTS; i++) {
        char path[32];
        snprintf(path, sizeof path, "/number/%d", i);
        ask(&clients[i], path);
    }
    released = true;
    for (int i = 0; i < CLIENTS; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        struct reply reply = client_reply(&clients[i], "GET");
        assert_reply_text(&reply, 200, text);
        reply_done(&reply);
    }
    struct reply reply = client_reply(&holder, "GET");
    assert_reply_text(&reply, 200, "held");
    reply_done(&reply);
    client_close(&holder);
    wait_connections(server, "idle", CLIENTS);
}

static void open_all(struct ph_server *server, struct client clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(ph_server_port(server));
        ask(&clients[i], "/hello");
        struct reply reply = client_reply(&clients[i], "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
    }
}

static void close_all(struct ph_server *server, struct client clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
    ph_server_free(server);
}

/* ---- tests ---- */

static void test_burst_with_epoll_then_a_call_for_each_receive_and_send(void **state)
{
    (void)state;
    struct client clients[CLIENTS];
    struct ph_server *server = start(PH_LOOP_EPOLL);
    assert_int_equal(ph_server_loop(server), PH_LOOP_EPOLL);
    open_all(server, clients);
    burst(server, clients);
    assert_int_equal(submits, 0);
    /* The held request's own send is among them, and what its client's end costs. */
    assert_in_range(receives, CLIENTS, CLIENTS + 1);
    assert_in_range(sends, CLIENTS, CLIENTS + 1);
    close_all(server, clients);
}

static struct ph_server *start_ring(void)
{
    struct ph_server *server = start(PH_LOOP_AUTO);
    if (ph_server_loop(server) != PH_LOOP_IO_URING) {
        ph_server_free(server);
        skip_because("no io_uring here");
    }
    return server;
}

static void test_burst_with_a_ring_then_a_call_for_all_receives_and_one_for_all_sends(void **state)
{
    (void)state;
    struct client clients[CLIENTS];
    struct ph_server *server = start_ring();
    open_all(server, clients);
    assert_int_equal(submits, 0); /* one alone goes without */
    for (int i = 0; i < 3; i++) {
        burst(server, clients);
        assert_int_equal(submits, 2);
        assert_in_range(receives, 0, 1);
        assert_in_range(sends, 0, 1);
    }
    close_all(server, clients);
}

static void test_burst_when_the_ring_breaks_then_all_are_answered_without_it(void **state)
{
    (void)state;
    struct client clients[CLIENTS];
    struct ph_server *server = start_ring();
    open_all(server, clients);
    breaking = 1;
    burst(server, clients);
    assert_int_equal(breaking, 0);
    assert_int_equal(submits, 1);
    assert_int_equal(ph_server_loop(server), PH_LOOP_EPOLL);
    burst(server, clients);
    assert_int_equal(submits, 0);
    close_all(server, clients);
}

int main(void)
{
    test_thread = pthread_self();
    setenv("PORTHOLE_TEST_LOOP", "auto",
           1); /* what a configuration without a word about it means */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_with_epoll_then_a_call_for_each_receive_and_send),
        cmocka_unit_test(test_burst_with_a_ring_then_a_call_for_all_receives_and_one_for_all_sends),
        cmocka_unit_test(test_burst_when_the_ring_breaks_then_all_are_answered_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
