/* SPDX-License-Identifier: MIT
 *
 * Bodies of replies: of every kind and size, to quick and slow readers, complete or broken off;
 * and whatever happens, what a handler handed over is released once.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n\r\n"

enum { LARGE = 10 * 1024 * 1024 };

static const char *const kinds[] = {"copy", "take", "static", "generate"};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int start(void **state)
{
    (void)state;
    const struct ph_config cfg = {.workers = 1};
    server = server_start(&cfg);
    return 0;
}

static bool none_held(void *user)
{
    (void)user;
    return bodies_held == 0;
}

/* Once all is released that was handed over so far. */
static int count_released(void)
{
    wait_until(none_held, NULL);
    return bodies_released;
}

static void ask_big(struct client *client, const char *method, const char *kind, size_t size,
                    int minor)
{
    char request[200];
    snprintf(request, sizeof request, "%s /big?kind=%s&size=%zu HTTP/1.%d" HOST, method, kind, size,
             minor);
    client_puts(client, request);
}

static void check_body(const struct reply *reply, size_t size)
{
    assert_int_equal(reply->status, 200);
    assert_true(reply->complete);
    assert_int_equal(reply->body_size, size);
    assert_true(memcmp(reply->body, big_bytes(), size) == 0);
}

static void check_kind(const char *kind, size_t size, int minor)
{
    struct client client = client_open(ph_server_port(server));
    ask_big(&client, "GET", kind, size, minor);
    struct reply reply = client_reply(&client, "GET");
    check_body(&reply, size);
    bool generated = strcmp(kind, "generate") == 0;
    if (minor == 1) {
        char length[30];
        snprintf(length, sizeof length, "%zu", size);
        assert_reply_field(&reply, generated ? "Transfer-Encoding" : "Content-Length",
                           generated ? "chunked" : length);
        struct reply next = client_ask(&client, "GET /hello HTTP/1.1" HOST);
        assert_reply_text(&next, 200, "hello");
        reply_done(&next);
    } else {
        assert_no_reply_field(&reply, "Transfer-Encoding");
        assert_reply_field(&reply, "Connection", "close");
        assert_int_equal(client_wait_end(&client), 0);
    }
    reply_done(&reply);
    client_close(&client);
}

static void test_body_when_of_any_kind_and_size_then_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8191, 8192, 8193, 32768, 65536, 100000, LARGE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t kind = 0; kind < KINDS; kind++) {
            check_kind(kinds[kind], sizes[i], 1);
            check_kind(kinds[kind], sizes[i], 0);
        }
    }
    wait_until(none_held, NULL);
}

static void test_head_when_body_is_of_any_kind_then_the_same_head_only(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t size = 5; size < 200000; size *= 100) {
            struct client client = client_open(ph_server_port(server));
            ask_big(&client, "HEAD", kinds[kind], size, 1);
            ask_big(&client, "GET", kinds[kind], size, 1);
            struct reply head = client_reply(&client, "HEAD");
            struct reply whole = client_reply(&client, "GET");
            check_body(&whole, size);
            assert_string_equal(strstr(head.head, "Content-Type"),
                                strstr(whole.head, "Content-Type"));
            reply_done(&head);
            reply_done(&whole);
            client_close(&client);
        }
    }
    wait_until(none_held, NULL);
}

static void test_large_body_when_reader_is_slow_then_whole_and_nobody_waits(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct client client = client_open_small(ph_server_port(server), 2048);
        ask_big(&client, "GET", kinds[kind], LARGE, (int)(kind % 2));
        wait_connections(server, "writing", 1);
        assert_served(ph_server_port(server));
        for (int reads = 0; reads < 100; reads++) {
            assert_true(client_receive(&client, CLIENT_WAIT_MS)); /* a little each */
        }
        client_widen(&client);
        struct reply reply = client_reply(&client, "GET");
        check_body(&reply, LARGE);
        reply_done(&reply);
        client_close(&client);
    }
    wait_until(none_held, NULL);
}

/* Breaks the connection off while the server is sending. */
static void leave_in_the_middle(const char *kind)
{
    struct client client = client_open_small(ph_server_port(server), 2048);
    ask_big(&client, "GET", kind, LARGE, 1);
    wait_connections(server, "writing", 1);
    client_receive(&client, CLIENT_WAIT_MS);
    client_reset(&client);
    wait_connections(server, "", 0);
}

static void test_large_body_when_client_leaves_then_released_once(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        int before = count_released();
        leave_in_the_middle(kinds[kind]);
        wait_until(none_held, NULL);
        bool held = strcmp(kinds[kind], "take") == 0 || strcmp(kinds[kind], "generate") == 0;
        assert_int_equal(bodies_released, before + held);
    }
}

/* What one client did not fetch must not reach the next. */
static void test_next_client_when_one_left_in_the_middle_then_gets_only_its_own(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        leave_in_the_middle(kinds[kind]);
        struct client client = client_open(ph_server_port(server));
        for (int i = 0; i < 3; i++) {
            struct reply reply = client_ask(&client, "GET /hello HTTP/1.1" HOST);
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
            ask_big(&client, "GET", "generate", 50000, 1);
            reply = client_reply(&client, "GET");
            check_body(&reply, 50000);
            reply_done(&reply);
        }
        assert_true(client.used == client.size);
        client_close(&client);
    }
}

static void test_generator_when_it_fails_then_connection_reset(void **state)
{
    (void)state;
    static const size_t places[] = {1, 40000, 5000000};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (int minor = 0; minor < 2; minor++) {
            int before = count_released();
            struct client client = client_open(ph_server_port(server));
            char request[200];
            snprintf(request, sizeof request, "GET /big?size=%d&fail_at=%zu HTTP/1.%d" HOST, LARGE,
                     places[i], minor);
            client_puts(&client, request);
            assert_true(client_skip_to_end(&client) < LARGE);
            assert_int_equal(client.end_error, ECONNRESET);
            client_close(&client);
            wait_until(none_held, NULL);
            assert_int_equal(bodies_released, before + 1);
            assert_served(ph_server_port(server));
        }
    }
}

/* A reply that the handler took back by failing, or that nobody wants to read. */
static void test_body_when_not_sent_then_released_once(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /fail?first&code=5&kind=generate&size=100 HTTP/1.1" HOST,
        "GET /fail?first&code=5&kind=take&size=100000 HTTP/1.1" HOST,
        "GET /fail/slow?first&code=5&kind=generate&size=100 HTTP/1.1" HOST,
        "HEAD /big?kind=generate&size=100 HTTP/1.1" HOST,
        "HEAD /big?kind=take&size=100000 HTTP/1.1" HOST,
        "HEAD /big?kind=take&size=100 HTTP/1.0" HOST,
        "HEAD /big/slow?kind=generate&size=100 HTTP/1.1" HOST,
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int before = count_released();
        struct client client = client_open(ph_server_port(server));
        struct reply reply = client_ask(&client, requests[i]);
        assert_int_equal(reply.status, requests[i][0] == 'H' ? 200 : 500);
        reply_done(&reply);
        client_close(&client);
        wait_until(none_held, NULL);
        assert_int_equal(bodies_released, before + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_when_of_any_kind_and_size_then_whole),
        cmocka_unit_test(test_head_when_body_is_of_any_kind_then_the_same_head_only),
        cmocka_unit_test(test_large_body_when_reader_is_slow_then_whole_and_nobody_waits),
        cmocka_unit_test(test_large_body_when_client_leaves_then_released_once),
        cmocka_unit_test(test_next_client_when_one_left_in_the_middle_then_gets_only_its_own),
        cmocka_unit_test(test_generator_when_it_fails_then_connection_reset),
        cmocka_unit_test(test_body_when_not_sent_then_released_once),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
