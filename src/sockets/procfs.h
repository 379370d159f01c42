/* SPDX-License-Identifier: MIT
 *
 * Lines of /proc/net/{tcp,tcp6,udp,udp6,unix}, for kernels without sock_diag. Only text in, row
 * out: no descriptors.
 */
#ifndef PORTHOLE_SOCKETS_PROCFS_H
#define PORTHOLE_SOCKETS_PROCFS_H

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>

/* Reads a line of a TCP or UDP table. @return false for the heading and for malformed lines. */
bool ph__procfs_parse_inet(enum ph_protocol protocol, enum ph_family family, const char *line,
                           struct ph_socket *ret_socket);

/* Reads a line of the unix table; the path points into `line`. @return as above. */
bool ph__procfs_parse_unix(const char *line, size_t size, struct ph_socket *ret_socket);

#endif
