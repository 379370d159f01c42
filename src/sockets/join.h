/* SPDX-License-Identifier: MIT
 *
 * What follows from looking at all sockets together: the other end, who began, who can reach it.
 */
#ifndef PORTHOLE_SOCKETS_JOIN_H
#define PORTHOLE_SOCKETS_JOIN_H

#include "sockets/rows.h"

#include <porthole/sockets.h>

/* The ports that the kernel gives out by itself, both ends included. */
struct ph__port_range {
    uint16_t first;
    uint16_t last;
};

/* Fills peer, direction and scope of all rows. Their index is used up: no row can be added
 * afterwards. @return 0; -ENOMEM. */
int ph__join(struct ph__rows *rows, struct ph__port_range ephemeral);

#endif
