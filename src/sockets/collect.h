/* SPDX-License-Identifier: MIT
 *
 * Gathers the sockets of all protocols, each from the best source that this kernel has.
 */
#ifndef PORTHOLE_SOCKETS_COLLECT_H
#define PORTHOLE_SOCKETS_COLLECT_H

#include "sockets/inet_diag.h"
#include "sockets/rows.h"

#include <porthole/sockets.h>

struct ph__collection {
    struct ph__rows *rows;
    unsigned protocols;              /* to be gathered, a bit each */
    struct ph__cut cut;              /* of TCP's table, for two threads; or none */
    const struct ph__narrowing *tcp; /* what is enough of TCP and UDP; NULL: all */
    const struct ph__narrowing *udp;
    enum ph_source sources[PH_PROTOCOL_COUNT];
    const char *reasons[PH_PROTOCOL_COUNT]; /* in the rows' arena, or NULL */
};

/* @return 0; -ENOMEM; -EMFILE, -ENFILE; PH_ERR_LIMIT; PH_ERR_SOURCE when no protocol of these has
 * any. */
int ph__collect(struct ph__collection *collection, const struct ph_sockets_config *cfg);

#endif
