/* SPDX-License-Identifier: MIT
 *
 * WebSocket: how sockets end, what waits to be sent, and what time does to both.
 */
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"
#include "support/websocket_client.h"
#include "support/websocket_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t port;

static void start_with(const struct ph_config *cfg)
{
    server = server_new(cfg);
    add_websockets(server);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

static int start(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 2});
    return 0;
}

static int stop(void **state)
{
    int err = stop_server(state);
    forget_sockets();
    return err;
}

static void assert_closed(unsigned code, const char *reason)
{
    struct ending ending = wait_closed();
    assert_int_equal(ending.code, code);
    assert_string_equal(ending.reason, reason);
}

/* ---- closing ---- */

static void test_close_when_the_peer_says_it_then_echoed_and_told(void **state)
{
    static const char payload[] = "\x10\xe1gr\xc3\xbc\xc3\x9f"
                                  "e";
    unsigned char bytes[100];
    (void)state;
    struct client client = ws_open(port, "/ws");
    size_t size = ws_put(bytes, WS_FIN | WS_TEXT, "before", 6);
    size += ws_put(bytes + size, WS_FIN | WS_CLOSE, payload, sizeof payload - 1);
    size += ws_put(bytes + size, WS_FIN | WS_TEXT, "behind", 6);
    client_send(&client, bytes, size); /* at once: what came after the answer would reset it */
    ws_expect_text(&client, "before");
    struct ws_frame frame = ws_frame(&client);
    assert_int_equal(frame.first, WS_FIN | WS_CLOSE);
    assert_memory_equal(frame.data, "\x10\xe1", 2);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_closed(4321, "gr\xc3\xbc\xc3\x9f"
                        "e");

    client = ws_open(port, "/ws");
    ws_send(&client, WS_FIN | WS_CLOSE, NULL, 0);
    ws_expect_close(&client, 0, "");
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_closed(1005, "");
    wait_sockets(0);
}

static void test_close_when_the_peer_is_gone_then_1006(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/ws");
    client_close(&client);
    assert_closed(1006, "");
    client = ws_open(port, "/ws");
    ws_send(&client, WS_TEXT, "unfinished", 10);
    client_half_close(&client);
    assert_closed(1006, "");
    client_close(&client);
    client = ws_open(port, "/ws");
    client_reset(&client);
    assert_closed(1006, "");
    wait_connections(server, "", 0);
}

static void test_close_when_the_program_says_it_then_behind_what_it_sent(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/ws");
    ws_puts(&client, "twice word");
    ws_puts(&client, "close 4000 because");
    ws_puts(&client, "nobody hears this");
    ws_expect_text(&client, "word");
    ws_expect_text(&client, "word");
    ws_expect_close(&client, 4000, "because");
    assert_true(client_hears_nothing(&client, 20)); /* the peer has time to answer */
    ws_send_close(&client, 4000, "");
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_closed(4000, "");
}

static void test_close_when_there_is_no_answer_then_cut(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/ws");
    ws_puts(&client, "close 1000 ");
    ws_expect_close(&client, 1000, "");
    assert_int_equal(client_wait_end(&client), ECONNRESET);
    client_close(&client);
    assert_closed(1006, "");
}

static void test_close_when_it_is_malformed_then_refused(void **state)
{
    static const unsigned codes[] = {0, 999, 1002, 1004, 1005, 1006, 1015, 2999, 5000};
    char reason[PH_WEBSOCKET_REASON + 2];
    (void)state;
    struct client client = ws_open(port, "/ws");
    struct ph_websocket *socket = last_socket();
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(ph_websocket_close(socket, codes[i], NULL), -EINVAL);
    }
    memset(reason, 'r', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    assert_int_equal(ph_websocket_close(socket, 1000, reason), -EINVAL);
    assert_int_equal(ph_websocket_close(socket, 1000, "\xff"), -EILSEQ);
    assert_int_equal(ph_websocket_send(socket, PH_WEBSOCKET_TEXT, "\xc3", 1), -EILSEQ);
    assert_int_equal(ph_websocket_send(socket, (enum ph_websocket_kind)WS_PING, "", 0), -EINVAL);
    reason[PH_WEBSOCKET_REASON] = '\0';
    assert_int_equal(ph_websocket_close(socket, 4999, reason), 0);
    assert_int_equal(ph_websocket_close(socket, 1000, NULL), -EPIPE);
    assert_int_equal(ph_websocket_send_text(socket, "late"), -EPIPE);
    assert_int_equal(ph_websocket_room(socket), 0);
    ws_expect_close(&client, 4999, reason);
    ph_websocket_free(socket);
    client_close(&client);
}

static void test_hold_when_the_socket_has_ended_then_told_so(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/ws");
    struct ph_websocket *socket = last_socket();
    assert_int_equal(ph_websocket_send_text(socket, "from the test's own thread"), 0);
    ws_expect_text(&client, "from the test's own thread");
    client_close(&client);
    assert_closed(1006, "");
    assert_int_equal(ph_websocket_send_text(socket, "late"), -ECANCELED);
    ph_server_free(server);
    server = NULL;
    assert_int_equal(ph_websocket_send_text(socket, "later"), -ECANCELED);
    assert_int_equal(ph_websocket_close(socket, 1000, NULL), -ECANCELED);
    assert_int_equal(ph_websocket_room(socket), 0);
    ph_websocket_free(socket);
    ph_websocket_free(NULL);
}

static void test_stop_when_the_peer_answers_then_orderly(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/ws");
    struct client slow = ws_open(port, "/ws");
    ph_server_request_stop(server);
    ws_expect_close(&client, 1001, "");
    ws_send_close(&client, 1001, "");
    assert_int_equal(client_wait_end(&client), 0);
    assert_closed(1001, "");
    ws_expect_close(&slow, 1001, "");
    assert_int_equal(client_wait_end(&slow), ECONNRESET);
    ph_server_wait(server);
    assert_closed(1006, "");
    client_close(&client);
    client_close(&slow);
}

/* ---- time ---- */

static void test_peer_when_it_is_silent_then_asked_and_cut(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/quick");
    for (int i = 0; i < 3; i++) {
        ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
        ws_send(&client, WS_FIN | WS_PONG, NULL, 0);
    }
    ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
    ws_puts(&client, "as good as a pong");
    ws_expect_text(&client, "as good as a pong");
    ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
    assert_int_equal(unasked_closed(), 0);
    assert_int_equal(client_wait_end(&client), ECONNRESET);
    assert_closed(1006, "");
    client_close(&client);
}

static void test_peer_when_it_takes_nothing_then_cut(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .write_ms = 200});
    struct client client = client_open_small(port, 4096);
    ws_upgrade(&client, "/ws", "");
    ws_puts(&client, "big 4000000");
    ws_puts(&client, "big 4000000");
    assert_closed(1006, "");
    client_close(&client);
    (void)stop(state);
}

/* Who pings and does not listen is not read from any more, so that answers do not pile up. */
static void test_pings_when_the_answers_are_not_taken_then_not_read(void **state)
{
    enum { COUNT = 400000, BEHIND = 2 << 20 };
    struct ph_server_stats stats;
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .write_ms = 1000});
    struct client client = client_open_small(port, 4096);
    ws_upgrade(&client, "/ws", "");
    unsigned char header[WS_HEADER];
    size_t size = ws_header(header, WS_FIN | WS_PING, 100) + 100;
    unsigned char *pings = calloc(COUNT, size);
    assert_non_null(pings);
    for (size_t i = 0; i < COUNT; i++) {
        (void)ws_header(pings + i * size, WS_FIN | WS_PING, 100);
    }
    assert_true(client_send_until_refused(&client, pings, COUNT * size) < COUNT * size);
    assert_closed(1006, "");
    ph_server_stats(server, &stats);
    assert_true(stats.bytes_in < stats.bytes_out + stats.bytes_out / 10 + BEHIND);
    free(pings);
    client_close(&client);
    (void)stop(state);
}

/* ---- what waits ---- */

static void test_send_when_the_queue_is_full_then_said_and_drained_later(void **state)
{
    enum { FULL_MS = 100 }; /* so long nothing is taken any more */
    char text[1000];
    size_t sent = 0;
    int err = 0;
    (void)state;
    memset(text, 'x', sizeof text);
    struct client client = client_open_small(port, 4096);
    ws_upgrade(&client, "/small", "");
    struct ph_websocket *socket = last_socket();
    assert_int_equal(ph_websocket_room(socket), 4096);
    assert_int_equal(ph_websocket_send(socket, PH_WEBSOCKET_TEXT, big_bytes(), 4097), -EMSGSIZE);
    /* The worker takes as much as the kernel does, in its own time; what it does not take stays. */
    for (int full = 0; full < FULL_MS; full = err == 0 ? 0 : full + 1) {
        err = ph_websocket_send(socket, PH_WEBSOCKET_TEXT, text, sizeof text);
        sent += err == 0;
        assert_true(err == 0 || err == -EAGAIN);
        if (err < 0) {
            poll(NULL, 0, 1);
        }
    }
    assert_true(ph_websocket_room(socket) < sizeof text);
    int drained = drained_count();
    for (size_t i = 0; i < sent; i++) {
        ws_expect(&client, WS_FIN | WS_TEXT, text, sizeof text);
    }
    ws_puts(&client, "end");
    ws_expect_text(&client, "end");
    ws_send(&client, WS_FIN | WS_PING, "p", 1);
    ws_expect(&client, WS_FIN | WS_PONG, "p", 1);
    assert_true(drained_count() > drained);
    assert_int_equal(ph_websocket_room(socket), 4096);
    ph_websocket_free(socket);
    client_close(&client);
}

enum { THREADS = 4, EACH = 500 };

static void *send_many(void *user)
{
    struct ph_websocket *socket = user;
    char text[40];
    long failures = 0;
    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof text, "%lx %d", (unsigned long)pthread_self(), i);
        failures += ph_websocket_send_text(socket, text) != 0;
    }
    return (void *)failures;
}

static void test_send_when_by_many_threads_then_each_in_its_order(void **state)
{
    pthread_t threads[THREADS];
    unsigned long seen[THREADS] = {0};
    int next[THREADS] = {0};
    (void)state;
    struct client client = ws_open(port, "/ws");
    struct ph_websocket *socket = last_socket();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, socket), 0);
    }
    for (int i = 0; i < THREADS * EACH; i++) {
        char text[41];
        struct ws_frame frame = ws_frame(&client);
        assert_true(frame.size < sizeof text);
        memcpy(text, frame.data, frame.size);
        text[frame.size] = '\0';
        char *end;
        unsigned long thread = strtoul(text, &end, 16);
        int at = 0;
        while (seen[at] && seen[at] != thread) {
            at++;
        }
        seen[at] = thread;
        assert_int_equal(strtol(end, NULL, 10), next[at]++);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failures;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    ph_websocket_free(socket);
    client_close(&client);
}

/* ---- without memory ---- */

/* One socket from the handshake to the end; what cannot be done is told, or ends the connection. */
static void live(void)
{
    static const char head[] = "GET /ws HTTP/1.1\r\n" WS_FIELDS "\r\n";
    unsigned char bytes[sizeof head + 50000];
    size_t size = sizeof head - 1;
    memcpy(bytes, head, size);
    size += ws_put(bytes + size, WS_FIN | WS_TEXT, "twice word", 10);
    size += ws_put(bytes + size, WS_FIN | WS_BINARY, big_bytes(), 40000);
    size += ws_put(bytes + size, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    struct client client = client_open(port);
    (void)client_send_until_refused(&client, bytes, size);
    (void)client_skip_to_end(&client);
    client_close(&client);
}

static void test_socket_when_out_of_memory_then_others_are_served(void **state)
{
    (void)state;
    spare_this_thread(true);
    bool failed = true;
    for (long i = 0; failed && i < 1000; i++) {
        fail_allocations(i, true);
        live();
        failed = stop_failing();
        wait_connections(server, "", 0);
        wait_sockets(0);
    }
    assert_false(failed);
    struct client client = ws_open(port, "/ws");
    ws_puts(&client, "still here");
    ws_expect_text(&client, "still here");
    client_close(&client);
    spare_this_thread(false);
}

static void test_path_when_out_of_memory_or_malformed_then_an_error(void **state)
{
    static const char *const good[] = {"a", "b", NULL};
    static const char *const hosts[] = {"https://a.example", NULL};
    static const char *const bad[] = {"a", "b c", NULL};
    const struct ph_websocket_config cfg = {.protocols = good, .origins = hosts};
    struct ph_server *other = NULL;
    (void)state;
    assert_int_equal(ph_server_new(&other, NULL), 0);
    assert_int_equal(
        ph_server_websocket(other, "/", &(struct ph_websocket_config){.protocols = bad}), -EINVAL);
    assert_int_equal(
        ph_server_websocket(other, "/", &(struct ph_websocket_config){.origins = good}), -EINVAL);
    assert_int_equal(ph_server_websocket(other, "no slash", &cfg), PH_ERR_PATTERN);
    int err = -ENOMEM;
    for (long i = 0; err == -ENOMEM && i < 100; i++) {
        fail_allocations(i, true);
        err = ph_server_websocket(other, "/path", &cfg);
        assert_true(stop_failing() == (err == -ENOMEM));
    }
    assert_int_equal(err, 0);
    assert_int_equal(ph_server_websocket(other, "/path", NULL), PH_ERR_ROUTE_TAKEN);
    ph_server_free(other);
    assert_int_equal(ph_server_websocket(server, "/late", &cfg), PH_ERR_STARTED);
}

static int start_to_stop(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 2, .drain_ms = 200});
    return 0;
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_close_when_the_peer_says_it_then_echoed_and_told),
        SERVED(test_close_when_the_peer_is_gone_then_1006),
        SERVED(test_close_when_the_program_says_it_then_behind_what_it_sent),
        SERVED(test_close_when_there_is_no_answer_then_cut),
        SERVED(test_close_when_it_is_malformed_then_refused),
        SERVED(test_hold_when_the_socket_has_ended_then_told_so),
        cmocka_unit_test_setup_teardown(test_stop_when_the_peer_answers_then_orderly, start_to_stop,
                                        stop),
        SERVED(test_peer_when_it_is_silent_then_asked_and_cut),
        cmocka_unit_test(test_peer_when_it_takes_nothing_then_cut),
        cmocka_unit_test(test_pings_when_the_answers_are_not_taken_then_not_read),
        SERVED(test_send_when_the_queue_is_full_then_said_and_drained_later),
        SERVED(test_send_when_by_many_threads_then_each_in_its_order),
        SERVED(test_socket_when_out_of_memory_then_others_are_served),
        SERVED(test_path_when_out_of_memory_or_malformed_then_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
