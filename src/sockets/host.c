/* SPDX-License-Identifier: MIT
 *
 * Ends of conversations in filters. Names of hosts are not looked up: a filter asks nothing of the
 * network.
 */
#include "sockets/host.h"

#include "sockets/lookup.h"
#include "sockets/pattern.h"

#include <errno.h>
#include <string.h>

static bool is(const char *text, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(text, wanted, size) == 0;
}

static bool skip(const char **text, size_t *size, const char *prefix)
{
    size_t length = strlen(prefix);
    if (*size < length || memcmp(*text, prefix, length) != 0) {
        return false;
    }
    *text += length;
    *size -= length;
    return true;
}

static enum ph__host_family skip_family(const char **text, size_t *size)
{
    if (skip(text, size, "inet:")) {
        return PH__HOST_IPV4;
    }
    return skip(text, size, "inet6:") ? PH__HOST_IPV6 : PH__HOST_ANY;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Decimal, or hexadecimal behind 0x. */
static bool parse_number(const char *text, size_t size, uint16_t *ret_port)
{
    unsigned base = skip(&text, &size, "0x") || skip(&text, &size, "0X") ? 16 : 10;
    unsigned number = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)digit_of(text[i]);
        number = number * base + digit;
        if (digit >= base || number > UINT16_MAX) {
            return false;
        }
    }
    *ret_port = (uint16_t)number;
    return size > 0;
}

/* A number, the name of a service, or '*'. */
static bool parse_port(struct ph__host *host, const char *text, size_t size)
{
    char name[PH__LOOKUP_TEXT];
    host->any_port = is(text, size, "*");
    if (host->any_port || parse_number(text, size, &host->port)) {
        return true;
    }
    if (size == 0 || size >= sizeof name || (text[0] >= '0' && text[0] <= '9')) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    return ph__lookup_port(name, &host->port);
}

bool ph__host_parse_port(struct ph__host *ret_host, const char *text, size_t size)
{
    struct ph__host host = {.any_address = true};
    host.family = skip_family(&text, &size);
    skip(&text, &size, ":");
    if (!parse_port(&host, text, size)) {
        return false;
    }
    *ret_host = host;
    return true;
}

/* Where the address ends and ":port" begins. More than one colon outside of brackets are those of
 * an IPv6 address, which then has no port. */
static size_t address_size(const char *text, size_t size)
{
    const char *bracket = size && text[0] == '[' ? memchr(text, ']', size) : NULL;
    size_t from = bracket ? (size_t)(bracket - text) : 0;
    const char *colon = memchr(text + from, ':', size - from);
    if (!colon) {
        return size;
    }
    size_t at = (size_t)(colon - text);
    return memchr(colon + 1, ':', size - at - 1) ? size : at;
}

static bool is_any(const char *text, size_t size)
{
    return size == 0 || is(text, size, "*") || is(text, size, "any") || is(text, size, "all") ||
           is(text, size, "default");
}

static bool parse_address(struct ph__host *host, const char *text, size_t size)
{
    host->any_address = is_any(text, size);
    if (host->any_address) {
        return true;
    }
    bool ipv6 = memchr(text, ':', size) != NULL;
    if ((ipv6 && host->family == PH__HOST_IPV4) || (!ipv6 && host->family == PH__HOST_IPV6)) {
        return false;
    }
    host->family = ipv6 ? PH__HOST_IPV6 : host->family;
    return ph__address_parse(text, size, &host->address, &host->bits);
}

int ph__host_parse(struct ph__host *ret_host, const char *text, size_t size,
                   struct ph__arena *arena)
{
    struct ph__host host = {.any_port = true};
    bool is_path = skip(&text, &size, "unix:") || (size > 0 && text[0] == '/');
    if (size == 0) {
        return PH_ERR_PARAMETER;
    }
    if (is_path) {
        host.pattern = ph__arena_copy(arena, text, size);
        if (!host.pattern) {
            return -ENOMEM;
        }
        *ret_host = host;
        return 0;
    }
    host.family = skip_family(&text, &size);
    size_t before = address_size(text, size);
    if ((size == 0 && host.family == PH__HOST_ANY) || !parse_address(&host, text, before) ||
        (before + 1 < size && !parse_port(&host, text + before + 1, size - before - 1))) {
        return PH_ERR_PARAMETER;
    }
    *ret_host = host;
    return 0;
}

bool ph__host_fits(const struct ph__host *host, const struct ph_socket *socket)
{
    switch (host->family) {
    case PH__HOST_IPV4:
        return socket->family == PH_FAMILY_IPV4;
    case PH__HOST_IPV6:
        return socket->family == PH_FAMILY_IPV6;
    case PH__HOST_ANY:
        break;
    }
    return socket->family == PH_FAMILY_IPV4 || socket->family == PH_FAMILY_IPV6;
}

/* A socket without a name has an empty one. */
static bool matches_path(const char *pattern, const struct ph_socket *socket)
{
    char path[PH_SOCKET_PATH_TEXT];
    if (!socket || socket->protocol != PH_PROTOCOL_UNIX) {
        return false;
    }
    ph_socket_path(socket, path, sizeof path);
    return ph__pattern_match(pattern, path);
}

bool ph__host_match(const struct ph__host *host, const struct ph_snapshot *snapshot,
                    const struct ph_socket *socket, bool source)
{
    if (host->pattern) {
        return matches_path(host->pattern, source ? socket : ph_snapshot_peer(snapshot, socket));
    }
    if (!ph__host_fits(host, socket)) {
        return false;
    }
    uint16_t port = source ? socket->local_port : socket->remote_port;
    if (!host->any_port && port != host->port) {
        return false;
    }
    struct ph__address address =
        ph__address_of(socket->family, source ? socket->local_address : socket->remote_address);
    return host->any_address || ph__address_in_prefix(&address, &host->address, host->bits);
}
