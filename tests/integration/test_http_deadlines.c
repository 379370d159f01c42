/* SPDX-License-Identifier: MIT
 *
 * Clients that are too slow, or silent: each is told so where it can be, and gone in time; nobody
 * else waits for them.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"
#define WAIT "GET /wait HTTP/1.1" HOST "\r\n"

/* The deadline that a test is about is short, the others are out of the way. */
enum { SHORT_MS = 250, DRIP_MS = 20, LONG_MS = 100000 };

static const struct ph_config patient = {
    .workers = 1, .head_ms = LONG_MS, .body_ms = LONG_MS, .write_ms = LONG_MS, .idle_ms = LONG_MS};

static void check_408(struct client *client)
{
    struct reply reply = client_reply(client, "");
    assert_problem(&reply, 408);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    assert_int_equal(client_wait_end(client), 0);
    client_close(client);
}

/* A deadline runs while the test itself waits for the processor. Where the test comes too late for
 * what it wants to see, it tries again, on another connection. */
enum { TRIES = 20 };

/* Sends the beginning of a request, or all of it, on a new connection, until there is an answer. */
static struct client open_and_ask(const struct ph_server *server, const char *bytes)
{
    for (int i = 0; i < TRIES; i++) {
        struct client client = client_open(ph_server_port(server));
        client_send_until_refused(&client, bytes, strlen(bytes));
        if (client_receive(&client, CLIENT_WAIT_MS)) {
            return client;
        }
        client_close(&client);
    }
    fail_msg("never answered: %s", bytes);
    return (struct client){.fd = -1};
}

static void check_hello(struct client *client)
{
    struct reply reply = client_reply(client, "GET");
    assert_reply_text(&reply, 200, "hello");
    assert_no_reply_field(&reply, "Connection");
    reply_done(&reply);
}

/* As assert_served(), where the deadline is short for others, too. */
static void check_somebody_is_served(const struct ph_server *server)
{
    struct client client = open_and_ask(server, HELLO);
    check_hello(&client);
    client_close(&client);
}

/* Sends a byte now and then, as slow attackers do, until the server answers. */
static void drip(struct client *client, const char *byte)
{
    int sent = 0;
    while (client_hears_nothing(client, DRIP_MS)) {
        client_send_until_refused(client, byte, 1);
        assert_true(++sent < LONG_MS / DRIP_MS);
    }
}

/* False when the connection was given up before it was begun. */
static bool drip_head(struct client *client)
{
    client_send_until_refused(client, "GET /", 5);
    drip(client, "a");
    return !client->ended;
}

static void test_connection_when_silent_then_closed_without_a_word(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client clients[50];
    for (int i = 0; i < 50; i++) {
        clients[i] = client_open(ph_server_port(server));
    }
    check_somebody_is_served(server);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(client_wait_end(&clients[i]), 0);
        client_close(&clients[i]);
    }
    check_somebody_is_served(server);
    ph_server_free(server);
}

/* Some old clients end a body with a line that its length does not count. */
static void test_empty_line_when_nothing_follows_then_closed_without_a_word(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = open_and_ask(server, HELLO);
    check_hello(&client);
    client_puts(&client, "\r\n\r\n");
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    ph_server_free(server);
}

static void test_head_when_not_complete_in_time_then_408(void **state)
{
    (void)state;
    static const char *const begun[] = {"G", "\r", "GET /hello HTTP/1.1" HOST "X: y\r\n"};
    struct ph_config cfg = patient;
    cfg.head_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        struct client client = open_and_ask(server, begun[i]);
        check_408(&client);
    }
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; !drip_head(&client); i++) {
        assert_true(i < TRIES);
        client_close(&client);
        client = client_open(ph_server_port(server));
    }
    check_408(&client);
    ph_server_free(server);
}

/* Opens a connection, another one later, and begins a head on the other one first. False when one
 * of them was given up before that. */
static bool begin_two(const struct ph_server *server, struct client *ret_older,
                      struct client *ret_younger)
{
    *ret_older = client_open(ph_server_port(server));
    bool in_time = client_hears_nothing(ret_older, 2 * SHORT_MS);
    *ret_younger = client_open(ph_server_port(server));
    client_send_until_refused(ret_younger, "GET", 3);
    in_time = in_time && client_hears_nothing(ret_older, 2 * DRIP_MS);
    client_send_until_refused(ret_older, "GET", 3);
    struct pollfd both[] = {{.fd = ret_older->fd, .events = POLLIN},
                            {.fd = ret_younger->fd, .events = POLLIN}};
    assert_true(poll(both, 2, CLIENT_WAIT_MS) > 0);
    assert_true(!in_time || both[0].revents != 0);
    return in_time && client_receive(ret_older, CLIENT_WAIT_MS) &&
           client_receive(ret_younger, CLIENT_WAIT_MS);
}

/* The first bytes of a head do not put its deadline off: of two heads that stay incomplete the
 * one whose connection is older ends first, although its bytes came last. */
static void test_head_when_it_begins_late_then_deadline_counts_from_accept(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = 4 * SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client older;
    struct client younger;
    for (int i = 0; !begin_two(server, &older, &younger); i++) {
        assert_true(i < TRIES);
        client_close(&older);
        client_close(&younger);
    }
    check_408(&older);
    check_408(&younger);
    ph_server_free(server);
}

static void test_later_head_when_not_complete_in_time_then_408(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = open_and_ask(server, HELLO);
    check_hello(&client);
    assert_true(client_hears_nothing(&client, 2 * SHORT_MS)); /* idle for longer than that */
    client_puts(&client, HELLO "GET /hel");
    check_hello(&client);
    check_408(&client);
    ph_server_free(server);
}

static void test_body_when_not_complete_in_time_then_408(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1;", "Transfer-Encoding: chunked\r\n\r\n0\r\nX: "};
    struct ph_config cfg = patient;
    cfg.body_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    for (size_t i = 0; i < 2 * (sizeof heads / sizeof *heads); i++) {
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, "POST /echo HTTP/1.1" HOST);
        client_puts(&client, heads[i / 2]);
        if (i % 2) {
            drip(&client, "x");
        }
        check_408(&client);
        assert_served(ph_server_port(server));
    }
    ph_server_free(server);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { PARTS = 20, PART = 20 * 1024, BODY_MS = 4 * SHORT_MS };

/* Sends the parts of a body one by one; false when this thread itself was not quick enough. */
static bool send_steadily(struct client *client)
{
    static const char part[PART];
    client_puts(client, "POST /echo HTTP/1.1" HOST "Content-Length: 409600\r\n\r\n");
    for (int i = 0; i < PARTS; i++) {
        int64_t before_ms = now_ms();
        bool silent = client_hears_nothing(client, 4 * DRIP_MS);
        size_t sent = client_send_until_refused(client, part, PART);
        if (now_ms() - before_ms > BODY_MS / 2) {
            return false;
        }
        assert_true(silent);
        assert_int_equal(sent, PART);
    }
    return true;
}

/* As long as enough of it comes, a body may take longer than one deadline. */
static void test_body_when_it_comes_steadily_then_served(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.body_ms = BODY_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; !send_steadily(&client); i++) {
        assert_true(i < TRIES);
        client_close(&client);
        client = client_open(ph_server_port(server));
    }
    struct reply reply = client_reply(&client, "POST");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, PARTS * PART);
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
}

/* Three requests, one when the one before is answered; false when the connection ended. */
static bool ask_thrice(struct client *client)
{
    for (int i = 0; i < 3; i++) {
        client_send_until_refused(client, HELLO, strlen(HELLO));
        if (!client_receive(client, CLIENT_WAIT_MS)) {
            return false;
        }
        check_hello(client);
    }
    return true;
}

static void test_connection_when_idle_too_long_then_closed(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.idle_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; !ask_thrice(&client); i++) {
        assert_true(i < TRIES);
        client_close(&client);
        client = client_open(ph_server_port(server));
    }
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    ph_server_free(server);
}

/* An incomplete reply must not look complete, which one that only the end of the connection
 * delimits would without a reset. */
static void test_reply_when_never_read_then_cut_with_a_reset(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /big?kind=static&size=12000000 HTTP/1.1" HOST "\r\n",
        "GET /big?kind=take&size=12000000 HTTP/1.1" HOST "\r\n",
        "GET /big?kind=generate&size=12000000 HTTP/1.1" HOST "\r\n",
        "GET /big?kind=generate&size=12000000 HTTP/1.0" HOST "\r\n",
    };
    struct ph_config cfg = patient;
    cfg.write_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client client = client_open_small(ph_server_port(server), 4096);
        client_puts(&client, requests[i]);
        struct pollfd begun = {.fd = client.fd, .events = POLLIN};
        assert_int_equal(poll(&begun, 1, CLIENT_WAIT_MS), 1);
        assert_served(ph_server_port(server));
        wait_connections(server, "", 0);
        assert_true(client_skip_to_end(&client) < 12000000);
        assert_int_equal(client.end_error, ECONNRESET);
        client_close(&client);
        assert_int_equal(bodies_held, 0);
    }
    ph_server_free(server);
}

/* A request to /wait whose handler is waiting. */
static struct client ask_to_wait(const struct ph_server *server)
{
    for (int i = 0; i < TRIES; i++) {
        struct client client = client_open(ph_server_port(server));
        client_send_until_refused(&client, WAIT, strlen(WAIT));
        while (waiting == 0 && client_hears_nothing(&client, DRIP_MS)) {
        }
        if (waiting == 1) {
            return client;
        }
        client_close(&client);
    }
    fail_msg("the handler is never called");
    return (struct client){.fd = -1};
}

/* No deadline runs while a handler works. */
static void test_handler_when_it_takes_longer_than_any_deadline_then_answered(void **state)
{
    (void)state;
    struct ph_config cfg = {.workers = 1, .head_ms = SHORT_MS, .body_ms = SHORT_MS};
    cfg.write_ms = cfg.idle_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    gate_close();
    struct client slow = ask_to_wait(server);
    assert_true(client_hears_nothing(&slow, 2 * SHORT_MS));
    struct client silent = client_open(ph_server_port(server));
    assert_int_equal(client_wait_end(&silent), 0);
    client_close(&silent);
    gate_open();
    struct reply reply = client_reply(&slow, "GET");
    assert_reply_text(&reply, 200, "waited");
    reply_done(&reply);
    client_close(&slow);
    ph_server_free(server);
}

/* Who has been refused may go on sending for a while, not for ever. */
static void test_refused_client_when_it_never_stops_then_gone_in_time(void **state)
{
    (void)state;
    struct ph_server *server = server_start(&patient);
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, "GET /hello HTTP/9.9\r\n\r\n");
    assert_problem(&reply, 505);
    reply_done(&reply);
    assert_int_equal(client_wait_end(&client), 0);
    wait_connections(server, "lingering", 1);
    while (count_connections(server, "") > 0) {
        client_send_until_refused(&client, "x", 1);
        poll(NULL, 0, DRIP_MS);
    }
    client_close(&client);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_when_silent_then_closed_without_a_word),
        cmocka_unit_test(test_empty_line_when_nothing_follows_then_closed_without_a_word),
        cmocka_unit_test(test_head_when_not_complete_in_time_then_408),
        cmocka_unit_test(test_head_when_it_begins_late_then_deadline_counts_from_accept),
        cmocka_unit_test(test_later_head_when_not_complete_in_time_then_408),
        cmocka_unit_test(test_body_when_not_complete_in_time_then_408),
        cmocka_unit_test(test_body_when_it_comes_steadily_then_served),
        cmocka_unit_test(test_connection_when_idle_too_long_then_closed),
        cmocka_unit_test(test_reply_when_never_read_then_cut_with_a_reset),
        cmocka_unit_test(test_handler_when_it_takes_longer_than_any_deadline_then_answered),
        cmocka_unit_test(test_refused_client_when_it_never_stops_then_gone_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
