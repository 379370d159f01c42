/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void test_resolve_when_a_limit_makes_no_sense_then_einval_and_untouched(void **state)
{
    (void)state;
    static const struct ph_config senseless[] = {
        {.workers = 257},
        {.workers = PH_NO_THREADS - 1},
        {.loop = PH_LOOP_IO_URING + 1},
        {.blocking_threads = 257},
        {.head_max = 1},
        {.head_max = 255},
        {.head_max = (1 << 20) + 1},
        {.head_max = SIZE_MAX},
        {.target_max = 16385},
        {.target_max = SIZE_MAX},
        {.head_max = 256, .target_max = 257},
        {.headers_max = UINT32_MAX},
        {.connections_max = UINT32_MAX},
        {.blocking_queue = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof senseless / sizeof *senseless; i++) {
        struct ph_config resolved = {.workers = 4711};
        assert_int_equal(ph__config_resolve(&resolved, &senseless[i], sizeof senseless[i]),
                         -EINVAL);
        assert_int_equal(resolved.workers, 4711);
    }
}

static void test_resolve_when_limits_are_extreme_then_taken(void **state)
{
    (void)state;
    static const struct ph_config extremes[] = {
        {.workers = 1, .blocking_threads = 1, .blocking_queue = 1, .connections_max = 1},
        {.workers = 256, .blocking_threads = 256},
        {.workers = PH_NO_THREADS, .loop = PH_LOOP_IO_URING},
        {.head_max = 256, .target_max = 256, .headers_max = 1, .body_max = 1},
        {.head_max = 256, .target_max = 1},
        {.head_max = 1 << 20, .target_max = 1 << 20, .body_max = SIZE_MAX},
        {.head_ms = 1, .body_ms = 1, .write_ms = 1, .idle_ms = 1, .drain_ms = 1},
        {.head_ms = UINT32_MAX, .drain_delay_ms = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        struct ph_config resolved;
        assert_int_equal(ph__config_resolve(&resolved, &extremes[i], sizeof extremes[i]), 0);
        /* Every number that was given stands there as it was. */
        const struct ph_config *given = &extremes[i];
        assert_true(!given->workers || resolved.workers == given->workers);
        assert_true(!given->head_max || resolved.head_max == given->head_max);
        assert_true(!given->target_max || resolved.target_max == given->target_max);
        assert_true(!given->body_max || resolved.body_max == given->body_max);
        assert_true(!given->headers_max || resolved.headers_max == given->headers_max);
        assert_true(!given->head_ms || resolved.head_ms == given->head_ms);
        assert_true(!given->idle_ms || resolved.idle_ms == given->idle_ms);
        assert_int_equal(resolved.drain_delay_ms, given->drain_delay_ms);
    }
}

/* The defaults as server.h gives them. */
static void assert_defaults(const struct ph_config *cfg)
{
    assert_in_range(cfg->workers, 1, 256);
    assert_int_equal(cfg->backlog, SOMAXCONN);
    assert_int_equal(cfg->connections_max, 16384);
    assert_int_equal(cfg->blocking_threads, 2);
    assert_int_equal(cfg->blocking_queue, 64);
    assert_int_equal(cfg->target_max, 8000);
    assert_int_equal(cfg->head_max, 16384);
    assert_int_equal(cfg->headers_max, 100);
    assert_int_equal(cfg->body_max, 1 << 20);
    assert_int_equal(cfg->head_ms, 10000);
    assert_int_equal(cfg->body_ms, 30000);
    assert_int_equal(cfg->write_ms, 30000);
    assert_int_equal(cfg->idle_ms, 60000);
    assert_int_equal(cfg->quiet_ms, 15000);
    assert_int_equal(cfg->drain_delay_ms, 0);
    assert_int_equal(cfg->drain_ms, 5000);
    assert_null(cfg->log);
}

static void test_resolve_when_null_or_zero_then_defaults(void **state)
{
    (void)state;
    struct ph_config resolved;
    const struct ph_config zero = {0};
    assert_int_equal(ph__config_resolve(&resolved, NULL, 0), 0);
    assert_defaults(&resolved);
    assert_int_equal(ph__config_resolve(&resolved, &zero, sizeof zero), 0);
    assert_defaults(&resolved);
    assert_int_equal(ph__config_resolve(&resolved, &zero, 0), 0);
    assert_defaults(&resolved);
}

static void test_resolve_when_head_is_short_then_target_follows(void **state)
{
    (void)state;
    const struct ph_config given = {.head_max = 1000};
    struct ph_config resolved;
    assert_int_equal(ph__config_resolve(&resolved, &given, sizeof given), 0);
    assert_true(resolved.target_max <= 1000);
}

/* A program compiled against an older header passes a shorter structure: in memory of just that
 * size, so that AddressSanitizer sees a look beyond. */
static void test_resolve_when_caller_is_older_then_the_rest_are_defaults(void **state)
{
    (void)state;
    const struct ph_config given = {.listen = "x", .workers = 3, .backlog = 7, .head_ms = 9};
    size_t size = offsetof(struct ph_config, connections_max);
    void *older = malloc(size);
    assert_non_null(older);
    memcpy(older, &given, size);
    struct ph_config resolved;
    assert_int_equal(ph__config_resolve(&resolved, older, size), 0);
    free(older);
    assert_string_equal(resolved.listen, "x");
    assert_int_equal(resolved.workers, 3);
    assert_int_equal(resolved.backlog, 7);
    assert_int_equal(resolved.head_ms, 10000);
}

static void test_resolve_when_caller_is_newer_then_what_is_known_is_taken(void **state)
{
    (void)state;
    struct {
        struct ph_config known;
        unsigned unknown;
    } newer = {.known = {.workers = 3, .log_user = &newer}, .unknown = UINT32_MAX};
    struct ph_config resolved;
    assert_int_equal(ph__config_resolve(&resolved, &newer.known, sizeof newer), 0);
    assert_int_equal(resolved.workers, 3);
    assert_ptr_equal(resolved.log_user, &newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve_when_a_limit_makes_no_sense_then_einval_and_untouched),
        cmocka_unit_test(test_resolve_when_limits_are_extreme_then_taken),
        cmocka_unit_test(test_resolve_when_null_or_zero_then_defaults),
        cmocka_unit_test(test_resolve_when_head_is_short_then_target_follows),
        cmocka_unit_test(test_resolve_when_caller_is_older_then_the_rest_are_defaults),
        cmocka_unit_test(test_resolve_when_caller_is_newer_then_what_is_known_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
