/* SPDX-License-Identifier: MIT
 *
 * A server that the program drives by itself: ph_server_poll() and ph_server_fd(). The client is in
 * the same thread, so that nothing happens but what the test calls for.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

static int failing_timer; /* an errno; 0: works */

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);

int __wrap_timerfd_create(int clock, int flags)
{
    if (failing_timer) {
        errno = failing_timer;
        return -1;
    }
    return __real_timerfd_create(clock, flags);
}

static struct ph_server *start(struct ph_config cfg)
{
    cfg.workers = PH_NO_THREADS;
    return server_start(&cfg);
}

/* Whether a descriptor is readable now, or becomes so in time. */
static bool readable(int fd, int wait_ms)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, wait_ms) == 1;
}

/* Drives the server until the client has something to receive. */
static void drive_until_heard(struct ph_server *server, const struct client *client)
{
    while (!readable(client->fd, 0)) {
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
}

static void check_hello(struct ph_server *server, struct client *client)
{
    client_puts(client, HELLO);
    drive_until_heard(server, client);
    struct reply reply = client_reply(client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
}

/* Serves what there is, until there is nothing to do at once. */
static void drive_until_quiet(struct ph_server *server, int fd)
{
    while (readable(fd, 0)) {
        assert_int_equal(ph_server_poll(server, 0), 1);
    }
}

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    const struct dirent *entry;
    while ((entry = readdir(tasks))) {
        count += entry->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

/* ---- refusals ---- */

static void test_poll_when_the_server_has_threads_then_einval(void **state)
{
    (void)state;
    const struct ph_config cfg = {.workers = 1};
    struct ph_server *server = server_start(&cfg);
    assert_int_equal(ph_server_poll(server, 0), -EINVAL);
    assert_int_equal(ph_server_fd(server), -EINVAL);
    ph_server_free(server);
}

static void test_poll_when_not_running_then_0(void **state)
{
    (void)state;
    const struct ph_config cfg = {.workers = PH_NO_THREADS};
    struct ph_server *server = server_new(&cfg);
    assert_int_equal(ph_server_poll(server, -1), 0);
    assert_int_equal(ph_server_fd(server), -EINVAL);
    ph_server_stop(server); /* does nothing */
    ph_server_free(server);
}

static void test_fd_when_there_is_no_timer_then_its_errno_and_polling_works(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    failing_timer = EMFILE;
    assert_int_equal(ph_server_fd(server), -EMFILE);
    failing_timer = 0;
    struct client client = client_open(ph_server_port(server));
    check_hello(server, &client);
    assert_true(ph_server_fd(server) >= 0);
    client_close(&client);
    ph_server_free(server);
}

/* ---- polling ---- */

static void test_poll_then_requests_are_answered_and_no_thread_is_started(void **state)
{
    (void)state;
    int threads = count_threads();
    struct ph_server *server = start((struct ph_config){0});
    struct client clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = client_open(ph_server_port(server));
        check_hello(server, &clients[i]);
    }
    client_puts(&clients[1], "GET /slow HTTP/1.1" HOST "\r\n"); /* a blocking route */
    drive_until_heard(server, &clients[1]);
    struct reply reply = client_reply(&clients[1], "GET");
    assert_reply_text(&reply, 200, "slow");
    reply_done(&reply);
    check_hello(server, &clients[2]);
    assert_int_equal(count_threads(), threads);
    struct ph_server_stats stats;
    ph_server_stats(server, &stats);
    assert_int_equal(stats.requests, 5);
    assert_int_equal(stats.connections_open, 3);
    assert_int_equal(stats.workers, 1);
    for (int i = 0; i < 3; i++) {
        client_close(&clients[i]);
    }
    ph_server_free(server);
}

static void test_poll_when_nothing_happens_then_it_returns_in_time(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ph_server_poll(server, 0), 1);
    }
    assert_int_equal(ph_server_poll(server, 5), 1);
    ph_server_free(server);
}

/* ---- the descriptor ---- */

static void test_fd_then_readable_just_when_there_is_something_to_do(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    int fd = ph_server_fd(server);
    assert_true(fd >= 0);
    assert_int_equal(ph_server_fd(server), fd);
    drive_until_quiet(server, fd);
    struct client client = client_open(ph_server_port(server));
    assert_true(readable(fd, CLIENT_WAIT_MS)); /* somebody to accept */
    drive_until_quiet(server, fd);
    client_puts(&client, HELLO);
    assert_true(readable(fd, CLIENT_WAIT_MS));
    drive_until_quiet(server, fd);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    assert_false(readable(fd, 20));
    client_close(&client);
    assert_true(readable(fd, CLIENT_WAIT_MS));
    drive_until_quiet(server, fd);
    assert_int_equal(count_connections(server, ""), 0);
    ph_server_free(server);
}

static void test_fd_when_a_deadline_is_due_then_readable(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.idle_ms = 30});
    int fd = ph_server_fd(server);
    struct client client = client_open(ph_server_port(server));
    check_hello(server, &client);
    while (count_connections(server, "") > 0) {
        assert_true(readable(fd, CLIENT_WAIT_MS));
        assert_int_equal(ph_server_poll(server, 0), 1);
    }
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    ph_server_free(server);
}

/* More requests than one turn answers: nothing new arrives, and still there is something to do. */
static void test_fd_when_a_turn_leaves_work_then_readable(void **state)
{
    (void)state;
    enum { PIPELINED = 400 };
    static char bytes[sizeof HELLO * PIPELINED];
    char *at = bytes;
    for (int i = 0; i < PIPELINED; i++) {
        at = stpcpy(at, HELLO);
    }
    struct ph_server *server = start((struct ph_config){0});
    int fd = ph_server_fd(server);
    struct client client = client_open(ph_server_port(server));
    client_send(&client, bytes, (size_t)(at - bytes));
    client_wait_sent(&client);
    for (int i = 0; i < PIPELINED; i++) {
        while (!readable(client.fd, 0) && client.used == client.size) {
            assert_true(readable(fd, CLIENT_WAIT_MS));
            assert_int_equal(ph_server_poll(server, 0), 1);
        }
        struct reply reply = client_reply(&client, "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
    }
    client_close(&client);
    ph_server_free(server);
}

/* ---- the end ---- */

static void test_poll_when_asked_to_stop_then_0_and_it_may_start_again(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    for (int run = 0; run < 3; run++) {
        struct client client = client_open(ph_server_port(server));
        check_hello(server, &client);
        ph_server_request_stop(server);
        int running;
        do {
            running = ph_server_poll(server, CLIENT_WAIT_MS);
        } while (running == 1);
        assert_int_equal(running, 0);
        assert_int_equal(client_wait_end(&client), 0);
        client_close(&client);
        assert_int_equal(ph_server_poll(server, 0), 0);
        assert_int_equal(ph_server_start(server), 0);
    }
    ph_server_free(server); /* while it runs */
}

static void test_stop_then_what_has_arrived_is_answered_first(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    check_hello(server, &client);
    client_puts(&client, HELLO);
    client_wait_sent(&client);
    ph_server_stop(server);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    ph_server_free(server);
}

static void *request_stop(void *user)
{
    struct client client = client_open(ph_server_port(user));
    client_puts(&client, "GET /hello HTTP/1.1" HOST "Connection: close\r\n\r\n");
    bool answered = client_skip_to_end(&client) > 0;
    client_close(&client);
    ph_server_request_stop(user);
    return answered ? user : NULL;
}

static void test_run_then_serves_on_this_thread_until_another_asks_to_stop(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, request_stop, server), 0);
    ph_server_wait(server); /* what ph_server_run() does once it has started */
    void *result;
    pthread_join(other, &result);
    assert_ptr_equal(result, server);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poll_when_the_server_has_threads_then_einval),
        cmocka_unit_test(test_poll_when_not_running_then_0),
        cmocka_unit_test(test_fd_when_there_is_no_timer_then_its_errno_and_polling_works),
        cmocka_unit_test(test_poll_then_requests_are_answered_and_no_thread_is_started),
        cmocka_unit_test(test_poll_when_nothing_happens_then_it_returns_in_time),
        cmocka_unit_test(test_fd_then_readable_just_when_there_is_something_to_do),
        cmocka_unit_test(test_fd_when_a_deadline_is_due_then_readable),
        cmocka_unit_test(test_fd_when_a_turn_leaves_work_then_readable),
        cmocka_unit_test(test_poll_when_asked_to_stop_then_0_and_it_may_start_again),
        cmocka_unit_test(test_stop_then_what_has_arrived_is_answered_first),
        cmocka_unit_test(test_run_then_serves_on_this_thread_until_another_asks_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
