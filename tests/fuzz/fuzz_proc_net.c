/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the tables of /proc/net: the first byte of the input chooses the table, the rest is the
 * file. Must reach ph__files_lines(), the four parsers of procfs.c, and the joins.
 */
#include "fuzz/rows.h"
#include "sockets/files.h"
#include "sockets/procfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS_MAX = 64 };

struct table {
    const struct fuzz_table *kind;
    struct ph__rows rows;
};

static bool parse(const struct fuzz_table *kind, char *line, size_t size, struct ph_socket *ret_row)
{
    switch (kind->protocol) {
    case PH_PROTOCOL_UNIX:
        return ph__procfs_parse_unix(line, size, ret_row);
    case PH_PROTOCOL_PACKET:
        return ph__procfs_parse_packet(line, ret_row);
    case PH_PROTOCOL_NETLINK:
        return ph__procfs_parse_netlink(line, ret_row);
    default:
        return ph__procfs_parse_inet(kind->protocol, kind->family, line, ret_row);
    }
}

/* From a copy of exactly its size, so that AddressSanitizer sees a step beyond. */
static int on_line(void *user, char *line, size_t size)
{
    struct table *table = user;
    struct ph_socket row;
    int err = 0;
    REQUIRE(line[size] == '\0' && !memchr(line, '\n', size));
    char *copy = malloc(size + 1);
    REQUIRE(copy);
    memcpy(copy, line, size + 1);
    if (parse(table->kind, copy, size, &row)) {
        REQUIRE(row.protocol == table->kind->protocol);
        err = ph__rows_add(&table->rows, &row);
        REQUIRE(err == 0 || err == PH_ERR_LIMIT);
    }
    free(copy);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    if (size < 1 || size > FUZZ_MAX) {
        return 0;
    }
    struct ph__arena texts = {0};
    struct table table = {.kind = fuzz_table_of(data[0])};
    ph__rows_init(&table.rows, &texts, ROWS_MAX, 1);
    int file = memfd_create("table", MFD_CLOEXEC);
    REQUIRE(file >= 0);
    REQUIRE(write(file, data + 1, size - 1) == (ssize_t)(size - 1));
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int err = ph__files_lines(AT_FDCWD, path, on_line, &table);
    REQUIRE(err == 0 || err == PH_ERR_LIMIT);
    check_rows(&table.rows);
    close(file);
    ph__rows_done(&table.rows);
    ph__arena_done(&texts);
    return 0;
}
