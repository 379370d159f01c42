/* SPDX-License-Identifier: MIT
 *
 * Attempts: a socket of their own, which does not wait by itself, and poll(2).
 */
#include "doctor/attempt.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Waits for one of the events. @return 0; -ETIMEDOUT; a negative errno of poll(2). */
static int wait_until(int fd, short events, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now = ph__clock_ms();
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int ready = poll(&poll_fd, 1, deadline_ms > now ? (int)(deadline_ms - now) : 0);
        if (ready > 0) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return -errno;
        }
        if (ph__clock_ms() >= deadline_ms) {
            return -ETIMEDOUT;
        }
    }
}

static int socket_error(int fd)
{
    int err = 0;
    socklen_t size = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

static void read_local(int fd, struct ph__attempt *attempt)
{
    struct sockaddr_in ports; /* that of IPv6 has its port in the same place */
    socklen_t size = sizeof attempt->local;
    int err = getsockname(fd, (struct sockaddr *)&attempt->local, &size);
    memcpy(&ports, &attempt->local, sizeof ports);
    if (err < 0 || ports.sin_port == 0) {
        attempt->local.ss_family = AF_UNSPEC;
    }
}

/* What the kernel has measured, of a connection or of a request without an answer. */
static void read_info(int fd, struct ph__attempt *attempt)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
        return;
    }
    attempt->retransmissions = info.tcpi_total_retrans;
    if (attempt->error == 0 && info.tcpi_rtt > 0) {
        attempt->rtt_us = info.tcpi_rtt;
    }
}

static int connect_in_time(int fd, const struct sockaddr *address, socklen_t size,
                           uint64_t deadline_ms, struct ph__attempt *attempt)
{
    int err = connect(fd, address, size) < 0 ? -errno : 0;
    read_local(fd, attempt);
    if (err == -EINPROGRESS) {
        err = wait_until(fd, POLLOUT, deadline_ms);
        err = err ? err : socket_error(fd);
    }
    return err;
}

static void try_tcp(int fd, const struct sockaddr *address, socklen_t size, uint64_t deadline_ms,
                    struct ph__attempt *attempt)
{
    /* A reset at the end leaves no trace in time_wait. */
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    attempt->error = connect_in_time(fd, address, size, deadline_ms, attempt);
    read_info(fd, attempt);
}

/* Who sent the ICMP message: the first one in the queue of errors (ip(7), IP_RECVERR). */
static void read_offender(int fd, struct ph__attempt *attempt)
{
    union {
        struct cmsghdr align;
        unsigned char room[512];
    } control;
    unsigned char byte;
    struct iovec vector = {&byte, sizeof byte};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
        return;
    }
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        bool ipv4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
        bool ipv6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
        size_t size = ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if ((ipv4 || ipv6) && part->cmsg_len >= CMSG_LEN(sizeof(struct sock_extended_err) + size)) {
            memcpy(&attempt->said_by, CMSG_DATA(part) + sizeof(struct sock_extended_err), size);
        }
    }
}

static void try_udp(int fd, const struct sockaddr *address, socklen_t size, uint64_t deadline_ms,
                    struct ph__attempt *attempt)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (address->sa_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    }
    attempt->error = connect_in_time(fd, address, size, deadline_ms, attempt);
    if (!attempt->error && send(fd, "", 0, MSG_NOSIGNAL) < 0) {
        attempt->error = -errno;
    }
    if (!attempt->error) {
        attempt->error = wait_until(fd, POLLIN, deadline_ms);
    }
    if (!attempt->error) {
        unsigned char answer[2048];
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        attempt->error = got < 0 ? -errno : 0;
        attempt->answer_bytes = got;
    }
    read_offender(fd, attempt);
}

void ph__attempt_make(enum ph_protocol protocol, const struct sockaddr *address, socklen_t size,
                      unsigned timeout_ms, struct ph__attempt *ret_attempt)
{
    bool udp = protocol == PH_PROTOCOL_UDP;
    struct ph__attempt attempt = {.rtt_us = -1, .retransmissions = -1, .answer_bytes = -1};
    int fd = socket(address->sa_family,
                    (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    uint64_t start_us = ph__clock_us();
    if (fd < 0) {
        attempt.error = -errno;
    } else {
        uint64_t deadline_ms = ph__clock_ms() + timeout_ms;
        (udp ? try_udp : try_tcp)(fd, address, size, deadline_ms, &attempt);
        close(fd);
    }
    attempt.time_us = ph__clock_us() - start_us;
    *ret_attempt = attempt;
}
