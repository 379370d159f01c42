/* SPDX-License-Identifier: MIT
 *
 * IP addresses: kinds, prefixes, and text to bytes.
 */
#include "sockets/address.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED_BITS = 96, ALL_BITS = 128 };

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

struct ph__address ph__address_of(enum ph_family family, const uint8_t bytes[16])
{
    struct ph__address address;
    if (family == PH_FAMILY_IPV4) {
        memcpy(address.bytes, mapped_prefix, sizeof mapped_prefix);
        memcpy(address.bytes + sizeof mapped_prefix, bytes, 4);
    } else {
        memcpy(address.bytes, bytes, sizeof address.bytes);
    }
    return address;
}

bool ph__address_is_ipv4(const struct ph__address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool ph__address_in_prefix(const struct ph__address *address, const struct ph__address *prefix,
                           unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(address->bytes, prefix->bytes, whole) != 0) {
        return false;
    }
    unsigned rest = bits % 8;
    return rest == 0 || (address->bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0;
}

/* Address ranges that reach less than the world; the first that fits decides. */
static const struct {
    struct ph__address prefix;
    unsigned bits;
    enum ph_scope scope;
} ranges[] = {
#define IPV4(a, b, c, d)                                         \
    {                                                            \
        {                                                        \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d \
        }                                                        \
    }
    {IPV4(0, 0, 0, 0), ALL_BITS, PH_SCOPE_ALL},
    {{{0}}, ALL_BITS, PH_SCOPE_ALL},
    {IPV4(127, 0, 0, 0), MAPPED_BITS + 8, PH_SCOPE_LOOPBACK},
    {{{[15] = 1}}, ALL_BITS, PH_SCOPE_LOOPBACK},
    {IPV4(169, 254, 0, 0), MAPPED_BITS + 16, PH_SCOPE_LINK},
    {{{0xFE, 0x80}}, 10, PH_SCOPE_LINK},
    {IPV4(10, 0, 0, 0), MAPPED_BITS + 8, PH_SCOPE_PRIVATE},
    {IPV4(172, 16, 0, 0), MAPPED_BITS + 12, PH_SCOPE_PRIVATE},
    {IPV4(192, 168, 0, 0), MAPPED_BITS + 16, PH_SCOPE_PRIVATE},
    {IPV4(100, 64, 0, 0), MAPPED_BITS + 10, PH_SCOPE_PRIVATE},
    {{{0xFC}}, 7, PH_SCOPE_PRIVATE},
#undef IPV4
};

enum ph_scope ph__address_scope(const struct ph__address *address)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ph__address_in_prefix(address, &ranges[i].prefix, ranges[i].bits)) {
            return ranges[i].scope;
        }
    }
    return PH_SCOPE_PUBLIC;
}

bool ph__address_is_loopback(const struct ph__address *address)
{
    return ph__address_scope(address) == PH_SCOPE_LOOPBACK;
}

bool ph__address_is_any(const struct ph__address *address)
{
    return ph__address_scope(address) == PH_SCOPE_ALL;
}

/* One to three digits, at most `max`. */
static bool parse_bits(const char *text, size_t size, unsigned max, unsigned *ret_bits)
{
    unsigned bits = 0;
    if (size == 0 || size > 3) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    *ret_bits = bits;
    return bits <= max;
}

bool ph__address_parse(const char *text, size_t size, struct ph__address *ret_address,
                       unsigned *ret_bits)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = memchr(text, '/', size);
    size_t length = slash ? (size_t)(slash - text) : size;
    const char *from = text;
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (bracketed) {
        from++;
        length -= 2;
    }
    if (length >= sizeof host || memchr(from, '\0', length)) {
        return false;
    }
    memcpy(host, from, length);
    host[length] = '\0';

    uint8_t bytes[16];
    bool ipv4 = !bracketed && inet_pton(AF_INET, host, bytes) == 1;
    if (!ipv4 && inet_pton(AF_INET6, host, bytes) != 1) {
        return false;
    }
    unsigned bits = ipv4 ? 32 : ALL_BITS;
    if (slash && !parse_bits(slash + 1, (size_t)(text + size - slash) - 1, bits, &bits)) {
        return false;
    }
    *ret_address = ph__address_of(ipv4 ? PH_FAMILY_IPV4 : PH_FAMILY_IPV6, bytes);
    *ret_bits = ipv4 ? MAPPED_BITS + bits : bits;
    return true;
}
