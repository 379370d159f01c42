/* SPDX-License-Identifier: MIT
 *
 * How far a dump can be narrowed for somebody who wants only what a filter matches.
 */
#ifndef PORTHOLE_SOCKETS_NARROW_H
#define PORTHOLE_SOCKETS_NARROW_H

#include "sockets/bytecode.h"

#include <porthole/sockets.h>

/* What the kernel is asked for of one protocol. */
struct ph__narrowing {
    uint32_t states; /* its numbers of states, a bit each */
    size_t size;     /* of the steps; 0: no bytecode */
    unsigned char steps[PH__BYTECODE_SIZE];
};

/*
 * Finds out which sockets of TCP or UDP are enough: all that the filter may match, and, where
 * `joined`, also those that tell their peers and directions. Which of them the filter matches is
 * then seen by running it as ever.
 *
 * @return false when it is all, or cannot be told: then nothing is narrowed.
 */
bool ph__narrow(const struct ph_filter *filter, enum ph_protocol protocol, bool joined,
                struct ph__narrowing *ret_narrowing);

#endif
