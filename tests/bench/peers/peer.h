/* SPDX-License-Identifier: MIT
 *
 * What the small servers on other libraries share: their command line, their listening socket and
 * the slow reply. Each is called as NAME [WORKERS] and prints "listening on PORT".
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "reply.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PEER_SLOW_MS = 100, PEER_WORKERS_MAX = 64 };

static inline void peer_fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* The number of workers; also allows as many descriptors as the system does. */
static inline unsigned peer_workers(int argc, char **argv)
{
    struct rlimit limit;
    unsigned long workers = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (workers < 1 || workers > PEER_WORKERS_MAX) {
        peer_fail("want one argument at most: the number of workers");
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return (unsigned)workers;
}

static inline void peer_ready(unsigned port)
{
    printf("listening on %u\n", port);
    fflush(stdout);
}

/* A listening socket on any port, or on *port when that is not 0; sets it. */
static inline int peer_listen(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)*port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        peer_fail(strerror(errno));
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* Stands in for a handler that waits for a disk, or for somebody else's answer. */
static inline void peer_take_long(void)
{
    const struct timespec pause = {.tv_nsec = PEER_SLOW_MS * 1000000L};
    nanosleep(&pause, NULL);
}

#endif
