/* SPDX-License-Identifier: MIT
 *
 * An explanation in the making: its parts, each of which fills in its own fields.
 */
#ifndef PORTHOLE_DOCTOR_WHY_H
#define PORTHOLE_DOCTOR_WHY_H

#include "doctor/bind.h"
#include "sockets/arena.h"

#include <porthole/doctor.h>

struct ph__why {
    struct ph_why shown; /* first: what users see */
    struct ph__arena arena;
    struct ph_ports *ports;
    int proc;                       /* the folder /proc; -1 once filled in, or unreadable */
    const struct ph_socket **local; /* the sockets with this protocol and local port */
    size_t local_count;
    struct ph__bind_waiting waiting;
    struct ph__bind_wish wish;      /* of shown.bind */
    struct ph__bind_wish wish_ipv6; /* of shown.bind_ipv6 */
    struct ph__bind_facts facts;    /* of shown.bind */
};

/* Each returns 0 or -ENOMEM; without memory nothing else is wrong. */
int ph__why_judge(struct ph__why *why, const struct ph__bind_wish *wish,
                  const struct ph__bind_facts *facts, struct ph_why_bind *ret_bind);
int ph__why_reach(struct ph__why *why);
int ph__why_probe(struct ph__why *why);
int ph__why_advise(struct ph__why *why);

/* Reads a question. @return 0; PH_ERR_PARAMETER and a problem. */
int ph__why_read(const struct ph_why_question *question, struct ph__bind_wish *ret_wish,
                 char *problem, size_t problem_size);

#endif
