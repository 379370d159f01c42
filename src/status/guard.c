/* SPDX-License-Identifier: MIT
 *
 * A page of a stranger can make a browser send requests to this server under a name that the
 * stranger's DNS points here. Such a name is in Host, so only names that are known to be ours
 * are answered; an address cannot be pointed elsewhere.
 */
#include "status/guard.h"

#include <arpa/inet.h>

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_SIZE = 256 };

/* Copies the host without brackets, port and final dot. @return false when it is malformed. */
static bool split_host(const char *host, char name[NAME_MAX_SIZE], bool *ret_bracketed)
{
    bool bracketed = host[0] == '[';
    const char *begin = host + bracketed;
    size_t size = strcspn(begin, bracketed ? "]" : ":");
    const char *rest = begin + size;
    if (bracketed) {
        if (*rest != ']') {
            return false;
        }
        rest++;
    }
    if (*rest == ':') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    if (!bracketed && size > 1 && begin[size - 1] == '.') {
        size--;
    }
    if (*rest != '\0' || size == 0 || size >= NAME_MAX_SIZE) {
        return false;
    }
    memcpy(name, begin, size);
    name[size] = '\0';
    *ret_bracketed = bracketed;
    return true;
}

bool ph__guard_host(const char *host, const char *hostname, const char *const *names)
{
    if (!host) {
        return true;
    }
    char name[NAME_MAX_SIZE];
    bool bracketed = false;
    if (!split_host(host, name, &bracketed)) {
        return false;
    }
    unsigned char address[16];
    if (bracketed) {
        return inet_pton(AF_INET6, name, address) == 1;
    }
    if (inet_pton(AF_INET, name, address) == 1 || strcasecmp(name, "localhost") == 0 ||
        (hostname && strcasecmp(name, hostname) == 0)) {
        return true;
    }
    for (; names && *names; names++) {
        if (strcasecmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}
