/* SPDX-License-Identifier: MIT
 *
 * Too many connections, too many slow requests, no descriptors left: each client that cannot be
 * served is told so, and the server serves again as soon as it can.
 */
#include "base/clock.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

static _Atomic bool open_fails;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    if (open_fails) {
        errno = EMFILE;
        return -1;
    }
    return __real_open(path, flags);
}

static void check_503(struct client *client)
{
    struct reply reply = client_reply(client, "GET");
    assert_problem(&reply, 503);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    client_skip_to_end(client);
    client_close(client);
}

static void test_connections_when_one_too_many_then_503(void **state)
{
    (void)state;
    enum { MAX = 5 };
    const struct ph_config cfg = {.connections_max = MAX};
    struct ph_server *server = server_start(&cfg);
    for (int round = 0; round < 3; round++) {
        struct client clients[MAX];
        for (int i = 0; i < MAX; i++) {
            clients[i] = client_open(ph_server_port(server));
            struct reply reply = client_ask(&clients[i], HELLO);
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
        }
        struct client late = client_open(ph_server_port(server));
        check_503(&late);
        for (int i = 0; i < MAX; i++) {
            struct reply reply = client_ask(&clients[i], HELLO);
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
            client_close(&clients[i]);
        }
        wait_connections(server, "", 0);
    }
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.connections_refused, 3);
    ph_server_free(server);
}

static void test_blocking_requests_when_one_too_many_then_503(void **state)
{
    (void)state;
    enum { THREADS = 2, QUEUE = 3 };
    const struct ph_config cfg = {.blocking_threads = THREADS, .blocking_queue = QUEUE};
    struct ph_server *server = server_start(&cfg);
    for (int round = 0; round < 3; round++) {
        struct client clients[THREADS + QUEUE];
        gate_close();
        for (int i = 0; i < THREADS + QUEUE; i++) {
            clients[i] = client_open(ph_server_port(server));
            client_puts(&clients[i], "GET /wait HTTP/1.1" HOST "\r\n");
            wait_connections(server, "handling", i + 1);
        }
        wait_waiting(THREADS);
        struct client late = client_open(ph_server_port(server));
        struct reply reply = client_ask(&late, "GET /slow HTTP/1.1" HOST "\r\n");
        assert_problem(&reply, 503);
        reply_done(&reply);
        reply = client_ask(&late, HELLO);
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        client_close(&late);
        gate_open();
        for (int i = 0; i < THREADS + QUEUE; i++) {
            reply = client_reply(&clients[i], "GET");
            assert_reply_text(&reply, 200, "waited");
            reply_done(&reply);
            client_close(&clients[i]);
        }
    }
    ph_server_free(server);
}

static long cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* Uses up all descriptors below a new limit; returns how many it opened. */
static int use_up_descriptors(int *opened, int room, struct rlimit *before)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
    const struct rlimit few = {.rlim_cur = (rlim_t)room, .rlim_max = before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int count = 0;
    while (count < room && (opened[count] = dup(STDIN_FILENO)) >= 0) {
        count++;
    }
    assert_int_equal(errno, EMFILE);
    return count;
}

/* One that is free, or soon will be: a sanitizer opens files of its own now and then. */
static int take_descriptor(void)
{
    const uint64_t give_up = ph__clock_ms() + CLIENT_WAIT_MS;
    int fd;
    do {
        fd = dup(STDIN_FILENO);
    } while (fd < 0 && errno == EMFILE && ph__clock_ms() < give_up);
    return fd;
}

static void give_back_descriptors(const int *opened, int count, const struct rlimit *before)
{
    for (int i = 0; i < count; i++) {
        close(opened[i]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, before), 0);
}

enum { ROOM = 128 };

static void test_descriptors_when_used_up_then_503_by_the_reserve(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    struct ph_server *server = server_start(NULL);
    struct client known = client_open(ph_server_port(server));
    struct reply reply = client_ask(&known, HELLO);
    reply_done(&reply);
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_socket();
    }
    int opened[2 * ROOM];
    struct rlimit before;
    int count = use_up_descriptors(opened, ROOM, &before);
    for (int i = 0; i < CLIENTS; i++) {
        client_connect(&clients[i], ph_server_port(server));
        check_503(&clients[i]);
        /* That has set a descriptor free, which would be used to serve the next. */
        opened[count] = take_descriptor();
        assert_true(opened[count++] >= 0);
    }
    reply = client_ask(&known, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&known);
    give_back_descriptors(opened, count, &before);
    assert_served(ph_server_port(server));
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.connections_refused, CLIENTS);
    ph_server_free(server);
}

/* The case that makes naive servers spin: a client waits in the queue, the reserve is lost, so
 * that nothing can be done about it, and the listener says "readable" for ever. */
static void test_descriptors_when_reserve_is_lost_then_no_busy_loop(void **state)
{
    (void)state;
    enum { QUIET_MS = 500 };
    struct ph_server *server = server_start(NULL);
    struct client first = client_socket();
    struct client second = client_socket();
    int opened[2 * ROOM];
    struct rlimit before;
    int count = use_up_descriptors(opened, ROOM, &before);
    open_fails = true;
    client_connect(&first, ph_server_port(server));
    check_503(&first);
    while ((opened[count] = dup(STDIN_FILENO)) >= 0) {
        count++; /* what the reserve and the first client have set free */
    }
    long cpu = cpu_ms();
    long switched = switches();
    client_connect(&second, ph_server_port(server));
    client_puts(&second, HELLO);
    assert_true(client_hears_nothing(&second, QUIET_MS));
    assert_true(cpu_ms() - cpu < QUIET_MS / 4);
    assert_true(switches() - switched < QUIET_MS / 5);
    open_fails = false;
    give_back_descriptors(opened, count, &before);
    struct reply reply = client_reply(&second, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&second);
    assert_served(ph_server_port(server));
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_when_one_too_many_then_503),
        cmocka_unit_test(test_blocking_requests_when_one_too_many_then_503),
        cmocka_unit_test(test_descriptors_when_used_up_then_503_by_the_reserve),
        cmocka_unit_test(test_descriptors_when_reserve_is_lost_then_no_busy_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
