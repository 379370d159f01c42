/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what the kernel answers a dump with: the first byte of the input chooses the table, and
 * datagrams follow, each behind its length in two bytes, low one first. Must reach
 * ph__netlink_dump() with all its messages, the parsers of inet_diag, unix_diag, packet_diag,
 * netlink_diag and vsock_diag, and the joins over what they made.
 *
 * The kernel is played by the other end of a pair of sockets, which has said all and left.
 */
#include "fuzz/rows.h"
#include "sockets/netlink.h"
#include "sockets/tables.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROWS_MAX = 64 };

struct dump {
    enum ph_protocol protocol;
    struct ph__rows rows;
};

/* From a copy of exactly its size, so that AddressSanitizer sees a step beyond. */
static int on_message(void *user, const unsigned char *payload, size_t size)
{
    struct dump *dump = user;
    struct ph_socket row;
    unsigned char *copy = malloc(size ? size : 1);
    REQUIRE(copy);
    if (size > 0) {
        memcpy(copy, payload, size);
    }
    int got = ph__table_parse(dump->protocol, copy, size, &row);
    REQUIRE(got == 1 || got == 0 || got == -EBADMSG);
    if (got == 1) {
        REQUIRE(row.protocol == dump->protocol);
        got = ph__rows_add(&dump->rows, &row);
        REQUIRE(got == 0 || got == PH_ERR_LIMIT);
    }
    free(copy);
    return got;
}

static void answer(int kernel, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 2 < size;) {
        size_t length = data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        length = length < size - at ? length : size - at;
        if (length == 0) {
            continue; /* an empty packet is the end of such a pair */
        }
        if (send(kernel, data + at, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            break; /* more than a queue holds */
        }
        at += length;
    }
    shutdown(kernel, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ph__netlink_request request = {SOCK_DIAG_BY_FAMILY, "request", 7};
    int ends[2];
    if (size < 1 || size > FUZZ_MAX) {
        return 0;
    }
    struct ph__netlink netlink;
    struct ph__arena texts = {0};
    struct dump dump = {.protocol = fuzz_table_of(data[0])->protocol};
    ph__rows_init(&dump.rows, &texts, ROWS_MAX, 1);
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    answer(ends[1], data + 1, size - 1);
    REQUIRE(ph__netlink_init_fd(&netlink, ends[0]) == 0);
    int err = ph__netlink_dump(&netlink, &request, on_message, &dump);
    REQUIRE(err == 0 || err == PH_ERR_LIMIT || (err < 0 && err >= -4095));
    REQUIRE(err != -ETIMEDOUT); /* the end of the answer has been heard */
    check_rows(&dump.rows);
    ph__netlink_done(&netlink);
    close(ends[1]);
    ph__rows_done(&dump.rows);
    ph__arena_done(&texts);
    return 0;
}
