/* SPDX-License-Identifier: MIT
 *
 * The part of an explanation about who can reach the port: by the addresses that are listened on.
 * A firewall or a router in between is not looked at.
 */
#include "doctor/say.h"
#include "doctor/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES_MAX = 64 };

struct reach {
    struct ph_why_address items[ADDRESSES_MAX];
    size_t count;
    bool any_ipv4, any_ipv6; /* a wildcard is listened on, for this family */
    bool ipv4, ipv6;         /* something is */
    enum ph_scope widest;
};

static bool add(struct ph__why *why, struct reach *reach, const char *address, enum ph_scope scope)
{
    for (size_t i = 0; i < reach->count; i++) {
        if (strcmp(reach->items[i].address, address) == 0) {
            return true;
        }
    }
    if (reach->count == ADDRESSES_MAX) {
        return true;
    }
    const char *copy = ph__arena_copy(&why->arena, address, strlen(address));
    if (copy) {
        reach->items[reach->count++] = (struct ph_why_address){copy, scope};
    }
    return copy != NULL;
}

static bool is_served(const struct ph_socket *socket)
{
    return socket->state == PH_STATE_LISTEN || socket->state == PH_STATE_UNCONNECTED;
}

static bool add_listener(struct ph__why *why, struct reach *reach, const struct ph_socket *socket)
{
    struct ph__address local = ph__address_of(socket->family, socket->local_address);
    bool ipv4 = ph__address_is_ipv4(&local);
    bool any = ph__address_is_any(&local) && socket->scope == PH_SCOPE_ALL;
    reach->widest = socket->scope > reach->widest ? socket->scope : reach->widest;
    bool also_ipv4 = !ipv4 && ph__address_is_any(&local) && !socket->v6only;
    reach->ipv4 = reach->ipv4 || ipv4 || also_ipv4;
    reach->ipv6 = reach->ipv6 || !ipv4;
    if (any) {
        reach->any_ipv6 = reach->any_ipv6 || !ipv4;
        reach->any_ipv4 = reach->any_ipv4 || ipv4 || also_ipv4;
        return true;
    }
    char text[PH_ADDRESS_TEXT];
    ph_socket_local_address(socket, text, sizeof text);
    return add(why, reach, text, socket->scope);
}

/* The machine's own addresses, where all of them are listened on. */
static bool add_own(struct ph__why *why, struct reach *reach)
{
    struct ifaddrs *list = NULL;
    if ((!reach->any_ipv4 && !reach->any_ipv6) || getifaddrs(&list) < 0) {
        return true;
    }
    bool fine = true;
    for (const struct ifaddrs *at = list; at && fine; at = at->ifa_next) {
        int family = at->ifa_addr ? at->ifa_addr->sa_family : AF_UNSPEC;
        struct sockaddr_in6 ipv6;
        struct sockaddr_in ipv4;
        const void *bytes;
        if (family == AF_INET && reach->any_ipv4) {
            memcpy(&ipv4, at->ifa_addr, sizeof ipv4);
            bytes = &ipv4.sin_addr;
        } else if (family == AF_INET6 && reach->any_ipv6) {
            memcpy(&ipv6, at->ifa_addr, sizeof ipv6);
            bytes = &ipv6.sin6_addr;
        } else {
            continue;
        }
        char text[INET6_ADDRSTRLEN];
        struct ph__address address =
            ph__address_of(family == AF_INET ? PH_FAMILY_IPV4 : PH_FAMILY_IPV6, bytes);
        if (inet_ntop(family, bytes, text, sizeof text)) {
            fine = add(why, reach, text, ph__address_scope(&address));
        }
    }
    freeifaddrs(list);
    return fine;
}

static enum ph_reach verdict_of(enum ph_scope widest)
{
    switch (widest) {
    case PH_SCOPE_LOOPBACK:
        return PH_REACH_LOOPBACK;
    case PH_SCOPE_LINK:
        return PH_REACH_LINK;
    case PH_SCOPE_PRIVATE:
        return PH_REACH_PRIVATE;
    case PH_SCOPE_PUBLIC:
    case PH_SCOPE_ALL:
        return PH_REACH_EVERYONE;
    default:
        return PH_REACH_NOBODY;
    }
}

/* The process that holds the first listener, NULL unknown. */
static const struct ph_process *holder_of(const struct ph__why *why)
{
    for (size_t i = 0; i < why->waiting.count; i++) {
        const struct ph_socket *socket = why->waiting.items[i];
        if (is_served(socket) && socket->owner_count > 0) {
            return ph_snapshot_owner(why->shown.snapshot, socket, 0).process;
        }
    }
    return NULL;
}

static const char *say(struct ph__why *why, const struct reach *reach)
{
    bool tcp = why->shown.protocol == PH_PROTOCOL_TCP;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    switch (why->shown.reach) {
    case PH_REACH_NOBODY:
        ph__buf_puts(&buf, tcp ? "nothing listens on it" : "nothing is bound to it");
        break;
    case PH_REACH_LOOPBACK:
        ph__buf_puts(&buf, "loopback only: this machine reaches it, others do not");
        break;
    case PH_REACH_LINK:
        ph__buf_puts(&buf, "a link-local address: only neighbours on the same network reach it");
        break;
    case PH_REACH_PRIVATE:
        ph__buf_puts(&buf, "a private address: those who have a route to it reach it");
        break;
    default:
        ph__buf_puts(&buf, reach->any_ipv4 || reach->any_ipv6
                               ? "every address of this machine, unless a firewall is in between"
                               : "a public address, unless a firewall is in between");
        break;
    }
    if (reach->ipv6 && !reach->ipv4) {
        ph__buf_puts(&buf, "; IPv6 only (v6only): IPv4 clients do not reach it");
    } else if (reach->ipv4 && !reach->ipv6) {
        ph__buf_puts(&buf, "; IPv4 only: IPv6 clients do not reach it");
    }
    const struct ph_process *process = holder_of(why);
    if (process && process->command && strncmp(process->command, "docker-prox", 11) == 0) {
        ph__buf_puts(&buf, "; docker-proxy hands it on to a container");
    } else if (process && process->container) {
        ph__buf_puts(&buf, "; its process runs in a container");
    }
    return ph__say_buf(&why->arena, &buf);
}

int ph__why_reach(struct ph__why *why)
{
    struct reach *reach = calloc(1, sizeof *reach);
    bool fine = reach != NULL;
    for (size_t i = 0; fine && i < why->waiting.count; i++) {
        const struct ph_socket *socket = why->waiting.items[i];
        fine = !is_served(socket) || add_listener(why, reach, socket);
    }
    fine = fine && add_own(why, reach);
    struct ph_why_address *addresses =
        fine ? ph__arena_alloc(&why->arena, (reach->count + 1) * sizeof *addresses) : NULL;
    if (addresses) {
        memcpy(addresses, reach->items, reach->count * sizeof *addresses);
        why->shown.addresses = addresses;
        why->shown.address_count = reach->count;
        why->shown.reach = verdict_of(reach->widest);
        why->shown.reach_reason = say(why, reach);
    }
    free(reach);
    return addresses && why->shown.reach_reason ? 0 : -ENOMEM;
}
