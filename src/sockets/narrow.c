/* SPDX-License-Identifier: MIT
 *
 * Each condition becomes two tests: of the sockets that it may hold for, and of those that it may
 * fail for. Either may be too wide, but never too narrow, and "not" exchanges the two. What the
 * kernel does not know, or knows in another sense than we do, may always hold and always fail.
 *
 * So it is with marks: the kernel compares those of connections that have no socket any more, and
 * which of them it tells differs from version to version. The ports that it gives out itself are
 * those of another moment than ours.
 *
 * A connection's peer and direction follow from its two ends, from what has the same ends the other
 * way round, and from who listens. Where they are wanted, only ends are tested, in a sense that is
 * the same for IPv4 and IPv4-mapped addresses; each test holds for the other end, too, if it holds
 * for one; and all that have no other end are taken.
 */
#include "sockets/narrow.h"

#include "sockets/expression.h"
#include "sockets/filter.h"
#include "sockets/inet_diag.h"

#include <linux/inet_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MAPPED_BITS = 96, ALL_STATES = 0x3FFE };

#define BIT(state) (1U << (state))

#define EVERY_STATE (BIT(PH_STATE_COUNT) - 1)
#define WITHOUT_REMOTE (BIT(PH_STATE_LISTEN) | BIT(PH_STATE_CLOSED) | BIT(PH_STATE_UNCONNECTED))

/* What a condition lets through. */
struct sieve {
    unsigned holds; /* nodes */
    unsigned fails;
    uint32_t states_hold; /* in which states it can hold, and fail */
    uint32_t states_fail;
};

struct narrower {
    struct ph__bytecode code;
    enum ph_protocol protocol;
    bool joined;
    bool asks_mark;
    bool asks_cgroup;
};

static const struct sieve anything = {PH__NODE_TRUE, PH__NODE_TRUE, EVERY_STATE, EVERY_STATE};

static struct sieve constant(bool holds)
{
    return holds ? (struct sieve){PH__NODE_TRUE, PH__NODE_FALSE, EVERY_STATE, 0}
                 : (struct sieve){PH__NODE_FALSE, PH__NODE_TRUE, 0, EVERY_STATE};
}

/* Of a test that means the same to the kernel. */
static struct sieve exactly(struct narrower *narrower, unsigned node)
{
    return (struct sieve){node, ph__bytecode_not(&narrower->code, node), EVERY_STATE, EVERY_STATE};
}

/* Of one that the kernel takes in a wider sense. */
static struct sieve at_least(unsigned node)
{
    return (struct sieve){node, PH__NODE_TRUE, EVERY_STATE, EVERY_STATE};
}

static struct sieve opposite(struct sieve sieve)
{
    return (struct sieve){sieve.fails, sieve.holds, sieve.states_fail, sieve.states_hold};
}

static struct sieve both(struct narrower *narrower, struct sieve left, struct sieve right)
{
    struct ph__bytecode *code = &narrower->code;
    return (struct sieve){
        ph__bytecode_and(code, left.holds, right.holds),
        ph__bytecode_or(code, left.fails, right.fails),
        left.states_hold & right.states_hold,
        left.states_fail | right.states_fail,
    };
}

static struct sieve either(struct narrower *narrower, struct sieve left, struct sieve right)
{
    return opposite(both(narrower, opposite(left), opposite(right)));
}

static unsigned compare_port(struct narrower *narrower, bool source, bool greater, int port)
{
    unsigned char code = greater ? (source ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE)
                                 : (source ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE);
    if (port < 0 || port > UINT16_MAX) {
        return PH__NODE_FALSE; /* nothing is less than 0, or greater than the greatest */
    }
    return ph__bytecode_test(&narrower->code,
                             &(struct ph__bytecode_test){.code = code, .port = port});
}

/* An address as the kernel compares it, which says by the family what it is compared with. */
static unsigned test_host(struct narrower *narrower, bool source,
                          const struct ph__bytecode_test *host)
{
    struct ph__bytecode_test test = *host;
    test.code = source ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND;
    return ph__bytecode_test(&narrower->code, &test);
}

static unsigned test_port(struct narrower *narrower, bool source, int port)
{
    return test_host(narrower, source,
                     &(struct ph__bytecode_test){.family = AF_UNSPEC, .port = port});
}

/* Whether a prefix, as 128 bits, has any IPv4-mapped address in it. */
static bool has_mapped(const struct ph__address *address, unsigned bits)
{
    static const struct ph__address mapped = {{[10] = 0xFF, [11] = 0xFF}};
    return ph__address_in_prefix(&mapped, address, bits < MAPPED_BITS ? bits : MAPPED_BITS);
}

/* A prefix of IPv4 as 128 bits; the kernel's of IPv4 also takes addresses that are mapped. */
static struct ph__bytecode_test prefix_ipv4(const struct ph__address *address, unsigned bits)
{
    struct ph__bytecode_test test = {
        .family = AF_INET, .prefix_bits = (uint8_t)(bits - MAPPED_BITS), .port = -1};
    memcpy(test.address, address->bytes + 12, 4);
    return test;
}

static struct ph__bytecode_test prefix_ipv6(const struct ph__address *address, unsigned bits)
{
    struct ph__bytecode_test test = {.family = AF_INET6, .prefix_bits = (uint8_t)bits, .port = -1};
    memcpy(test.address, address->bytes, 16);
    return test;
}

/* src and dst of expressions, where "inet:" and "inet6:" leave sockets of the other family out. */
static struct sieve sieve_host(struct narrower *narrower, const struct ph__host *host, bool source)
{
    if (host->pattern) {
        return constant(false); /* that of a unix path */
    }
    struct ph__bytecode_test test = {.family = AF_UNSPEC};
    bool exact = host->family == PH__HOST_ANY;
    if (!host->any_address && host->family == PH__HOST_IPV6) {
        exact = !narrower->joined || !has_mapped(&host->address, host->bits);
        test = exact ? prefix_ipv6(&host->address, host->bits) : test;
    } else if (!host->any_address && host->bits >= MAPPED_BITS) {
        test = prefix_ipv4(&host->address, host->bits);
    } else if (!host->any_address) {
        exact = false;
    }
    test.port = host->any_port ? -1 : host->port;
    if (test.family == AF_UNSPEC && test.port < 0) {
        return exact ? constant(true) : anything;
    }
    unsigned node = test_host(narrower, source, &test);
    return exact ? exactly(narrower, node) : at_least(node);
}

static struct sieve sieve_port(struct narrower *narrower, const struct ph__condition *condition,
                               bool source)
{
    int port = condition->host.port;
    unsigned node = PH__NODE_TRUE;
    if (condition->host.any_port) {
        bool equal = condition->comparison == PH__COMPARISON_EQUAL;
        return condition->host.family == PH__HOST_ANY ? constant(equal) : anything;
    }
    switch (condition->comparison) {
    case PH__COMPARISON_EQUAL:
    case PH__COMPARISON_NOT_EQUAL:
        node = test_port(narrower, source, port);
        break;
    case PH__COMPARISON_LESS:
        node = compare_port(narrower, source, false, port - 1);
        break;
    case PH__COMPARISON_LESS_OR_EQUAL:
        node = compare_port(narrower, source, false, port);
        break;
    case PH__COMPARISON_GREATER:
        node = compare_port(narrower, source, true, port + 1);
        break;
    case PH__COMPARISON_GREATER_OR_EQUAL:
        node = compare_port(narrower, source, true, port);
        break;
    }
    if (condition->comparison == PH__COMPARISON_NOT_EQUAL) {
        node = ph__bytecode_not(&narrower->code, node);
    }
    return condition->host.family == PH__HOST_ANY ? exactly(narrower, node) : at_least(node);
}

/* What both ends need not have in common. */
static struct sieve sieve_number(struct narrower *narrower, unsigned char code, uint64_t number)
{
    return narrower->joined
               ? anything
               : exactly(narrower,
                         ph__bytecode_test(&narrower->code, &(struct ph__bytecode_test){
                                                                .code = code, .number = number}));
}

static struct sieve sieve_states(uint32_t states)
{
    return (struct sieve){PH__NODE_TRUE, PH__NODE_TRUE, states & EVERY_STATE,
                          ~states & EVERY_STATE};
}

/* Without the comparison, which says at most "not". */
static struct sieve sieve_equal(struct narrower *narrower, const struct ph__condition *condition)
{
    switch (condition->subject) {
    case PH__SUBJECT_SRC:
    case PH__SUBJECT_DST:
        return sieve_host(narrower, &condition->host, condition->subject == PH__SUBJECT_SRC);
    case PH__SUBJECT_DEV:
        return sieve_number(narrower, INET_DIAG_BC_DEV_COND, condition->value.number);
    case PH__SUBJECT_CGROUP:
        narrower->asks_cgroup = true;
        return sieve_number(narrower, PH__BYTECODE_CGROUP, condition->value.number);
    case PH__SUBJECT_FWMARK:
        narrower->asks_mark = true;
        return anything;
    case PH__SUBJECT_PROTOCOL:
        return constant(condition->value.number == narrower->protocol);
    default:
        return anything;
    }
}

static struct sieve sieve_condition(struct narrower *narrower,
                                    const struct ph__condition *condition)
{
    switch (condition->subject) {
    case PH__SUBJECT_STATE:
        return sieve_states(condition->value.states.inet);
    case PH__SUBJECT_SPORT:
    case PH__SUBJECT_DPORT:
        return sieve_port(narrower, condition, condition->subject == PH__SUBJECT_SPORT);
    default:
        break;
    }
    struct sieve sieve = sieve_equal(narrower, condition);
    return condition->comparison == PH__COMPARISON_NOT_EQUAL ? opposite(sieve) : sieve;
}

static struct sieve sieve_expression(struct narrower *narrower,
                                     const struct ph__expression *expression)
{
    struct sieve stack[PH__EXPRESSION_STACK];
    size_t used = 0;
    size_t count;
    const struct ph__step *steps = ph__expression_steps(expression, &count);
    for (size_t i = 0; i < count && !narrower->code.full; i++) {
        switch (steps[i].operation) {
        case PH__OPERATION_CONDITION:
            stack[used++] = sieve_condition(narrower, &steps[i].condition);
            break;
        case PH__OPERATION_NOT:
            stack[used - 1] = opposite(stack[used - 1]);
            break;
        case PH__OPERATION_AND:
            used--;
            stack[used - 1] = both(narrower, stack[used - 1], stack[used]);
            break;
        case PH__OPERATION_OR:
            used--;
            stack[used - 1] = either(narrower, stack[used - 1], stack[used]);
            break;
        }
    }
    return used == 1 ? stack[0] : anything;
}

/* The short form "address", at one end: any family in 128 bits. */
static struct sieve sieve_prefix(struct narrower *narrower, const struct ph__filter_value *value,
                                 bool source)
{
    const struct ph__address *address = &value->prefix.address;
    unsigned bits = value->prefix.bits;
    struct ph__bytecode_test test;
    if (bits >= MAPPED_BITS && has_mapped(address, bits)) {
        test = prefix_ipv4(address, bits);
    } else if (has_mapped(address, bits)) {
        return anything;
    } else {
        test = prefix_ipv6(address, bits);
    }
    return at_least(test_host(narrower, source, &test));
}

static struct sieve sieve_value(struct narrower *narrower, enum ph__filter_field field,
                                const struct ph__filter_value *value)
{
    int port = (int)value->number;
    switch (field) {
    case PH__FILTER_PROTOCOL:
        return constant(value->number == narrower->protocol);
    case PH__FILTER_STATE:
        return sieve_states(value->states.inet);
    case PH__FILTER_PORT:
        return either(narrower, at_least(test_port(narrower, true, port)),
                      at_least(test_port(narrower, false, port)));
    case PH__FILTER_LOCAL_PORT:
    case PH__FILTER_REMOTE_PORT:
        return at_least(test_port(narrower, field == PH__FILTER_LOCAL_PORT, port));
    case PH__FILTER_ADDRESS:
        return either(narrower, sieve_prefix(narrower, value, true),
                      sieve_prefix(narrower, value, false));
    default:
        return anything;
    }
}

static struct sieve sieve_short(struct narrower *narrower,
                                const struct ph__filter_condition *condition)
{
    struct sieve sieve = constant(false);
    for (size_t i = 0; i < condition->count && !narrower->code.full; i++) {
        sieve =
            either(narrower, sieve, sieve_value(narrower, condition->field, &condition->values[i]));
    }
    return sieve;
}

/* The kernel's numbers of states. A socket that is bound and does not listen has one of its own. */
static uint32_t numbers_of(enum ph_protocol protocol, uint32_t states)
{
    uint32_t numbers = 0;
    for (unsigned number = 1; BIT(number) <= ALL_STATES; number++) {
        enum ph_state state;
        if (ph__inet_diag_state(protocol, number, &state) && states & BIT(state)) {
            numbers |= BIT(number);
        }
    }
    return numbers;
}

static bool write_narrowing(struct narrower *narrower, const struct sieve *sieve,
                            struct ph__narrowing *narrowing)
{
    struct ph__bytecode *code = &narrower->code;
    bool alone = !narrower->joined || !(sieve->states_hold & ~WITHOUT_REMOTE);
    unsigned node = sieve->holds;
    /* Not none: what the protocol comes from is still to be found out. */
    uint32_t states = sieve->states_hold ? sieve->states_hold : BIT(PH_STATE_LISTEN);
    narrowing->states = alone ? numbers_of(narrower->protocol, states) : ALL_STATES;
    if (!alone) {
        unsigned without_remote = compare_port(narrower, false, false, 0);
        node = ph__bytecode_or(code, node, ph__bytecode_mirror(code, node));
        node = ph__bytecode_or(code, without_remote, node);
    }
    narrowing->size = 0;
    if (node == PH__NODE_FALSE) {
        node = ph__bytecode_and(code, compare_port(narrower, true, false, 0),
                                compare_port(narrower, true, true, 1));
    }
    if (node != PH__NODE_TRUE) {
        narrowing->size = ph__bytecode_write(code, node, narrowing->steps);
        if (narrowing->size == 0) {
            return false;
        }
    }
    return narrowing->size > 0 || narrowing->states != ALL_STATES;
}

/* Whether the kernel tells marks and groups at all is seen from the sockets, from all of them. One
 * that takes a test of groups tells them, too. */
static bool is_told(const struct narrower *narrower, unsigned node)
{
    return !narrower->asks_mark &&
           (!narrower->asks_cgroup || ph__bytecode_has(&narrower->code, node, PH__BYTECODE_CGROUP));
}

bool ph__narrow(const struct ph_filter *filter, enum ph_protocol protocol, bool joined,
                struct ph__narrowing *ret_narrowing)
{
    struct narrower *narrower = malloc(sizeof *narrower);
    if (!narrower) {
        return false;
    }
    *narrower = (struct narrower){.protocol = protocol, .joined = joined};
    ph__bytecode_init(&narrower->code);
    struct sieve sieve = anything;
    for (const struct ph__filter_condition *at = filter->conditions; at; at = at->next) {
        struct sieve more =
            at->expression ? sieve_expression(narrower, at->expression) : sieve_short(narrower, at);
        sieve = both(narrower, sieve, more);
    }
    bool narrowed = !narrower->code.full && is_told(narrower, sieve.holds) &&
                    write_narrowing(narrower, &sieve, ret_narrowing);
    free(narrower);
    return narrowed;
}
