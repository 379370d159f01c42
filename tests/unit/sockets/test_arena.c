/* SPDX-License-Identifier: MIT */
#include "sockets/arena.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

static void test_alloc_when_out_of_memory_then_null_and_usable(void **state)
{
    (void)state;
    struct ph__arena arena = {0};
    fail_allocations(0, false);
    assert_null(ph__arena_alloc(&arena, 8));
    assert_null(ph__arena_copy(&arena, "x", 1));
    assert_true(stop_failing());
    assert_string_equal(ph__arena_copy(&arena, "x", 1), "x");
    ph__arena_done(&arena);
    assert_null(arena.chunks);
}

static void test_alloc_when_size_is_absurd_then_null(void **state)
{
    (void)state;
    struct ph__arena arena = {0};
    assert_null(ph__arena_alloc(&arena, SIZE_MAX));
    assert_null(ph__arena_copy(&arena, "", SIZE_MAX));
    ph__arena_done(&arena);
}

static void test_copies_stay_while_others_follow(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct ph__arena arena = {0};
    static char *copies[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char text[16] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26)};
        copies[i] = ph__arena_copy(&arena, text, strlen(text));
        assert_int_equal((uintptr_t)copies[i] % _Alignof(max_align_t), 0);
    }
    char *big = ph__arena_alloc(&arena, 100000);
    memset(big, 0x55, 100000);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(copies[i][0], 'a' + i % 26);
        assert_int_equal(copies[i][1], 'a' + i / 26 % 26);
    }
    ph__arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_when_out_of_memory_then_null_and_usable),
        cmocka_unit_test(test_alloc_when_size_is_absurd_then_null),
        cmocka_unit_test(test_copies_stay_while_others_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
