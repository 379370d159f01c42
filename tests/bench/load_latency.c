/* SPDX-License-Identifier: MIT
 *
 * Latencies: below LATENCY_FINE ns one bucket each, above it LATENCY_FINE buckets for each
 * doubling.
 */
#include "load.h"

static size_t bucket_of(uint64_t ns)
{
    if (ns < LATENCY_FINE) {
        return (size_t)ns;
    }
    const int fine_bits = __builtin_ctz(LATENCY_FINE);
    int shift = 63 - __builtin_clzll(ns) - fine_bits;
    size_t bucket = ((size_t)shift + 1) * LATENCY_FINE + (size_t)(ns >> shift) - LATENCY_FINE;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The middle of what falls into a bucket. */
static double middle_of(size_t bucket)
{
    if (bucket < LATENCY_FINE) {
        return (double)bucket;
    }
    size_t shift = bucket / LATENCY_FINE - 1;
    return ((double)(bucket % LATENCY_FINE + LATENCY_FINE) + 0.5) * (double)(1ULL << shift);
}

void latency_add(struct load_latency *latency, uint64_t ns, unsigned times)
{
    latency->count += times;
    latency->buckets[bucket_of(ns)] += times;
    if (ns > latency->max_ns) {
        latency->max_ns = ns;
    }
}

double latency_quantile_us(const struct load_latency *latency, double share)
{
    double wanted = share * (double)latency->count;
    uint64_t seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            return middle_of(i) / 1000;
        }
    }
    return 0;
}
