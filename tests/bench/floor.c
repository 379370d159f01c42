/* SPDX-License-Identifier: MIT
 *
 * The floor: what a server on epoll cannot go below. It receives, counts blank lines, and sends
 * one fixed reply for each, without reading the requests.
 *
 *   floor [--close] [WORKERS]
 *   floor --body                 prints the body of the reply
 *
 * Each worker has an epoll set of its own. The first one also accepts, and deals the connections
 * out in turn by adding them to the workers' sets, so that each worker has the same number: with
 * SO_REUSEPORT a hash would deal them, unevenly. With --close each connection ends after its first
 * reply, as "Connection: close" asks for. Prints "listening on PORT"; a signal ends it.
 */
#include "reply.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, EVENTS = 512, BUFFER = 16384, BATCH = 64 };

#define HEAD                                                     \
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" \
    "Content-Type: " BENCH_TYPE "\r\nContent-Length: 150\r\n"

static const char reply_keep[] = HEAD "\r\n" BENCH_BODY;
static const char reply_close[] = HEAD "Connection: close\r\n\r\n" BENCH_BODY;

/* One connection, found by its descriptor. */
struct conn {
    uint8_t line;     /* bytes of the line that has not ended, as far as that can be counted */
    bool blocked;     /* the kernel took only part; waits for EPOLLOUT */
    uint32_t pending; /* bytes of replies to send; the replies are equal, so a count is enough */
};

static struct conn *conns; /* as many as there may be descriptors */
static int listener;
static bool closes;
static const char *reply;
static size_t reply_size;
static unsigned workers;
static int sets[WORKERS_MAX];
static char batch[BATCH * sizeof reply_close]; /* the reply, again and again */

static void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int set, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(set, operation, fd, &event) < 0) {
        fail("epoll_ctl");
    }
}

static void accept_all(void)
{
    static unsigned turn;
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        conns[fd] = (struct conn){0};
        watch(sets[turn++ % workers], EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static uint32_t count_blank_lines(struct conn *conn, const char *data, size_t size)
{
    uint32_t count = 0;
    size_t line = conn->line; /* bytes of it so far; only an empty one is of interest: "\r" */
    for (size_t i = 0; i < size; i++) {
        line++;
        if (data[i] == '\n') {
            count += line == 2;
            line = 0;
        }
    }
    conn->line = line < UINT8_MAX ? (uint8_t)line : UINT8_MAX;
    return count;
}

/* Sends what is pending. False when the connection is to be closed. */
static bool send_replies(struct conn *conn, int fd)
{
    while (conn->pending > 0) {
        size_t offset = (reply_size - conn->pending % reply_size) % reply_size;
        size_t size = BATCH * reply_size - offset;
        size = size < conn->pending ? size : conn->pending;
        ssize_t sent = send(fd, batch + offset, size, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN;
        }
        conn->pending -= (uint32_t)sent;
    }
    return !closes;
}

static bool serve(struct conn *conn, int fd, char *buffer)
{
    if (!conn->blocked) {
        ssize_t size = recv(fd, buffer, BUFFER, 0);
        if (size <= 0) {
            return size < 0 && errno == EAGAIN;
        }
        conn->pending = count_blank_lines(conn, buffer, (size_t)size) * (uint32_t)reply_size;
        if (conn->pending == 0) {
            return true;
        }
    }
    return send_replies(conn, fd);
}

static void *work(void *argument)
{
    int set = *(const int *)argument;
    struct epoll_event events[EVENTS];
    char buffer[BUFFER];
    for (;;) {
        int count = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            struct conn *conn = &conns[fd];
            if (fd == listener) {
                accept_all();
            } else if (!serve(conn, fd, buffer)) {
                close(fd);
            } else if (conn->blocked != (conn->pending > 0)) {
                conn->blocked = !conn->blocked;
                watch(set, EPOLL_CTL_MOD, fd, conn->blocked ? EPOLLOUT : EPOLLIN);
            }
        }
    }
    return NULL;
}

static void set_up(void)
{
    struct rlimit limit;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int on = 1;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        fail("descriptor limit");
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    conns = calloc(limit.rlim_max, sizeof *conns);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!conns || listener < 0 || setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        fail("listen");
    }
    for (unsigned i = 0; i < workers; i++) {
        sets[i] = epoll_create1(EPOLL_CLOEXEC);
        if (sets[i] < 0) {
            fail("epoll_create1");
        }
    }
    watch(sets[0], EPOLL_CTL_ADD, listener, EPOLLIN);
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--body") == 0) {
        return fputs(BENCH_BODY, stdout) < 0;
    }
    closes = argc > 1 && strcmp(argv[1], "--close") == 0;
    argc -= closes;
    argv += closes;
    unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 2 || wanted < 1 || wanted > WORKERS_MAX) {
        fprintf(stderr, "usage: floor [--close] [WORKERS] | floor --body\n");
        return 2;
    }
    workers = (unsigned)wanted;
    reply = closes ? reply_close : reply_keep;
    reply_size = strlen(reply);
    for (size_t i = 0; i < BATCH; i++) {
        memcpy(batch + i * reply_size, reply, reply_size);
    }
    set_up();
    for (unsigned i = 1; i < workers; i++) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, work, &sets[i]);
        if (errno) {
            fail("pthread_create");
        }
    }
    work(&sets[0]);
    return 0;
}
