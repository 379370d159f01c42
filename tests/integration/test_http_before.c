/* SPDX-License-Identifier: MIT
 *
 * Handlers that are called before those of routes.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"

static char name_all[] = "all";
static char name_show[] = "show";
static char name_echo[] = "echo";
static struct ph_server *server;
static uint16_t port;

/* "a /path;" for each call. */
static struct {
    pthread_mutex_t lock;
    char calls[1000];
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void forget_calls(void)
{
    pthread_mutex_lock(&heard.lock);
    heard.calls[0] = '\0';
    pthread_mutex_unlock(&heard.lock);
}

static void assert_calls(const char *expected)
{
    pthread_mutex_lock(&heard.lock);
    assert_string_equal(heard.calls, expected);
    heard.calls[0] = '\0';
    pthread_mutex_unlock(&heard.lock);
}

/* Notes the call, adds a field of its name, and does what the query asks of it. */
static int note(struct ph_request *req, struct ph_response *res, void *user)
{
    const char *name = user;
    size_t size;
    ph_request_body(req, &size);
    pthread_mutex_lock(&heard.lock);
    size_t at = strlen(heard.calls);
    snprintf(heard.calls + at, sizeof heard.calls - at, "%s %s%s;", name, ph_request_path(req),
             size > 0 ? " with a body" : "");
    pthread_mutex_unlock(&heard.lock);
    char field[20];
    snprintf(field, sizeof field, "X-%s", name);
    int err = ph_response_header(res, field, ph_request_peer(req));
    const char *wanted = ph_request_query(req, name);
    if (err < 0 || !wanted) {
        return err;
    }
    if (strcmp(wanted, "reply") == 0) {
        return ph_reply_text(res, 403, "not you");
    }
    if (strcmp(wanted, "later") == 0) {
        struct ph_token *token;
        err = ph_defer(req, res, &token);
        err = err ? err : ph_token_reply(token, 202, "text/plain", "later", 5);
        if (err == 0) {
            ph_token_free(token);
        }
        return err;
    }
    return -EIO;
}

static int reply_later(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    struct ph_token *token;
    int err = ph_defer(req, res, &token);
    err = err ? err : ph_token_reply(token, 200, "text/plain", "later", 5);
    if (err == 0) {
        ph_token_free(token);
    }
    return err;
}

static int take(struct ph_request *req, struct ph_response *res, const void *data, size_t size,
                void *user)
{
    (void)req;
    (void)res;
    (void)data;
    (void)user;
    return size > 0 ? 0 : -EINVAL;
}

static int own_begin(struct ph_request *req, struct ph_response *res, void *user)
{
    int err = ph_response_header(res, "X-own", "yes");
    (void)user;
    return err ? err : ph_request_receive(req, take, NULL, NULL, NULL);
}

static int reply_done_text(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_text(res, 200, "done");
}

static int start(void **state)
{
    (void)state;
    forget_calls();
    server = server_new(NULL);
    const struct ph_route upload = {
        .pattern = "POST /upload", .handler = reply_done_text, .begin = own_begin};
    assert_int_equal(ph_server_add(server, &upload), 0);
    assert_int_equal(ph_server_route(server, "GET /later", reply_later, NULL), 0);
    assert_int_equal(ph_server_before(server, "/", note, name_all), 0);
    assert_int_equal(ph_server_before(server, "/show/", note, name_show), 0);
    assert_int_equal(ph_server_before(server, "/echo", note, name_echo), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

static struct reply ask(const char *method_and_target)
{
    char head[300];
    snprintf(head, sizeof head, "%s HTTP/1.1" HOST, method_and_target);
    return client_fetch(port, head);
}

static void check(const char *method_and_target, int status, const char *calls)
{
    struct reply reply = ask(method_and_target);
    assert_int_equal(reply.status, status);
    assert_calls(calls);
    reply_done(&reply);
}

static void test_before_when_at_or_below_its_path_then_called_in_order(void **state)
{
    (void)state;
    check("GET /hello", 200, "all /hello;");
    check("GET /show", 200, "all /show;show /show;");
    check("GET /show/a/b", 200, "all /show/a/b;show /show/a/b;");
    check("GET /sh%6Fw/a%2Fb", 200, "all /show/a/b;show /show/a/b;");
    check("GET /x/../show", 200, "all /show;show /show;");
    check("GET /shows", 404, "all /shows;");
    check("GET /slow", 200, "all /slow;");
}

static void test_before_when_no_route_serves_it_then_called_too(void **state)
{
    (void)state;
    check("GET /nowhere", 404, "all /nowhere;");
    check("DELETE /hello", 405, "all /hello;");
    check("OPTIONS /hello", 204, "all /hello;");
    check("GET /nowhere?all=reply", 403, "all /nowhere;");
    check("OPTIONS /hello?all=later", 202, "all /hello;");
    check("GET /nowhere?all=fail", 500, "all /nowhere;");
}

static void test_before_when_it_replies_then_no_other_is_called(void **state)
{
    (void)state;
    check("GET /show?all=reply", 403, "all /show;");
    check("GET /show?show=reply", 403, "all /show;show /show;");
    check("GET /show?all=later", 202, "all /show;");
    check("GET /show?all=fail", 500, "all /show;");
    check("GET /wait?all=reply", 403, "all /wait;"); /* whose handler would never return */
}

static void assert_fields(const char *method_and_target)
{
    char value[100];
    struct reply reply = ask(method_and_target);
    assert_true(reply_field(&reply, "X-all", value, sizeof value));
    assert_int_equal(strncmp(value, "127.0.0.1:", 10), 0);
    reply_done(&reply);
}

static void test_fields_when_added_before_then_in_the_reply(void **state)
{
    (void)state;
    assert_fields("GET /hello");
    assert_fields("GET /slow");
    assert_fields("GET /later");
    assert_fields("GET /big?size=100000");
    assert_fields("GET /nowhere");
    assert_fields("OPTIONS /hello");
    assert_fields("GET /hello?all=reply");
    assert_fields("GET /hello?all=later");
    assert_fields("GET /show?show=later");
    assert_fields("GET /slow?all=later");
    assert_fields("GET /nowhere?all=later");
}

static void test_fields_when_requests_are_pipelined_then_each_has_its_own(void **state)
{
    (void)state;
    struct client client = client_open(port);
    client_puts(&client, "GET /show HTTP/1.1" HOST "\r\nGET /hello HTTP/1.1" HOST
                         "\r\nGET /nowhere HTTP/1.1" HOST "\r\nGET /show HTTP/1.1" HOST "\r\n");
    static const bool shows[] = {true, false, false, true};
    for (size_t i = 0; i < sizeof shows; i++) {
        char value[100];
        struct reply reply = client_reply(&client, "GET");
        assert_true(reply_field(&reply, "X-all", value, sizeof value));
        assert_int_equal(reply_field(&reply, "X-show", value, sizeof value), shows[i]);
        reply_done(&reply);
    }
    client_close(&client);
}

/* Fields that were kept for a reply by token are not those of the next request. */
static void test_fields_when_a_token_replies_then_not_in_the_next_reply(void **state)
{
    (void)state;
    static const char *const nexts[] = {"/hello", "/nowhere", "/hello?all=later",
                                        "/nowhere?all=later"};
    for (size_t i = 0; i < sizeof nexts / sizeof nexts[0]; i++) {
        char request[300];
        char value[100];
        struct client client = client_open(port);
        struct reply reply = client_ask(&client, "GET /show?show=later HTTP/1.1" HOST "\r\n");
        assert_int_equal(reply.status, 202);
        assert_true(reply_field(&reply, "X-show", value, sizeof value));
        reply_done(&reply);
        snprintf(request, sizeof request, "GET %s HTTP/1.1" HOST "\r\n", nexts[i]);
        reply = client_ask(&client, request);
        assert_true(reply_field(&reply, "X-all", value, sizeof value));
        assert_false(reply_field(&reply, "X-show", value, sizeof value));
        reply_done(&reply);
        client_close(&client);
    }
}

/* A guard is asked before a body is taken, also where nobody would take it. */
static void test_body_when_no_route_serves_it_then_the_reply_does_not_wait(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"POST /nowhere?all=reply HTTP/1.1" HOST "Content-Length: 500000\r\n\r\n", 403},
        {"POST /nowhere?all=later HTTP/1.1" HOST "Content-Length: 500000\r\n\r\n", 202},
        {"POST /nowhere HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n", 404},
        {"DELETE /hello HTTP/1.1" HOST "Content-Length: 1\r\n\r\n", 405},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client = client_open(port);
        struct reply reply = client_ask(&client, cases[i].head);
        assert_int_equal(reply.status, cases[i].status);
        assert_reply_field(&reply, "Connection", "close");
        reply_done(&reply);
        client_close(&client);
    }
    struct client client = client_open(port); /* one that is here already ends nothing */
    struct reply reply =
        client_ask(&client, "POST /nowhere HTTP/1.1" HOST "Content-Length: 2\r\n\r\nxx");
    assert_int_equal(reply.status, 404);
    reply_done(&reply);
    reply = client_ask(&client, "GET /hello HTTP/1.1" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    client_close(&client);
}

static void test_body_when_a_before_replies_then_it_is_not_received(void **state)
{
    (void)state;
    struct client client = client_open(port);
    struct reply reply = client_ask(&client, "POST /echo?echo=reply HTTP/1.1" HOST
                                             "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_reply_text(&reply, 403, "not you"); /* and no 100 before */
    assert_reply_field(&reply, "Connection", "close");
    assert_int_equal(client_wait_end(&client), 0);
    assert_calls("all /echo;echo /echo;");
    reply_done(&reply);
    client_close(&client);
}

static void post(const char *target, const char *body, const char *expected)
{
    char request[300];
    char value[100];
    snprintf(request, sizeof request, "POST %s HTTP/1.1" HOST "Content-Length: %zu\r\n\r\n", target,
             strlen(body));
    struct client client = client_open(port);
    client_puts(&client, request);
    client_puts(&client, body);
    struct reply reply = client_reply(&client, "POST");
    assert_reply_text(&reply, 200, expected);
    assert_true(reply_field(&reply, "X-all", value, sizeof value));
    reply_done(&reply);
    client_close(&client);
}

static void test_body_when_let_pass_then_received_and_the_fields_stay(void **state)
{
    (void)state;
    post("/echo", "hello", "hello");
    assert_calls("all /echo;echo /echo;");
    post("/echo/slow", "hello", "hello");
    assert_calls("all /echo/slow;echo /echo/slow;");
    post("/upload", "hello", "done"); /* whose route has a begin of its own */
    assert_calls("all /upload;");
}

static void test_server_when_started_again_then_called_once_as_before(void **state)
{
    (void)state;
    ph_server_stop(server);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    check("GET /show", 200, "all /show;show /show;");
}

static void test_before_when_wrong_then_why(void **state)
{
    (void)state;
    assert_int_equal(ph_server_before(server, "/late", note, name_all), PH_ERR_STARTED);
    struct ph_server *other = server_new(NULL);
    assert_int_equal(ph_server_before(other, "", note, name_all), PH_ERR_PATTERN);
    assert_int_equal(ph_server_before(other, "api", note, name_all), PH_ERR_PATTERN);
    assert_int_equal(ph_server_before(other, "/api", NULL, name_all), PH_ERR_PATTERN);
    fail_allocations(0, true);
    assert_int_equal(ph_server_before(other, "/api", note, name_all), -ENOMEM);
    assert_true(stop_failing());
    ph_server_free(other);
}

static void test_request_when_out_of_memory_then_others_are_served(void **state)
{
    (void)state;
    bool failed = true;
    for (long i = 0; failed; i++) {
        struct client client = client_open(port);
        fail_allocations(i, true);
        client_send_until_refused(&client, "GET /show HTTP/1.1" HOST "Connection: close\r\n\r\n",
                                  sizeof "GET /show HTTP/1.1" HOST "Connection: close\r\n\r\n" - 1);
        spare_this_thread(true);
        client_skip_to_end(&client);
        client_close(&client);
        wait_connections(server, "", 0);
        spare_this_thread(false);
        failed = stop_failing();
    }
    check("GET /show", 200, heard.calls); /* whatever had been called */
    forget_calls();
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_before_when_at_or_below_its_path_then_called_in_order),
        SERVED(test_before_when_no_route_serves_it_then_called_too),
        SERVED(test_before_when_it_replies_then_no_other_is_called),
        SERVED(test_fields_when_added_before_then_in_the_reply),
        SERVED(test_fields_when_requests_are_pipelined_then_each_has_its_own),
        SERVED(test_fields_when_a_token_replies_then_not_in_the_next_reply),
        SERVED(test_body_when_no_route_serves_it_then_the_reply_does_not_wait),
        SERVED(test_body_when_a_before_replies_then_it_is_not_received),
        SERVED(test_body_when_let_pass_then_received_and_the_fields_stay),
        SERVED(test_server_when_started_again_then_called_once_as_before),
        SERVED(test_before_when_wrong_then_why),
        SERVED(test_request_when_out_of_memory_then_others_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
