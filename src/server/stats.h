/* SPDX-License-Identifier: MIT
 *
 * Counters of one worker. The worker alone writes them, with plain stores; any thread may read
 * them, each number by itself, at any time.
 */
#ifndef PORTHOLE_SERVER_STATS_H
#define PORTHOLE_SERVER_STATS_H

#include <porthole/server.h>

#include <stdatomic.h>
#include <stdint.h>

/* Latencies are counted in buckets that grow by an eighth of a power of two, from 1 µs to over an
 * hour: eight buckets an octave keep a quantile within 7 % of the truth. */
enum { PH__LATENCY_STEPS = 8, PH__LATENCY_BUCKETS = 32 * PH__LATENCY_STEPS };

struct ph__stats {
    _Atomic uint64_t requests;
    _Atomic uint64_t by_class[PH_STATUS_CLASSES];
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t busy_us;
    _Atomic uint64_t latency[PH__LATENCY_BUCKETS];
    _Atomic uint64_t latency_sum_us;
    _Atomic uint64_t latency_max_us;
};

/* Adds to a counter that only the calling thread writes: no locked instruction. */
static inline void ph__count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

static inline uint64_t ph__count_of(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void ph__stats_latency(struct ph__stats *stats, uint64_t latency_us);

/* Adds the counters of `stats` to `total`, latencies aside. */
void ph__stats_sum(const struct ph__stats *stats, struct ph_server_stats *total);

/* Adds the latencies of one worker. */
void ph__stats_add_latency(const struct ph__stats *stats, struct ph_latency *total);

/* Fills in total->latency_us from the buckets of all workers; 0 without a request. */
void ph__stats_quantiles(const struct ph__stats *const *all, unsigned count,
                         struct ph_server_stats *total);

#endif
