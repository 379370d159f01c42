/* SPDX-License-Identifier: MIT
 *
 * The tables, each by the module that knows its messages.
 */
#include "sockets/tables.h"

#include "sockets/link_diag.h"
#include "sockets/unix_diag.h"

const struct ph__table ph__tables[PH__TABLE_COUNT] = {
    {PH_PROTOCOL_TCP, PH_FAMILY_IPV4, "net/tcp"},
    {PH_PROTOCOL_TCP, PH_FAMILY_IPV6, "net/tcp6"},
    {PH_PROTOCOL_UDP, PH_FAMILY_IPV4, "net/udp"},
    {PH_PROTOCOL_UDP, PH_FAMILY_IPV6, "net/udp6"},
    {PH_PROTOCOL_UNIX, PH_FAMILY_UNIX, "net/unix"},
    {PH_PROTOCOL_RAW, PH_FAMILY_IPV4, "net/raw"},
    {PH_PROTOCOL_RAW, PH_FAMILY_IPV6, "net/raw6"},
    {PH_PROTOCOL_PACKET, PH_FAMILY_PACKET, "net/packet"},
    {PH_PROTOCOL_NETLINK, PH_FAMILY_NETLINK, "net/netlink"},
    {PH_PROTOCOL_MPTCP, PH_FAMILY_IPV4, NULL},
    {PH_PROTOCOL_MPTCP, PH_FAMILY_IPV6, NULL},
    {PH_PROTOCOL_UDPLITE, PH_FAMILY_IPV4, "net/udplite"},
    {PH_PROTOCOL_UDPLITE, PH_FAMILY_IPV6, "net/udplite6"},
    {PH_PROTOCOL_VSOCK, PH_FAMILY_VSOCK, NULL},
};

size_t ph__table_request(const struct ph__table *table, const struct ph__narrowing *narrowing,
                         enum ph__extent extent, unsigned char ret_request[PH__INET_DIAG_REQUEST])
{
    switch (table->protocol) {
    case PH_PROTOCOL_UNIX:
        ph__unix_diag_request(ret_request);
        return PH__UNIX_DIAG_REQUEST;
    case PH_PROTOCOL_PACKET:
        ph__packet_diag_request(ret_request);
        return PH__PACKET_DIAG_REQUEST;
    case PH_PROTOCOL_NETLINK:
        ph__netlink_diag_request(ret_request);
        return PH__NETLINK_DIAG_REQUEST;
    case PH_PROTOCOL_VSOCK:
        ph__vsock_diag_request(ret_request);
        return PH__VSOCK_DIAG_REQUEST;
    default:
        return ph__inet_diag_request(table->protocol, table->family, narrowing, extent,
                                     ret_request);
    }
}

int ph__table_parse(enum ph_protocol protocol, const unsigned char *payload, size_t size,
                    struct ph_socket *ret_socket)
{
    switch (protocol) {
    case PH_PROTOCOL_UNIX:
        return ph__unix_diag_parse(payload, size, ret_socket);
    case PH_PROTOCOL_PACKET:
        return ph__packet_diag_parse(payload, size, ret_socket);
    case PH_PROTOCOL_NETLINK:
        return ph__netlink_diag_parse(payload, size, ret_socket);
    case PH_PROTOCOL_VSOCK:
        return ph__vsock_diag_parse(payload, size, ret_socket);
    default:
        return ph__inet_diag_parse(protocol, payload, size, ret_socket);
    }
}
