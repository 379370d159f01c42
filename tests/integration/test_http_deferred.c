/* SPDX-License-Identifier: MIT
 *
 * Replies that come later, by a token: from other threads, in order, and with clients and servers
 * that are gone by then.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"
#define LATER "GET /later HTTP/1.1" HOST "\r\n"

enum { TOKENS = 512 };

/* ---- the server: tokens are put where the test finds them ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct ph_token *tokens[TOKENS];
static int token_count;
static _Atomic int second_defer; /* what another ph_defer() for the same request returned */

static int later(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    struct ph_token *token;
    struct ph_token *another;
    int err = ph_defer(req, res, &token);
    if (err < 0) {
        return err;
    }
    second_defer = ph_defer(req, res, &another);
    pthread_mutex_lock(&lock);
    tokens[token_count++] = token;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Does not return before it may. */
static bool may_return;

static int later_and_slow(struct ph_request *req, struct ph_response *res, void *user)
{
    int err = later(req, res, user);
    pthread_mutex_lock(&lock);
    while (!may_return) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

/* Replies before it returns. */
static int at_once(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    struct ph_token *token;
    int err = ph_defer(req, res, &token);
    if (err == 0) {
        err = ph_token_reply(token, 200, "text/plain", "at once", 7);
        ph_token_free(token);
    }
    return err;
}

/* Takes a token, and then does otherwise; the token stands for no reply any more. */
static int change_mind(struct ph_request *req, struct ph_response *res, void *user)
{
    int err = later(req, res, user);
    return err < 0 ? err : ph_reply_text(res, 200, "after all");
}

static struct ph_token *wait_token(void)
{
    pthread_mutex_lock(&lock);
    while (token_count == 0) {
        pthread_cond_wait(&changed, &lock);
    }
    struct ph_token *token = tokens[--token_count];
    pthread_mutex_unlock(&lock);
    return token;
}

static struct ph_server *start(struct ph_config cfg)
{
    token_count = 0;
    struct ph_server *server = server_new(&cfg);
    const struct ph_route slow = {.pattern = "GET /slow-later", .handler = later, .blocking = true};
    assert_int_equal(ph_server_route(server, "GET /later", later, NULL), 0);
    assert_int_equal(ph_server_route(server, "GET /at-once", at_once, NULL), 0);
    assert_int_equal(ph_server_route(server, "GET /mind", change_mind, NULL), 0);
    const struct ph_route slower = {
        .pattern = "GET /slower", .handler = later_and_slow, .blocking = true};
    assert_int_equal(ph_server_add(server, &slow), 0);
    assert_int_equal(ph_server_add(server, &slower), 0);
    assert_int_equal(ph_server_start(server), 0);
    return server;
}

static void expect(struct client *client, int status, const char *body)
{
    struct reply reply = client_reply(client, "GET");
    assert_reply_text(&reply, status, body);
    reply_done(&reply);
}

static int reply_text(struct ph_token *token, const char *text)
{
    return ph_token_reply(token, 200, "text/plain", text, strlen(text));
}

static bool is_unwanted(void *token)
{
    return !ph_token_is_wanted(token);
}

/* ---- refusals ---- */

static void test_reply_when_it_makes_no_sense_then_refused_and_a_retry_works(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    struct ph_token *token = wait_token();
    assert_int_equal(second_defer, PH_ERR_REPLIED);
    assert_int_equal(ph_token_reply(token, 199, "text/plain", "x", 1), -EINVAL);
    assert_int_equal(ph_token_reply(token, 600, "text/plain", "x", 1), -EINVAL);
    assert_int_equal(ph_token_reply(token, 200, "text\r\nX: y", "x", 1), PH_ERR_HEADER);
    assert_int_equal(ph_token_header(token, "X", "y\r\nZ: z"), PH_ERR_HEADER);
    assert_int_equal(ph_token_header(token, "Content-Length", "7"), PH_ERR_HEADER);
    fail_allocations(0, true);
    assert_int_equal(reply_text(token, "no memory"), -ENOMEM);
    assert_true(stop_failing());
    assert_true(ph_token_is_wanted(token));
    assert_int_equal(reply_text(token, "first"), 0);
    assert_int_equal(reply_text(token, "second"), PH_ERR_REPLIED);
    assert_int_equal(ph_token_header(token, "X", "y"), PH_ERR_REPLIED);
    assert_false(ph_token_is_wanted(token));
    expect(&client, 200, "first");
    int again = reply_text(token, "third");
    assert_true(again == PH_ERR_REPLIED || again == -ECANCELED);
    ph_token_free(token);
    ph_token_free(NULL);
    client_close(&client);
    ph_server_free(server);
}

static void test_free_when_there_was_no_reply_then_500(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    ph_token_free(wait_token());
    struct reply reply = client_reply(&client, "GET");
    assert_problem(&reply, 500);
    reply_done(&reply);
    client_puts(&client, HELLO);
    expect(&client, 200, "hello");
    client_close(&client);
    ph_server_free(server);
}

/* ---- replies ---- */

static void test_reply_then_status_fields_and_body_are_as_given(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    static char large[100000];
    memset(large, 'x', sizeof large - 1);
    for (int i = 0; i < 3; i++) {
        client_puts(&client, i == 2 ? "GET /slow-later HTTP/1.1" HOST "\r\n" : LATER);
        struct ph_token *token = wait_token();
        assert_int_equal(ph_token_header(token, "X-One", "1"), 0);
        assert_int_equal(ph_token_header(token, "X-Two", "2"), 0);
        assert_int_equal(ph_token_reply(token, 201, "text/x", large, i ? strlen(large) : 3), 0);
        ph_token_free(token);
        struct reply reply = client_reply(&client, "GET");
        assert_int_equal(reply.status, 201);
        assert_reply_field(&reply, "X-One", "1");
        assert_reply_field(&reply, "X-Two", "2");
        assert_reply_field(&reply, "Content-Type", "text/x");
        assert_int_equal(reply.body_size, i ? strlen(large) : 3);
        assert_memory_equal(reply.body, large, reply.body_size);
        reply_done(&reply);
    }
    client_puts(&client, "GET /at-once HTTP/1.1" HOST "\r\n");
    expect(&client, 200, "at once");
    client_close(&client);
    ph_server_free(server);
}

static void test_handler_when_it_replies_after_all_then_the_token_is_ended(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /mind HTTP/1.1" HOST "\r\n");
    expect(&client, 200, "after all");
    struct ph_token *token = wait_token();
    wait_until(is_unwanted, token);
    assert_int_equal(reply_text(token, "too late"), -ECANCELED);
    ph_token_free(token);
    client_puts(&client, HELLO);
    expect(&client, 200, "hello");
    client_close(&client);
    ph_server_free(server);
}

/* What came before does not wait, and what came behind does. */
static void test_pipeline_when_one_reply_is_put_off_then_all_come_in_order(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, HELLO LATER HELLO LATER HELLO);
    expect(&client, 200, "hello");
    struct ph_token *token = wait_token();
    assert_true(client_hears_nothing(&client, 20));
    assert_int_equal(reply_text(token, "one"), 0);
    ph_token_free(token);
    expect(&client, 200, "one");
    expect(&client, 200, "hello");
    token = wait_token();
    assert_int_equal(reply_text(token, "two"), 0);
    expect(&client, 200, "two");
    expect(&client, 200, "hello");
    ph_token_free(token);
    client_close(&client);
    ph_server_free(server);
}

static void test_half_close_when_the_reply_is_put_off_then_it_comes(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    client_half_close(&client);
    struct ph_token *token = wait_token();
    assert_true(client_hears_nothing(&client, 20));
    assert_true(ph_token_is_wanted(token));
    assert_int_equal(reply_text(token, "still"), 0);
    expect(&client, 200, "still");
    ph_token_free(token);
    client_close(&client);
    ph_server_free(server);
}

/* ---- nobody is there any more ---- */

static void test_reset_when_the_reply_is_put_off_then_canceled(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    struct ph_token *token = wait_token();
    client_reset(&client);
    wait_until(is_unwanted, token);
    wait_connections(server, "", 0);
    assert_int_equal(reply_text(token, "nobody"), -ECANCELED);
    assert_int_equal(ph_token_header(token, "X", "y"), -ECANCELED);
    ph_token_free(token);
    ph_server_free(server);
}

/* The worker hears of the reset while the pool has the request. */
static void test_reset_when_the_handler_still_runs_then_canceled(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.workers = 1});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /slower HTTP/1.1" HOST "\r\n");
    struct ph_token *token = wait_token();
    client_reset(&client);
    assert_served(ph_server_port(server)); /* the worker has seen what came before */
    pthread_mutex_lock(&lock);
    may_return = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    wait_until(is_unwanted, token);
    assert_int_equal(reply_text(token, "too late"), -ECANCELED);
    ph_token_free(token);
    wait_connections(server, "", 0);
    ph_server_free(server);
}

static void test_stop_when_the_reply_is_put_off_then_waited_for_and_cut(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.drain_ms = 30});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    struct ph_token *token = wait_token();
    ph_server_stop(server);
    assert_false(ph_token_is_wanted(token));
    assert_int_equal(reply_text(token, "stopped"), -ECANCELED);
    ph_server_free(server);
    assert_int_equal(reply_text(token, "gone"), -ECANCELED);
    ph_token_free(token);
    client_close(&client);
}

static void *reply_soon(void *user)
{
    struct ph_server *server = user;
    while (!ph_server_stopping(server)) {
        sched_yield();
    }
    struct ph_token *token = wait_token();
    int err = reply_text(token, "in time");
    ph_token_free(token);
    return err ? NULL : user;
}

static void test_stop_when_the_reply_comes_while_draining_then_sent(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.drain_ms = 20000});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    wait_connections(server, "handling", 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, reply_soon, server), 0);
    ph_server_stop(server);
    expect(&client, 200, "in time");
    void *result;
    pthread_join(thread, &result);
    assert_non_null(result);
    client_close(&client);
    ph_server_free(server);
}

/* ---- without threads, and with many ---- */

static void *reply_from_outside(void *user)
{
    return reply_text(user, "from outside") == 0 ? user : NULL;
}

static void test_poll_when_another_thread_replies_then_woken(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.workers = PH_NO_THREADS});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, LATER);
    while (token_count == 0) {
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
    struct ph_token *token = wait_token();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, reply_from_outside, token), 0);
    while (count_connections(server, "handling") > 0) {
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
    void *result;
    pthread_join(thread, &result);
    assert_ptr_equal(result, token);
    expect(&client, 200, "from outside");
    ph_token_free(token);
    client_close(&client);
    ph_server_free(server);
}

enum { THREADS = 4, CLIENTS = 40, ROUNDS = 10 };

static bool all_asked;

/* The next token; NULL when there will be no more. */
static struct ph_token *next_token(void)
{
    pthread_mutex_lock(&lock);
    while (token_count == 0 && !all_asked) {
        pthread_cond_wait(&changed, &lock);
    }
    struct ph_token *token = token_count > 0 ? tokens[--token_count] : NULL;
    pthread_mutex_unlock(&lock);
    return token;
}

/* Replies once, or twice, or not at all. */
static void *reply_somehow(void *user)
{
    (void)user;
    struct ph_token *token;
    for (unsigned i = 0; (token = next_token()); i++) {
        if (i % 7 != 0) {
            (void)!reply_text(token, "some");
        }
        if (i % 5 == 0) {
            (void)!reply_text(token, "more");
        }
        ph_token_free(token);
    }
    return NULL;
}

static void ask_and_hear(struct ph_server *server)
{
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(ph_server_port(server));
        client_puts(&clients[i], i % 2 ? LATER : "GET /slow-later HTTP/1.1" HOST "\r\n");
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 3 == 0) {
            client_reset(&clients[i]);
            continue;
        }
        struct reply reply = client_reply(&clients[i], "GET");
        assert_true(reply.status == 200 || reply.status == 500);
        reply_done(&reply);
        client_close(&clients[i]);
    }
}

/* Several threads reply, and every third client is gone before it is answered. */
static void test_reply_when_many_threads_reply_and_clients_leave_then_each_gets_his(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.workers = 2});
    pthread_t threads[THREADS];
    all_asked = false;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, reply_somehow, NULL), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        ask_and_hear(server);
    }
    ph_server_stop(server);
    pthread_mutex_lock(&lock);
    all_asked = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_when_it_makes_no_sense_then_refused_and_a_retry_works),
        cmocka_unit_test(test_free_when_there_was_no_reply_then_500),
        cmocka_unit_test(test_reply_then_status_fields_and_body_are_as_given),
        cmocka_unit_test(test_handler_when_it_replies_after_all_then_the_token_is_ended),
        cmocka_unit_test(test_pipeline_when_one_reply_is_put_off_then_all_come_in_order),
        cmocka_unit_test(test_half_close_when_the_reply_is_put_off_then_it_comes),
        cmocka_unit_test(test_reset_when_the_reply_is_put_off_then_canceled),
        cmocka_unit_test(test_reset_when_the_handler_still_runs_then_canceled),
        cmocka_unit_test(test_stop_when_the_reply_is_put_off_then_waited_for_and_cut),
        cmocka_unit_test(test_stop_when_the_reply_comes_while_draining_then_sent),
        cmocka_unit_test(test_poll_when_another_thread_replies_then_woken),
        cmocka_unit_test(test_reply_when_many_threads_reply_and_clients_leave_then_each_gets_his),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
