/* SPDX-License-Identifier: MIT
 *
 * The expression language of ss(8) for sockets: parsed once, run for each socket.
 */
#ifndef PORTHOLE_SOCKETS_EXPRESSION_H
#define PORTHOLE_SOCKETS_EXPRESSION_H

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>

struct ph__expression;

/**
 * Parses an expression. An empty one matches everything.
 *
 * @param problem  on PH_ERR_PARAMETER: the column of the mistake, and what is wrong there.
 * @return 0; PH_ERR_PARAMETER; -ENOMEM.
 */
int ph__expression_new(struct ph__expression **ret_expression, const char *text, char *problem,
                       size_t problem_size);

void ph__expression_free(struct ph__expression *expression);

bool ph__expression_needs_owners(const struct ph__expression *expression);

/* Whether the kernel told all that it asks for. */
bool ph__expression_is_told(const struct ph__expression *expression,
                            const struct ph_snapshot *snapshot);

bool ph__expression_match(const struct ph__expression *expression,
                          const struct ph_snapshot *snapshot, const struct ph_socket *socket);

#endif
