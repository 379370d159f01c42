/* SPDX-License-Identifier: MIT
 *
 * What the server tells of itself: states of connections, counters, latencies.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

/* The one connection there is, copied. */
struct seen {
    struct ph_connection connection;
    char state[20], peer[60], route[60];
    int count;
};

static int look(void *user, const struct ph_connection *connection)
{
    struct seen *seen = user;
    seen->count++;
    seen->connection = *connection;
    snprintf(seen->state, sizeof seen->state, "%s", connection->state);
    snprintf(seen->peer, sizeof seen->peer, "%s", connection->peer);
    snprintf(seen->route, sizeof seen->route, "%s", connection->route ? connection->route : "-");
    return 0;
}

static struct seen the_connection(struct ph_server *server)
{
    struct seen seen = {.count = 0};
    assert_int_equal(ph_server_connections(server, look, &seen), 0);
    assert_int_equal(seen.count, 1);
    return seen;
}

static bool has_first_byte(void *user)
{
    return the_connection(user).connection.first_byte_us >= 0;
}

static void address_of(const struct client *client, char *text, size_t size)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(client->fd, (struct sockaddr *)&address, &length), 0);
    snprintf(text, size, "127.0.0.1:%u", ntohs(address.sin_port));
}

static uint64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void test_connection_when_in_any_state_then_shown_so(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *state, *route;
        unsigned requests;
        bool answered;
    } rows[] = {
        {"", "accepted", "-", 0, false},
        {"GET /", "head", "-", 0, false},
        {"POST /echo HTTP/1.1" HOST "Content-Length: 3\r\n\r\n", "body", "POST /echo", 0, false},
        {"GET /wait HTTP/1.1" HOST "\r\n", "handling", "GET /wait", 0, false},
        {"GET /big?size=12000000 HTTP/1.1" HOST "\r\n", "writing", "GET /big", 1, true},
        {HELLO, "idle", "GET /hello", 1, true},
        {HELLO HELLO "HEAD /show/x HTTP/1.1" HOST "\r\n", "idle", "GET /show/*", 3, true},
        {HELLO "GET /", "head", "GET /hello", 1, true},
        {"GET /nowhere HTTP/1.1" HOST "\r\n", "idle", "-", 1, true},
        {HELLO "GET / HTTP/3.3" HOST "\r\n", "lingering", "GET /hello", 2, true},
    };
    gate_close();
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    uint64_t last_id = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t before_ms = wall_clock_ms();
        struct client client = client_open_small(ph_server_port(server), 4096);
        client_puts(&client, rows[i].bytes);
        if (rows[i].answered) {
            assert_true(client_receive(&client, CLIENT_WAIT_MS));
            wait_until(has_first_byte, server); /* noted once the kernel has it */
        }
        wait_connections(server, rows[i].state, 1);
        struct seen seen = the_connection(server);
        char peer[60];
        address_of(&client, peer, sizeof peer);
        assert_string_equal(seen.state, rows[i].state);
        assert_string_equal(seen.route, rows[i].route);
        assert_string_equal(seen.peer, peer);
        assert_int_equal(seen.connection.requests, rows[i].requests);
        assert_int_equal(seen.connection.worker, 0);
        assert_true(seen.connection.id > last_id);
        last_id = seen.connection.id;
        assert_in_range(seen.connection.accepted_unix_ms, before_ms - 5, wall_clock_ms() + 5);
        assert_in_range(seen.connection.accept_wait_ms, 0, wall_clock_ms() + 5 - before_ms);
        assert_true((seen.connection.first_byte_us >= 0) == rows[i].answered);
        client_reset(&client);
        if (strcmp(rows[i].state, "handling") == 0) {
            gate_open();
        }
        wait_connections(server, "", 0);
    }
    ph_server_free(server);
}

static int stop_at_second(void *user, const struct ph_connection *connection)
{
    (void)connection;
    int *count = user;
    return ++*count == 2 ? 42 : 0;
}

static void test_walk_when_visitor_says_stop_then_it_ends(void **state)
{
    (void)state;
    struct ph_server *server = server_start(NULL);
    struct client clients[5];
    for (int i = 0; i < 5; i++) {
        clients[i] = client_open(ph_server_port(server));
    }
    wait_connections(server, "", 5);
    int count = 0;
    assert_int_equal(ph_server_connections(server, stop_at_second, &count), 42);
    assert_int_equal(count, 2);
    for (int i = 0; i < 5; i++) {
        client_close(&clients[i]);
    }
    ph_server_free(server);
}

static void test_counters_when_requests_of_all_kinds_then_exact(void **state)
{
    (void)state;
    static const char *const requests[] = {HELLO,
                                           HELLO,
                                           "OPTIONS /hello HTTP/1.1" HOST "\r\n",
                                           "GET /nowhere HTTP/1.1" HOST "\r\n",
                                           "PUT /hello HTTP/1.1" HOST "\r\n",
                                           "GET /fail?code=5 HTTP/1.1" HOST "\r\n",
                                           "GET /fail/slow?code=5 HTTP/1.1" HOST "\r\n",
                                           "GET / HTTP/1.1\r\n\r\n"};
    const struct ph_config cfg = {.workers = 3};
    struct ph_server *server = server_start(&cfg);
    uint64_t sent = 0;
    uint64_t received = 0;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, requests[i]);
        client_half_close(&client);
        sent += strlen(requests[i]);
        received += client_skip_to_end(&client);
        client_close(&client);
        wait_connections(server, "", 0);
    }
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.requests, 8);
    assert_int_equal(stats.requests_by_class[2], 3);
    assert_int_equal(stats.requests_by_class[3], 0);
    assert_int_equal(stats.requests_by_class[4], 3);
    assert_int_equal(stats.requests_by_class[5], 2);
    assert_int_equal(stats.bytes_in, sent);
    assert_int_equal(stats.bytes_out, received);
    assert_int_equal(stats.connections_accepted, 8);
    assert_int_equal(stats.connections_open, 0);
    assert_int_equal(stats.connections_refused, 0);
    assert_int_equal(stats.workers, 3);
    assert_in_range(stats.started_unix_ms + stats.uptime_ms, wall_clock_ms() - 100,
                    wall_clock_ms() + 100);
    uint64_t requests_of_workers = 0;
    struct ph_worker_stats worker;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ph_server_worker_stats(server, i, &worker), 0);
        assert_true(worker.busy_ratio >= 0 && worker.busy_ratio <= 1);
        assert_int_equal(worker.connections_open, 0);
        assert_true(worker.requests >= 2); /* equally idle workers take turns */
        requests_of_workers += worker.requests;
    }
    assert_int_equal(requests_of_workers, 8);
    assert_int_equal(ph_server_worker_stats(server, 3, &worker), -ERANGE);
    ph_server_free(server);
}

static bool is_counted(void *user)
{
    struct ph_server_stats stats;
    ph_server_stats(user, &stats);
    return stats.latency_us[PH_LATENCY_QUANTILES - 1] > 0;
}

/* From the last byte of the request: the time in the queue and in the handler counts. */
static void test_latency_when_a_handler_takes_long_then_it_shows(void **state)
{
    (void)state;
    enum { LONG_MS = 150 };
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.latency_us[0], 0);
    gate_close();
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /wait HTTP/1.1" HOST "\r\n");
    wait_waiting(1);
    assert_true(client_hears_nothing(&client, LONG_MS));
    gate_open();
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "waited");
    reply_done(&reply);
    wait_until(is_counted, server);
    ph_server_stats(server, &stats);
    for (int i = 0; i < PH_LATENCY_QUANTILES; i++) {
        assert_true(stats.latency_us[i] >= LONG_MS * 1000 * 93 / 100);
    }
    client_close(&client);
    ph_server_free(server);
}

static void test_config_when_asked_then_defaults_are_filled_in(void **state)
{
    (void)state;
    const struct ph_config cfg = {.body_max = 77};
    struct ph_server *server = server_new(&cfg);
    const struct ph_config *resolved = ph_server_config(server);
    assert_int_equal(resolved->body_max, 77);
    assert_int_equal(resolved->head_max, 16384);
    assert_int_equal(resolved->target_max, 8000);
    assert_int_equal(resolved->headers_max, 100);
    assert_int_equal(resolved->head_ms, 10000);
    assert_int_equal(resolved->connections_max, 16384);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_when_in_any_state_then_shown_so),
        cmocka_unit_test(test_walk_when_visitor_says_stop_then_it_ends),
        cmocka_unit_test(test_counters_when_requests_of_all_kinds_then_exact),
        cmocka_unit_test(test_latency_when_a_handler_takes_long_then_it_shows),
        cmocka_unit_test(test_config_when_asked_then_defaults_are_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
