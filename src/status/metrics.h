/* SPDX-License-Identifier: MIT
 *
 * The families of GET /metrics, by where their numbers come from.
 */
#ifndef PORTHOLE_STATUS_METRICS_H
#define PORTHOLE_STATUS_METRICS_H

#include "status/exposition.h"

#include <porthole/sockets.h>

/* What a snapshot tells; with its owners, where they are known. 0 or -ENOMEM. */
int ph__metrics_of_sockets(struct ph__exposition *exposition, const struct ph_snapshot *snapshot,
                           bool owners);

#endif
