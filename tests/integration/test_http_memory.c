/* SPDX-License-Identifier: MIT
 *
 * Every allocation that serving takes fails in turn, on the server's threads: the client gets a
 * reply or the end of its connection, nothing crashes, hangs or leaks, and the next is served.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HOST "\r\nHost: a\r\n"

/* Long enough for a head that does not fit the first buffer, and a target not the first scratch. */
enum { LONG_HEAD = 10000, LONG_TARGET = 6000 };

static char long_head[LONG_HEAD + 200];
static char long_target[LONG_TARGET + 200];

static const char *const requests[] = {
    "GET /hello HTTP/1.1" HOST "\r\n",
    "GET /nowhere HTTP/1.1" HOST "\r\n",
    "PUT /hello HTTP/1.1" HOST "\r\n",
    "GET / HTTP/5.5" HOST "\r\n",
    "OPTIONS * HTTP/1.1" HOST "\r\n",
    "POST /echo HTTP/1.1" HOST "Content-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET /big?kind=copy&size=100000 HTTP/1.1" HOST "\r\n",
    "GET /big?kind=take&size=100000 HTTP/1.1" HOST "\r\n",
    "GET /big?kind=static&size=100000 HTTP/1.1" HOST "\r\n",
    "GET /big?kind=generate&size=100000 HTTP/1.1" HOST "\r\n",
    "GET /big/slow?kind=generate&size=10 HTTP/1.1" HOST "\r\n",
    "GET /fail/slow?code=5 HTTP/1.1" HOST "\r\n",
    "GET /nothing HTTP/1.1" HOST "\r\n",
    "GET /hello HTTP/1.1" HOST "\r\nGET /show HTTP/1.1" HOST "\r\nGET /nowhere HTTP/1.1" HOST
    "\r\n",
    long_head,
    long_target,
};

static int fill_in(void **state)
{
    (void)state;
    spare_this_thread(true);
    char *at = stpcpy(long_head, "GET /hello HTTP/1.1" HOST "X: ");
    memset(at, 'x', LONG_HEAD);
    stpcpy(at + LONG_HEAD, "\r\n\r\n");
    at = stpcpy(long_target, "GET /show/");
    memset(at, 'x', LONG_TARGET);
    stpcpy(at + LONG_TARGET, " HTTP/1.1" HOST "\r\n");
    return 0;
}

/* One server, whose first request this is, so that nothing is in stock; true when an allocation
 * failed. */
static bool ask_with_failure(const char *request, int at, int times)
{
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    for (int i = 0; i < times; i++) {
        fail_allocations(at, false);
        struct client client = client_open(ph_server_port(server));
        /* Without memory for anything the server may have closed already. */
        client_send_until_refused(&client, request, strlen(request));
        shutdown(client.fd, SHUT_WR);
        client_skip_to_end(&client);
        client_close(&client);
    }
    bool failed = stop_failing();
    assert_served(ph_server_port(server));
    ph_server_free(server);
    assert_int_equal(bodies_held, 0);
    return failed;
}

static void test_request_when_any_allocation_fails_then_the_next_is_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int at = 0;
        while (ask_with_failure(requests[i], at, 1)) {
            at++;
        }
        assert_true(at > 1);
    }
}

/* From some point on there is no memory at all, for several clients. */
static void test_requests_when_memory_stays_short_then_served_afterwards(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        for (int at = 0; at < 8; at++) {
            ask_with_failure(requests[i], at, 2);
        }
    }
}

static int do_nothing(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_empty(res, 204);
}

static void release_nothing(void *user)
{
    (*(int *)user)++;
}

/* Everything from new to start; returns the first error, -ENOMEM at most. */
static int set_up(struct ph_server **ret_server, int *released)
{
    static const char *const patterns[] = {"GET /a/:b/c/*", "GET /a/b", "POST /a/b", "GET /",
                                           "GET /a/c"};
    const struct ph_config cfg = {.listen = "127.0.0.1:0", .workers = 2};
    int err = ph_server_new(ret_server, &cfg);
    if (err < 0) {
        return err;
    }
    struct ph_server *server = *ret_server;
    err = ph_server_listen(server, "[::1]:0");
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && err == 0; i++) {
        const struct ph_route route = {
            .pattern = patterns[i], .handler = do_nothing, .blocking = i == 0};
        err = ph_server_add(server, &route);
    }
    if (err == 0) {
        err = ph_server_on_free(server, release_nothing, released);
    }
    return err < 0 ? err : ph_server_start(server);
}

static void test_set_up_when_any_allocation_fails_then_enomem_and_nothing_is_left(void **state)
{
    (void)state;
    bool failed = true;
    int at = 0;
    spare_this_thread(false);
    for (; failed; at++) {
        struct ph_server *server = NULL;
        int released = 0;
        fail_allocations(at, false);
        int err = set_up(&server, &released);
        failed = stop_failing();
        /* A thread that cannot be started is -EAGAIN; a listener without memory -ENOMEM too. */
        assert_int_equal(err, failed ? -ENOMEM : 0);
        if (server && failed && ph_server_start(server) == 0) {
            ph_server_stop(server); /* a retry is allowed */
        }
        ph_server_free(server);
        assert_true(failed || released == 1);
    }
    spare_this_thread(true);
    assert_true(at > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_when_any_allocation_fails_then_the_next_is_served),
        cmocka_unit_test(test_requests_when_memory_stays_short_then_served_afterwards),
        cmocka_unit_test(test_set_up_when_any_allocation_fails_then_enomem_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, fill_in, NULL);
}
