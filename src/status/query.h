/* SPDX-License-Identifier: MIT
 *
 * What a client asks of a list: filter, order, fields, format.
 */
#ifndef PORTHOLE_STATUS_QUERY_H
#define PORTHOLE_STATUS_QUERY_H

#include "status/columns.h"
#include "status/negotiate.h"
#include "status/params.h"
#include "status/render.h"
#include "status/schemas.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph__query {
    const struct ph__list_kind *kind;
    struct ph_filter *filter; /* owned; matches everything until narrowed */
    bool filtered;
    uint32_t states;               /* where the kind has states of its own: a bit each; 0: all */
    const struct ph__column *sort; /* NULL: as the list comes */
    bool descending;
    size_t limit;             /* SIZE_MAX: none */
    struct ph__choice choice; /* complete after ph__query_finish() */
    enum ph__format format;   /* PH__FORMAT_COUNT: nobody has said yet */
    unsigned max_age_ms;
    const struct ph__schema *schema; /* whose names and words are wanted; NULL: ours */
    bool owners;                     /* false: the client does without */
    bool details;                    /* true: the client wants them all */
    unsigned seen;                   /* which of sort, limit, ... have come: a bit each */
};

/* Starts with the defaults. @return 0; -ENOMEM, after which nothing needs ph__query_done(). */
int ph__query_init(struct ph__query *query, const struct ph__list_kind *kind);
void ph__query_done(struct ph__query *query);

/*
 * Takes one parameter; `name` is one of ph__list_params. Those that filter may come several
 * times, and all have to hold.
 *
 * @return 0; PH_ERR_PARAMETER and a problem; -ENOMEM.
 */
int ph__query_set(struct ph__query *query, const char *name, const char *value, char *problem,
                  size_t problem_size);

/* Settles what depends on several parameters. The format must be known by now. */
void ph__query_finish(struct ph__query *query);

/* True when the filter, the order or a chosen column wants the owners. After finish. */
bool ph__query_needs_owners(const struct ph__query *query);

/* True when the order or a chosen column wants the doctor's findings. */
bool ph__query_needs_findings(const struct ph__query *query);

/* True when the order or a chosen column wants the details. */
bool ph__query_needs_details(const struct ph__query *query);

/* True when the order or a chosen column tells of other sockets. After finish. */
bool ph__query_is_joined(const struct ph__query *query);

#endif
