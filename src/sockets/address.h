/* SPDX-License-Identifier: MIT
 *
 * IP addresses in one shape: 16 bytes, IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2). A
 * server on [::] sees its IPv4 clients mapped while they see themselves plain; in this shape the
 * two ends are equal.
 */
#ifndef PORTHOLE_SOCKETS_ADDRESS_H
#define PORTHOLE_SOCKETS_ADDRESS_H

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stdint.h>

struct ph__address {
    uint8_t bytes[16];
};

struct ph__address ph__address_of(enum ph_family family, const uint8_t bytes[16]);

bool ph__address_is_ipv4(const struct ph__address *address);
bool ph__address_is_loopback(const struct ph__address *address);

/* Only whether it is 0.0.0.0 or ::. */
bool ph__address_is_any(const struct ph__address *address);

/* Who can reach a socket that is bound to it. */
enum ph_scope ph__address_scope(const struct ph__address *address);

/* True when the first `bits` (0 to 128) are equal. */
bool ph__address_in_prefix(const struct ph__address *address, const struct ph__address *prefix,
                           unsigned bits);

/* Takes "10.0.0.1", "10.0.0.0/8", "10/8", "10.0.0.0/255.0.0.0", "fe80::/10", "[::1]",
 * "[fe80::/10]",
 * "[fe80::]/10"; `size` bytes of text, no NUL needed. The length of an IPv4 prefix is counted in
 * the 128 bits. @return false when malformed. */
bool ph__address_parse(const char *text, size_t size, struct ph__address *ret_address,
                       unsigned *ret_bits);

#endif
