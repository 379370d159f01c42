/* SPDX-License-Identifier: MIT
 *
 * The collector of events: one thread for all who listen, and none while nobody does.
 */
#ifndef PORTHOLE_STATUS_COLLECTOR_H
#define PORTHOLE_STATUS_COLLECTOR_H

#include <porthole/doctor.h>
#include <porthole/stream.h>

struct ph__collector;

/* Nothing is started yet. @return 0; -ENOMEM. The doctor must outlive it. */
int ph__collector_new(struct ph__collector **ret_collector, struct ph_doctor *doctor);

/* Ends the thread, and the streams of those who listen. NULL is allowed. */
void ph__collector_free(struct ph__collector *collector);

/* Whose subscribers it collects for. */
struct ph_channel *ph__collector_channel(struct ph__collector *collector);

#endif
