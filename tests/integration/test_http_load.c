/* SPDX-License-Identifier: MIT
 *
 * Many at once: thousands of connections, and quick requests beside slow ones.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

enum { CONNECTIONS = 2000, REQUESTS = 5 };

/* Both ends are in this process; one thread drives all clients. */
struct crowd {
    struct client clients[CONNECTIONS];
    int answered[CONNECTIONS];
    int epoll;
};

static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < count) {
        limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    if (limit.rlim_cur < count) {
        print_message("only %ju descriptors are allowed\n", (uintmax_t)limit.rlim_cur);
        skip_because("too few descriptors are allowed");
    }
}

static void watch(struct crowd *crowd, int i)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    assert_int_equal(epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->clients[i].fd, &event), 0);
}

/* Takes one client's reply, and asks again or leaves; returns how many are done by that. */
static int serve_client(struct crowd *crowd, int i)
{
    struct client *client = &crowd->clients[i];
    struct reply reply = client_reply(client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    if (++crowd->answered[i] < REQUESTS) {
        client_puts(client, HELLO);
        return 0;
    }
    client_close(client);
    return 1;
}

static void test_thousands_of_connections_when_open_at_once_then_all_answered(void **state)
{
    (void)state;
    allow_descriptors(2 * CONNECTIONS + 100);
    struct ph_server *server = server_start(NULL);
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(crowd->epoll >= 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        crowd->clients[i] = client_open(ph_server_port(server));
        watch(crowd, i);
    }
    wait_connections(server, "accepted", CONNECTIONS);
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.connections_open, CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
        client_puts(&crowd->clients[i], HELLO);
    }
    int done = 0;
    while (done < CONNECTIONS) {
        struct epoll_event events[256];
        int count = epoll_wait(crowd->epoll, events, 256, CLIENT_WAIT_MS);
        assert_true(count > 0 || errno == EINTR);
        for (int k = 0; k < count; k++) {
            done += serve_client(crowd, (int)events[k].data.u32);
        }
    }
    wait_connections(server, "", 0);
    ph_server_stats(server, &stats);
    assert_int_equal(stats.requests, CONNECTIONS * REQUESTS);
    assert_int_equal(stats.requests_by_class[2], CONNECTIONS * REQUESTS);
    close(crowd->epoll);
    free(crowd);
    ph_server_free(server);
}

/* All handlers of the pool are busy, and more wait: the workers serve everybody else. */
static void test_quick_requests_when_slow_ones_block_then_not_delayed(void **state)
{
    (void)state;
    enum { SLOW = 20, QUICK = 200 };
    gate_close();
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    struct client slow[SLOW];
    for (int i = 0; i < SLOW; i++) {
        slow[i] = client_open(ph_server_port(server));
        client_puts(&slow[i], "GET /wait HTTP/1.1" HOST "\r\n");
    }
    wait_connections(server, "handling", SLOW);
    struct client quick = client_open(ph_server_port(server));
    for (int i = 0; i < QUICK; i++) {
        struct reply reply = client_ask(&quick, HELLO);
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
    }
    client_close(&quick);
    assert_int_equal(count_connections(server, "handling"), SLOW); /* all that time */
    gate_open();
    for (int i = 0; i < SLOW; i++) {
        struct reply reply = client_reply(&slow[i], "GET");
        assert_reply_text(&reply, 200, "waited");
        reply_done(&reply);
        client_close(&slow[i]);
    }
    ph_server_free(server);
}

/* One client that always has more to ask must not keep the worker to itself. */
static void test_quick_requests_when_one_client_never_stops_then_not_delayed(void **state)
{
    (void)state;
    enum { BLOCK = 500, ROUNDS = 20 };
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    static char block[sizeof HELLO * BLOCK];
    char *at = block;
    for (int i = 0; i < BLOCK; i++) {
        at = stpcpy(at, HELLO);
    }
    struct client greedy = client_open(ph_server_port(server));
    for (int round = 0; round < ROUNDS; round++) {
        client_send(&greedy, block, (size_t)(at - block));
        assert_served(ph_server_port(server));
        for (int i = 0; i < BLOCK; i++) {
            struct reply reply = client_reply(&greedy, "GET");
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
        }
    }
    client_close(&greedy);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands_of_connections_when_open_at_once_then_all_answered),
        cmocka_unit_test(test_quick_requests_when_slow_ones_block_then_not_delayed),
        cmocka_unit_test(test_quick_requests_when_one_client_never_stops_then_not_delayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
