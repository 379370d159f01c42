/* SPDX-License-Identifier: MIT
 *
 * Steps for the kernel. Each says how many bytes further to go on where it holds, which is always
 * the next step (the kernel checks jumps by walking so), and where it does not. To jump one step
 * behind the end refuses the socket; to arrive at the end takes it.
 */
#include "sockets/bytecode.h"

#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>

/* A place in the steps that is not known yet: the first of those that jump there, chained by the
 * very fields that the distance goes to; 0 none. */
struct label {
    size_t first;
};

struct writer {
    const struct ph__bytecode *code;
    unsigned char *steps;
    size_t size;
    bool full;
};

void ph__bytecode_init(struct ph__bytecode *code)
{
    code->count = PH__NODE_FIRST;
    code->full = false;
}

static unsigned add(struct ph__bytecode *code, const struct ph__bytecode_node *node)
{
    if (code->count == PH__BYTECODE_NODES) {
        code->full = true;
        return PH__NODE_TRUE;
    }
    code->nodes[code->count] = *node;
    return code->count++;
}

static unsigned join(struct ph__bytecode *code, enum ph__node_kind kind, unsigned left,
                     unsigned right)
{
    const struct ph__bytecode_node node = {
        .kind = kind, .left = (uint16_t)left, .right = (uint16_t)right};
    return add(code, &node);
}

unsigned ph__bytecode_test(struct ph__bytecode *code, const struct ph__bytecode_test *test)
{
    const struct ph__bytecode_node node = {.kind = PH__NODE_TEST, .test = *test};
    return add(code, &node);
}

unsigned ph__bytecode_and(struct ph__bytecode *code, unsigned left, unsigned right)
{
    if (left == PH__NODE_FALSE || right == PH__NODE_FALSE) {
        return PH__NODE_FALSE;
    }
    if (left == PH__NODE_TRUE || right == PH__NODE_TRUE) {
        return left == PH__NODE_TRUE ? right : left;
    }
    return join(code, PH__NODE_AND, left, right);
}

unsigned ph__bytecode_or(struct ph__bytecode *code, unsigned left, unsigned right)
{
    if (left == PH__NODE_TRUE || right == PH__NODE_TRUE) {
        return PH__NODE_TRUE;
    }
    if (left == PH__NODE_FALSE || right == PH__NODE_FALSE) {
        return left == PH__NODE_FALSE ? right : left;
    }
    return join(code, PH__NODE_OR, left, right);
}

unsigned ph__bytecode_not(struct ph__bytecode *code, unsigned node)
{
    if (node < PH__NODE_FIRST) {
        return node == PH__NODE_TRUE ? PH__NODE_FALSE : PH__NODE_TRUE;
    }
    return join(code, PH__NODE_NOT, node, 0);
}

unsigned ph__bytecode_mirror(struct ph__bytecode *code, unsigned node)
{
    return node < PH__NODE_FIRST ? node : join(code, PH__NODE_MIRROR, node, 0);
}

static unsigned char mirrored(unsigned char code)
{
    switch (code) {
    case INET_DIAG_BC_S_GE:
        return INET_DIAG_BC_D_GE;
    case INET_DIAG_BC_S_LE:
        return INET_DIAG_BC_D_LE;
    case INET_DIAG_BC_D_GE:
        return INET_DIAG_BC_S_GE;
    case INET_DIAG_BC_D_LE:
        return INET_DIAG_BC_S_LE;
    case INET_DIAG_BC_S_COND:
        return INET_DIAG_BC_D_COND;
    case INET_DIAG_BC_D_COND:
        return INET_DIAG_BC_S_COND;
    default:
        return code; /* what both ends have in common */
    }
}

static void put(struct writer *writer, const void *bytes, size_t size)
{
    if (writer->full || size > PH__BYTECODE_SIZE - writer->size) {
        writer->full = true;
        return;
    }
    memcpy(writer->steps + writer->size, bytes, size);
    writer->size += size;
}

/* A step with `arguments` bytes behind it, which jumps to the label where it does not hold. */
static void put_step(struct writer *writer, unsigned char code, size_t arguments,
                     struct label *refused)
{
    struct inet_diag_bc_op step = {.code = code,
                                   .yes = (unsigned char)(sizeof step + arguments),
                                   .no = (uint16_t)refused->first};
    size_t at = writer->size;
    put(writer, &step, sizeof step);
    refused->first = at + sizeof step; /* the step's end, so that it is never 0 */
}

/* Lets all that jump to a label arrive at a place. */
static void place(struct writer *writer, const struct label *label, size_t there)
{
    struct inet_diag_bc_op step;
    for (size_t end = label->first; end != 0 && !writer->full;) {
        unsigned char *at = writer->steps + end - sizeof step;
        memcpy(&step, at, sizeof step);
        end = step.no;
        step.no = (uint16_t)(there - (size_t)(at - writer->steps));
        memcpy(at, &step, sizeof step);
    }
}

static void put_host(struct writer *writer, unsigned char code,
                     const struct ph__bytecode_test *test, struct label *refused)
{
    const struct inet_diag_hostcond host = {
        .family = test->family, .prefix_len = test->prefix_bits, .port = test->port};
    size_t address = test->family == AF_INET6 ? 16 : test->family == AF_INET ? 4 : 0;
    put_step(writer, code, sizeof host + address, refused);
    put(writer, &host, sizeof host);
    put(writer, test->address, address);
}

static void put_test(struct writer *writer, const struct ph__bytecode_test *test, bool mirror,
                     struct label *refused)
{
    unsigned char code = mirror ? mirrored(test->code) : test->code;
    const struct inet_diag_bc_op port = {.no = (uint16_t)test->port};
    uint32_t interface = (uint32_t)test->number;
    switch (code) {
    case INET_DIAG_BC_S_COND:
    case INET_DIAG_BC_D_COND:
        put_host(writer, code, test, refused);
        break;
    case INET_DIAG_BC_DEV_COND:
        put_step(writer, code, sizeof interface, refused);
        put(writer, &interface, sizeof interface);
        break;
    case PH__BYTECODE_CGROUP:
        put_step(writer, code, sizeof test->number, refused);
        put(writer, &test->number, sizeof test->number);
        break;
    default:
        put_step(writer, code, sizeof port, refused);
        put(writer, &port, sizeof port);
        break;
    }
}

/* Writes a node: where it is true, what follows goes on; where not, the label. Nodes are made of
 * older ones, so that this ends; how deep it goes is limited with their number. */
static void put_node(struct writer *writer, unsigned number, bool mirror, struct label *refused)
{
    const struct ph__bytecode_node *node = &writer->code->nodes[number];
    struct label other = {0};
    struct label end = {0};
    switch (node->kind) {
    case PH__NODE_TEST:
        put_test(writer, &node->test, mirror, refused);
        break;
    case PH__NODE_AND:
        put_node(writer, node->left, mirror, refused);
        put_node(writer, node->right, mirror, refused);
        break;
    case PH__NODE_OR:
        put_node(writer, node->left, mirror, &other);
        put_step(writer, INET_DIAG_BC_JMP, 0, &end);
        place(writer, &other, writer->size);
        put_node(writer, node->right, mirror, refused);
        place(writer, &end, writer->size);
        break;
    case PH__NODE_NOT:
        put_node(writer, node->left, mirror, &other);
        put_step(writer, INET_DIAG_BC_JMP, 0, refused);
        place(writer, &other, writer->size);
        break;
    case PH__NODE_MIRROR:
        put_node(writer, node->left, !mirror, refused);
        break;
    }
}

bool ph__bytecode_has(const struct ph__bytecode *code, unsigned node, uint8_t test_code)
{
    if (node < PH__NODE_FIRST || node >= PH__BYTECODE_NODES) {
        return false;
    }
    const struct ph__bytecode_node *at = &code->nodes[node];
    if (at->kind == PH__NODE_TEST) {
        return at->test.code == test_code;
    }
    return ph__bytecode_has(code, at->left, test_code) ||
           ph__bytecode_has(code, at->right, test_code);
}

size_t ph__bytecode_write(const struct ph__bytecode *code, unsigned node,
                          unsigned char ret_steps[PH__BYTECODE_SIZE])
{
    struct writer writer = {.code = code, .steps = ret_steps, .full = code->full};
    struct label refused = {0};
    put_node(&writer, node, false, &refused);
    place(&writer, &refused, writer.size + sizeof(struct inet_diag_bc_op));
    return writer.full ? 0 : writer.size;
}
