/* SPDX-License-Identifier: MIT
 *
 * The doctor over HTTP, in a namespace of its own.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/status_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 7), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void test_why_when_the_question_is_wrong_then_400(void **state)
{
    (void)state;
    assert_problem_at("/api/v1/why", 400, "port");
    assert_problem_at("/api/v1/why?port=0", 400, "port");
    assert_problem_at("/api/v1/why?port=65536", 400, "port");
    assert_problem_at("/api/v1/why?port=80&protocol=unix", 400, "tcp or udp");
    assert_problem_at("/api/v1/why?port=80&address=localhost", 400, "address");
    assert_problem_at("/api/v1/why?port=80&probe=1", 400, "probe");
    assert_problem_at("/api/v1/why?port=80&max_age_ms=x", 400, "max_age_ms");
    assert_problem_at("/api/v1/why?port=80&colour=red", 400, "colour");
}

static void test_why_tells_who_holds_a_port(void **state)
{
    (void)state;
    uint16_t held;
    int fd = open_listener(&held);
    char target[100];
    snprintf(target, sizeof target, "/api/v1/why?port=%u&max_age_ms=0&probe=true", held);
    cJSON *why = get_json(target, 200);
    assert_int_equal(number(why, "port"), held);
    assert_string_equal(text(why, "protocol"), "tcp");
    const cJSON *bind = field(why, "bind");
    assert_string_equal(text(bind, "verdict"), "in_use");
    assert_string_equal(text(bind, "address"), "0.0.0.0");
    assert_string_equal(text(bind, "error"), "EADDRINUSE");
    assert_true(cJSON_IsTrue(field(bind, "certain")));
    const cJSON *holder = cJSON_GetArrayItem(field(bind, "holders"), 0);
    assert_int_equal(number(holder, "pid"), getpid());
    assert_int_equal(strlen(text(holder, "since")), 24);
    assert_string_equal(text(holder, "state"), "listen");
    assert_string_equal(text(field(bind, "ipv6"), "verdict"), "free");
    assert_string_equal(text(field(why, "reach"), "verdict"), "loopback");
    assert_int_equal(number(field(why, "health"), "backlog"), 7);
    assert_true(cJSON_GetArraySize(field(why, "advice")) > 0);
    const cJSON *probe = field(why, "probe");
    assert_string_equal(text(probe, "bind"), "EADDRINUSE");
    assert_string_equal(text(probe, "bind_ipv6"), "ok");
    assert_string_equal(text(field(probe, "connect"), "result"), "ok");
    cJSON_Delete(why);
    close(fd);
}

static void test_why_of_a_free_udp_port(void **state)
{
    (void)state;
    cJSON *why = get_json("/api/v1/why?port=9&protocol=udp&address=127.0.0.1&max_age_ms=0", 200);
    const cJSON *bind = field(why, "bind");
    assert_string_equal(text(bind, "verdict"), "free");
    assert_null_field(bind, "error");
    assert_null_field(bind, "ipv6");
    assert_null_field(why, "probe");
    assert_string_equal(text(field(why, "reach"), "verdict"), "nobody");
    assert_null_field(field(why, "health"), "connections");
    cJSON_Delete(why);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, start_default, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_why_when_the_question_is_wrong_then_400),
        SERVER_TEST(test_why_tells_who_holds_a_port),
        SERVER_TEST(test_why_of_a_free_udp_port),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
