/* SPDX-License-Identifier: MIT
 *
 * The kernel's rules for who is in whose way. Bound to an IPv6 address that is not mapped, a
 * socket has IPV6_V6ONLY; a connection has it from its listener; a socket that connects without a
 * bind has it not, and is then in the way of 0.0.0.0, though it talks IPv6.
 */
#include "doctor/bind.h"

#include <errno.h>

static struct ph__address local_of(const struct ph_socket *socket)
{
    return ph__address_of(socket->family, socket->local_address);
}

static bool same(const struct ph__address *a, const struct ph__address *b)
{
    return ph__address_in_prefix(a, b, 128);
}

bool ph__bind_is_waiting(const struct ph_socket *socket)
{
    return socket->state == PH_STATE_LISTEN || socket->state == PH_STATE_CLOSED ||
           socket->state == PH_STATE_UNCONNECTED;
}

/* IPV6_V6ONLY of a socket over IPv6: 1, 0, or -1 unknown. */
static int v6only_of(const struct ph__bind_waiting *waiting, const struct ph_socket *socket)
{
    struct ph__address local = local_of(socket);
    if (ph__bind_is_waiting(socket)) {
        if (!ph__address_is_any(&local)) {
            return 1;
        }
        return socket->v6only_known ? socket->v6only : -1;
    }
    for (size_t i = 0; i < waiting->count; i++) {
        const struct ph_socket *other = waiting->items[i];
        if (other->protocol != socket->protocol || other->family != PH_FAMILY_IPV6) {
            continue;
        }
        struct ph__address address = local_of(other);
        if (ph__address_is_any(&address) || same(&address, &local)) {
            return v6only_of(waiting, other);
        }
    }
    return socket->direction == PH_DIRECTION_OUTBOUND ? 0 : -1;
}

static enum ph__bind_overlap from_v6only(int v6only)
{
    return v6only > 0 ? PH__BIND_APART : v6only < 0 ? PH__BIND_MAYBE : PH__BIND_OVERLAPS;
}

static enum ph__bind_overlap overlap_ipv4(const struct ph__bind_wish *wish,
                                          const struct ph__bind_waiting *waiting,
                                          const struct ph_socket *socket)
{
    struct ph__address local = local_of(socket);
    bool any = ph__address_is_any(&wish->address);
    bool other_any = ph__address_is_any(&local);
    if (ph__address_is_ipv4(&local)) {
        return any || other_any || same(&wish->address, &local) ? PH__BIND_OVERLAPS
                                                                : PH__BIND_APART;
    }
    return any || other_any ? from_v6only(v6only_of(waiting, socket)) : PH__BIND_APART;
}

static enum ph__bind_overlap overlap_ipv6(const struct ph__bind_wish *wish,
                                          const struct ph_socket *socket)
{
    struct ph__address local = local_of(socket);
    bool other_ipv4 = ph__address_is_ipv4(&local);
    bool overlaps;
    if (ph__address_is_any(&wish->address)) {
        overlaps = !other_ipv4 || !wish->v6only;
    } else {
        overlaps = !other_ipv4 && (ph__address_is_any(&local) || same(&wish->address, &local));
    }
    return overlaps ? PH__BIND_OVERLAPS : PH__BIND_APART;
}

enum ph__bind_overlap ph__bind_overlap(const struct ph__bind_wish *wish,
                                       const struct ph__bind_waiting *waiting,
                                       const struct ph_socket *socket)
{
    /* A handshake under way has its port from the listener, and none of its own. */
    if (socket->protocol != wish->protocol || socket->local_port != wish->port ||
        socket->state == PH_STATE_SYN_RECV) {
        return PH__BIND_APART;
    }
    if (wish->interface && socket->interface && wish->interface != socket->interface) {
        return PH__BIND_APART;
    }
    return ph__address_is_ipv4(&wish->address) ? overlap_ipv4(wish, waiting, socket)
                                               : overlap_ipv6(wish, socket);
}

enum ph_bind ph__bind_kind(const struct ph__bind_facts *facts, const struct ph_socket *socket)
{
    switch (socket->state) {
    case PH_STATE_LISTEN:
    case PH_STATE_UNCONNECTED:
        return PH_BIND_IN_USE;
    case PH_STATE_CLOSED:
        return PH_BIND_BOUND_NOT_LISTENING;
    case PH_STATE_TIME_WAIT:
        return PH_BIND_TIME_WAIT_ONLY;
    default:
        break;
    }
    bool ephemeral =
        socket->local_port >= facts->ephemeral_first && socket->local_port <= facts->ephemeral_last;
    bool outbound = socket->direction == PH_DIRECTION_OUTBOUND ||
                    (socket->direction == PH_DIRECTION_LOCAL && ephemeral);
    return outbound ? PH_BIND_TAKEN_BY_OUTBOUND : PH_BIND_IN_USE;
}

int ph__bind_rank(enum ph_bind kind)
{
    switch (kind) {
    case PH_BIND_IN_USE:
        return 4;
    case PH_BIND_BOUND_NOT_LISTENING:
        return 3;
    case PH_BIND_TAKEN_BY_OUTBOUND:
        return 2;
    case PH_BIND_TIME_WAIT_ONLY:
        return 1;
    default:
        return 0;
    }
}

enum ph_bind ph__bind_beforehand(const struct ph__bind_wish *wish,
                                 const struct ph__bind_facts *facts)
{
    bool privileged = wish->port < facts->privileged && !facts->capable;
    /* Of two faults the kernel tells the address first over IPv4, the port over IPv6. */
    if (privileged && wish->family == PH_FAMILY_IPV6) {
        return PH_BIND_PRIVILEGED;
    }
    if (facts->address_error < 0) {
        return PH_BIND_ADDRESS_NOT_LOCAL;
    }
    return privileged ? PH_BIND_PRIVILEGED : PH_BIND_FREE;
}

int ph__bind_error(enum ph_bind verdict)
{
    switch (verdict) {
    case PH_BIND_FREE:
        return 0;
    case PH_BIND_PRIVILEGED:
        return -EACCES;
    case PH_BIND_ADDRESS_NOT_LOCAL:
        return -EADDRNOTAVAIL;
    default:
        return -EADDRINUSE;
    }
}
