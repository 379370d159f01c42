/* SPDX-License-Identifier: MIT
 *
 * The part of an explanation that asks the kernel by doing: binds for a moment, without listening,
 * and connects once to what listens, which its owner sees as a connection that says nothing.
 */
#include "base/clock.h"
#include "doctor/facts.h"
#include "doctor/say.h"
#include "doctor/why.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

enum { CONNECT_MS = 1000 };

static int try_bind(const struct ph__bind_wish *wish)
{
    struct sockaddr_storage address;
    socklen_t size;
    int fd = ph__facts_open(wish, true, &address, &size);
    if (fd < 0) {
        return fd;
    }
    int err = bind(fd, (const struct sockaddr *)&address, size) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int wait_connected(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int ready = poll(&poll_fd, 1, CONNECT_MS);
    if (ready <= 0) {
        return ready < 0 ? -errno : -ETIMEDOUT;
    }
    int err = 0;
    socklen_t size = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

static int try_connect(const struct ph__bind_wish *wish, uint64_t *ret_us)
{
    struct sockaddr_storage address;
    socklen_t size;
    int fd = ph__facts_open(wish, true, &address, &size);
    if (fd < 0) {
        return fd;
    }
    /* A reset at the end leaves no trace in time_wait. */
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const struct timeval limit = {.tv_sec = CONNECT_MS / 1000};
    int err = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;
    uint64_t start = ph__clock_us();
    if (!err && connect(fd, (const struct sockaddr *)&address, size) < 0) {
        err = errno == EINPROGRESS ? -ETIMEDOUT : errno == EINTR ? wait_connected(fd) : -errno;
    }
    *ret_us = ph__clock_us() - start;
    close(fd);
    return err;
}

/* Where to connect: the loopback address of the family that is listened on. */
static struct ph__bind_wish loopback(const struct ph__why *why)
{
    static const uint8_t ipv4[16] = {127, 0, 0, 1};
    static const uint8_t ipv6[16] = {[15] = 1};
    struct ph__bind_wish wish = {.protocol = PH_PROTOCOL_TCP, .port = why->shown.port};
    bool any_ipv6 = false;
    bool any_ipv4 = false;
    for (size_t i = 0; i < why->waiting.count; i++) {
        const struct ph_socket *socket = why->waiting.items[i];
        bool is_ipv6 = socket->family == PH_FAMILY_IPV6;
        any_ipv6 = any_ipv6 || is_ipv6;
        any_ipv4 = any_ipv4 || !is_ipv6 || !socket->v6only;
    }
    bool over_ipv6 = why->wish.family == PH_FAMILY_IPV6 || (any_ipv6 && !any_ipv4);
    wish.family = over_ipv6 ? PH_FAMILY_IPV6 : PH_FAMILY_IPV4;
    wish.address = ph__address_of(wish.family, over_ipv6 ? ipv6 : ipv4);
    return wish;
}

int ph__why_probe(struct ph__why *why)
{
    struct ph_why_probe *probe = ph__arena_alloc(&why->arena, sizeof *probe);
    if (!probe) {
        return -ENOMEM;
    }
    *probe = (struct ph_why_probe){.bind_error = try_bind(&why->wish)};
    if (why->shown.bind_ipv6) {
        probe->has_ipv6 = true;
        probe->bind_ipv6_error = try_bind(&why->wish_ipv6);
    }
    if (why->shown.protocol == PH_PROTOCOL_TCP) {
        struct ph__bind_wish target = loopback(why);
        probe->has_connect = true;
        probe->connect_address = target.family == PH_FAMILY_IPV6 ? "::1" : "127.0.0.1";
        probe->connect_error = try_connect(&target, &probe->connect_us);
    }
    why->shown.probe = probe;
    return 0;
}
