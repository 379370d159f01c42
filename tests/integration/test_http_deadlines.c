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
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

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

/* Sends a byte now and then, as slow attackers do, until the server answers. */
static void drip(struct client *client, const char *byte)
{
    int sent = 0;
    while (client_hears_nothing(client, DRIP_MS)) {
        client_send_until_refused(client, byte, 1);
        assert_true(++sent < LONG_MS / DRIP_MS);
    }
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
    assert_served(ph_server_port(server));
    for (int i = 0; i < 50; i++) {
        assert_int_equal(client_wait_end(&clients[i]), 0);
        client_close(&clients[i]);
    }
    assert_served(ph_server_port(server));
    ph_server_free(server);
}

/* Some old clients end a body with a line that its length does not count. */
static void test_empty_line_when_nothing_follows_then_closed_without_a_word(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
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
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, begun[i]);
        check_408(&client);
    }
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /");
    drip(&client, "a");
    check_408(&client);
    ph_server_free(server);
}

/* The first bytes of a head do not put its deadline off: of two heads that stay incomplete the
 * one whose connection is older ends first, although its bytes came last. */
static void test_head_when_it_begins_late_then_deadline_counts_from_accept(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.head_ms = 4 * SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client older = client_open(ph_server_port(server));
    assert_true(client_hears_nothing(&older, 2 * SHORT_MS));
    struct client younger = client_open(ph_server_port(server));
    client_puts(&younger, "GET");
    wait_connections(server, "head", 1);
    assert_true(client_hears_nothing(&older, 2 * DRIP_MS));
    client_puts(&older, "GET");
    struct pollfd both[] = {{.fd = older.fd, .events = POLLIN},
                            {.fd = younger.fd, .events = POLLIN}};
    assert_true(poll(both, 2, CLIENT_WAIT_MS) > 0);
    assert_true(both[0].revents != 0);
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
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    assert_true(client_hears_nothing(&client, 2 * SHORT_MS)); /* idle for longer than that */
    reply = client_ask(&client, HELLO "GET /hel");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
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

/* As long as enough of it comes, a body may take longer than one deadline. */
static void test_body_when_it_comes_steadily_then_served(void **state)
{
    (void)state;
    enum { PARTS = 20, PART = 20 * 1024 };
    struct ph_config cfg = patient;
    cfg.body_ms = 4 * SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = client_open(ph_server_port(server));
    char *part = malloc(PART);
    assert_non_null(part);
    memset(part, 'x', PART);
    client_puts(&client, "POST /echo HTTP/1.1" HOST "Content-Length: 409600\r\n\r\n");
    for (int i = 0; i < PARTS; i++) {
        assert_true(client_hears_nothing(&client, 4 * DRIP_MS));
        client_send(&client, part, PART);
    }
    struct reply reply = client_reply(&client, "POST");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, PARTS * PART);
    reply_done(&reply);
    client_close(&client);
    free(part);
    ph_server_free(server);
}

static void test_connection_when_idle_too_long_then_closed(void **state)
{
    (void)state;
    struct ph_config cfg = patient;
    cfg.idle_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_ask(&client, HELLO);
        assert_reply_text(&reply, 200, "hello");
        assert_no_reply_field(&reply, "Connection");
        reply_done(&reply);
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
        wait_connections(server, "writing", 1);
        assert_served(ph_server_port(server));
        wait_connections(server, "", 0);
        assert_true(client_skip_to_end(&client) < 12000000);
        assert_int_equal(client.end_error, ECONNRESET);
        client_close(&client);
        assert_int_equal(bodies_held, 0);
    }
    ph_server_free(server);
}

/* No deadline runs while a handler works. */
static void test_handler_when_it_takes_longer_than_any_deadline_then_answered(void **state)
{
    (void)state;
    struct ph_config cfg = {.workers = 1, .head_ms = SHORT_MS, .body_ms = SHORT_MS};
    cfg.write_ms = cfg.idle_ms = SHORT_MS;
    struct ph_server *server = server_start(&cfg);
    gate_close();
    struct client slow = client_open(ph_server_port(server));
    client_puts(&slow, "GET /wait HTTP/1.1" HOST "\r\n");
    wait_waiting(1);
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
