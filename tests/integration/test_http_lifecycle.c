/* SPDX-License-Identifier: MIT
 *
 * The life of a server: started and stopped again and again, several at a time, at addresses that
 * are taken, watched by other threads meanwhile.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = 0;
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

static void test_server_when_restarted_often_then_nothing_leaks(void **state)
{
    (void)state;
    enum { ROUNDS = 200 };
    struct ph_server *server = server_new(NULL);
    int descriptors = count_entries("/proc/self/fd");
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(ph_server_start(server), 0);
        struct client idle = client_open(ph_server_port(server));
        assert_served(ph_server_port(server));
        ph_server_stop(server);
        assert_int_equal(client_wait_end(&idle), 0);
        client_close(&idle);
        if (round == 0) {
            /* The descriptors by which a stop can be requested at any time stay. */
            assert_in_range(count_entries("/proc/self/fd"), descriptors, descriptors + 2);
            descriptors = count_entries("/proc/self/fd");
        }
        assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    }
    ph_server_free(server);
}

static void test_server_when_new_and_freed_then_nothing_leaks(void **state)
{
    (void)state;
    int descriptors = count_entries("/proc/self/fd");
    for (int round = 0; round < 50; round++) {
        struct ph_server *server = round % 2 ? server_start(NULL) : server_new(NULL);
        ph_server_stop(server);
        ph_server_wait(server);
        ph_server_free(server);
    }
    ph_server_free(NULL);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
}

static void test_start_when_a_stop_was_requested_before_then_stops_at_once(void **state)
{
    (void)state;
    struct ph_server *server = server_new(NULL);
    ph_server_request_stop(server);
    assert_true(ph_server_stopping(server));
    assert_int_equal(ph_server_run(server), 0);
    assert_false(ph_server_stopping(server));
    assert_int_equal(ph_server_start(server), 0); /* that stop is done with */
    assert_served(ph_server_port(server));
    ph_server_free(server);
}

static void test_start_when_started_then_refused_and_routes_frozen(void **state)
{
    (void)state;
    struct ph_server *server = server_start(NULL);
    assert_int_equal(ph_server_start(server), PH_ERR_STARTED);
    assert_int_equal(ph_server_run(server), PH_ERR_STARTED);
    assert_int_equal(ph_server_listen(server, "127.0.0.1:0"), PH_ERR_STARTED);
    const struct ph_route route = {.pattern = "GET /late"};
    assert_int_equal(ph_server_add(server, &route), PH_ERR_STARTED);
    assert_served(ph_server_port(server));
    ph_server_free(server);
}

static void test_start_when_port_is_taken_then_said_and_retry_allowed(void **state)
{
    (void)state;
    struct ph_server *first = server_start(NULL);
    char taken[50];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", ph_server_port(first));
    struct ph_server *second = server_new(NULL);
    assert_int_equal(ph_server_listen(second, taken), 0);
    int descriptors = count_entries("/proc/self/fd");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ph_server_start(second), -EADDRINUSE);
        assert_string_equal(ph_server_failed_listener(second), taken);
        assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    }
    assert_served(ph_server_port(first));
    ph_server_free(first);
    assert_int_equal(ph_server_start(second), 0);
    assert_null(ph_server_failed_listener(second));
    assert_int_equal(ph_server_listener_count(second), 2);
    assert_string_equal(ph_server_listener(second, 1), taken);
    assert_null(ph_server_listener(second, 2));
    assert_served(ph_server_port(second));
    ph_server_free(second);
}

/* A port that the kernel has chosen is anybody's after the stop. */
static void test_start_when_the_port_of_last_time_is_taken_then_another(void **state)
{
    (void)state;
    struct ph_server *server = server_start(NULL);
    char taken[50];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", ph_server_port(server));
    ph_server_stop(server);
    const struct ph_config cfg = {.listen = taken};
    struct ph_server *other = server_start(&cfg);
    assert_int_equal(ph_server_start(server), 0);
    assert_int_not_equal(ph_server_port(server), ph_server_port(other));
    assert_served(ph_server_port(server));
    assert_served(ph_server_port(other));
    ph_server_free(server);
    ph_server_free(other);
}

static void test_servers_when_several_then_each_serves_by_itself(void **state)
{
    (void)state;
    enum { SERVERS = 5 };
    struct ph_server *servers[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = server_start(NULL);
    }
    for (int i = 0; i < SERVERS; i++) {
        for (int k = i; k < SERVERS; k++) {
            assert_served(ph_server_port(servers[k]));
        }
        struct ph_server_stats stats;
        ph_server_stats(servers[i], &stats);
        assert_int_equal(stats.connections_accepted, i + 1);
        ph_server_free(servers[i]);
    }
}

static void note_free(void *user)
{
    char *order = user;
    order[strlen(order)] = (char)('0' + strlen(order));
}

static void test_free_when_functions_are_registered_then_called_once(void **state)
{
    (void)state;
    char order[10] = "";
    struct ph_server *server = server_start(NULL);
    assert_int_equal(ph_server_on_free(server, note_free, order), 0);
    assert_int_equal(ph_server_on_free(server, note_free, order), 0);
    ph_server_stop(server);
    assert_string_equal(order, "");
    ph_server_free(server);
    assert_string_equal(order, "01");
}

/* ---- unix sockets ---- */

static char folder[] = "/tmp/porthole-test-XXXXXX";
static char path[100];
static char listen_unix[120];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(listen_unix, sizeof listen_unix, "unix:%s", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    assert_int_equal(rmdir(folder), 0); /* fails when something was left in it */
    return 0;
}

static void ask_unix(void)
{
    struct client client = client_open_unix(path);
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    reply = client_ask(&client, "GET /big?size=1000000&kind=take HTTP/1.1" HOST "\r\n");
    assert_int_equal(reply.body_size, 1000000);
    reply_done(&reply);
    client_close(&client);
}

static void test_unix_socket_when_open_then_serves_its_owner_and_goes_with_the_server(void **state)
{
    (void)state;
    const struct ph_config cfg = {.listen = listen_unix};
    struct ph_server *server = server_start(&cfg);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_string_equal(ph_server_listener(server, 0), listen_unix);
    assert_int_equal(ph_server_port(server), 0);
    ask_unix();
    struct ph_server *second = server_new(&cfg);
    assert_int_equal(ph_server_start(second), -EADDRINUSE); /* somebody is there */
    assert_string_equal(ph_server_failed_listener(second), listen_unix);
    ask_unix();
    ph_server_free(server);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ph_server_start(second), 0);
    ask_unix();
    ph_server_free(second);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_unix_socket_when_its_server_died_then_replaced(void **state)
{
    (void)state;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    const struct ph_config cfg = {.listen = listen_unix};
    struct ph_server *server = server_start(&cfg);
    ask_unix();
    ph_server_free(server);
}

static void test_unix_socket_when_a_file_is_there_then_it_is_left_alone(void **state)
{
    (void)state;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    const struct ph_config cfg = {.listen = listen_unix};
    struct ph_server *server = server_new(&cfg);
    assert_int_equal(ph_server_start(server), -EADDRINUSE);
    ph_server_free(server);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 4);
    assert_int_equal(unlink(path), 0);
}

/* ---- watchers ---- */

static _Atomic bool watching;

static int ignore_connection(void *user, const struct ph_connection *connection)
{
    *(size_t *)user += strlen(connection->state) + strlen(connection->peer);
    return 0;
}

static void *watch(void *user)
{
    struct ph_server *server = user;
    size_t seen = 0;
    while (watching) {
        struct ph_server_stats stats;
        struct ph_worker_stats worker;
        ph_server_stats(server, &stats);
        seen += (size_t)ph_server_worker_stats(server, 0, &worker);
        ph_server_connections(server, ignore_connection, &seen);
        seen += ph_server_stopping(server);
    }
    return NULL;
}

/* The functions that tell of a server may be called from any thread while it serves and stops. */
static void test_watching_when_the_server_stops_then_safe(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct ph_server *server = server_start(NULL);
        watching = true;
        pthread_t watcher;
        assert_int_equal(pthread_create(&watcher, NULL, watch, server), 0);
        struct client idle = client_open(ph_server_port(server));
        for (int i = 0; i < 5; i++) {
            assert_served(ph_server_port(server));
        }
        ph_server_stop(server);
        client_close(&idle);
        struct ph_server_stats stats;
        ph_server_stats(server, &stats);
        assert_int_equal(stats.requests, 5); /* the totals stay */
        assert_int_equal(stats.connections_open, 0);
        watching = false;
        pthread_join(watcher, NULL);
        ph_server_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_when_restarted_often_then_nothing_leaks),
        cmocka_unit_test(test_server_when_new_and_freed_then_nothing_leaks),
        cmocka_unit_test(test_start_when_a_stop_was_requested_before_then_stops_at_once),
        cmocka_unit_test(test_start_when_started_then_refused_and_routes_frozen),
        cmocka_unit_test(test_start_when_port_is_taken_then_said_and_retry_allowed),
        cmocka_unit_test(test_start_when_the_port_of_last_time_is_taken_then_another),
        cmocka_unit_test(test_servers_when_several_then_each_serves_by_itself),
        cmocka_unit_test(test_free_when_functions_are_registered_then_called_once),
        cmocka_unit_test(test_unix_socket_when_open_then_serves_its_owner_and_goes_with_the_server),
        cmocka_unit_test(test_unix_socket_when_its_server_died_then_replaced),
        cmocka_unit_test(test_unix_socket_when_a_file_is_there_then_it_is_left_alone),
        cmocka_unit_test(test_watching_when_the_server_stops_then_safe),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
