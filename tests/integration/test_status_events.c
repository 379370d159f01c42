/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/events: one collector for all who listen, none while nobody does.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/server.h"
#include "support/status_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks));) {
        count += task->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

static bool has_threads(void *count)
{
    return count_threads() == *(const size_t *)count;
}

static void wait_threads(size_t count)
{
    wait_until(has_threads, &count);
}

static int open_listener(uint16_t of_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(of_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static void test_events_when_many_listen_then_one_collector_serves_all_and_then_none(void **state)
{
    (void)state;
    enum { CLIENTS = 50 };
    struct client clients[CLIENTS];
    struct reply reply = client_get(port, "/api/v1/summary", ""); /* the pool has its threads */
    reply_done(&reply);
    size_t before = count_threads();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(port);
        client_puts(&clients[i], EVENTS);
    }
    for (int i = 0; i < CLIENTS; i++) {
        client_wait_text(&clients[i], "Content-Type: text/event-stream\r\n");
        client_wait_text(&clients[i], "event: summary\ndata: {\"at\":\"");
    }
    assert_true(count_threads() <= before + 2); /* one that collects, one that takes snapshots */
    int listener = open_listener(8070);
    for (int i = 0; i < CLIENTS; i++) {
        client_wait_text(&clients[i], "event: port_opened\n");
        client_wait_text(&clients[i], "\"port\":8070");
    }
    close(listener);
    for (int i = 0; i < CLIENTS; i++) {
        client_wait_text(&clients[i], "event: port_closed\n");
        client_reset(&clients[i]);
    }
    wait_threads(before);
}

static void test_types_when_named_then_only_these_come(void **state)
{
    (void)state;
    struct client client = client_open(port);
    client_puts(&client, "GET /api/v1/events?types=finding_raised,port_opened HTTP/1.1\r\n"
                         "Host: localhost\r\n\r\n");
    client_wait_text(&client, "retry: ");
    struct client all = client_open(port);
    client_puts(&all, EVENTS);
    client_wait_text(&all, "event: summary\n"); /* it has begun to compare */
    int listener = open_listener(8071);
    client_wait_text(&client, "event: port_opened\n");
    client_wait_text(&client, "\"port\":8071");
    assert_null(memmem(client.data, client.size, "event: summary", 14));
    close(listener);
    client_reset(&client);
    client_reset(&all);
    assert_problem_at("/api/v1/events?types=summary,nonsense", 400, "\"nonsense\"");
    assert_problem_at("/api/v1/events?types=", 400, "\"\"");
}

static void test_client_when_it_comes_back_then_it_goes_on_where_it_was(void **state)
{
    (void)state;
    struct client stays = client_open(port);
    client_puts(&stays, EVENTS);
    client_wait_text(&stays, "event: summary\n");
    struct client client = client_open(port);
    client_puts(&client, EVENTS);
    client_wait_text(&client, "\nid: ");
    size_t from = client.used;
    client_wait_text(&client, "\n");
    char request[200];
    snprintf(request, sizeof request,
             "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: %.*s\r\n\r\n",
             (int)(client.used - 1 - from), client.data + from);
    client_reset(&client);
    int listener = open_listener(8072);
    client_wait_text(&stays, "\"port\":8072");
    client = client_open(port);
    client_puts(&client, request);
    client_wait_text(&client, "\"port\":8072"); /* though it came before */
    assert_null(memmem(client.data, client.size, "event: lost", 11));
    close(listener);
    client_reset(&client);
    client_reset(&stays);
}

static void test_stop_when_somebody_listens_then_the_stream_ends(void **state)
{
    (void)state;
    struct client client = client_open(port);
    client_puts(&client, EVENTS);
    client_wait_text(&client, "event: summary\n");
    stop_server(NULL);
    client_skip_to_end(&client);
    assert_int_equal(client.end_error, 0);
    client_close(&client);
}

static void test_events_when_there_are_no_threads_then_501(void **state)
{
    (void)state;
    struct ph_server *unthreaded;
    const struct ph_config cfg = {.listen = "127.0.0.1:0", .workers = PH_NO_THREADS};
    assert_int_equal(ph_server_new(&unthreaded, &cfg), 0);
    assert_int_equal(ph_status_mount(unthreaded, NULL), 0);
    assert_int_equal(ph_server_start(unthreaded), 0);
    struct client client = client_open(ph_server_port(unthreaded));
    client_puts(&client, EVENTS);
    while (!client_receive(&client, 0)) {
        assert_int_equal(ph_server_poll(unthreaded, CLIENT_WAIT_MS), 1);
    }
    struct reply reply = client_reply(&client, "GET");
    assert_problem(&reply, 501);
    reply_done(&reply);
    client_close(&client);
    ph_server_free(unthreaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_events_when_many_listen_then_one_collector_serves_all_and_then_none, start_default,
            stop_server),
        cmocka_unit_test_setup_teardown(test_types_when_named_then_only_these_come, start_default,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_client_when_it_comes_back_then_it_goes_on_where_it_was,
                                        start_default, stop_server),
        cmocka_unit_test_setup(test_stop_when_somebody_listens_then_the_stream_ends, start_default),
        cmocka_unit_test(test_events_when_there_are_no_threads_then_501),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
