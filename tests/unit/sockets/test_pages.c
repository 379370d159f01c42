/* SPDX-License-Identifier: MIT */
#include "sockets/pages.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <stdint.h>
#include <string.h>

enum { LARGE = PH__PAGES_LARGE / 8 + 1 };

static void test_new_when_absurd_then_null(void **state)
{
    (void)state;
    assert_null(ph__pages_new(SIZE_MAX / 4, 8));
    assert_null(ph__pages_new(SIZE_MAX / 16, 8)); /* more than any machine has addresses for */
    ph__pages_free(NULL, 0, 8);
}

static void test_grow_when_out_of_memory_then_old_ones_stay(void **state)
{
    (void)state;
    char *items = ph__pages_new(2, 8);
    assert_non_null(items);
    memset(items, 'x', 16);
    fail_allocations(0, false);
    assert_null(ph__pages_grow(items, 2, 3, 8));
    assert_true(stop_failing());
    assert_null(ph__pages_grow(items, 2, SIZE_MAX / 16, 8));
    assert_memory_equal(items, "xxxxxxxxxxxxxxxx", 16);
    ph__pages_free(items, 2, 8);
}

/* From small to small, small to large, large to large. */
static void test_grow_keeps_items_and_zeroes_the_rest(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 100, LARGE, 3 * (size_t)LARGE};
    uint64_t *items = NULL;
    size_t old = 0;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        items = ph__pages_grow(items, old, counts[i], sizeof *items);
        assert_non_null(items);
        for (size_t at = 0; at < counts[i]; at++) {
            assert_int_equal(items[at], at < old ? at + 1 : 0);
            items[at] = at + 1;
        }
        old = counts[i];
    }
    ph__pages_free(items, old, sizeof *items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_when_absurd_then_null),
        cmocka_unit_test(test_grow_when_out_of_memory_then_old_ones_stay),
        cmocka_unit_test(test_grow_keeps_items_and_zeroes_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
