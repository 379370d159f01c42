/* SPDX-License-Identifier: MIT
 *
 * TCP, UDP and other IP sockets as inet_diag messages. Only bytes in, row out: no descriptors.
 */
#ifndef PORTHOLE_SOCKETS_INET_DIAG_H
#define PORTHOLE_SOCKETS_INET_DIAG_H

#include "sockets/narrow.h"

#include <porthole/sockets.h>

#include <stddef.h>
#include <stdint.h>

enum {
    PH__INET_DIAG_HEAD = 64, /* what a request is without bytecode, at most */
    PH__INET_DIAG_REQUEST = PH__INET_DIAG_HEAD + 4 + PH__BYTECODE_SIZE
};

/* What is asked of each socket: what its row needs, or all there is. */
enum ph__extent { PH__EXTENT_ROW, PH__EXTENT_DETAILS };

/* Writes the request for the sockets of a protocol and family: all, or those of a narrowing, which
 * may be NULL. @return its size. */
size_t ph__inet_diag_request(enum ph_protocol protocol, enum ph_family family,
                             const struct ph__narrowing *narrowing, enum ph__extent extent,
                             unsigned char ret_request[PH__INET_DIAG_REQUEST]);

/* Where TCP's table is cut in two: between the sockets up to and with these ports, and those
 * behind; the local port counts first. A local port of 0: it is not cut. */
struct ph__cut {
    uint16_t local_port;
    uint16_t remote_port;
};

enum ph__half { PH__HALF_LOW, PH__HALF_HIGH, PH__HALF_BOTH };

enum { PH__TCP_REQUEST = 92 + PH__BYTECODE_SIZE };

/* Writes the request for TCP's sockets of both families, which the kernel then finds by walking
 * through its table once. It is of the type TCPDIAG_GETSOCK, the only one that knows this. Of a
 * narrowing, which may be NULL, only the states count where the table is cut.
 * @return its size. */
size_t ph__inet_diag_request_tcp(struct ph__cut cut, enum ph__half half,
                                 const struct ph__narrowing *narrowing, enum ph__extent extent,
                                 unsigned char ret_request[PH__TCP_REQUEST]);

/* Reads one message. @return 1; 0 for a socket of another kind; -EBADMSG. */
int ph__inet_diag_parse(enum ph_protocol protocol, const unsigned char *payload, size_t size,
                        struct ph_socket *ret_socket);

/* The enumerator of a state as the kernel numbers them (enum in its net/tcp_states.h), which
 * /proc/net also shows; false for none of TCP's. */
bool ph__inet_diag_state(enum ph_protocol protocol, unsigned number, enum ph_state *ret_state);

/* Whether a protocol has no connections of its own: its sockets have a peer at most. */
bool ph__inet_diag_is_connectionless(enum ph_protocol protocol);

/* The type of a protocol's sockets, SOCK_STREAM and so on. */
uint16_t ph__inet_diag_type(enum ph_protocol protocol);

/* Fills what a state says by itself: whether there is a remote end, and which way the two queue
 * numbers are meant. */
void ph__inet_diag_queues(struct ph_socket *socket, int64_t receive, int64_t send);

/* The enumerator of the kernel's number of a timer. */
enum ph_timer ph__inet_diag_timer(unsigned number);

#endif
