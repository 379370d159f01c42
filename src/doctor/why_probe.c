/* SPDX-License-Identifier: MIT
 *
 * The part of an explanation that asks the kernel by doing: binds for a moment, without listening,
 * and connects once to what listens, which its owner sees as a connection that says nothing.
 */
#include "doctor/attempt.h"
#include "doctor/facts.h"
#include "doctor/say.h"
#include "doctor/why.h"

#include <errno.h>
#include <netinet/in.h>
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

static int try_connect(const struct ph__bind_wish *wish, uint64_t *ret_us)
{
    struct sockaddr_storage address;
    struct ph__attempt attempt;
    socklen_t size = ph__facts_address(wish, true, &address);
    ph__attempt_make(PH_PROTOCOL_TCP, (const struct sockaddr *)&address, size, CONNECT_MS,
                     &attempt);
    *ret_us = attempt.time_us;
    return attempt.error;
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
