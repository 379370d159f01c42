/* SPDX-License-Identifier: MIT
 *
 * Sockets as text: addresses, paths, and the ids by which they are found again.
 */
#include "base/utf8.h"
#include "sockets/snapshot.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t written(int length, size_t size)
{
    if (length < 0 || size == 0) {
        return 0;
    }
    return (size_t)length < size ? (size_t)length : size - 1;
}

static size_t format_address(enum ph_family family, const uint8_t *bytes, char *buffer, size_t size)
{
    char text[PH_ADDRESS_TEXT] = "";
    if (family != PH_FAMILY_UNIX) {
        inet_ntop(family == PH_FAMILY_IPV4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
    }
    return written(snprintf(buffer, size, "%s", text), size);
}

size_t ph_socket_local_address(const struct ph_socket *socket, char *buffer, size_t size)
{
    return format_address(socket->family, socket->local_address, buffer, size);
}

size_t ph_socket_remote_address(const struct ph_socket *socket, char *buffer, size_t size)
{
    return format_address(socket->family, socket->remote_address, buffer, size);
}

/* Without numbers from the kernel the two ends have to do: "tcp-a10.0.0.1,80,10.0.0.2,5000". */
static size_t format_ends(const struct ph_socket *socket, char *buffer, size_t size)
{
    char local[PH_ADDRESS_TEXT];
    char remote[PH_ADDRESS_TEXT];
    ph_socket_local_address(socket, local, sizeof local);
    ph_socket_remote_address(socket, remote, sizeof remote);
    size_t used =
        written(snprintf(buffer, size, "%s-a%s,%u,%s,%u", ph_protocol_name(socket->protocol), local,
                         socket->local_port, remote, socket->remote_port),
                size);
    if (socket->interface) {
        used += written(snprintf(buffer + used, size - used, ",%" PRIu32, socket->interface),
                        size - used);
    }
    return used;
}

size_t ph_socket_id(const struct ph_socket *socket, char *buffer, size_t size)
{
    if (!socket->cookie && !socket->inode) {
        return format_ends(socket, buffer, size);
    }
    uint64_t number = socket->cookie ? socket->cookie : socket->inode;
    return written(snprintf(buffer, size, "%s-%s%" PRIu64, ph_protocol_name(socket->protocol),
                            socket->cookie ? "" : "i", number),
                   size);
}

/* The number that an id carries, or 0. */
static uint64_t number_in(const char *id)
{
    const char *at = strchr(id, '-');
    at = at && at[1] == 'i' ? at + 2 : at ? at + 1 : "";
    return isdigit((unsigned char)*at) ? strtoull(at, NULL, 10) : 0;
}

const struct ph_socket *ph_snapshot_find(const struct ph_snapshot *snapshot, const char *id)
{
    char text[PH_SOCKET_ID_TEXT];
    uint64_t number = number_in(id);
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const struct ph_socket *row = &snapshot->rows.items[i];
        /* Comparing numbers first spares formatting all the others. */
        if ((row->cookie ? row->cookie : row->inode) == number) {
            ph_socket_id(row, text, sizeof text);
            if (strcmp(text, id) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

/* The bytes of a path that `text` shows as they are: 0 when the first must be escaped. */
static size_t plain_bytes(const char *text, size_t size)
{
    unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7F || c == '\\') {
        return 0;
    }
    size_t length = ph__utf8_length(text, size);
    /* U+0080 to U+009F are control characters, too. */
    return length == 2 && c == 0xC2 && (unsigned char)text[1] < 0xA0 ? 0 : length;
}

size_t ph_socket_path(const struct ph_socket *socket, char *buffer, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t used = 0;
    if (socket->path && socket->abstract && used + 1 < size) {
        buffer[used++] = '@';
    }
    for (size_t i = 0; socket->path && i < socket->path_size;) {
        const char *from = socket->path + i;
        size_t plain = plain_bytes(from, socket->path_size - i);
        char escaped[8];
        size_t length = plain;
        if (plain == 0) {
            length = (size_t)snprintf(escaped, sizeof escaped, "\\x%02X", (unsigned char)*from);
            from = escaped;
        }
        if (used + length >= size) {
            break; /* whole characters only */
        }
        memcpy(buffer + used, from, length);
        used += length;
        i += plain ? plain : 1;
    }
    buffer[used] = '\0';
    return used;
}
