/* SPDX-License-Identifier: MIT
 *
 * Latencies of known distributions: each quantile has to be within 7 % of the truth.
 */
#include "server/stats.h"

#include "support/cmocka.h"
#include "support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 10000 };

static const double quantiles[PH_LATENCY_QUANTILES] = {0.5, 0.9, 0.99, 0.999, 1};

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Counts the samples, dealt out among three workers, and compares with the sorted samples. */
static void assert_quantiles(uint64_t *samples, size_t count)
{
    static struct ph__stats workers[3];
    memset(workers, 0, sizeof workers);
    const struct ph__stats *const all[] = {&workers[0], &workers[1], &workers[2]};
    for (size_t i = 0; i < count; i++) {
        ph__stats_latency(&workers[i % 3], samples[i]);
    }
    struct ph_server_stats total = {0};
    ph__stats_quantiles(all, 3, &total);
    qsort(samples, count, sizeof *samples, compare);
    for (int i = 0; i < PH_LATENCY_QUANTILES; i++) {
        /* The least sample that so large a part of all is not above. */
        size_t rank = (size_t)(quantiles[i] * (double)count);
        rank = (double)rank < quantiles[i] * (double)count ? rank : rank - (rank > 0);
        double truth = (double)samples[rank];
        double got = (double)total.latency_us[i];
        if (got < truth * 0.93 || got > truth * 1.07) {
            fail_msg("quantile %g of %zu: %g, want %g", quantiles[i], count, got, truth);
        }
    }
    assert_int_equal(total.latency_us[PH_LATENCY_QUANTILES - 1], samples[count - 1]);
}

static void test_quantiles_when_no_requests_then_zero(void **state)
{
    (void)state;
    static const struct ph__stats none;
    const struct ph__stats *const all[] = {&none};
    struct ph_server_stats total;
    memset(&total, 0xA5, sizeof total);
    ph__stats_quantiles(all, 1, &total);
    for (int i = 0; i < PH_LATENCY_QUANTILES; i++) {
        assert_int_equal(total.latency_us[i], 0);
    }
}

static void test_quantiles_when_one_request_then_all_near_it(void **state)
{
    (void)state;
    for (uint64_t latency = 0; latency < 100000; latency += 1 + latency / 50) {
        assert_quantiles(&(uint64_t){latency}, 1);
    }
    assert_quantiles(&(uint64_t){UINT64_C(3600) * 1000000}, 1); /* an hour */
}

static void test_quantiles_when_uniform_then_within_7_percent(void **state)
{
    (void)state;
    static uint64_t samples[SAMPLES];
    for (uint64_t scale = 1; scale <= 1000000; scale *= 10) {
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = (i + 1) * scale;
        }
        assert_quantiles(samples, SAMPLES);
    }
}

static void test_quantiles_when_spread_over_all_magnitudes_then_within_7_percent(void **state)
{
    (void)state;
    static uint64_t samples[SAMPLES];
    struct random random = {.state = 7};
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = random_next(&random) >> (64 - random_below(&random, 32) - 1);
        }
        assert_quantiles(samples, 1 + random_below(&random, SAMPLES));
    }
}

/* Nearly all quick, a few slow: the quantiles must fall on the right side of the gap. */
static void test_quantiles_when_two_clusters_then_on_the_right_side(void **state)
{
    (void)state;
    static uint64_t samples[SAMPLES];
    static const size_t slow[] = {1, 9, 11, 99, 101, 999, 1001, 4999, 5001};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        for (size_t j = 0; j < SAMPLES; j++) {
            samples[j] = j < slow[i] ? 1000000 : 50;
        }
        assert_quantiles(samples, SAMPLES);
    }
}

static void test_latency_when_beyond_all_buckets_then_counted_and_largest_is_exact(void **state)
{
    (void)state;
    static struct ph__stats stats;
    memset(&stats, 0, sizeof stats);
    const struct ph__stats *const all[] = {&stats};
    ph__stats_latency(&stats, UINT64_MAX);
    ph__stats_latency(&stats, UINT64_C(1) << 40);
    struct ph_server_stats total = {0};
    ph__stats_quantiles(all, 1, &total);
    assert_true(total.latency_us[0] > UINT64_C(3600) * 1000000);
    assert_true(total.latency_us[PH_LATENCY_QUANTILES - 1] == UINT64_MAX);
}

static void test_sum_when_several_workers_then_added(void **state)
{
    (void)state;
    static struct ph__stats stats;
    memset(&stats, 0, sizeof stats);
    ph__count(&stats.requests, 3);
    ph__count(&stats.requests, 4);
    ph__count(&stats.by_class[2], 5);
    ph__count(&stats.by_class[5], 2);
    ph__count(&stats.bytes_in, 100);
    ph__count(&stats.bytes_out, UINT64_C(1) << 40);
    assert_int_equal(ph__count_of(&stats.requests), 7);
    struct ph_server_stats total = {.requests = 1, .bytes_in = 1};
    ph__stats_sum(&stats, &total);
    ph__stats_sum(&stats, &total);
    assert_int_equal(total.requests, 15);
    assert_int_equal(total.requests_by_class[2], 10);
    assert_int_equal(total.requests_by_class[5], 4);
    assert_int_equal(total.requests_by_class[4], 0);
    assert_int_equal(total.bytes_in, 201);
    assert_true(total.bytes_out == UINT64_C(1) << 41);
}

static void test_histogram_then_each_latency_stands_below_its_bounds(void **state)
{
    (void)state;
    static struct ph__stats stats;
    struct ph_latency latency = {.count = 0};
    static const uint64_t samples[] = {0, 63, 64, 255, 256, 1023, 1024, 67108863, 67108864};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        ph__stats_latency(&stats, samples[i]);
        sum += samples[i];
    }
    ph__stats_add_latency(&stats, &latency);
    assert_int_equal(latency.below[0], 2);
    assert_int_equal(latency.below[1], 4);
    assert_int_equal(latency.below[2], 6);
    assert_int_equal(latency.below[3], 7);
    assert_int_equal(latency.below[PH_LATENCY_BOUNDS - 2], 7);
    assert_int_equal(latency.below[PH_LATENCY_BOUNDS - 1], 8);
    assert_int_equal(latency.count, 9);
    assert_int_equal(latency.sum_us, sum);
    ph__stats_add_latency(&stats, &latency); /* of another worker */
    assert_int_equal(latency.below[0], 4);
    assert_int_equal(latency.count, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_when_no_requests_then_zero),
        cmocka_unit_test(test_quantiles_when_one_request_then_all_near_it),
        cmocka_unit_test(test_quantiles_when_uniform_then_within_7_percent),
        cmocka_unit_test(test_quantiles_when_spread_over_all_magnitudes_then_within_7_percent),
        cmocka_unit_test(test_quantiles_when_two_clusters_then_on_the_right_side),
        cmocka_unit_test(test_latency_when_beyond_all_buckets_then_counted_and_largest_is_exact),
        cmocka_unit_test(test_sum_when_several_workers_then_added),
        cmocka_unit_test(test_histogram_then_each_latency_stands_below_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
