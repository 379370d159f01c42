/* SPDX-License-Identifier: MIT
 *
 * Events as JSON, and as a line for people.
 */
#ifndef PORTHOLE_WATCH_TELL_H
#define PORTHOLE_WATCH_TELL_H

#include "base/buf.h"
#include "watch/destroyed.h"

#include <porthole/watch.h>

struct ph__teller {
    struct ph__buf json, text;
    ph_watch_receive receive;
    void *user;
};

/* What a summary counts. */
struct ph__tally_of_step {
    size_t ports, connections;
    uint64_t opened, closed; /* connections since the last step */
    size_t untold;           /* of those */
    bool lost;               /* the kernel told of more closed ones than could be received */
    size_t findings[PH_SEVERITY_COUNT];
};

void ph__teller_init(struct ph__teller *teller, ph_watch_receive receive, void *user);
void ph__teller_done(struct ph__teller *teller);

/* Each returns 0, -ENOMEM, or what `receive` returned. */
int ph__tell_port(struct ph__teller *teller, enum ph_event_type type,
                  const struct ph_snapshot *snapshot, const struct ph_ports *ports,
                  const struct ph_port *port);

/* `snapshot` is that of the socket, with owners; NULL: nothing is known of them. `facts` may be
 * NULL. */
int ph__tell_connection(struct ph__teller *teller, enum ph_event_type type,
                        const struct ph_snapshot *snapshot, const struct ph_socket *socket,
                        const struct ph__destroyed *facts);
int ph__tell_finding(struct ph__teller *teller, enum ph_event_type type,
                     const struct ph_finding *finding);
int ph__tell_summary(struct ph__teller *teller, const struct ph_snapshot *snapshot,
                     const struct ph__tally_of_step *tally);

#endif
