/* SPDX-License-Identifier: MIT
 *
 * The expression language of ss(8) for sockets: parsed once, run for each socket.
 */
#ifndef PORTHOLE_SOCKETS_EXPRESSION_H
#define PORTHOLE_SOCKETS_EXPRESSION_H

#include "sockets/condition.h"

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>

struct ph__expression;

/* An expression as the steps of a stack machine: operands before operators. */
enum ph__operation {
    PH__OPERATION_CONDITION,
    PH__OPERATION_NOT,
    PH__OPERATION_AND,
    PH__OPERATION_OR
};

struct ph__step {
    enum ph__operation operation;
    struct ph__condition condition;
};

/* How deep parentheses may stand, and how many values are held back then at most: each of them
 * holds one, the innermost list two, and states in front one. */
enum { PH__EXPRESSION_DEPTH = 64, PH__EXPRESSION_STACK = PH__EXPRESSION_DEPTH + 4 };

/**
 * Parses an expression. An empty one matches everything.
 *
 * @param problem  on PH_ERR_PARAMETER: the column of the mistake, and what is wrong there.
 * @return 0; PH_ERR_PARAMETER; -ENOMEM.
 */
int ph__expression_new(struct ph__expression **ret_expression, const char *text, char *problem,
                       size_t problem_size);

void ph__expression_free(struct ph__expression *expression);

/* The steps, none of an empty expression; valid as long as it is. */
const struct ph__step *ph__expression_steps(const struct ph__expression *expression,
                                            size_t *ret_count);

bool ph__expression_needs_owners(const struct ph__expression *expression);

/* Whether the kernel told all that it asks for. */
bool ph__expression_is_told(const struct ph__expression *expression,
                            const struct ph_snapshot *snapshot);

bool ph__expression_match(const struct ph__expression *expression,
                          const struct ph_snapshot *snapshot, const struct ph_socket *socket);

#endif
