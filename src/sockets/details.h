/* SPDX-License-Identifier: MIT
 *
 * The details of a snapshot from within: what all who ask for them share.
 */
#ifndef PORTHOLE_SOCKETS_DETAILS_H
#define PORTHOLE_SOCKETS_DETAILS_H

#include "sockets/arena.h"
#include "sockets/cgroup.h"
#include "sockets/detail.h"

#include <stddef.h>

struct ph__detail_set {
    struct ph__arena arena;
    const struct ph__detail **of; /* by row; NULL where nothing is known; owned */
    size_t room;                  /* for so many rows */
    struct ph__cgroups cgroups;
};

/* Frees what is in it. */
void ph__detail_set_done(struct ph__detail_set *set);

#endif
