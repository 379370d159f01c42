/* SPDX-License-Identifier: MIT
 *
 * Bodies of requests: large ones, refused ones whose sender goes on, and those that never end.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <stdio.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"

enum { BODY_MAX = 1024 * 1024, TOO_LARGE = 10 * 1024 * 1024 };

static struct ph_server *server;
static const char *bytes; /* more than TOO_LARGE of them */

static int start_server(void **state)
{
    (void)state;
    const struct ph_config cfg = {.body_max = BODY_MAX};
    server = server_start(&cfg);
    bytes = big_bytes();
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

static struct client begin_sized(const char *path, size_t size)
{
    char head[200];
    snprintf(head, sizeof head, "POST %s HTTP/1.1" HOST "Content-Length: %zu\r\n\r\n", path, size);
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, head);
    return client;
}

static struct client begin_chunked(const char *path)
{
    char head[200];
    snprintf(head, sizeof head, "POST %s HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n", path);
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, head);
    return client;
}

/* Sends [0, size) in chunks of this size; returns how many bytes of the framed body went. */
static bool send_chunks(struct client *client, size_t size, size_t chunk)
{
    for (size_t at = 0; at < size; at += chunk) {
        char head[30];
        size_t part = size - at < chunk ? size - at : chunk;
        int length = snprintf(head, sizeof head, "%zx\r\n", part);
        if (client_send_until_refused(client, head, (size_t)length) < (size_t)length ||
            client_send_until_refused(client, bytes + at, part) < part ||
            client_send_until_refused(client, "\r\n", 2) < 2) {
            return false;
        }
    }
    return client_send_until_refused(client, "0\r\n\r\n", 5) == 5;
}

static void check_echo(struct client *client, size_t size)
{
    struct reply reply = client_reply(client, "POST");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, size);
    assert_memory_equal(reply.body, bytes, size);
    reply_done(&reply);
    client_close(client);
}

static void test_body_when_as_large_as_accepted_then_given_back(void **state)
{
    (void)state;
    static const char *const paths[] = {"/echo", "/echo/slow"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client client = begin_sized(paths[i], BODY_MAX);
        client_send(&client, bytes, BODY_MAX);
        check_echo(&client, BODY_MAX);
        static const size_t chunks[] = {997, 4096, 65536, BODY_MAX};
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
            client = begin_chunked(paths[i]);
            assert_true(send_chunks(&client, BODY_MAX, chunks[k]));
            check_echo(&client, BODY_MAX);
        }
    }
}

static void check_413(struct client *client)
{
    struct reply reply = client_reply(client, "POST");
    assert_problem(&reply, 413);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    assert_int_equal(client_wait_end(client), 0);
    client_close(client);
    assert_served(ph_server_port(server));
}

/* The client sends all it has before it looks for a reply: that must not have been lost to a
 * reset meanwhile. */
static void test_body_when_too_large_and_sent_all_the_same_then_413_is_read(void **state)
{
    (void)state;
    struct client client = begin_sized("/echo", TOO_LARGE);
    client_send(&client, bytes, TOO_LARGE);
    check_413(&client);
    client = begin_chunked("/echo");
    assert_true(send_chunks(&client, TOO_LARGE, 65536));
    check_413(&client);
    client = begin_chunked("/echo");
    assert_true(send_chunks(&client, TOO_LARGE, TOO_LARGE));
    check_413(&client);
}

static void test_body_when_client_leaves_in_the_middle_then_connection_freed(void **state)
{
    (void)state;
    void (*const leave[])(struct client *) = {client_close, client_reset, client_half_close};
    for (size_t i = 0; i < sizeof leave / sizeof *leave; i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            struct ph_server_stats before;
            ph_server_stats(server, &before);
            struct client client = chunked ? begin_chunked("/echo") : begin_sized("/echo", 100000);
            client_puts(&client, chunked ? "5\r\nhel" : "hel");
            wait_connections(server, "body", 1);
            leave[i](&client);
            wait_connections(server, "", 0);
            struct ph_server_stats after;
            ph_server_stats(server, &after);
            assert_int_equal(after.requests, before.requests);
            client_close(&client);
            assert_served(ph_server_port(server));
        }
    }
}

/* Memory is taken for what comes, not for what was announced: many such clients are no danger. */
static void test_body_when_announced_only_then_others_are_served(void **state)
{
    (void)state;
    enum { CLIENTS = 200 };
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = begin_sized("/echo", BODY_MAX);
        client_puts(&clients[i], "x");
    }
    wait_connections(server, "body", CLIENTS);
    assert_served(ph_server_port(server));
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
    wait_connections(server, "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_when_as_large_as_accepted_then_given_back),
        cmocka_unit_test(test_body_when_too_large_and_sent_all_the_same_then_413_is_read),
        cmocka_unit_test(test_body_when_client_leaves_in_the_middle_then_connection_freed),
        cmocka_unit_test(test_body_when_announced_only_then_others_are_served),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
