/* SPDX-License-Identifier: MIT
 *
 * Counters and quantiles.
 */
#include "server/stats.h"

static unsigned bucket_of(uint64_t latency_us)
{
    if (latency_us < PH__LATENCY_STEPS) {
        return (unsigned)latency_us; /* the first octaves are exact */
    }
    unsigned top = 63 - (unsigned)__builtin_clzll(latency_us); /* ≥ 3 */
    unsigned step = (unsigned)(latency_us >> (top - 3)) & (PH__LATENCY_STEPS - 1);
    unsigned bucket = (top - 2) * PH__LATENCY_STEPS + step;
    return bucket < PH__LATENCY_BUCKETS ? bucket : PH__LATENCY_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t bucket_value(unsigned bucket)
{
    if (bucket < PH__LATENCY_STEPS) {
        return bucket;
    }
    unsigned top = bucket / PH__LATENCY_STEPS + 2;
    uint64_t width = 1ULL << (top - 3);
    return (PH__LATENCY_STEPS + bucket % PH__LATENCY_STEPS) * width + width / 2;
}

void ph__stats_latency(struct ph__stats *stats, uint64_t latency_us)
{
    ph__count(&stats->latency[bucket_of(latency_us)], 1);
    ph__count(&stats->latency_sum_us, latency_us);
    if (latency_us > ph__count_of(&stats->latency_max_us)) {
        atomic_store_explicit(&stats->latency_max_us, latency_us, memory_order_relaxed);
    }
}

void ph__stats_sum(const struct ph__stats *stats, struct ph_server_stats *total)
{
    total->requests += ph__count_of(&stats->requests);
    for (int i = 0; i < PH_STATUS_CLASSES; i++) {
        total->requests_by_class[i] += ph__count_of(&stats->by_class[i]);
    }
    total->bytes_in += ph__count_of(&stats->bytes_in);
    total->bytes_out += ph__count_of(&stats->bytes_out);
}

void ph__stats_add_latency(const struct ph__stats *stats, struct ph_latency *total)
{
    unsigned bucket = 0;
    uint64_t below = 0;
    for (unsigned i = 0; i < PH_LATENCY_BOUNDS; i++) {
        unsigned end = bucket_of(PH_LATENCY_BOUND_US(i)); /* a power of two begins a bucket */
        for (; bucket < end; bucket++) {
            below += ph__count_of(&stats->latency[bucket]);
        }
        total->below[i] += below;
    }
    for (; bucket < PH__LATENCY_BUCKETS; bucket++) {
        below += ph__count_of(&stats->latency[bucket]);
    }
    total->count += below;
    total->sum_us += ph__count_of(&stats->latency_sum_us);
}

void ph__stats_quantiles(const struct ph__stats *const *all, unsigned count,
                         struct ph_server_stats *total)
{
    static const double quantiles[PH_LATENCY_QUANTILES - 1] = {0.5, 0.9, 0.99, 0.999};
    uint64_t buckets[PH__LATENCY_BUCKETS] = {0};
    uint64_t sum = 0;
    uint64_t max = 0;
    for (unsigned worker = 0; worker < count; worker++) {
        for (unsigned i = 0; i < PH__LATENCY_BUCKETS; i++) {
            uint64_t value = ph__count_of(&all[worker]->latency[i]);
            buckets[i] += value;
            sum += value;
        }
        uint64_t worker_max = ph__count_of(&all[worker]->latency_max_us);
        max = worker_max > max ? worker_max : max;
    }
    for (int i = 0; i < PH_LATENCY_QUANTILES; i++) {
        total->latency_us[i] = 0;
    }
    uint64_t below = 0;
    unsigned next = 0;
    for (unsigned i = 0; i < PH__LATENCY_BUCKETS; i++) {
        below += buckets[i];
        while (next < PH_LATENCY_QUANTILES - 1 && sum > 0 &&
               (double)below >= quantiles[next] * (double)sum) {
            uint64_t value = bucket_value(i);
            total->latency_us[next++] = value < max ? value : max;
        }
    }
    total->latency_us[PH_LATENCY_QUANTILES - 1] = max;
}
