/* SPDX-License-Identifier: MIT
 *
 * Connections that break, and system calls that fail or do less than asked: nothing leaks, nobody
 * else notices. The wrapped calls misbehave on the server's threads only.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"
#define LARGE "GET /big?kind=generate&size=12000000 HTTP/1.1" HOST "\r\n"

static pthread_t test_thread;

/* ---- the wrapped calls ---- */

static _Atomic int fail_next[4];  /* how many calls in a row fail, by enum call */
static _Atomic int fail_with;     /* errno */
static _Atomic bool tiny_buffers; /* connections accepted meanwhile have the smallest there are */

enum call { RECV, SEND, ACCEPT, EPOLL_CTL };

static bool fails(enum call call)
{
    if (pthread_equal(pthread_self(), test_thread) || fail_next[call] == 0) {
        return false;
    }
    fail_next[call]--;
    errno = fail_with;
    return true;
}

ssize_t __real_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
    return fails(RECV) ? -1 : __real_recv(fd, to, size, flags);
}

ssize_t __real_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags)
{
    return fails(SEND) ? -1 : __real_send(fd, from, size, flags);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return fails(SEND) ? -1 : __real_sendmsg(fd, message, flags);
}

int __real_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    if (fails(ACCEPT)) {
        return -1;
    }
    int accepted = __real_accept4(fd, from, size, flags);
    if (accepted >= 0 && tiny_buffers) {
        const int least = 1;
        setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
        setsockopt(accepted, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    }
    return accepted;
}

int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return fails(EPOLL_CTL) ? -1 : __real_epoll_ctl(epoll, operation, fd, event);
}

static void break_calls(enum call call, int times, int error)
{
    fail_with = error;
    fail_next[call] = times;
}

static int start(void **state)
{
    (void)state;
    test_thread = pthread_self();
    const struct ph_config cfg = {.workers = 1};
    server = server_start(&cfg);
    return 0;
}

/* ---- connections that break ---- */

static void test_reset_when_in_any_state_then_connection_freed(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        const char *bytes;
    } phases[] = {
        {"accepted", ""},
        {"head", "GET /hel"},
        {"head", "\r\n"},
        {"body", "POST /echo HTTP/1.1" HOST "Content-Length: 10\r\n\r\nhello"},
        {"body", "POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhe"},
        {"body", "POST /echo HTTP/1.1" HOST "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"},
        {"handling", "GET /wait HTTP/1.1" HOST "\r\n"},
        {"handling", HELLO "GET /wait HTTP/1.1" HOST "\r\n" HELLO},
        {"writing", LARGE},
        {"writing", LARGE HELLO},
        {"idle", HELLO},
        {"lingering", "GET / HTTP/7.7\r\n\r\n"},
    };
    gate_close();
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        struct client client = client_open_small(ph_server_port(server), 4096);
        client_puts(&client, phases[i].bytes);
        wait_connections(server, phases[i].state, 1);
        client_reset(&client);
        assert_served(ph_server_port(server));
        if (strcmp(phases[i].state, "handling") == 0) {
            wait_waiting(1);
            gate_open();
            wait_waiting(0);
            gate_close();
        }
        wait_connections(server, "", 0);
    }
}

static void test_half_close_when_request_is_complete_then_answered(void **state)
{
    (void)state;
    static const char *const requests[] = {
        HELLO, HELLO HELLO "GET /hel", LARGE, "GET /slow HTTP/1.1" HOST "\r\n",
        "POST /echo/slow HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, requests[i]);
        client_half_close(&client);
        struct reply reply = client_reply(&client, "GET");
        assert_int_equal(reply.status, 200);
        assert_true(reply.complete);
        reply_done(&reply);
        if (i == 1) {
            reply = client_reply(&client, "GET");
            assert_reply_text(&reply, 200, "hello");
            reply_done(&reply);
        }
        assert_int_equal(client_wait_end(&client), 0);
        client_close(&client);
    }
    wait_connections(server, "", 0);
}

/* ---- system calls ---- */

static void test_everything_when_the_kernel_takes_few_bytes_then_the_same(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    static const char *const kinds[] = {"copy", "take", "static", "generate"};
    tiny_buffers = true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct client client = client_open(ph_server_port(server));
        char request[300];
        snprintf(request, sizeof request,
                 HELLO "GET /big?kind=%s&size=%d HTTP/1.1" HOST "\r\n" HELLO, kinds[i], SIZE);
        client_puts(&client, request);
        struct reply reply = client_reply(&client, "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        reply = client_reply(&client, "GET");
        assert_int_equal(reply.body_size, SIZE);
        assert_memory_equal(reply.body, big_bytes(), SIZE);
        reply_done(&reply);
        reply = client_reply(&client, "GET");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        client_close(&client);
    }
    tiny_buffers = false;
}

static void test_recv_and_send_when_interrupted_then_tried_again(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; i < 10; i++) {
        break_calls(i % 2 ? RECV : SEND, 1 + i / 2, EINTR);
        struct reply reply = client_ask(&client, HELLO);
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        assert_int_equal(fail_next[i % 2 ? RECV : SEND], 0);
    }
    client_close(&client);
}

static void test_recv_and_send_when_broken_then_connection_closed(void **state)
{
    (void)state;
    static const int errors[] = {ECONNRESET, ETIMEDOUT, EPIPE, ENOMEM, ENOBUFS};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        for (enum call call = RECV; call <= SEND; call++) {
            wait_connections(server, "", 0); /* or their end would meet the failure */
            struct client client = client_open(ph_server_port(server));
            break_calls(call, 1, errors[i]);
            client_puts(&client, HELLO);
            assert_int_equal(client_skip_to_end(&client), 0);
            client_close(&client);
            assert_served(ph_server_port(server));
        }
    }
    wait_connections(server, "", 0);
}

static void test_accept_when_one_connection_fails_then_the_next_is_served(void **state)
{
    (void)state;
    static const int errors[] = {ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        break_calls(ACCEPT, 3, errors[i]);
        assert_served(ph_server_port(server));
        assert_int_equal(fail_next[ACCEPT], 0);
    }
}

static long cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* Without memory for a socket there is nothing to refuse with: the client waits in the queue, and
 * the server leaves the queue alone for a moment, instead of asking again and again. */
static void test_accept_when_out_of_memory_then_waits_without_spinning(void **state)
{
    (void)state;
    enum { FAILURES = 5 };
    static const int errors[] = {ENOMEM, ENOBUFS};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        break_calls(ACCEPT, FAILURES, errors[i]);
        long before = cpu_ms();
        struct client client = client_open(ph_server_port(server));
        struct reply reply = client_ask(&client, HELLO);
        assert_reply_text(&reply, 200, "hello");
        assert_int_equal(fail_next[ACCEPT], 0);
        assert_true(cpu_ms() - before < 300); /* five pauses of 100 ms, of which it slept most */
        reply_done(&reply);
        client_close(&client);
    }
}

static void test_hand_over_when_epoll_is_full_then_503(void **state)
{
    (void)state;
    wait_connections(server, "", 0);
    static const int errors[] = {ENOSPC, ENOMEM};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct client client = client_socket();
        break_calls(EPOLL_CTL, 1, errors[i]);
        client_connect(&client, ph_server_port(server));
        struct reply reply = client_reply(&client, "GET");
        assert_problem(&reply, 503);
        assert_reply_field(&reply, "Connection", "close");
        reply_done(&reply);
        assert_int_equal(client_wait_end(&client), 0);
        client_close(&client);
        assert_int_equal(count_connections(server, ""), 0);
        assert_served(ph_server_port(server));
        wait_connections(server, "", 0);
    }
}

/* ---- signals ---- */

static _Atomic bool load_done;
static _Atomic int signals_taken;

static void take_signal(int number)
{
    (void)number;
    signals_taken++;
}

/* Keeps sending signals to the process while this thread, like the test's, has them blocked: they
 * reach the server's threads. */
static void *send_signals(void *user)
{
    (void)user;
    while (!load_done) {
        kill(getpid(), SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void test_server_when_signals_pour_in_then_every_request_is_answered(void **state)
{
    (void)state;
    enum { ROUNDS = 200 };
    const struct sigaction action = {.sa_handler = take_signal}; /* no SA_RESTART */
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, NULL), 0);
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, send_signals, NULL), 0);
    for (int i = 0; i < ROUNDS || signals_taken < ROUNDS; i++) {
        struct client client = client_open(ph_server_port(server));
        struct reply reply = client_ask(&client, "GET /slow HTTP/1.1" HOST "\r\n");
        assert_reply_text(&reply, 200, "slow");
        reply_done(&reply);
        reply = client_ask(&client, "GET /big?kind=generate&size=100000 HTTP/1.1" HOST "\r\n");
        assert_int_equal(reply.body_size, 100000);
        reply_done(&reply);
        client_close(&client);
    }
    load_done = true;
    pthread_join(sender, NULL);
    assert_served(ph_server_port(server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_when_in_any_state_then_connection_freed),
        cmocka_unit_test(test_half_close_when_request_is_complete_then_answered),
        cmocka_unit_test(test_everything_when_the_kernel_takes_few_bytes_then_the_same),
        cmocka_unit_test(test_recv_and_send_when_interrupted_then_tried_again),
        cmocka_unit_test(test_recv_and_send_when_broken_then_connection_closed),
        cmocka_unit_test(test_accept_when_one_connection_fails_then_the_next_is_served),
        cmocka_unit_test(test_accept_when_out_of_memory_then_waits_without_spinning),
        cmocka_unit_test(test_hand_over_when_epoll_is_full_then_503),
        cmocka_unit_test(test_server_when_signals_pour_in_then_every_request_is_answered),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
