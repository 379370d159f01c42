/* SPDX-License-Identifier: MIT
 *
 * Parsers of proc(5)'s tables of sockets. Unix paths stand there as they are: one with a line end
 * in it is cut there, and what follows is a line that does not parse.
 */
#include "sockets/procfs.h"

#include "sockets/ends.h"
#include "sockets/inet_diag.h"
#include "sockets/rows.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Flags and states of unix sockets in the table; the kernel's names are not for programs. */
enum { FLAG_ACCEPTS = 0x10000, UNIX_CONNECTING = 2, UNIX_CONNECTED = 3 };

/* A place in a line. Once something did not fit, nothing after it does. */
struct cursor {
    const char *at;
    bool failed;
};

static void skip_blanks(struct cursor *cursor)
{
    while (*cursor->at == ' ') {
        cursor->at++;
    }
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : UINT_MAX;
}

/* A number of 1 to `digits_max` digits; fails without one, and when it exceeds `max`. */
static uint64_t number(struct cursor *cursor, unsigned base, unsigned digits_max, uint64_t max)
{
    uint64_t value = 0;
    unsigned digits = 0;
    while (digits < digits_max && digit_of(*cursor->at) < base) {
        unsigned digit = digit_of(*cursor->at);
        if (value > (UINT64_MAX - digit) / base) {
            cursor->failed = true;
            return 0;
        }
        value = value * base + digit;
        cursor->at++;
        digits++;
    }
    if (digits == 0 || value > max) {
        cursor->failed = true;
        return 0;
    }
    return value;
}

static uint64_t hex(struct cursor *cursor, uint64_t max)
{
    skip_blanks(cursor);
    return number(cursor, 16, 16, max);
}

static uint64_t decimal(struct cursor *cursor, uint64_t max)
{
    skip_blanks(cursor);
    return number(cursor, 10, 20, max);
}

static void expect(struct cursor *cursor, char c)
{
    if (*cursor->at == c) {
        cursor->at++;
    } else {
        cursor->failed = true;
    }
}

static void skip_word(struct cursor *cursor)
{
    skip_blanks(cursor);
    while (*cursor->at && *cursor->at != ' ') {
        cursor->at++;
    }
}

/* An address is printed in words of 32 bits, each as this machine reads it from memory. */
static void address(struct cursor *cursor, enum ph_family family, uint8_t ret_address[16],
                    uint16_t *ret_port)
{
    skip_blanks(cursor);
    unsigned words = family == PH_FAMILY_IPV6 ? 4 : 1;
    for (unsigned i = 0; i < words; i++) {
        const char *before = cursor->at;
        uint32_t word = (uint32_t)number(cursor, 16, 8, UINT32_MAX);
        if (cursor->at != before + 8) {
            cursor->failed = true;
            return;
        }
        memcpy(ret_address + (size_t)i * 4, &word, sizeof word);
    }
    expect(cursor, ':');
    *ret_port = (uint16_t)number(cursor, 16, 8, UINT16_MAX);
}

static int64_t ticks_to_ms(uint64_t ticks)
{
    long per_second = sysconf(_SC_CLK_TCK);
    return (int64_t)(ticks * 1000 / (per_second > 0 ? (uint64_t)per_second : 100));
}

/* The columns after the state, up to the inode; ret_socket->state is known. */
static void parse_columns(struct cursor *cursor, struct ph_socket *ret_socket)
{
    int64_t send = (int64_t)hex(cursor, UINT32_MAX);
    expect(cursor, ':');
    int64_t receive = (int64_t)hex(cursor, UINT32_MAX);
    /* A listener's limit is not shown: what stands in its place is 0. */
    ph__inet_diag_queues(ret_socket, receive, ret_socket->state == PH_STATE_LISTEN ? -1 : send);

    unsigned timer = (unsigned)hex(cursor, UINT8_MAX);
    expect(cursor, ':');
    uint64_t when = hex(cursor, UINT64_MAX / 1000);
    unsigned retransmits = (unsigned)hex(cursor, UINT32_MAX);
    ret_socket->timer = ph__inet_diag_timer(timer);
    if (ret_socket->timer != PH_TIMER_NONE) {
        ret_socket->timer_expires_ms = ticks_to_ms(when);
        ret_socket->retransmits = retransmits;
    }
    ret_socket->uid = (uint32_t)decimal(cursor, UINT32_MAX);
    decimal(cursor, UINT64_MAX); /* "timeout": probes without an answer */
    ret_socket->inode = decimal(cursor, UINT64_MAX);
    ret_socket->uid_known = (ret_socket->inode != 0 || ret_socket->uid != 0) &&
                            ret_socket->state != PH_STATE_TIME_WAIT &&
                            ret_socket->state != PH_STATE_SYN_RECV;
    if (!ret_socket->uid_known) {
        ret_socket->uid = 0; /* of a handshake it is the listener's */
    }
}

bool ph__procfs_parse_inet(enum ph_protocol protocol, enum ph_family family, const char *line,
                           struct ph_socket *ret_socket)
{
    struct cursor cursor = {.at = line};
    struct ph_socket socket = ph__rows_blank(protocol, family);
    socket.type = ph__inet_diag_type(protocol);
    decimal(&cursor, UINT64_MAX);
    expect(&cursor, ':');
    uint8_t remote[16] = {0};
    uint16_t remote_port = 0;
    address(&cursor, family, socket.local_address, &socket.local_port);
    address(&cursor, family, remote, &remote_port);
    unsigned state = (unsigned)hex(&cursor, UINT8_MAX);
    if (cursor.failed || !ph__inet_diag_state(protocol, state, &socket.state)) {
        return false;
    }
    parse_columns(&cursor, &socket);
    if (cursor.failed) {
        return false;
    }
    if (socket.has_remote) {
        memcpy(socket.remote_address, remote, sizeof remote);
        socket.remote_port = remote_port;
    }
    if (ph__inet_diag_is_connectionless(protocol)) {
        skip_word(&cursor); /* references */
        skip_word(&cursor); /* a pointer */
        uint64_t drops = decimal(&cursor, INT64_MAX);
        socket.drops = cursor.failed ? -1 : (int64_t)drops; /* not in tables of old */
    }
    *ret_socket = socket;
    return true;
}

/* A datagram socket is called connected here also when others are connected to it. Those have a
 * name, and the ones that connect seldom do. */
static enum ph_state unix_state(const struct ph_socket *socket, uint64_t flags, uint64_t state)
{
    if (flags & FLAG_ACCEPTS) {
        return PH_STATE_LISTEN;
    }
    if (state != UNIX_CONNECTED && state != UNIX_CONNECTING) {
        return PH_STATE_UNCONNECTED;
    }
    if (socket->type != SOCK_DGRAM) {
        return PH_STATE_ESTABLISHED;
    }
    return socket->path ? PH_STATE_UNCONNECTED : PH_STATE_CONNECTED;
}

bool ph__procfs_parse_unix(const char *line, size_t size, struct ph_socket *ret_socket)
{
    struct cursor cursor = {.at = line};
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    hex(&cursor, UINT64_MAX); /* a pointer, scrambled */
    expect(&cursor, ':');
    hex(&cursor, UINT32_MAX); /* references */
    hex(&cursor, UINT32_MAX); /* protocol, always 0 */
    uint64_t flags = hex(&cursor, UINT32_MAX);
    socket.type = (uint16_t)hex(&cursor, UINT16_MAX);
    uint64_t state = hex(&cursor, UINT8_MAX);
    socket.inode = decimal(&cursor, UINT64_MAX);
    if (cursor.failed || (*cursor.at && *cursor.at != ' ')) {
        return false;
    }
    if (*cursor.at == ' ' && cursor.at[1]) {
        /* NULs are shown as '@', the leading one of an abstract name, too. */
        const char *path = cursor.at + 1;
        socket.abstract = *path == '@';
        socket.path = socket.abstract ? path + 1 : path;
        socket.path_size = (size_t)(line + size - socket.path);
    }
    socket.state = unix_state(&socket, flags, state);
    *ret_socket = socket;
    return true;
}

bool ph__procfs_parse_packet(const char *line, struct ph_socket *ret_socket)
{
    struct cursor cursor = {.at = line};
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_PACKET, PH_FAMILY_PACKET);
    skip_word(&cursor);           /* a pointer, scrambled */
    decimal(&cursor, UINT32_MAX); /* references */
    socket.type = (uint16_t)decimal(&cursor, UINT16_MAX);
    uint16_t frames = (uint16_t)hex(&cursor, UINT16_MAX);
    socket.interface = (uint32_t)decimal(&cursor, UINT32_MAX);
    decimal(&cursor, 1); /* running */
    socket.receive_queue_bytes = (int64_t)decimal(&cursor, UINT32_MAX);
    socket.uid = (uint32_t)decimal(&cursor, UINT32_MAX);
    socket.inode = decimal(&cursor, UINT64_MAX);
    if (cursor.failed) {
        return false;
    }
    socket.uid_known = true;
    ph__ends_packet(&socket, frames);
    *ret_socket = socket;
    return true;
}

bool ph__procfs_parse_netlink(const char *line, struct ph_socket *ret_socket)
{
    struct cursor cursor = {.at = line};
    struct ph_socket socket = ph__rows_blank(PH_PROTOCOL_NETLINK, PH_FAMILY_NETLINK);
    skip_word(&cursor); /* a pointer, scrambled */
    uint32_t subsystem = (uint32_t)decimal(&cursor, UINT8_MAX);
    uint32_t port = (uint32_t)decimal(&cursor, UINT32_MAX);
    skip_word(&cursor); /* groups */
    socket.receive_queue_bytes = (int64_t)decimal(&cursor, UINT32_MAX);
    socket.send_queue_bytes = (int64_t)decimal(&cursor, UINT32_MAX);
    skip_word(&cursor);           /* whether a dump is going on */
    decimal(&cursor, UINT32_MAX); /* references */
    socket.drops = (int64_t)decimal(&cursor, UINT32_MAX);
    socket.inode = decimal(&cursor, UINT64_MAX);
    if (cursor.failed) {
        return false;
    }
    ph__ends_netlink(&socket, subsystem, port, 0);
    *ret_socket = socket;
    return true;
}
