/* SPDX-License-Identifier: MIT
 *
 * The ends of sockets that have no IP address: packet, netlink, vsock. Their numbers stand in the
 * bytes of the addresses, so that a row stays as small as it is.
 */
#ifndef PORTHOLE_SOCKETS_ENDS_H
#define PORTHOLE_SOCKETS_ENDS_H

#include <porthole/sockets.h>

#include <stdint.h>

/* Protocols whose sockets have ports of 16 bits, and those whose sockets have IP addresses. */
enum {
    PH__PROTOCOLS_PORTS = PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) | PH_PROTOCOL_BIT(PH_PROTOCOL_UDP) |
                          PH_PROTOCOL_BIT(PH_PROTOCOL_MPTCP) | PH_PROTOCOL_BIT(PH_PROTOCOL_UDPLITE),
    PH__PROTOCOLS_IP = PH__PROTOCOLS_PORTS | PH_PROTOCOL_BIT(PH_PROTOCOL_RAW),
};

/* Fill in the ends and what follows from them: the state, and whether there is another end. */
void ph__ends_packet(struct ph_socket *socket, uint16_t frames);
void ph__ends_netlink(struct ph_socket *socket, uint32_t subsystem, uint32_t port, uint32_t peer);

struct ph__vsock_end {
    uint32_t machine;
    uint32_t port;
};

/* The state has to be known. */
void ph__ends_vsock(struct ph_socket *socket, struct ph__vsock_end local,
                    struct ph__vsock_end remote);

/* What stands at one end as text, as ph_socket_local_address() has it. */
enum { PH__END_TEXT = 24 };
void ph__ends_text(enum ph_family family, const uint8_t address[16], char text[PH__END_TEXT]);

/* The subsystem that a netlink socket talks with. */
uint32_t ph__ends_subsystem(const struct ph_socket *socket);

/* The port at one end, or -1. */
int64_t ph__ends_port(enum ph_family family, const uint8_t address[16]);

#endif
