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
    if (bits > max) {
        return false;
    }
    *ret_bits = bits;
    return true;
}

/* "193.233.7": fewer than four numbers, as ss and ip take them before a prefix length. The rest is
 * zero. */
static bool parse_short_ipv4(const char *text, size_t size, uint8_t bytes[16])
{
    unsigned count = 0;
    memset(bytes, 0, 4);
    for (;;) {
        const char *dot = memchr(text, '.', size);
        size_t length = dot ? (size_t)(dot - text) : size;
        unsigned number;
        if (count == 4 || !parse_bits(text, length, UINT8_MAX, &number)) {
            return false;
        }
        bytes[count++] = (uint8_t)number;
        if (!dot) {
            return true;
        }
        text += length + 1;
        size -= length + 1;
    }
}

/* A mask in place of a length, such as 255.255.0.0: ones, then zeros. */
static bool parse_mask(const char *text, size_t size, unsigned *ret_bits)
{
    uint8_t bytes[16];
    if (!memchr(text, '.', size) || !parse_short_ipv4(text, size, bytes)) {
        return false;
    }
    uint32_t mask =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    unsigned bits = 0;
    while (mask & UINT32_C(1) << 31) {
        mask <<= 1;
        bits++;
    }
    *ret_bits = bits;
    return mask == 0;
}

static bool parse_host(const char *text, size_t size, bool ipv6, bool is_prefix, uint8_t bytes[16],
                       bool *ret_ipv4)
{
    char host[INET6_ADDRSTRLEN];
    if (size >= sizeof host || memchr(text, '\0', size)) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    *ret_ipv4 = !ipv6 && (inet_pton(AF_INET, host, bytes) == 1 ||
                          (is_prefix && parse_short_ipv4(text, size, bytes)));
    return *ret_ipv4 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* A text in its parts. */
struct parts {
    const char *host;
    size_t host_size;
    const char *length; /* of the prefix; NULL: none */
    size_t length_size;
    bool bracketed;
};

/* Takes brackets off: "[::1]", "[fe80::/10]", "[fe80::]/10". @return false when one is left open or
 * followed by something else. */
static bool split(const char *text, size_t size, struct parts *ret_parts)
{
    struct parts parts = {.host = text, .bracketed = size > 0 && text[0] == '['};
    const char *end = text + size;
    const char *close = parts.bracketed ? memchr(text, ']', size) : end;
    if (!close || (close + 1 < end && close[1] != '/')) {
        return false;
    }
    parts.host += parts.bracketed;
    const char *slash =
        close + 1 < end ? close + 1 : memchr(parts.host, '/', (size_t)(close - parts.host));
    if (slash) {
        parts.length = slash + 1;
        parts.length_size = (size_t)((slash < close ? close : end) - parts.length);
    }
    const char *host_end = slash && slash < close ? slash : close;
    parts.host_size = (size_t)(host_end - parts.host);
    *ret_parts = parts;
    return true;
}

bool ph__address_parse(const char *text, size_t size, struct ph__address *ret_address,
                       unsigned *ret_bits)
{
    struct parts parts;
    uint8_t bytes[16];
    bool ipv4;
    if (!split(text, size, &parts) || !parse_host(parts.host, parts.host_size, parts.bracketed,
                                                  parts.length != NULL, bytes, &ipv4)) {
        return false;
    }
    unsigned bits = ipv4 ? 32 : ALL_BITS;
    if (parts.length && !parse_bits(parts.length, parts.length_size, bits, &bits) &&
        !(ipv4 && parse_mask(parts.length, parts.length_size, &bits))) {
        return false;
    }
    *ret_address = ph__address_of(ipv4 ? PH_FAMILY_IPV4 : PH_FAMILY_IPV6, bytes);
    *ret_bits = ipv4 ? MAPPED_BITS + bits : bits;
    return true;
}
