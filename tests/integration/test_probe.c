/* SPDX-License-Identifier: MIT
 *
 * Probes of real ports, in a namespace of the test's own: each result is made to happen.
 */
#include <porthole/probe.h>

#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHORT_MS = 200 };

static struct ph_probe *probe_of(const char *host, uint16_t port, enum ph_protocol protocol)
{
    const struct ph_probe_question question = {
        .host = host, .port = port, .protocol = protocol, .timeout_ms = SHORT_MS};
    struct ph_probe *probe = NULL;
    char problem[200] = "";
    assert_int_equal(ph_probe_new(&probe, &question, problem, sizeof problem), 0);
    assert_string_equal(problem, "");
    return probe;
}

/* A socket bound to loopback. */
static int open_bound(int family, int type, uint16_t *ret_port)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool is_ipv6 = family == AF_INET6;
    struct sockaddr *address = is_ipv6 ? (struct sockaddr *)&ipv6 : (struct sockaddr *)&ipv4;
    socklen_t size = is_ipv6 ? sizeof ipv6 : sizeof ipv4;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, address, size) < 0) {
        skip_because("no such family here");
    }
    assert_int_equal(getsockname(fd, address, &size), 0);
    *ret_port = ntohs(is_ipv6 ? ipv6.sin6_port : ipv4.sin_port);
    return fd;
}

static const struct ph_probe_attempt *only(const struct ph_probe *probe)
{
    assert_int_equal(probe->attempt_count, 1);
    assert_true(strlen(probe->attempts[0].meaning) > 20);
    return &probe->attempts[0];
}

static void assert_confirmed(int family, const char *address)
{
    uint16_t port;
    int listener = open_bound(family, SOCK_STREAM, &port);
    assert_int_equal(listen(listener, 5), 0);
    struct ph_probe *probe = probe_of(address, port, PH_PROTOCOL_TCP);
    const struct ph_probe_attempt *attempt = only(probe);
    assert_true(probe->confirmed);
    assert_int_equal(attempt->result, PH_PROBE_CONFIRMED);
    assert_int_equal(attempt->error, 0);
    assert_string_equal(attempt->address, address);
    assert_string_equal(attempt->local_address, address);
    assert_true(attempt->local_port > 0 && attempt->local_port != port);
    assert_true(attempt->rtt_us > 0);
    assert_int_equal(attempt->retransmissions, 0);
    assert_int_equal(attempt->answer_bytes, -1);
    assert_true(attempt->on_this_machine);
    assert_null(attempt->said_by);
    /* The listener has seen that very half. */
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int accepted = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    assert_int_equal(ntohs(((const struct sockaddr_in *)&peer)->sin_port), attempt->local_port);
    close(accepted);
    ph_probe_free(probe);
    close(listener);
}

static void test_tcp_when_something_listens_then_confirmed(void **state)
{
    (void)state;
    assert_confirmed(AF_INET, "127.0.0.1");
}

static void test_tcp_when_something_listens_on_ipv6_then_confirmed(void **state)
{
    (void)state;
    assert_confirmed(AF_INET6, "::1");
}

static void test_tcp_when_nothing_listens_then_refused(void **state)
{
    (void)state;
    struct ph_probe *probe = probe_of("127.0.0.1", 9, PH_PROTOCOL_TCP);
    const struct ph_probe_attempt *attempt = only(probe);
    assert_false(probe->confirmed);
    assert_int_equal(attempt->result, PH_PROBE_REFUSED);
    assert_int_equal(attempt->error, -ECONNREFUSED);
    assert_non_null(attempt->local_address);
    assert_int_equal(attempt->rtt_us, -1);
    ph_probe_free(probe);
}

/* A queue for one, with one in it: the kernel drops what comes then. */
static void test_tcp_when_the_accept_queue_is_full_then_no_answer(void **state)
{
    (void)state;
    uint16_t port;
    int listener = open_bound(AF_INET, SOCK_STREAM, &port);
    assert_int_equal(listen(listener, 0), 0);
    struct ph_probe *first = probe_of("127.0.0.1", port, PH_PROTOCOL_TCP);
    assert_true(first->confirmed);
    struct ph_probe *second = probe_of("127.0.0.1", port, PH_PROTOCOL_TCP);
    const struct ph_probe_attempt *attempt = only(second);
    assert_int_equal(attempt->result, PH_PROBE_NO_ANSWER);
    assert_int_equal(attempt->error, -ETIMEDOUT);
    assert_true(attempt->time_us >= SHORT_MS * 1000);
    assert_non_null(strstr(attempt->meaning, "accept queue"));
    ph_probe_free(first);
    ph_probe_free(second);
    close(listener);
}

static void test_udp_when_nothing_is_bound_then_refused_by_whom(void **state)
{
    (void)state;
    struct ph_probe *probe = probe_of("127.0.0.1", 9, PH_PROTOCOL_UDP);
    const struct ph_probe_attempt *attempt = only(probe);
    assert_int_equal(attempt->result, PH_PROBE_REFUSED);
    assert_string_equal(attempt->said_by, "127.0.0.1");
    assert_int_equal(attempt->answer_bytes, -1);
    ph_probe_free(probe);
}

static void test_udp_when_it_is_silent_then_no_answer(void **state)
{
    (void)state;
    uint16_t port;
    int fd = open_bound(AF_INET, SOCK_DGRAM, &port);
    struct ph_probe *probe = probe_of("127.0.0.1", port, PH_PROTOCOL_UDP);
    assert_int_equal(only(probe)->result, PH_PROBE_NO_ANSWER);
    assert_false(probe->confirmed);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0); /* it has come, and is empty */
    ph_probe_free(probe);
    close(fd);
}

static void *answer(void *user)
{
    const int *fd = user;
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    char byte;
    ssize_t got = recvfrom(*fd, &byte, 1, 0, (struct sockaddr *)&from, &size);
    if (got == 0) {
        got = sendto(*fd, "pong", 4, 0, (const struct sockaddr *)&from, size);
    }
    return got == 4 ? user : NULL;
}

static void test_udp_when_it_answers_then_confirmed(void **state)
{
    (void)state;
    uint16_t port;
    pthread_t thread;
    void *answered = NULL;
    int fd = open_bound(AF_INET, SOCK_DGRAM, &port);
    const struct ph_probe_question question = {
        .host = "127.0.0.1", .port = port, .protocol = PH_PROTOCOL_UDP, .timeout_ms = 60000};
    struct ph_probe *probe = NULL;
    char problem[200];
    assert_int_equal(pthread_create(&thread, NULL, answer, &fd), 0);
    assert_int_equal(ph_probe_new(&probe, &question, problem, sizeof problem), 0);
    pthread_join(thread, &answered);
    assert_ptr_equal(answered, &fd);
    assert_true(probe->confirmed);
    assert_int_equal(only(probe)->answer_bytes, 4);
    ph_probe_free(probe);
    close(fd);
}

static void write_setting(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    if (!written) {
        skip_because("the settings of the network cannot be changed here");
    }
}

static void test_when_there_is_no_way_then_unreachable(void **state)
{
    if (!*(bool *)*state) {
        skip_because("there is no namespace to be had");
    }
    struct ph_probe *probe = probe_of("192.0.2.1", 80, PH_PROTOCOL_TCP);
    const struct ph_probe_attempt *attempt = only(probe);
    assert_int_equal(attempt->result, PH_PROBE_UNREACHABLE);
    assert_false(attempt->on_this_machine);
    assert_null(attempt->local_address);
    ph_probe_free(probe);
}

/* One port to give out, and it is taken. */
static void test_when_no_local_half_is_left_then_failed(void **state)
{
    if (!*(bool *)*state) {
        skip_because("there is no namespace to be had");
    }
    uint16_t port;
    int listener = open_bound(AF_INET, SOCK_STREAM, &port);
    assert_int_equal(listen(listener, 5), 0);
    write_setting("/proc/sys/net/ipv4/ip_local_port_range", "40001 40001");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(taken, (const struct sockaddr *)&address, sizeof address), 0);
    struct ph_probe *probe = probe_of("127.0.0.1", port, PH_PROTOCOL_TCP);
    const struct ph_probe_attempt *attempt = only(probe);
    assert_int_equal(attempt->result, PH_PROBE_FAILED);
    assert_int_equal(attempt->error, -EADDRNOTAVAIL);
    assert_null(attempt->local_address);
    assert_non_null(strstr(attempt->meaning, "ephemeral ports"));
    ph_probe_free(probe);
    close(taken);
    close(listener);
    write_setting("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
}

static void test_when_out_of_descriptors_then_failed(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const struct ph_probe_question question = {.host = "127.0.0.1", .port = 9};
    struct ph_probe *probe = NULL;
    char problem[200];
    int err = ph_probe_new(&probe, &question, problem, sizeof problem);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, 0);
    assert_int_equal(only(probe)->result, PH_PROBE_FAILED);
    assert_int_equal(only(probe)->error, -EMFILE);
    ph_probe_free(probe);
}

static void test_when_the_name_is_unknown_then_why(void **state)
{
    (void)state;
    struct ph_probe *probe = probe_of("no-such-host.invalid", 80, PH_PROTOCOL_TCP);
    assert_int_equal(probe->attempt_count, 0);
    assert_non_null(probe->resolve_error);
    assert_false(probe->confirmed);
    ph_probe_free(probe);
    ph_probe_free(NULL);
}

static void test_when_the_question_is_wrong_then_refused(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const struct {
        struct ph_probe_question question;
        const char *says;
    } wrong[] = {
        {{.port = 80}, "host"},
        {{.host = "", .port = 80}, "host"},
        {{.host = "a b", .port = 80}, "host"},
        {{.host = "a\x80", .port = 80}, "host"},
        {{.host = longer, .port = 80}, "host"},
        {{.host = "localhost"}, "port"},
        {{.host = "localhost", .port = 80, .protocol = PH_PROTOCOL_UNIX}, "protocol"},
        {{.host = "192.0.2.1", .port = 80, .loopback_only = true}, "loopback"},
        {{.host = "no-such-host.invalid", .port = 80, .loopback_only = true}, "accepted here"},
        {{.host = "::", .port = 80, .loopback_only = true}, "accepted here"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ph_probe *probe = NULL;
        char problem[200] = "";
        int err = ph_probe_new(&probe, &wrong[i].question, problem, sizeof problem);
        assert_int_equal(err, PH_ERR_PARAMETER);
        assert_true(strstr(problem, wrong[i].says) || strstr(problem, "accepted here"));
        assert_null(probe);
    }
}

static void test_when_loopback_is_asked_for_by_name_then_probed(void **state)
{
    (void)state;
    const struct ph_probe_question question = {
        .host = "localhost", .port = 9, .loopback_only = true};
    struct ph_probe *probe = NULL;
    char problem[200];
    assert_int_equal(ph_probe_new(&probe, &question, problem, sizeof problem), 0);
    assert_true(probe->attempt_count > 0);
    assert_int_equal(probe->attempts[0].result, PH_PROBE_REFUSED);
    ph_probe_free(probe);
}

static void test_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    const struct ph_probe_question question = {.host = "127.0.0.1", .port = 9};
    int left = 0;
    for (bool failed = true; failed; left++) {
        struct ph_probe *probe = NULL;
        char problem[200];
        fail_allocations(left, false);
        int err = ph_probe_new(&probe, &question, problem, sizeof problem);
        failed = stop_failing();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        ph_probe_free(probe);
    }
    assert_true(left > 1);
}

static int set_up(void **state)
{
    static bool isolated;
    isolated = enter_namespace();
    *state = &isolated;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_when_something_listens_then_confirmed),
        cmocka_unit_test(test_tcp_when_something_listens_on_ipv6_then_confirmed),
        cmocka_unit_test(test_tcp_when_nothing_listens_then_refused),
        cmocka_unit_test(test_tcp_when_the_accept_queue_is_full_then_no_answer),
        cmocka_unit_test(test_udp_when_nothing_is_bound_then_refused_by_whom),
        cmocka_unit_test(test_udp_when_it_is_silent_then_no_answer),
        cmocka_unit_test(test_udp_when_it_answers_then_confirmed),
        cmocka_unit_test(test_when_there_is_no_way_then_unreachable),
        cmocka_unit_test(test_when_no_local_half_is_left_then_failed),
        cmocka_unit_test(test_when_out_of_descriptors_then_failed),
        cmocka_unit_test(test_when_the_name_is_unknown_then_why),
        cmocka_unit_test(test_when_the_question_is_wrong_then_refused),
        cmocka_unit_test(test_when_loopback_is_asked_for_by_name_then_probed),
        cmocka_unit_test(test_when_out_of_memory_then_enomem),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
