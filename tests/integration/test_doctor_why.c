/* SPDX-License-Identifier: MIT
 *
 * Why a port cannot be bound, against the kernel: each test makes a situation with real sockets in
 * a namespace of its own, and what ph_why_new() says of each address has to be what a plain bind()
 * gets there.
 */
#include "support/cmocka.h"
#include "support/namespace.h"

#include <porthole/doctor.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ph_sockets *sockets;

struct end {
    struct sockaddr_storage address;
    socklen_t size;
    int family;
};

static struct end end_of(const char *text, unsigned port)
{
    struct end end = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    if (end.family == AF_INET) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        assert_int_equal(inet_pton(AF_INET, text, &ipv4.sin_addr), 1);
        memcpy(&end.address, &ipv4, sizeof ipv4);
        end.size = sizeof ipv4;
    } else {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        memcpy(&end.address, &ipv6, sizeof ipv6);
        end.size = sizeof ipv6;
    }
    return end;
}

static int open_socket(const char *address, int type, int v6only)
{
    bool ipv6 = strchr(address, ':') != NULL;
    int fd = socket(ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (ipv6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only), 0);
    }
    return fd;
}

/* A plain bind: 0 or a negative errno. */
static int try_bind(const char *address, unsigned port, int type, int v6only)
{
    struct end end = end_of(address, port);
    int fd = open_socket(address, type, v6only);
    int err = bind(fd, (struct sockaddr *)&end.address, end.size) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int open_bound(const char *address, unsigned port, int type, int v6only)
{
    struct end end = end_of(address, port);
    int fd = open_socket(address, type, v6only);
    assert_int_equal(bind(fd, (struct sockaddr *)&end.address, end.size), 0);
    return fd;
}

static int open_listener(const char *address, unsigned port, int v6only)
{
    int fd = open_bound(address, port, SOCK_STREAM, v6only);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int open_connected(const char *address, unsigned port, int type)
{
    struct end end = end_of(address, port);
    int fd = open_socket(address, type, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&end.address, end.size), 0);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in6 address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin6_port); /* at the same place in both families */
}

static struct ph_why *ask(unsigned port, int type, const char *address, bool probe)
{
    const struct ph_why_question question = {
        .port = (uint16_t)port,
        .protocol = type == SOCK_DGRAM ? PH_PROTOCOL_UDP : PH_PROTOCOL_TCP,
        .address = address,
        .probe = probe,
    };
    char problem[200] = "";
    struct ph_why *why = NULL;
    assert_int_equal(ph_why_new(&why, sockets, &question, problem, sizeof problem), 0);
    return why;
}

static void check(const struct ph_why_bind *bind, int kernel, const char *what)
{
    assert_true(bind->certain);
    if (bind->error != kernel) {
        fail_msg("%s: said %s (%s), the kernel said %s", what, ph_bind_name(bind->verdict),
                 bind->reason, kernel ? ph_strerror(kernel) : "free");
    }
    assert_int_equal(bind->verdict == PH_BIND_FREE, kernel == 0);
    assert_true(bind->reason[0] != '\0');
}

/* Every address against the kernel, in both ways to ask; then the verdict without an address. */
static void compare(unsigned port, int type, enum ph_bind verdict, enum ph_bind verdict_ipv6)
{
    static const char *const addresses[] = {"0.0.0.0",  "127.0.0.1", "127.0.0.9",       "::", "::1",
                                            "10.9.8.7", "fd00::9",   "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct ph_why *why = ask(port, type, addresses[i], false);
        check(&why->bind, try_bind(addresses[i], port, type, 0), addresses[i]);
        assert_null(why->bind_ipv6);
        assert_string_equal(why->bind.address, addresses[i]);
        ph_why_free(why);
    }
    struct ph_why *why = ask(port, type, NULL, true);
    check(&why->bind, try_bind("0.0.0.0", port, type, 0), "0.0.0.0");
    assert_non_null(why->bind_ipv6);
    check(why->bind_ipv6, try_bind("::", port, type, 1), ":: alone");
    assert_true(why->bind_ipv6->v6only);
    assert_string_equal(ph_bind_name(why->bind.verdict), ph_bind_name(verdict));
    assert_string_equal(ph_bind_name(why->bind_ipv6->verdict), ph_bind_name(verdict_ipv6));
    assert_int_equal(why->probe->bind_error, why->bind.error);
    assert_int_equal(why->probe->bind_ipv6_error, why->bind_ipv6->error);
    assert_int_equal(why->probe->has_connect, type == SOCK_STREAM);
    if (verdict != PH_BIND_FREE) {
        assert_true(why->advice_count > 0);
    }
    ph_why_free(why);
}

static void test_why_when_nothing_is_there_then_free(void **state)
{
    (void)state;
    compare(5000, SOCK_STREAM, PH_BIND_FREE, PH_BIND_FREE);
    compare(5000, SOCK_DGRAM, PH_BIND_FREE, PH_BIND_FREE);
    struct ph_why *why = ask(5000, SOCK_STREAM, NULL, true);
    assert_int_equal(why->reach, PH_REACH_NOBODY);
    assert_int_equal(why->probe->connect_error, -ECONNREFUSED);
    assert_null(why->row);
    ph_why_free(why);
}

static void test_why_when_something_listens_then_in_use_by_whom(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int v6only;
        enum ph_bind ipv4, ipv6;
        enum ph_reach reach;
    } cases[] = {
        {"0.0.0.0", 0, PH_BIND_IN_USE, PH_BIND_FREE, PH_REACH_EVERYONE},
        {"127.0.0.1", 0, PH_BIND_IN_USE, PH_BIND_FREE, PH_REACH_LOOPBACK},
        {"127.0.0.9", 0, PH_BIND_IN_USE, PH_BIND_FREE, PH_REACH_LOOPBACK},
        {"::", 0, PH_BIND_IN_USE, PH_BIND_IN_USE, PH_REACH_EVERYONE},
        {"::", 1, PH_BIND_FREE, PH_BIND_IN_USE, PH_REACH_EVERYONE},
        {"::1", 0, PH_BIND_FREE, PH_BIND_IN_USE, PH_REACH_LOOPBACK},
        {"::ffff:127.0.0.1", 0, PH_BIND_IN_USE, PH_BIND_FREE, PH_REACH_LOOPBACK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = open_listener(cases[i].address, 5001, cases[i].v6only);
        compare(5001, SOCK_STREAM, cases[i].ipv4, cases[i].ipv6);
        struct ph_why *why = ask(5001, SOCK_STREAM, NULL, true);
        const struct ph_why_bind *bind =
            why->bind.verdict == PH_BIND_IN_USE ? &why->bind : why->bind_ipv6;
        assert_int_equal(bind->holder_count, 1);
        assert_int_equal(bind->holders[0].process->pid, getpid());
        assert_true(bind->holders[0].since_unix_ms > 0);
        assert_non_null(strstr(bind->reason, "listens on"));
        assert_int_equal(why->reach, cases[i].reach);
        assert_true(why->address_count > 0);
        assert_int_equal(why->row->port, 5001);
        ph_why_free(why);
        close(fd);
    }
}

static void test_why_when_ipv6_alone_is_listened_on_then_said(void **state)
{
    (void)state;
    int fd = open_listener("::", 5002, 1);
    struct ph_why *why = ask(5002, SOCK_STREAM, NULL, true);
    assert_non_null(strstr(why->reach_reason, "v6only"));
    assert_string_equal(why->probe->connect_address, "::1");
    assert_int_equal(why->probe->connect_error, 0);
    ph_why_free(why);
    close(fd);
}

static void test_why_when_bound_only_then_bound_not_listening(void **state)
{
    (void)state;
    int fd = open_bound("127.0.0.1", 5003, SOCK_STREAM, 0);
    compare(5003, SOCK_STREAM, PH_BIND_BOUND_NOT_LISTENING, PH_BIND_FREE);
    close(fd);
    fd = open_bound("::", 5003, SOCK_STREAM, 0);
    compare(5003, SOCK_STREAM, PH_BIND_BOUND_NOT_LISTENING, PH_BIND_BOUND_NOT_LISTENING);
    close(fd);
}

static void test_why_when_udp_is_bound_or_connected(void **state)
{
    (void)state;
    int fd = open_bound("0.0.0.0", 5004, SOCK_DGRAM, 0);
    compare(5004, SOCK_DGRAM, PH_BIND_IN_USE, PH_BIND_FREE);
    compare(5004, SOCK_STREAM, PH_BIND_FREE, PH_BIND_FREE);
    int client = open_connected("127.0.0.1", 5004, SOCK_DGRAM);
    compare(port_of(client), SOCK_DGRAM, PH_BIND_TAKEN_BY_OUTBOUND, PH_BIND_FREE);
    close(client);
    close(fd);
    fd = open_bound("::", 5004, SOCK_DGRAM, 0);
    compare(5004, SOCK_DGRAM, PH_BIND_IN_USE, PH_BIND_IN_USE);
    client = open_connected("::1", 5004, SOCK_DGRAM);
    compare(port_of(client), SOCK_DGRAM, PH_BIND_TAKEN_BY_OUTBOUND, PH_BIND_TAKEN_BY_OUTBOUND);
    close(client);
    close(fd);
}

/* Connections, both ends here; the caller closes what is left of them. */
struct pair {
    int listener, client, server;
};

static struct pair open_pair(const char *listen_on, int v6only, const char *connect_to,
                             unsigned port)
{
    struct pair pair = {.listener = open_listener(listen_on, port, v6only)};
    pair.client = open_connected(connect_to, port, SOCK_STREAM);
    pair.server = accept(pair.listener, NULL, NULL);
    assert_true(pair.server >= 0);
    return pair;
}

static void reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

static void test_why_when_an_outgoing_connection_has_it(void **state)
{
    (void)state;
    struct pair pair = open_pair("127.0.0.1", 0, "127.0.0.1", 5005);
    compare(port_of(pair.client), SOCK_STREAM, PH_BIND_TAKEN_BY_OUTBOUND, PH_BIND_FREE);
    reset(pair.client);
    close(pair.server);
    close(pair.listener);
    /* One over IPv6 is in the way of 0.0.0.0 too: the kernel does not know better. */
    pair = open_pair("::", 0, "::1", 5006);
    compare(port_of(pair.client), SOCK_STREAM, PH_BIND_TAKEN_BY_OUTBOUND,
            PH_BIND_TAKEN_BY_OUTBOUND);
    reset(pair.client);
    close(pair.server);
    close(pair.listener);
}

static void test_why_when_connections_outlive_their_listener_then_in_use(void **state)
{
    (void)state;
    struct pair pair = open_pair("0.0.0.0", 0, "127.0.0.1", 5007);
    close(pair.listener);
    compare(5007, SOCK_STREAM, PH_BIND_IN_USE, PH_BIND_FREE);
    struct ph_why *why = ask(5007, SOCK_STREAM, NULL, false);
    assert_non_null(strstr(why->bind.reason, "still has a connection"));
    assert_non_null(strstr(why->advice[why->advice_count - 1], "SO_REUSEADDR"));
    ph_why_free(why);
    reset(pair.client);
    close(pair.server);
}

static void test_why_when_a_v6only_listener_has_connections_then_ipv4_is_free(void **state)
{
    (void)state;
    struct pair pair = open_pair("::", 1, "::1", 5008);
    compare(5008, SOCK_STREAM, PH_BIND_FREE, PH_BIND_IN_USE);
    close(pair.listener);
    /* Now nobody can tell whether it had v6only; it is said to be a guess. */
    struct ph_why *why = ask(5008, SOCK_STREAM, NULL, false);
    assert_int_equal(why->bind.verdict, PH_BIND_IN_USE);
    assert_false(why->bind.certain);
    assert_int_equal(why->bind_ipv6->verdict, PH_BIND_IN_USE);
    assert_true(why->bind_ipv6->certain);
    assert_non_null(strstr(why->advice[2], "probe"));
    ph_why_free(why);
    reset(pair.client);
    close(pair.server);
}

/* Waits until the peer of `fd` has closed. */
static void await_end(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char byte;
    assert_int_equal(poll(&poll_fd, 1, 20000), 1);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void test_why_when_only_time_wait_is_left(void **state)
{
    (void)state;
    struct pair pair = open_pair("0.0.0.0", 0, "127.0.0.1", 5009);
    close(pair.listener);
    close(pair.server); /* who closes first has to remember */
    await_end(pair.client);
    close(pair.client);
    compare(5009, SOCK_STREAM, PH_BIND_TIME_WAIT_ONLY, PH_BIND_FREE);
    struct ph_why *why = ask(5009, SOCK_STREAM, NULL, false);
    assert_non_null(strstr(why->bind.reason, "time_wait"));
    assert_non_null(strstr(why->advice[0], "SO_REUSEADDR"));
    ph_why_free(why);
}

static void test_why_when_a_low_port_is_not_permitted_then_privileged(void **state)
{
    (void)state;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2];
    assert_int_equal(syscall(SYS_capget, &header, all), 0);
    struct __user_cap_data_struct less[2] = {all[0], all[1]};
    less[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
    compare(80, SOCK_STREAM, PH_BIND_FREE, PH_BIND_FREE);
    assert_int_equal(syscall(SYS_capset, &header, less), 0);
    compare(80, SOCK_STREAM, PH_BIND_PRIVILEGED, PH_BIND_PRIVILEGED);
    compare(80, SOCK_DGRAM, PH_BIND_PRIVILEGED, PH_BIND_PRIVILEGED);
    assert_int_equal(syscall(SYS_capset, &header, all), 0);
}

static void test_why_when_the_address_is_not_local_then_said(void **state)
{
    (void)state;
    struct ph_why *why = ask(5010, SOCK_STREAM, "10.9.8.7", true);
    assert_int_equal(why->bind.verdict, PH_BIND_ADDRESS_NOT_LOCAL);
    assert_int_equal(why->bind.error, -EADDRNOTAVAIL);
    assert_int_equal(why->probe->bind_error, -EADDRNOTAVAIL);
    ph_why_free(why);
}

static void test_why_when_the_accept_queue_is_full_then_advice(void **state)
{
    (void)state;
    int fd = open_bound("127.0.0.1", 5011, SOCK_STREAM, 0);
    assert_int_equal(listen(fd, 0), 0);
    int client = open_connected("127.0.0.1", 5011, SOCK_STREAM);
    struct ph_why *why = ask(5011, SOCK_STREAM, NULL, false);
    assert_int_equal(why->row->accept_queue, 1);
    assert_int_equal(why->row->unaccepted, 1);
    bool said = false;
    for (size_t i = 0; i < why->advice_count; i++) {
        said = said || strstr(why->advice[i], "accept queue is full");
    }
    assert_true(said);
    ph_why_free(why);
    close(client);
    close(fd);
}

static void test_why_when_the_question_is_wrong_then_refused(void **state)
{
    (void)state;
    static const struct ph_why_question questions[] = {
        {.port = 0},
        {.port = 80, .protocol = PH_PROTOCOL_UNIX},
        {.port = 80, .address = "here"},
        {.port = 80, .address = "fe80::1%nowhere"},
        {.port = 80, .address = "127.0.0.1%lo"},
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char problem[200] = "";
        struct ph_why *why = NULL;
        assert_int_equal(ph_why_new(&why, sockets, &questions[i], problem, sizeof problem),
                         PH_ERR_PARAMETER);
        assert_true(problem[0] != '\0');
        assert_null(why);
    }
    ph_why_free(NULL);
}

static int set_up(void **state)
{
    (void)state;
    if (!enter_namespace()) {
        printf("a network namespace of one's own is not allowed here\n");
        exit(EXIT_SKIPPED);
    }
    return ph_sockets_new(&sockets, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    ph_sockets_free(sockets);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why_when_the_question_is_wrong_then_refused),
        cmocka_unit_test(test_why_when_nothing_is_there_then_free),
        cmocka_unit_test(test_why_when_something_listens_then_in_use_by_whom),
        cmocka_unit_test(test_why_when_ipv6_alone_is_listened_on_then_said),
        cmocka_unit_test(test_why_when_bound_only_then_bound_not_listening),
        cmocka_unit_test(test_why_when_udp_is_bound_or_connected),
        cmocka_unit_test(test_why_when_an_outgoing_connection_has_it),
        cmocka_unit_test(test_why_when_connections_outlive_their_listener_then_in_use),
        cmocka_unit_test(test_why_when_a_v6only_listener_has_connections_then_ipv4_is_free),
        cmocka_unit_test(test_why_when_only_time_wait_is_left),
        cmocka_unit_test(test_why_when_a_low_port_is_not_permitted_then_privileged),
        cmocka_unit_test(test_why_when_the_address_is_not_local_then_said),
        cmocka_unit_test(test_why_when_the_accept_queue_is_full_then_advice),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
