/* SPDX-License-Identifier: MIT
 *
 * An IP address and port, or the mere fact of a unix socket, in 20 bytes: a sockaddr_storage a
 * connection would cost more than all the rest of its state.
 */
#ifndef PORTHOLE_BASE_SOCKADDR_H
#define PORTHOLE_BASE_SOCKADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ph__sockaddr {
    uint16_t family;   /* AF_INET, AF_INET6 or AF_UNIX; AF_UNSPEC: unknown */
    uint16_t port;     /* host order */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

/* "[::ffff:255.255.255.255]:65535" and a NUL. */
enum { PH__SOCKADDR_TEXT = 64 };

/* What is not understood becomes AF_UNSPEC. */
struct ph__sockaddr ph__sockaddr_of(const struct sockaddr_storage *sockaddr);

/* The inverse for the IP families; returns the length for bind(2), 0 for other families. */
socklen_t ph__sockaddr_expand(const struct ph__sockaddr *address,
                              struct sockaddr_storage *ret_sockaddr);

/* "127.0.0.1:8080", "[::1]:8080", "unix" or "unknown"; returns the length. */
size_t ph__sockaddr_format(const struct ph__sockaddr *address, char *buffer, size_t size);

/* 127.0.0.0/8, ::1, their IPv4-mapped forms, and unix sockets. */
bool ph__sockaddr_is_loopback(const struct ph__sockaddr *address);

#endif
