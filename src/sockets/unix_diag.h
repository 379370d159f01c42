/* SPDX-License-Identifier: MIT
 *
 * Unix sockets as unix_diag messages. Only bytes in, row out: no descriptors.
 */
#ifndef PORTHOLE_SOCKETS_UNIX_DIAG_H
#define PORTHOLE_SOCKETS_UNIX_DIAG_H

#include <porthole/sockets.h>

#include <stddef.h>

enum { PH__UNIX_DIAG_REQUEST = 24 };

/* Writes the request for all unix sockets. */
void ph__unix_diag_request(unsigned char ret_request[PH__UNIX_DIAG_REQUEST]);

/* Reads one message; the path points into `payload`. @return 1; 0 for a socket of another kind;
 * -EBADMSG. */
int ph__unix_diag_parse(const unsigned char *payload, size_t size, struct ph_socket *ret_socket);

#endif
