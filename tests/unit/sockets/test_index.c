/* SPDX-License-Identifier: MIT */
#include "sockets/index.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>

static void test_put_when_out_of_memory_then_what_was_there_stays(void **state)
{
    (void)state;
    struct ph__index index;
    size_t cursor;
    ph__index_init(&index, 7);
    fail_allocations(0, false);
    assert_int_equal(ph__index_put(&index, 1, 10), -ENOMEM);
    assert_int_equal(ph__index_find(&index, 1, &cursor), PH__INDEX_NONE);
    fail_allocations(1, false);
    uint32_t stored = 0;
    while (ph__index_put(&index, stored, stored) == 0) {
        stored++;
    }
    assert_true(stop_failing());
    assert_true(stored > 0);
    for (uint32_t i = 0; i < stored; i++) {
        assert_int_equal(ph__index_find(&index, i, &cursor), i);
    }
    assert_int_equal(ph__index_find(&index, stored, &cursor), PH__INDEX_NONE);
    ph__index_done(&index);
}

static void test_reserve_when_size_is_absurd_then_enomem(void **state)
{
    (void)state;
    struct ph__index index;
    ph__index_init(&index, 7);
    assert_int_equal(ph__index_reserve(&index, SIZE_MAX / 4), -ENOMEM);
    ph__index_done(&index);
}

static void test_find_when_many_values_then_each_under_its_key(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct ph__index index;
    size_t cursor;
    ph__index_init(&index, ph__index_seed());
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(ph__index_put(&index, (uint64_t)i << 40, i), 0);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(ph__index_find(&index, (uint64_t)i << 40, &cursor), i);
        assert_int_equal(ph__index_next(&index, (uint64_t)i << 40, &cursor), PH__INDEX_NONE);
    }
    ph__index_clear(&index);
    assert_int_equal(ph__index_find(&index, 0, &cursor), PH__INDEX_NONE);
    ph__index_done(&index);
}

static void test_find_when_key_has_several_values_then_all_are_walked(void **state)
{
    (void)state;
    struct ph__index index;
    size_t cursor;
    unsigned seen = 0;
    ph__index_init(&index, 1);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(ph__index_put(&index, 5, i), 0);
        assert_int_equal(ph__index_put(&index, 6, i), 0);
    }
    for (uint32_t at = ph__index_find(&index, 5, &cursor); at != PH__INDEX_NONE;
         at = ph__index_next(&index, 5, &cursor)) {
        seen |= 1U << at;
    }
    assert_int_equal(seen, 0xFF);
    ph__index_done(&index);
}

static void test_hash_tells_bytes_sizes_and_seeds_apart(void **state)
{
    (void)state;
    struct ph__index one;
    struct ph__index two;
    ph__index_init(&one, 1);
    ph__index_init(&two, 2);
    assert_true(ph__index_hash(&one, "abcdefghi", 9) == ph__index_hash(&one, "abcdefghi", 9));
    assert_true(ph__index_hash(&one, "abcdefghi", 9) != ph__index_hash(&one, "abcdefghj", 9));
    assert_true(ph__index_hash(&one, "a\0", 2) != ph__index_hash(&one, "a", 1));
    assert_true(ph__index_hash(&one, "abc", 3) != ph__index_hash(&two, "abc", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_when_out_of_memory_then_what_was_there_stays),
        cmocka_unit_test(test_reserve_when_size_is_absurd_then_enomem),
        cmocka_unit_test(test_find_when_many_values_then_each_under_its_key),
        cmocka_unit_test(test_find_when_key_has_several_values_then_all_are_walked),
        cmocka_unit_test(test_hash_tells_bytes_sizes_and_seeds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
