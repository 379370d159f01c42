/* SPDX-License-Identifier: MIT
 *
 * Addresses in short form.
 */
#include "base/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct ph__sockaddr ph__sockaddr_of(const struct sockaddr_storage *sockaddr)
{
    struct ph__sockaddr address = {.family = sockaddr->ss_family};
    if (sockaddr->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sockaddr, sizeof in);
        address.port = ntohs(in.sin_port);
        memcpy(address.bytes, &in.sin_addr, sizeof in.sin_addr);
    } else if (sockaddr->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sockaddr, sizeof in6);
        address.port = ntohs(in6.sin6_port);
        memcpy(address.bytes, &in6.sin6_addr, sizeof in6.sin6_addr);
    } else if (sockaddr->ss_family != AF_UNIX) {
        address.family = AF_UNSPEC;
    }
    return address;
}

socklen_t ph__sockaddr_expand(const struct ph__sockaddr *address,
                              struct sockaddr_storage *ret_sockaddr)
{
    if (address->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&in.sin_addr, address->bytes, sizeof in.sin_addr);
        memcpy(ret_sockaddr, &in, sizeof in);
        return sizeof in;
    }
    if (address->family == AF_INET6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        memcpy(&in6.sin6_addr, address->bytes, sizeof in6.sin6_addr);
        memcpy(ret_sockaddr, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

size_t ph__sockaddr_format(const struct ph__sockaddr *address, char *buffer, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "";
    int length;
    switch (address->family) {
    case AF_INET:
        inet_ntop(AF_INET, address->bytes, text, sizeof text);
        length = snprintf(buffer, size, "%s:%u", text, address->port);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, address->bytes, text, sizeof text);
        length = snprintf(buffer, size, "[%s]:%u", text, address->port);
        break;
    default:
        length = snprintf(buffer, size, "%s", address->family == AF_UNIX ? "unix" : "unknown");
        break;
    }
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

bool ph__sockaddr_is_loopback(const struct ph__sockaddr *address)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};
    static const uint8_t v4_mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    switch (address->family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return address->bytes[0] == 127;
    case AF_INET6:
        if (memcmp(address->bytes, v4_mapped, sizeof v4_mapped) == 0) {
            return address->bytes[12] == 127;
        }
        return memcmp(address->bytes, v6_loopback, sizeof v6_loopback) == 0;
    default:
        return false;
    }
}
