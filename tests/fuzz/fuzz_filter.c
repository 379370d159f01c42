/* SPDX-License-Identifier: MIT
 *
 * Fuzzes filters: the first byte of the input chooses a name, the rest is the value; the tenth name
 * is that of expressions. Must reach ph__expression_new() and ph__expression_match() with every
 * subject, over rows of all kinds.
 *
 * What the kernel is asked for has to contain what matches, and to be what the kernel accepts.
 * "not" in front of an expression in parentheses has to turn it round, row by row.
 */
#include "fuzz/bytecode.h"
#include "fuzz/rows.h"
#include "sockets/narrow.h"
#include "sockets/snapshot.h"

#include <stdio.h>

enum { PROBLEM = 512 };

static const char *const names[] = {"protocol", "state", "port",    "local_port", "remote_port",
                                    "address",  "pid",   "command", "user",       "filter"};

#define V4(a, b, c, d) \
    {                  \
        a, b, c, d     \
    }
#define TCP .protocol = PH_PROTOCOL_TCP, .has_remote = true, .type = SOCK_STREAM
#define UDP .protocol = PH_PROTOCOL_UDP, .family = PH_FAMILY_IPV4, .type = SOCK_DGRAM
#define UNIX .protocol = PH_PROTOCOL_UNIX, .family = PH_FAMILY_UNIX, .type = SOCK_STREAM

static struct ph_socket rows[] = {
    {TCP, .state = PH_STATE_ESTABLISHED, .local_address = V4(127, 0, 0, 1), .local_port = 80,
     .remote_address = V4(127, 0, 0, 1), .remote_port = 40000, .peer = 1, .inode = 11,
     .owner_first = 0, .owner_count = 2, .uid_known = true, .mark = 0x17, .mark_known = true},
    {TCP, .state = PH_STATE_FIN_WAIT2, .local_address = V4(127, 0, 0, 1), .local_port = 40000,
     .remote_address = V4(127, 0, 0, 1), .remote_port = 80, .peer = 0, .cgroup = 1},
    {.protocol = PH_PROTOCOL_TCP,
     .state = PH_STATE_LISTEN,
     .local_port = 80,
     .interface = 1,
     .inode = 12,
     .owner_first = 1,
     .owner_count = 1,
     .mark_known = true,
     .peer = -1},
    {.protocol = PH_PROTOCOL_TCP,
     .family = PH_FAMILY_IPV6,
     .state = PH_STATE_CLOSED,
     .local_address = {[15] = 1},
     .local_port = 65535,
     .peer = -1},
    {TCP, .family = PH_FAMILY_IPV6, .state = PH_STATE_TIME_WAIT,
     .local_address = {[10] = 0xFF, [11] = 0xFF, [12] = 10, [15] = 7}, .local_port = 443,
     .remote_address = {[0] = 0x20, [1] = 0x01, [15] = 9}, .remote_port = 1, .peer = -1},
    {UDP, .state = PH_STATE_UNCONNECTED, .local_port = 53, .peer = -1, .inode = 13,
     .uid_known = true, .uid = 1000},
    {UDP, .state = PH_STATE_CONNECTED, .local_address = V4(10, 0, 0, 7), .local_port = 33000,
     .has_remote = true, .remote_address = V4(10, 0, 0, 8), .remote_port = 53, .peer = -1},
    {UNIX, .state = PH_STATE_LISTEN, .path = "/run/a \"b\"", .path_size = 10, .peer = -1},
    {UNIX, .state = PH_STATE_ESTABLISHED, .path = "0123a", .path_size = 5, .abstract = true,
     .peer = 9, .inode = 14},
    {UNIX, .state = PH_STATE_ESTABLISHED, .peer = 8, .inode = 15},
    {.protocol = PH_PROTOCOL_RAW, .state = PH_STATE_UNCONNECTED, .local_port = 1, .peer = -1},
    {.protocol = PH_PROTOCOL_PACKET,
     .family = PH_FAMILY_PACKET,
     .state = PH_STATE_UNCONNECTED,
     .interface = 2,
     .peer = -1},
    {.protocol = PH_PROTOCOL_NETLINK,
     .family = PH_FAMILY_NETLINK,
     .has_remote = true,
     .state = PH_STATE_CONNECTED,
     .peer = -1},
    {.protocol = PH_PROTOCOL_VSOCK,
     .family = PH_FAMILY_VSOCK,
     .state = PH_STATE_LISTEN,
     .local_port = 1024,
     .peer = -1},
    {TCP, .family = PH_FAMILY_IPV6, .state = PH_STATE_ESTABLISHED,
     .local_address = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}, .local_port = 9000,
     .remote_address = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}, .remote_port = 41000,
     .peer = 15},
    {TCP, .state = PH_STATE_ESTABLISHED, .local_address = V4(127, 0, 0, 1), .local_port = 41000,
     .remote_address = V4(127, 0, 0, 1), .remote_port = 9000, .peer = 14},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static struct ph_process processes[] = {
    {.pid = 50, .uid = 0, .command = "srv", .unit = "srv.service"},
    {.pid = 51, .uid = 33, .command = "a name of more", .container = "box"},
};

static struct ph_owner owners[] = {{&processes[0], 3}, {&processes[1], 4}};

static struct ph_snapshot snapshot = {
    .rows = {.items = rows, .count = ROW_COUNT},
    .ephemeral = {32768, 60999},
    .owners = {.items = owners},
};

static struct ph_filter *make(const char *name, const char *value)
{
    char problem[PROBLEM];
    struct ph_filter *filter = NULL;
    REQUIRE(ph_filter_new(&filter) == 0);
    memset(problem, '#', sizeof problem);
    int err = ph_filter_add(filter, name, value, problem, sizeof problem);
    if (err == 0) {
        return filter;
    }
    REQUIRE(err == PH_ERR_PARAMETER && memchr(problem, '\0', sizeof problem) && problem[0]);
    unsigned long column;
    if (sscanf(problem, "filter: column %lu:", &column) == 1) {
        REQUIRE(column >= 1 && column <= strlen(value) + 1);
    } else {
        REQUIRE(strcmp(name, "filter") != 0);
    }
    ph_filter_free(filter);
    return NULL;
}

static uint32_t matches(const struct ph_filter *filter)
{
    uint32_t found = 0;
    unsigned protocols = ph_filter_protocols(filter);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (ph_filter_match(filter, &snapshot, &rows[i])) {
            REQUIRE(protocols & PH_PROTOCOL_BIT(rows[i].protocol));
            found |= 1U << i;
        }
    }
    (void)ph_filter_is_told(filter, &snapshot);
    (void)ph_filter_needs_owners(filter);
    return found;
}

/* The kernel has to show at least what matches; where ends are joined, the other end, too, and all
 * that listen where there are any other ends. */
static void check_narrowing(const struct ph_filter *filter, uint32_t found, bool joined)
{
    static const enum ph_protocol protocols[] = {PH_PROTOCOL_TCP, PH_PROTOCOL_UDP};
    static struct ph__narrowing code;
    for (size_t k = 0; k < 2; k++) {
        if (!ph__narrow(filter, protocols[k], joined, &code)) {
            continue;
        }
        bytecode_audit(&code);
        uint32_t taken = 0;
        uint32_t wanted = 0;
        uint32_t listeners = 0;
        for (size_t i = 0; i < ROW_COUNT; i++) {
            const struct ph_socket *row = &rows[i];
            if (row->protocol == protocols[k]) {
                taken |= (uint32_t)bytecode_takes(&code, row) << i;
                listeners |= (uint32_t)!row->has_remote << i;
                wanted |= found & 1U << i;
                wanted |= joined && found & 1U << i && row->peer >= 0 ? 1U << row->peer : 0;
            }
        }
        wanted |= joined && wanted & ~listeners ? listeners : 0;
        REQUIRE((wanted & ~taken) == 0);
    }
}

/* States in front of all are no part of the list behind them; in parentheses they are. */
static void check_opposite(const char *value, uint32_t found)
{
    char text[FUZZ_MAX + 16];
    if (strspn(value, " \t\r\n") == strlen(value) || strstr(value, "state") ||
        strstr(value, "excl")) {
        return;
    }
    snprintf(text, sizeof text, "not ( %s )", value);
    struct ph_filter *opposite = make("filter", text);
    if (opposite) { /* parentheses may be as deep as they can be already */
        REQUIRE((matches(opposite) ^ found) == (1U << ROW_COUNT) - 1);
        ph_filter_free(opposite);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FUZZ_MAX) {
        return 0;
    }
    const char *name = names[data[0] % (sizeof names / sizeof names[0])];
    char *value = malloc(size);
    REQUIRE(value);
    memcpy(value, data + 1, size - 1);
    value[size - 1] = '\0';
    struct ph_filter *filter = make(name, value);
    if (filter) {
        uint32_t found = matches(filter);
        check_narrowing(filter, found, false);
        check_narrowing(filter, found, true);
        if (strcmp(name, "filter") == 0) {
            check_opposite(value, found);
        }
        ph_filter_free(filter);
    }
    free(value);
    return 0;
}
