/* SPDX-License-Identifier: MIT
 *
 * A snapshot from within: what the parts of this layer fill in before it is shared, and the
 * owners that come later.
 */
#ifndef PORTHOLE_SOCKETS_SNAPSHOT_H
#define PORTHOLE_SOCKETS_SNAPSHOT_H

#include "sockets/arena.h"
#include "sockets/details.h"
#include "sockets/holders.h"
#include "sockets/index.h"
#include "sockets/inet_diag.h"
#include "sockets/join.h"
#include "sockets/lookup.h"
#include "sockets/once.h"
#include "sockets/rows.h"

#include <porthole/sockets.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Counts the snapshots of one observer that somebody holds, and the observer itself: whichever
 * goes last frees it. Slow readers keep snapshots alive, so their number has to have a limit. It
 * also keeps what the last scan for owners found. */
struct ph__tally {
    atomic_uint count;
    pthread_mutex_t lock; /* guards the rest */
    struct ph__holders holders;
};

/* With a count of one. @return NULL without memory. */
struct ph__tally *ph__tally_new(void);

/* Drops one; NULL is allowed, here and below. */
void ph__tally_drop(struct ph__tally *tally);

/* Hands over what is kept, which may be nothing. */
struct ph__holders ph__tally_take_holders(struct ph__tally *tally);

/* Keeps these, and leaves the caller with those that were kept; not with more than `max`. */
void ph__tally_keep_holders(struct ph__tally *tally, struct ph__holders *holders, size_t max);

/* What the owners point to. */
struct ph__known_process {
    struct ph_process process; /* first: found again from its address */
    uint64_t start;            /* when it started */
};

/* Filled by owners.c, once; then it stays as it is, as do the rows' fields. */
struct ph__owners {
    struct ph__once once;
    struct ph__arena arena; /* processes and their texts */
    struct ph_owner *items; /* grouped by socket; owned */
    size_t room;            /* for so many */
};

/* The names are behind a pointer of their own because readers of a const snapshot add to them. */
struct ph__snapshot_names {
    struct ph__lookup users;
    struct ph__lookup interfaces;
    struct ph__lookup services;
};

struct ph_snapshot {
    atomic_uint references;
    struct ph__tally *tally; /* where it is counted; NULL: nowhere */
    struct ph__rows rows;
    struct ph__arena texts;           /* paths, reasons */
    struct ph__snapshot_names *names; /* owned */
    struct ph_sockets_config cfg;     /* that it was taken with; proc_root in texts */
    unsigned protocols;               /* that were looked at, a bit each */
    enum ph_source sources[PH_PROTOCOL_COUNT];
    const char *reasons[PH_PROTOCOL_COUNT]; /* NULL: nothing to say */
    const struct ph__narrowing *tcp;        /* what it was narrowed to, in texts; NULL: not */
    const struct ph__narrowing *udp;
    struct ph__port_range ephemeral;
    size_t state_counts[PH_PROTOCOL_COUNT][PH_STATE_COUNT];
    uint64_t seed;
    uint64_t sequence; /* order of beginning among the snapshots of one observer */
    uint64_t taken_unix_ms;
    uint64_t taken_us; /* monotonic */
    struct ph__owners owners;
    struct ph__once details_once;
    struct ph__detail_set details; /* of all sockets, once somebody wanted them */
};

/* What is wanted of a snapshot. */
struct ph__snapshot_wish {
    unsigned protocols;                 /* a bit each */
    size_t expected[PH_PROTOCOL_COUNT]; /* sockets, so that there is room for them at once */
    struct ph__cut cut;                 /* as in struct ph__collection */
    const struct ph__narrowing *tcp;    /* likewise */
    const struct ph__narrowing *udp;
    struct ph__rows *spare; /* whose memory is taken for the new rows, or NULL */
};

/* Takes a snapshot with one reference. @return 0; as ph_sockets_snapshot(). */
int ph__snapshot_take(struct ph_snapshot **ret_snapshot, const struct ph_sockets_config *cfg,
                      const struct ph__snapshot_wish *wish);

/* How many sockets of a protocol there are. */
size_t ph__snapshot_protocol_count(const struct ph_snapshot *snapshot, enum ph_protocol protocol);

/* The service that has this port, or NULL; valid as long as the reference. */
const char *ph__snapshot_service(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                 uint16_t port);

#endif
