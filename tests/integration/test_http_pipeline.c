/* SPDX-License-Identifier: MIT
 *
 * Several requests at once on one connection: each is answered, in order, and nothing that
 * follows a closing request is.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"
#define WAIT "GET /wait HTTP/1.1" HOST "\r\n"

enum { MANY = 100 };

/* Each request is `begin`, the number's tens, `middle`, its ones, and `end`. */
static void ask_many(const char *begin, const char *middle, const char *end)
{
    char *bytes = malloc(MANY * 200);
    assert_non_null(bytes);
    size_t size = 0;
    for (int i = 0; i < MANY; i++) {
        size +=
            (size_t)snprintf(bytes + size, 200, "%s%d%s%d%s", begin, i / 10, middle, i % 10, end);
    }
    struct client client = client_open(ph_server_port(server));
    client_send(&client, bytes, size);
    for (int i = 0; i < MANY; i++) {
        char wanted[10];
        snprintf(wanted, sizeof wanted, "%d%d", i / 10, i % 10);
        struct reply reply = client_reply(&client, "");
        assert_int_equal(reply.status, 200);
        if (!strstr(reply.body, wanted)) {
            fail_msg("reply %d is \"%s\"", i, reply.body);
        }
        reply_done(&reply);
    }
    struct reply last = client_ask(&client, HELLO);
    assert_reply_text(&last, 200, "hello");
    reply_done(&last);
    client_close(&client);
    free(bytes);
}

static void test_100_requests_when_in_one_segment_then_answered_in_order(void **state)
{
    (void)state;
    ask_many("GET /show?n=", "", " HTTP/1.1" HOST "\r\n");
    ask_many("POST /echo HTTP/1.1" HOST "Content-Length: 2\r\n\r\n", "", "");
    ask_many("POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\n", "\r\n1;x=y\r\n",
             "\r\n0\r\nX: y\r\n\r\n");
    ask_many("POST /echo/slow HTTP/1.1" HOST "Content-Length: 2\r\n\r\n", "", "");
}

static void test_requests_when_more_than_fit_the_buffers_then_answered_in_order(void **state)
{
    (void)state;
    enum { ROUNDS = 3000 };
    struct client client = client_open(ph_server_port(server));
    char *bytes = malloc((size_t)ROUNDS * 100);
    assert_non_null(bytes);
    size_t size = 0;
    for (int i = 0; i < ROUNDS; i++) {
        size += (size_t)snprintf(bytes + size, 100, "GET /show?%d HTTP/1.1" HOST "\r\n", i);
    }
    client_send(&client, bytes, size);
    for (int i = 0; i < ROUNDS; i++) {
        char wanted[20];
        snprintf(wanted, sizeof wanted, "\n%d=\n", i);
        struct reply reply = client_reply(&client, "GET");
        assert_non_null(strstr(reply.body, wanted));
        reply_done(&reply);
    }
    client_close(&client);
    free(bytes);
}

static void check_only_first(const char *first, const char *garbage)
{
    struct client client = client_open(ph_server_port(server));
    char bytes[20000];
    int size = snprintf(bytes, sizeof bytes, "%s%s", first, garbage);
    client_send(&client, bytes, (size_t)size);
    struct reply reply = client_reply(&client, "GET");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_served(ph_server_port(server));
}

static void test_closing_request_when_garbage_follows_then_no_stray_reply(void **state)
{
    (void)state;
    static const char closing[] = "GET /hello HTTP/1.1" HOST "Connection: close\r\n\r\n";
    static const char old[] = "GET /hello HTTP/1.0\r\n\r\n";
    static const char chunked[] = "POST /echo HTTP/1.1" HOST "Connection: close\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    static const char generated[] = "GET /big?size=5 HTTP/1.0\r\n\r\n";
    check_only_first(closing, "garbage\r\n\r\n");
    check_only_first(closing, HELLO);
    check_only_first(closing, "\x16\x03\x01");
    check_only_first(old, HELLO HELLO);
    check_only_first(chunked, HELLO "\x01");
    check_only_first(generated, "");
}

/* What follows a closing request, unread, must not make the kernel reset the connection while the
 * reply is still on its way. */
static void test_closing_request_when_garbage_comes_later_then_large_reply_whole(void **state)
{
    (void)state;
    enum { SIZE = 10 * 1024 * 1024 };
    struct client client = client_open_small(ph_server_port(server), 8192);
    client_puts(&client,
                "GET /big?kind=static&size=10485760 HTTP/1.1" HOST "Connection: close\r\n\r\n");
    wait_connections(server, "writing", 1);
    client_puts(&client, "garbage\r\n\r\n" HELLO);
    client_widen(&client);
    struct reply reply = client_reply(&client, "GET");
    assert_int_equal(reply.status, 200);
    assert_true(reply.complete);
    assert_int_equal(reply.body_size, SIZE);
    reply_done(&reply);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
}

/* Replies that are complete do not wait for a request that has only begun. */
static void test_reply_when_next_request_has_begun_then_sent_at_once(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, HELLO "POST /echo HTTP/1.1" HOST "Content-Length: 4\r\n\r\nab");
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_puts(&client, "cd" HELLO "GET /hel");
    reply = client_reply(&client, "POST");
    assert_reply_text(&reply, 200, "abcd");
    reply_done(&reply);
    reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    reply = client_ask(&client, "lo HTTP/1.1" HOST "\r\n");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}

/* A request that breaks off has no answer, but those before it have. */
static void test_reply_when_next_request_breaks_off_then_sent_before_the_end(void **state)
{
    (void)state;
    gate_close();
    static const char *const requests[] = {
        HELLO, HELLO "GET /hel", HELLO "POST /echo HTTP/1.1" HOST "Content-Length: 4\r\n\r\nab",
        HELLO "POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\na"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, WAIT); /* the end is there before the worker reads the rest */
        wait_waiting(1);
        client_puts(&client, requests[i]);
        client_half_close(&client);
        client_wait_sent(&client);
        gate_open();
        struct reply waited = client_reply(&client, "GET");
        assert_reply_text(&waited, 200, "waited");
        reply_done(&waited);
        gate_close();
        struct reply reply = client_reply(&client, "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        assert_int_equal(client_wait_end(&client), 0);
        client_close(&client);
    }
}

/* recv(2) stops at urgent data, with more behind it, of which no event tells again. */
static void test_reply_when_urgent_data_comes_between_then_not_held_up(void **state)
{
    (void)state;
    gate_close();
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, WAIT);
    wait_waiting(1);
    client_puts(&client, HELLO);
    assert_int_equal(send(client.fd, "!", 1, MSG_OOB), 1);
    client_puts(&client, HELLO);
    client_wait_sent(&client);
    gate_open();
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_reply(&client, "GET");
        assert_reply_text(&reply, 200, i ? "hello" : "waited");
        reply_done(&reply);
    }
    client_close(&client);
}

static void test_reply_when_a_blocking_request_follows_then_not_held_up(void **state)
{
    (void)state;
    gate_close();
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, HELLO "GET /wait HTTP/1.1" HOST "\r\n" HELLO);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    wait_waiting(1);
    gate_open();
    reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "waited");
    reply_done(&reply);
    reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}

/* However many steps the requests before it take, the connection ends once: were it given back
 * twice, the server would count itself full. */
static void test_closing_request_when_behind_any_number_then_ended_once(void **state)
{
    (void)state;
    static const char closing[] = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    static char bytes[MANY * sizeof closing];
    for (int before = 0; before < MANY; before++) {
        size_t size = 0;
        for (int i = 0; i < before; i++) {
            memcpy(bytes + size, HELLO, sizeof HELLO - 1);
            size += sizeof HELLO - 1;
        }
        memcpy(bytes + size, closing, sizeof closing - 1);
        struct client client = client_open(ph_server_port(server));
        client_send(&client, bytes, size + sizeof closing - 1);
        for (int i = 0; i <= before; i++) {
            struct reply reply = client_reply(&client, "");
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
        }
        client_wait_end(&client);
        client_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_100_requests_when_in_one_segment_then_answered_in_order),
        cmocka_unit_test(test_requests_when_more_than_fit_the_buffers_then_answered_in_order),
        cmocka_unit_test(test_closing_request_when_garbage_follows_then_no_stray_reply),
        cmocka_unit_test(test_closing_request_when_garbage_comes_later_then_large_reply_whole),
        cmocka_unit_test(test_closing_request_when_behind_any_number_then_ended_once),
        cmocka_unit_test(test_reply_when_next_request_has_begun_then_sent_at_once),
        cmocka_unit_test(test_reply_when_next_request_breaks_off_then_sent_before_the_end),
        cmocka_unit_test(test_reply_when_urgent_data_comes_between_then_not_held_up),
        cmocka_unit_test(test_reply_when_a_blocking_request_follows_then_not_held_up),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
