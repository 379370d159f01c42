/* SPDX-License-Identifier: MIT
 *
 * Packet, netlink and vsock sockets as messages of sock_diag. Only bytes in, row out: no
 * descriptors.
 */
#ifndef PORTHOLE_SOCKETS_LINK_DIAG_H
#define PORTHOLE_SOCKETS_LINK_DIAG_H

#include <porthole/sockets.h>

#include <stddef.h>

enum { PH__PACKET_DIAG_REQUEST = 20, PH__NETLINK_DIAG_REQUEST = 20, PH__VSOCK_DIAG_REQUEST = 24 };

/* Write the request for all sockets. */
void ph__packet_diag_request(unsigned char ret_request[PH__PACKET_DIAG_REQUEST]);
void ph__netlink_diag_request(unsigned char ret_request[PH__NETLINK_DIAG_REQUEST]);
void ph__vsock_diag_request(unsigned char ret_request[PH__VSOCK_DIAG_REQUEST]);

/* Read one message. @return 1; 0 for a socket of another kind; -EBADMSG. */
int ph__packet_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket);
int ph__netlink_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket);
int ph__vsock_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket);

#endif
