/* SPDX-License-Identifier: MIT
 *
 * The kernel's part of a narrowed dump, played here: what it demands of bytecode before it runs it,
 * and how it then runs it over a socket (inet_diag_bc_audit() and inet_diag_bc_run() in its
 * net/ipv4/inet_diag.c say what the steps mean).
 */
#ifndef PORTHOLE_TESTS_FUZZ_BYTECODE_H
#define PORTHOLE_TESTS_FUZZ_BYTECODE_H

#include "fuzz/fuzz.h"
#include "sockets/inet_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <string.h>

static inline struct inet_diag_bc_op bytecode_step(const struct ph__narrowing *code, size_t at)
{
    struct inet_diag_bc_op step;
    REQUIRE(at + sizeof step <= code->size);
    memcpy(&step, code->steps + at, sizeof step);
    return step;
}

/* How many bytes a step of this code has at least. */
static inline size_t bytecode_length(const struct ph__narrowing *code, size_t at)
{
    struct inet_diag_bc_op step = bytecode_step(code, at);
    struct inet_diag_hostcond host;
    switch (step.code) {
    case INET_DIAG_BC_JMP:
        return sizeof step;
    case INET_DIAG_BC_S_GE:
    case INET_DIAG_BC_S_LE:
    case INET_DIAG_BC_D_GE:
    case INET_DIAG_BC_D_LE:
    case INET_DIAG_BC_DEV_COND:
        return sizeof step + 4;
    case PH__BYTECODE_CGROUP:
        return sizeof step + 8;
    case INET_DIAG_BC_S_COND:
    case INET_DIAG_BC_D_COND:
        REQUIRE(at + sizeof step + sizeof host <= code->size);
        memcpy(&host, code->steps + at + sizeof step, sizeof host);
        REQUIRE(host.family == AF_UNSPEC || host.family == AF_INET || host.family == AF_INET6);
        size_t address = host.family == AF_UNSPEC ? 0 : host.family == AF_INET ? 4 : 16;
        REQUIRE(host.prefix_len <= address * 8);
        return sizeof step + sizeof host + address;
    default:
        abort(); /* nothing that is known to be taken */
    }
}

static inline void bytecode_audit(const struct ph__narrowing *code)
{
    static unsigned char is_step[PH__BYTECODE_SIZE + 8];
    REQUIRE(code->size <= PH__BYTECODE_SIZE && code->size % 4 == 0);
    memset(is_step, 0, sizeof is_step);
    is_step[code->size] = is_step[code->size + 4] = 1; /* taken, refused */
    for (size_t at = 0; at < code->size; at += bytecode_step(code, at).yes) {
        is_step[at] = 1;
        REQUIRE(bytecode_step(code, at).yes == bytecode_length(code, at));
    }
    for (size_t at = 0; at < code->size; at += bytecode_step(code, at).yes) {
        struct inet_diag_bc_op step = bytecode_step(code, at);
        REQUIRE(step.no >= bytecode_length(code, at) && step.no % 4 == 0);
        REQUIRE(at + step.no <= code->size + 4 && is_step[at + step.no]);
    }
}

static inline bool bytecode_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned left = bits % 8;
    return memcmp(address, prefix, bits / 8) == 0 &&
           (left == 0 || (address[bits / 8] ^ prefix[bits / 8]) >> (8 - left) == 0);
}

static inline bool bytecode_host(const unsigned char *at, const struct ph_socket *row, bool source)
{
    struct inet_diag_hostcond host;
    memcpy(&host, at, sizeof host);
    const uint8_t *prefix = at + sizeof host;
    const uint8_t *address = source ? row->local_address : row->remote_address;
    int family = row->family == PH_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (host.port != -1 && host.port != (source ? row->local_port : row->remote_port)) {
        return false;
    }
    if (host.family != AF_UNSPEC && host.family != family) {
        return family == AF_INET6 && host.family == AF_INET &&
               memcmp(address, mapped, sizeof mapped) == 0 &&
               bytecode_prefix(address + sizeof mapped, prefix, host.prefix_len);
    }
    return host.prefix_len == 0 || bytecode_prefix(address, prefix, host.prefix_len);
}

static inline bool bytecode_holds(const unsigned char *at, const struct ph_socket *row)
{
    struct inet_diag_bc_op step;
    struct inet_diag_bc_op port;
    uint32_t interface;
    uint64_t cgroup;
    memcpy(&step, at, sizeof step);
    memcpy(&port, at + sizeof step, sizeof port);
    switch (step.code) {
    case INET_DIAG_BC_S_GE:
        return row->local_port >= port.no;
    case INET_DIAG_BC_S_LE:
        return row->local_port <= port.no;
    case INET_DIAG_BC_D_GE:
        return row->remote_port >= port.no;
    case INET_DIAG_BC_D_LE:
        return row->remote_port <= port.no;
    case INET_DIAG_BC_S_COND:
    case INET_DIAG_BC_D_COND:
        return bytecode_host(at + sizeof step, row, step.code == INET_DIAG_BC_S_COND);
    case INET_DIAG_BC_DEV_COND:
        memcpy(&interface, at + sizeof step, sizeof interface);
        return row->interface == interface;
    case PH__BYTECODE_CGROUP:
        memcpy(&cgroup, at + sizeof step, sizeof cgroup);
        return row->cgroup == cgroup;
    default:
        return false; /* a jump */
    }
}

/* Whether the kernel would show a socket. */
static inline bool bytecode_takes(const struct ph__narrowing *code, const struct ph_socket *row)
{
    size_t at = 0;
    uint32_t numbers = 0;
    for (unsigned number = 1; number < 14; number++) {
        enum ph_state state;
        if (ph__inet_diag_state(row->protocol, number, &state) && state == row->state) {
            numbers |= 1U << number;
        }
    }
    REQUIRE((code->states & numbers) == 0 || (code->states & numbers) == numbers);
    while (at < code->size) {
        struct inet_diag_bc_op step = bytecode_step(code, at);
        at += bytecode_holds(code->steps + at, row) ? step.yes : step.no;
    }
    return at == code->size && code->states & numbers;
}

#endif
