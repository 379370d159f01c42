/* SPDX-License-Identifier: MIT
 *
 * Ends without IP addresses: two numbers of 32 bits each, and their names.
 */
#include "sockets/ends.h"

#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

/* "Any" of vsock(7), for machines and for ports. */
#define VSOCK_ANY UINT32_MAX

static void put(uint8_t address[16], uint32_t first, uint32_t second)
{
    memcpy(address, &first, sizeof first);
    memcpy(address + sizeof first, &second, sizeof second);
}

static uint32_t get(const uint8_t address[16], size_t which)
{
    uint32_t number;
    memcpy(&number, address + which * sizeof number, sizeof number);
    return number;
}

void ph__ends_packet(struct ph_socket *socket, uint16_t frames)
{
    put(socket->local_address, frames, 0);
    socket->state = PH_STATE_UNCONNECTED;
}

void ph__ends_netlink(struct ph_socket *socket, uint32_t subsystem, uint32_t port, uint32_t peer)
{
    put(socket->local_address, subsystem, port);
    put(socket->remote_address, subsystem, peer);
    socket->has_remote = peer != 0;
    socket->state = peer ? PH_STATE_CONNECTED : PH_STATE_UNCONNECTED;
}

void ph__ends_vsock(struct ph_socket *socket, struct ph__vsock_end local,
                    struct ph__vsock_end remote)
{
    put(socket->local_address, local.machine, local.port);
    socket->has_remote = socket->state != PH_STATE_LISTEN && socket->state != PH_STATE_CLOSED &&
                         socket->state != PH_STATE_UNCONNECTED;
    if (socket->has_remote) {
        put(socket->remote_address, remote.machine, remote.port);
    }
}

/* The subsystems of netlink(7), as ss calls them. */
static const char *const subsystems[] = {
    [0] = "rtnl",       [2] = "usersock",    [3] = "fw",        [4] = "tcpdiag", [5] = "nflog",
    [6] = "xfrm",       [7] = "selinux",     [8] = "iscsi",     [9] = "audit",   [10] = "fiblookup",
    [11] = "connector", [12] = "nft",        [13] = "ip6fw",    [14] = "dec-rt", [15] = "uevent",
    [16] = "genl",      [18] = "scsi-trans", [19] = "ecryptfs", [20] = "rdma",   [21] = "crypto",
    [22] = "smc",
};

static const char *frames_name(uint32_t frames)
{
    switch (frames) {
    case ETH_P_ALL:
        return "all";
    case ETH_P_IP:
        return "ip";
    case ETH_P_IPV6:
        return "ipv6";
    case ETH_P_ARP:
        return "arp";
    case ETH_P_PAE:
        return "eapol";
    case ETH_P_8021Q:
        return "vlan";
    case 0x88CC: /* not in older headers */
        return "lldp";
    default:
        return NULL;
    }
}

void ph__ends_text(enum ph_family family, const uint8_t address[16], char text[PH__END_TEXT])
{
    uint32_t number = get(address, 0);
    const char *name = NULL;
    if (family == PH_FAMILY_PACKET) {
        name = frames_name(number);
    } else if (family == PH_FAMILY_NETLINK && number < sizeof subsystems / sizeof subsystems[0]) {
        name = subsystems[number];
    } else if (family == PH_FAMILY_VSOCK && number == VSOCK_ANY) {
        name = "any";
    }
    if (name) {
        snprintf(text, PH__END_TEXT, "%s", name);
    } else {
        snprintf(text, PH__END_TEXT, family == PH_FAMILY_PACKET ? "0x%04x" : "%u", number);
    }
}

uint32_t ph__ends_subsystem(const struct ph_socket *socket)
{
    return get(socket->local_address, 0);
}

int64_t ph__ends_port(enum ph_family family, const uint8_t address[16])
{
    uint32_t port = get(address, 1);
    bool there = family == PH_FAMILY_NETLINK || (family == PH_FAMILY_VSOCK && port != VSOCK_ANY);
    return there ? (int64_t)port : -1;
}
