/* SPDX-License-Identifier: MIT
 *
 * GET /metrics against sockets that the test makes, in a network namespace of its own.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/status_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRESH "/metrics?max_age_ms=0"

static int open_listener(uint16_t *of_port, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*of_port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *of_port = ntohs(address.sin_port);
    return fd;
}

/* The value behind a sample's name and labels; -1 when it is not there. */
static double sample(const struct reply *reply, const char *name)
{
    char line[300];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *found = strstr(reply->body, line);
    return found ? strtod(found + strlen(line), NULL) : -1;
}

static double listener_sample(const struct reply *reply, const char *name, uint16_t of_port)
{
    char text[200];
    snprintf(text, sizeof text,
             "porthole_listener_%s{protocol=\"tcp\",address=\"127.0.0.1\",port=\"%u\"}", name,
             of_port);
    return sample(reply, text);
}

static void test_listener_when_connections_wait_then_counted(void **state)
{
    (void)state;
    uint16_t of_port = 0;
    int first = open_listener(&of_port, 7);
    int second = open_listener(&of_port, 5); /* both stand behind one address and port */
    enum { CLIENTS = 3 };
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(of_port);
    }
    struct reply reply = client_get(port, FRESH, "");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(listener_sample(&reply, "accept_queue", of_port), CLIENTS);
    assert_int_equal(listener_sample(&reply, "accept_queue_limit", of_port), 12);
    assert_int_equal(listener_sample(&reply, "unaccepted", of_port), CLIENTS);
    assert_int_equal(listener_sample(&reply, "drops_total", of_port), 0);
    /* The two, and the server's own with its connection, if there is nothing else here. */
    assert_true(sample(&reply, "porthole_tcp_sockets{state=\"listen\"}") >= 3);
    assert_true(sample(&reply, "porthole_tcp_sockets{state=\"established\"}") >= 2 * CLIENTS + 2);
    assert_true(sample(&reply, "porthole_ephemeral_ports_used_ratio") > 0);
    assert_int_equal(sample(&reply, "porthole_collector_success{protocol=\"tcp\"}"), 1);
    char command[100];
    snprintf(command, sizeof command, "porthole_process_sockets{command=\"%.15s\"}",
             program_invocation_short_name);
    assert_true(sample(&reply, command) >= CLIENTS + 3);
    reply_done(&reply);
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
    close(first);
    close(second);
}

static void test_udp_when_its_port_was_given_out_then_no_label_of_its_own(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4711)};
    int fixed = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int given = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fixed, (struct sockaddr *)&address, sizeof address), 0);
    address.sin_port = 0;
    socklen_t size = sizeof address;
    assert_int_equal(bind(given, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(given, (struct sockaddr *)&address, &size), 0);
    struct reply reply = client_get(port, FRESH, "");
    assert_int_equal(sample(&reply, "porthole_listener_drops_total{protocol=\"udp\","
                                    "address=\"0.0.0.0\",port=\"4711\"}"),
                     0);
    assert_true(sample(&reply, "porthole_sockets{protocol=\"udp\"}") >= 2);
    char label[40];
    snprintf(label, sizeof label, ",port=\"%u\"}", ntohs(address.sin_port));
    assert_null(strstr(reply.body, label));
    reply_done(&reply);
    close(fixed);
    close(given);
}

static void test_requests_when_answered_then_counted(void **state)
{
    (void)state;
    struct reply before = client_get(port, FRESH, "");
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_get(port, "/nowhere", "");
        reply_done(&reply);
    }
    struct reply after = client_get(port, FRESH, "");
    static const char missed[] = "porthole_http_requests_total{class=\"4xx\"}";
    static const char count[] = "porthole_http_request_duration_seconds_count";
    static const char all[] = "porthole_http_request_duration_seconds_bucket{le=\"+Inf\"}";
    assert_int_equal(sample(&after, missed) - sample(&before, missed), 3);
    assert_int_equal(sample(&after, count) - sample(&before, count), 4); /* the one before, too */
    assert_int_equal(sample(&after, all), sample(&after, count));
    assert_true(sample(&after, "porthole_http_request_duration_seconds_sum") > 0);
    assert_int_equal(sample(&after, "porthole_http_connections{state=\"handling\"}"), 1);
    reply_done(&before);
    reply_done(&after);
}

static void test_format_when_open_metrics_is_liked_better_then_so(void **state)
{
    (void)state;
    struct reply reply = client_get(port, FRESH,
                                    "Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
                                    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Content-Type",
                       "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_reply_field(&reply, "Vary", "Accept");
    assert_non_null(strstr(reply.body, "\n# TYPE porthole_http_requests counter\n"));
    assert_true(reply.body_size > 6);
    assert_string_equal(reply.body + reply.body_size - 6, "# EOF\n");
    reply_done(&reply);
    reply = client_get(port, FRESH, "Accept: text/html\r\n");
    assert_problem(&reply, 406);
    reply_done(&reply);
    assert_problem_at("/metrics?owners=maybe", 400, "owners");
    reply = client_get(port, FRESH "&owners=false", "");
    assert_null(strstr(reply.body, "porthole_process_sockets"));
    reply_done(&reply);
}

static void test_sockets_when_nothing_can_be_read_then_said_and_the_rest_is_there(void **state)
{
    (void)state;
    struct ph_sockets *blind;
    const struct ph_sockets_config cfg = {.proc_root = "/nowhere", .procfs_only = true};
    assert_int_equal(ph_sockets_new(&blind, &cfg), 0);
    start_server(NULL, &(struct ph_status_config){.sockets = blind});
    struct reply reply = client_get(port, "/metrics", "");
    assert_int_equal(reply.status, 200);
    assert_int_equal(sample(&reply, "porthole_collector_success{protocol=\"tcp\"}"), 0);
    assert_int_equal(sample(&reply, "porthole_http_connections_accepted_total"), 1);
    assert_null(strstr(reply.body, "porthole_tcp_sockets"));
    assert_null(strstr(reply.body, "porthole_tcp_in_use"));
    reply_done(&reply);
    stop_server(NULL);
    ph_sockets_free(blind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_listener_when_connections_wait_then_counted,
                                        start_default, stop_server),
        cmocka_unit_test_setup_teardown(
            test_udp_when_its_port_was_given_out_then_no_label_of_its_own, start_default,
            stop_server),
        cmocka_unit_test_setup_teardown(test_requests_when_answered_then_counted, start_default,
                                        stop_server),
        cmocka_unit_test_setup_teardown(test_format_when_open_metrics_is_liked_better_then_so,
                                        start_default, stop_server),
        cmocka_unit_test(test_sockets_when_nothing_can_be_read_then_said_and_the_rest_is_there),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
