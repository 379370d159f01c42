/* SPDX-License-Identifier: MIT
 *
 * Why a socket has no owner.
 */
#ifndef PORTHOLE_SOCKETS_REASON_H
#define PORTHOLE_SOCKETS_REASON_H

#include "sockets/snapshot.h"

#include <stdbool.h>

/**
 * Fills owner_unknown of all rows, once their owners are known.
 *
 * @param proc    the folder of processes; negative when it cannot be opened.
 * @param denied  some processes could not be looked into.
 * @return 0; -ENOMEM; -EMFILE, -ENFILE.
 */
int ph__reason_fill(struct ph_snapshot *snapshot, int proc, bool denied);

#endif
