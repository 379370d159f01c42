/* SPDX-License-Identifier: MIT
 *
 * What holds of every row, whatever it was made of, for the targets that make rows: joined, as
 * text, and as the rest of the library takes them.
 */
#ifndef PORTHOLE_TESTS_FUZZ_ROWS_H
#define PORTHOLE_TESTS_FUZZ_ROWS_H

#include "fuzz/fuzz.h"
#include "sockets/join.h"
#include "sockets/rows.h"

#include <string.h>

/* The tables of the kernel, numbered for the first byte of an input. */
struct fuzz_table {
    enum ph_protocol protocol;
    enum ph_family family;
};

static const struct fuzz_table fuzz_tables[] = {
    {PH_PROTOCOL_TCP, PH_FAMILY_IPV4},      {PH_PROTOCOL_TCP, PH_FAMILY_IPV6},
    {PH_PROTOCOL_UDP, PH_FAMILY_IPV4},      {PH_PROTOCOL_UDP, PH_FAMILY_IPV6},
    {PH_PROTOCOL_UNIX, PH_FAMILY_UNIX},     {PH_PROTOCOL_RAW, PH_FAMILY_IPV4},
    {PH_PROTOCOL_PACKET, PH_FAMILY_PACKET}, {PH_PROTOCOL_NETLINK, PH_FAMILY_NETLINK},
    {PH_PROTOCOL_VSOCK, PH_FAMILY_VSOCK},   {PH_PROTOCOL_MPTCP, PH_FAMILY_IPV4},
    {PH_PROTOCOL_UDPLITE, PH_FAMILY_IPV6},
};

static inline const struct fuzz_table *fuzz_table_of(uint8_t byte)
{
    return &fuzz_tables[byte % (sizeof fuzz_tables / sizeof fuzz_tables[0])];
}

/* A text that is shown to people: it ends within its room, and nothing in it acts on a terminal. */
static inline void check_text(const char *text, size_t length, size_t room)
{
    REQUIRE(length < room && strlen(text) == length);
    for (size_t i = 0; i < length; i++) {
        REQUIRE((unsigned char)text[i] >= 0x20 && text[i] != 0x7F);
    }
}

static inline void check_row_texts(const struct ph_socket *row)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.:,-";
    char address[PH_ADDRESS_TEXT];
    char id[PH_SOCKET_ID_TEXT];
    char path[PH_SOCKET_PATH_TEXT];
    check_text(address, ph_socket_local_address(row, address, sizeof address), sizeof address);
    check_text(address, ph_socket_remote_address(row, address, sizeof address), sizeof address);
    check_text(path, ph_socket_path(row, path, sizeof path), sizeof path);
    size_t length = ph_socket_id(row, id, sizeof id);
    check_text(id, length, sizeof id);
    REQUIRE(length > 0 && strspn(id, allowed) == length);
}

static inline void check_row(const struct ph__rows *rows, const struct ph_socket *row)
{
    REQUIRE(row->protocol < PH_PROTOCOL_COUNT && row->state < PH_STATE_COUNT);
    REQUIRE(ph_family_name(row->family) && ph_timer_name(row->timer));
    REQUIRE(row->accept_queue >= -1 && row->backlog >= -1 && row->drops >= -1);
    REQUIRE(row->receive_queue_bytes >= -1 && row->send_queue_bytes >= -1);
    REQUIRE(row->timer_expires_ms >= -1);
    REQUIRE(row->peer >= -1 && row->peer < (int64_t)rows->count);
    REQUIRE(row->path || row->path_size == 0);
    check_row_texts(row);
}

/* Joins the rows, and checks each. */
static inline void check_rows(struct ph__rows *rows)
{
    REQUIRE(ph__rows_settle(rows) == 0);
    REQUIRE(ph__join(rows, (struct ph__port_range){32768, 60999}) == 0);
    for (size_t i = 0; i < rows->count; i++) {
        check_row(rows, &rows->items[i]);
    }
}

#endif
