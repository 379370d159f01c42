/* SPDX-License-Identifier: MIT
 *
 * What bind(2) would say, worked out from the sockets there are: only values in and out. The rules
 * are the kernel's (inet_csk_get_port() and inet_rcv_saddr_equal()), for a socket without options.
 */
#ifndef PORTHOLE_DOCTOR_BIND_H
#define PORTHOLE_DOCTOR_BIND_H

#include "sockets/address.h"

#include <porthole/doctor.h>

/* The half that is wanted. */
struct ph__bind_wish {
    enum ph_protocol protocol;
    uint16_t port;
    enum ph_family family;
    struct ph__address address; /* IPv4: mapped */
    uint32_t interface;         /* of a link-local address; 0: none */
    bool v6only;
};

/* What counts beside the sockets. */
struct ph__bind_facts {
    int address_error;   /* what the kernel says to the address, whatever the port */
    uint16_t privileged; /* ports below need a right */
    bool capable;        /* and we have it */
    uint16_t ephemeral_first, ephemeral_last;
};

/* The sockets that listen or are bound, without a connection, on the port that is wanted. */
struct ph__bind_waiting {
    const struct ph_socket *const *items;
    size_t count;
};

enum ph__bind_overlap { PH__BIND_APART, PH__BIND_MAYBE, PH__BIND_OVERLAPS };

/* Whether a socket is in the way. Maybe: it hangs on IPV6_V6ONLY, which the kernel does not tell
 * of connections; and there is no listener to go by. */
enum ph__bind_overlap ph__bind_overlap(const struct ph__bind_wish *wish,
                                       const struct ph__bind_waiting *waiting,
                                       const struct ph_socket *socket);

/* Whether it belongs to those. */
bool ph__bind_is_waiting(const struct ph_socket *socket);

/* How much a socket in the way tells: the largest decides the verdict. */
enum ph_bind ph__bind_kind(const struct ph__bind_facts *facts, const struct ph_socket *socket);
int ph__bind_rank(enum ph_bind kind);

/* The verdict that stands whatever sockets there are, or PH_BIND_FREE. */
enum ph_bind ph__bind_beforehand(const struct ph__bind_wish *wish,
                                 const struct ph__bind_facts *facts);

/* What bind(2) returns with a verdict. */
int ph__bind_error(enum ph_bind verdict);

#endif
