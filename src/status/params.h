/* SPDX-License-Identifier: MIT
 *
 * Parameters of endpoints: what there are, and how their values are read.
 */
#ifndef PORTHOLE_STATUS_PARAMS_H
#define PORTHOLE_STATUS_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ph__param_type { PH__PARAM_TEXT, PH__PARAM_INTEGER, PH__PARAM_BOOLEAN };

struct ph__param {
    const char *name;
    enum ph__param_type type;
    bool in_path;
    const char *description;
};

/* What is wrong with a request, one sentence. */
enum { PH__PROBLEM_TEXT = 900 };

/* What every list takes; ends in a NULL name. */
extern const struct ph__param ph__list_params[];

/* What lists of sockets take beside that. */
extern const struct ph__param ph__sockets_params[];

#define PH__MAX_AGE_TEXT "reuse a snapshot at most so old; default 1000, 0 takes a new one"
enum { PH__MAX_AGE_DEFAULT_MS = 1000 };

/* The parameter of this name in a table that ends in a NULL name, or NULL. `params` may be NULL. */
const struct ph__param *ph__param_find(const struct ph__param *params, const char *name);

/* Writes that `name` is unknown and what is accepted instead (both tables may be NULL). */
void ph__param_unknown(const char *name, const struct ph__param *params,
                       const struct ph__param *more, char *problem, size_t problem_size);

/* Reads a whole number from 0 to `max`. @return 0, or PH_ERR_PARAMETER and a problem. */
int ph__param_number(const char *name, const char *value, uint64_t max, uint64_t *ret_number,
                     char *problem, size_t problem_size);

/* Reads "true" or "false". @return 0, or PH_ERR_PARAMETER and a problem. */
int ph__param_bool(const char *name, const char *value, bool *ret_flag, char *problem,
                   size_t problem_size);

#endif
