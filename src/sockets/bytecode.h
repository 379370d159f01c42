/* SPDX-License-Identifier: MIT
 *
 * Filters as the kernel runs them over inet_diag's sockets (INET_DIAG_REQ_BYTECODE): tests joined
 * by and, or and not, written as steps that jump forward.
 */
#ifndef PORTHOLE_SOCKETS_BYTECODE_H
#define PORTHOLE_SOCKETS_BYTECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PH__BYTECODE_NODES = 512, PH__BYTECODE_SIZE = 4096 };

/* Headers before Linux 5.9 do not have this code. */
enum { PH__BYTECODE_CGROUP = 13 };

/* One thing that the kernel compares. Codes are INET_DIAG_BC_*. */
struct ph__bytecode_test {
    uint8_t code;
    uint8_t family;      /* of a host: AF_UNSPEC: any address */
    uint8_t prefix_bits; /* of a host */
    int32_t port;        /* of a host, -1 any; or what a port is compared with */
    uint8_t address[16]; /* of a host */
    uint64_t number;     /* an interface or a control group */
};

enum { PH__NODE_FALSE, PH__NODE_TRUE, PH__NODE_FIRST };

enum ph__node_kind { PH__NODE_TEST, PH__NODE_AND, PH__NODE_OR, PH__NODE_NOT, PH__NODE_MIRROR };

struct ph__bytecode_node {
    enum ph__node_kind kind;
    uint16_t left;
    uint16_t right;
    struct ph__bytecode_test test;
};

/* Nodes are numbers. What does not fit makes `full`, and the result is of no use then. */
struct ph__bytecode {
    struct ph__bytecode_node nodes[PH__BYTECODE_NODES];
    unsigned count; /* with the two constants */
    bool full;
};

void ph__bytecode_init(struct ph__bytecode *code);

unsigned ph__bytecode_test(struct ph__bytecode *code, const struct ph__bytecode_test *test);
unsigned ph__bytecode_and(struct ph__bytecode *code, unsigned left, unsigned right);
unsigned ph__bytecode_or(struct ph__bytecode *code, unsigned left, unsigned right);
unsigned ph__bytecode_not(struct ph__bytecode *code, unsigned node);

/* The same with the two ends exchanged: what is true of a socket is true of its other end. */
unsigned ph__bytecode_mirror(struct ph__bytecode *code, unsigned node);

/* Whether a node is made of a test of this kind, among others. */
bool ph__bytecode_has(const struct ph__bytecode *code, unsigned node, uint8_t test_code);

/* Writes the steps that accept where a node, which is no constant, is true. @return their size;
 * 0 when there is no room. */
size_t ph__bytecode_write(const struct ph__bytecode *code, unsigned node,
                          unsigned char ret_steps[PH__BYTECODE_SIZE]);

#endif
