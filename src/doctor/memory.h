/* SPDX-License-Identifier: MIT
 *
 * What the doctor remembers of a look: the counters, and of sockets that a rule about change or
 * duration is about, what it needs.
 */
#ifndef PORTHOLE_DOCTOR_MEMORY_H
#define PORTHOLE_DOCTOR_MEMORY_H

#include <porthole/sockets.h>

#include <stdint.h>

struct ph__remembered {
    uint64_t cookie;
    enum ph_state state;
    int64_t queue;     /* of a listener: waiting; of others: bytes to be read */
    int64_t drops;     /* -1 unknown */
    uint64_t since_us; /* in this state, and the queue has not shrunk: by what looks have seen */
};

struct ph__memory {
    unsigned references;
    uint64_t taken_us; /* monotonic */
    struct ph_counters counters;
    struct ph__remembered *sockets; /* owned; by cookie */
    size_t count;
};

/* Remembers a look, with one reference; `before` may be NULL. Returns NULL without memory. */
struct ph__memory *ph__memory_new(const struct ph_snapshot *snapshot,
                                  const struct ph_counters *counters, uint64_t taken_us,
                                  const struct ph__memory *before);
struct ph__memory *ph__memory_ref(struct ph__memory *memory);
/* The last one frees; NULL is allowed. */
void ph__memory_unref(struct ph__memory *memory);

/* What is remembered of a socket, or NULL. `memory` may be NULL. */
const struct ph__remembered *ph__memory_find(const struct ph__memory *memory,
                                             const struct ph_socket *socket);

#endif
