/* SPDX-License-Identifier: MIT
 *
 * Sockets as text: addresses, paths, and the ids by which they are found again.
 */
#include "base/decimal.h"
#include "base/utf8.h"
#include "sockets/ends.h"
#include "sockets/snapshot.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Gives a text as far as there is room, with a NUL. */
static size_t give(const char *text, size_t length, char *buffer, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t given = length < size ? length : size - 1;
    memcpy(buffer, text, given);
    buffer[given] = '\0';
    return given;
}

/* The following write at `to`, and return where they end; a text has room for all of it. */

static char *put(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

static char *put_address(char *to, enum ph_family family, const uint8_t *bytes)
{
    if (family == PH_FAMILY_UNIX) {
        return to;
    }
    if (family > PH_FAMILY_UNIX) {
        ph__ends_text(family, bytes, to);
        return to + strlen(to);
    }
    if (family != PH_FAMILY_IPV4) {
        return inet_ntop(AF_INET6, bytes, to, PH_ADDRESS_TEXT) ? to + strlen(to) : to;
    }
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            *to++ = '.';
        }
        to = ph__decimal_put(to, bytes[i]);
    }
    return to;
}

static int64_t port_of(const struct ph_socket *socket, const uint8_t *address, uint16_t port)
{
    if (socket->family == PH_FAMILY_UNIX) {
        return -1;
    }
    return socket->family < PH_FAMILY_UNIX ? port : ph__ends_port(socket->family, address);
}

static char *put_port(char *to, const struct ph_socket *socket, const uint8_t *address,
                      uint16_t port)
{
    int64_t number = port_of(socket, address, port);
    return ph__decimal_put(to, number < 0 ? 0 : (uint64_t)number);
}

/* Without numbers from the kernel the two ends have to do: "tcp-a10.0.0.1,80,10.0.0.2,5000". */
static char *put_ends(char *to, const struct ph_socket *socket)
{
    to = put(to, "-a");
    to = put_address(to, socket->family, socket->local_address);
    *to++ = ',';
    to = put_port(to, socket, socket->local_address, socket->local_port);
    *to++ = ',';
    to = put_address(to, socket->family, socket->remote_address);
    *to++ = ',';
    to = put_port(to, socket, socket->remote_address, socket->remote_port);
    if (socket->interface) {
        *to++ = ',';
        to = ph__decimal_put(to, socket->interface);
    }
    return to;
}

int64_t ph_socket_local_port(const struct ph_socket *socket)
{
    return port_of(socket, socket->local_address, socket->local_port);
}

int64_t ph_socket_remote_port(const struct ph_socket *socket)
{
    return socket->has_remote ? port_of(socket, socket->remote_address, socket->remote_port) : -1;
}

const char *ph_socket_type_name(const struct ph_socket *socket)
{
    switch (socket->type) {
    case SOCK_STREAM:
        return "stream";
    case SOCK_DGRAM:
        return "datagram";
    case SOCK_SEQPACKET:
        return "seqpacket";
    case SOCK_RAW:
        return "raw";
    default:
        return NULL;
    }
}

static size_t format_address(enum ph_family family, const uint8_t *bytes, char *buffer, size_t size)
{
    char text[PH_ADDRESS_TEXT];
    return give(text, (size_t)(put_address(text, family, bytes) - text), buffer, size);
}

size_t ph_socket_local_address(const struct ph_socket *socket, char *buffer, size_t size)
{
    return format_address(socket->family, socket->local_address, buffer, size);
}

size_t ph_socket_remote_address(const struct ph_socket *socket, char *buffer, size_t size)
{
    return format_address(socket->family, socket->remote_address, buffer, size);
}

size_t ph_socket_id(const struct ph_socket *socket, char *buffer, size_t size)
{
    char text[PH_SOCKET_ID_TEXT]; /* two addresses, three numbers and a protocol fit */
    char *end = put(text, ph_protocol_name(socket->protocol));
    if (!socket->cookie && !socket->inode) {
        end = put_ends(end, socket);
    } else {
        end = put(end, socket->cookie ? "-" : "-i");
        end = ph__decimal_put(end, socket->cookie ? socket->cookie : socket->inode);
    }
    return give(text, (size_t)(end - text), buffer, size);
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
