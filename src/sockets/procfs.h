/* SPDX-License-Identifier: MIT
 *
 * Lines of /proc/net/{tcp,udp,udplite,raw,tcp6,...,unix,packet,netlink}, for kernels without
 * sock_diag. Only text in, row out: no descriptors.
 */
#ifndef PORTHOLE_SOCKETS_PROCFS_H
#define PORTHOLE_SOCKETS_PROCFS_H

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>

/* Reads a line of a table of IP sockets. @return false for the heading and for malformed lines. */
bool ph__procfs_parse_inet(enum ph_protocol protocol, enum ph_family family, const char *line,
                           struct ph_socket *ret_socket);

/* Reads a line of the unix table; the path points into `line`. @return as above. */
bool ph__procfs_parse_unix(const char *line, size_t size, struct ph_socket *ret_socket);

bool ph__procfs_parse_packet(const char *line, struct ph_socket *ret_socket);
bool ph__procfs_parse_netlink(const char *line, struct ph_socket *ret_socket);

#endif
