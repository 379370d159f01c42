/* SPDX-License-Identifier: MIT
 *
 * One end of a conversation as ss writes it in filters: [FAMILY:]ADDRESS[/BITS][:PORT], or
 * unix:PATTERN.
 */
#ifndef PORTHOLE_SOCKETS_HOST_H
#define PORTHOLE_SOCKETS_HOST_H

#include "sockets/address.h"
#include "sockets/arena.h"

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which sockets an address is compared with at all. An IPv4 address is also that of a socket of
 * IPv6 that has it mapped, unless "inet:" stands before it; an IPv6 address is only IPv6's. */
enum ph__host_family {
    PH__HOST_ANY,
    PH__HOST_IPV4,
    PH__HOST_IPV6,
};

struct ph__host {
    enum ph__host_family family;
    bool any_address;
    bool any_port;
    uint16_t port;
    struct ph__address address;
    unsigned bits;
    const char *pattern; /* of a unix path; NULL: the rest counts */
};

/*
 * Reads one.
 *
 * @param arena  keeps what it points to.
 * @return 0; PH_ERR_PARAMETER when malformed; -ENOMEM.
 */
int ph__host_parse(struct ph__host *ret_host, const char *text, size_t size,
                   struct ph__arena *arena);

/* Reads [FAMILY:][:]PORT, which is a number, a service, or '*'. @return false when malformed. */
bool ph__host_parse_port(struct ph__host *ret_host, const char *text, size_t size);

/* Whether the family of a socket is one that is compared. */
bool ph__host_fits(const struct ph__host *host, const struct ph_socket *socket);

/* Whether it is this end of a socket; `source`: the local one. As in ss, a socket without a remote
 * end has port 0 and the unspecified address there. */
bool ph__host_match(const struct ph__host *host, const struct ph_snapshot *snapshot,
                    const struct ph_socket *socket, bool source);

#endif
