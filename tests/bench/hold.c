/* SPDX-License-Identifier: MIT
 *
 * Holds many connections open, for the benchmarks.
 *
 *   hold pairs N           N connections between two sockets of this process, on loopback
 *   hold idle PORT N [M]   N keep-alive connections to a server on 127.0.0.1, each after one
 *                          request to /hello; M others have been made already, by processes that
 *                          still hold them
 *
 * Prints "ready" once all stand, and ends when its standard input does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORTS_A_SOURCE = 20000 };

static void fail(const char *what)
{
    fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void raise_limit(unsigned long wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted) {
        errno = EMFILE;
        fail("descriptor limit");
    }
}

/* At its end a connection leaves nothing behind that would be listed for another minute. */
static const struct linger reset = {.l_onoff = 1};

/* Connections beyond the range of ephemeral ports come from another address of 127.0.0.0/8. */
static int connect_to(uint16_t port, unsigned long number)
{
    uint32_t source = INADDR_LOOPBACK + (uint32_t)(number / PORTS_A_SOURCE);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        fail("connect");
    }
    return fd;
}

static void ask_once(int fd)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char success[] = "HTTP/1.1 200";
    char reply[2048];
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0 ||
        recv(fd, reply, sizeof reply, 0) < (ssize_t)sizeof success ||
        memcmp(reply, success, sizeof success - 1) != 0) {
        fail("request");
    }
}

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        fail("listen");
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void hold_pairs(unsigned long count)
{
    uint16_t port;
    raise_limit(2 * count + 16);
    int listener = listen_somewhere(&port);
    for (unsigned long i = 0; i < count; i++) {
        connect_to(port, i);
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0) {
            fail("accept");
        }
    }
}

static void hold_idle(uint16_t port, unsigned long count, unsigned long first)
{
    raise_limit(count + 16);
    for (unsigned long i = 0; i < count; i++) {
        ask_once(connect_to(port, first + i));
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "pairs") == 0) {
        hold_pairs(strtoul(argv[2], NULL, 10));
    } else if ((argc == 4 || argc == 5) && strcmp(argv[1], "idle") == 0) {
        hold_idle((uint16_t)strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10),
                  argc == 5 ? strtoul(argv[4], NULL, 10) : 0);
    } else {
        fprintf(stderr, "usage: hold pairs N | hold idle PORT N [M]\n");
        return 2;
    }
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
        ;
    }
    return 0;
}
