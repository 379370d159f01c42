/* SPDX-License-Identifier: MIT */
#include "net/deadline.h"

#include "support/cmocka.h"
#include "support/random.h"

#include <stddef.h>

enum { ENTRIES = 64 };

/* The entry that is due first, or NULL; and when, as the worker asks. */
static struct ph__deadline *first_of(const struct ph__deadlines *list)
{
    struct ph__deadline *first = list->anchor.next == &list->anchor ? NULL : list->anchor.next;
    assert_int_equal(ph__deadlines_due_ms(list), first ? first->due_ms : UINT64_MAX);
    return first;
}

static void test_first_when_list_is_empty_then_null(void **state)
{
    (void)state;
    struct ph__deadlines list;
    ph__deadlines_init(&list);
    assert_null(first_of(&list));
}

static void test_cancel_when_in_no_list_then_nothing_happens(void **state)
{
    (void)state;
    struct ph__deadline entry = {0};
    ph__deadline_cancel(&entry);
    assert_false(ph__deadline_is_set(&entry));
}

static void test_cancel_when_twice_then_the_list_stays_whole(void **state)
{
    (void)state;
    struct ph__deadlines list;
    ph__deadlines_init(&list);
    struct ph__deadline first = {0};
    struct ph__deadline second = {0};
    ph__deadlines_add(&list, &first, 1);
    ph__deadlines_add(&list, &second, 2);
    assert_true(ph__deadline_is_set(&first));
    ph__deadline_cancel(&first);
    ph__deadline_cancel(&first);
    assert_false(ph__deadline_is_set(&first));
    assert_ptr_equal(first_of(&list), &second);
    ph__deadline_cancel(&second);
    assert_null(first_of(&list));
}

static void test_add_when_due_times_are_equal_then_in_order_of_arrival(void **state)
{
    (void)state;
    struct ph__deadlines list;
    ph__deadlines_init(&list);
    struct ph__deadline entries[3] = {0};
    for (int i = 0; i < 3; i++) {
        ph__deadlines_add(&list, &entries[i], 7);
    }
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(first_of(&list), &entries[i]);
        ph__deadline_cancel(&entries[i]);
    }
}

static void test_add_when_time_began_on_another_thread_then_sorted_in(void **state)
{
    (void)state;
    struct ph__deadlines list;
    ph__deadlines_init(&list);
    const uint64_t due[] = {100, 102, 101, 99, UINT64_MAX, 0, 102};
    const uint64_t sorted[] = {0, 99, 100, 101, 102, 102, UINT64_MAX};
    struct ph__deadline entries[sizeof due / sizeof *due] = {0};
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        ph__deadlines_add(&list, &entries[i], due[i]);
    }
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++) {
        struct ph__deadline *first = first_of(&list);
        assert_non_null(first);
        if (!first) {
            return; /* the assertion has failed already; the compiler does not know */
        }
        assert_int_equal(first->due_ms, sorted[i]);
        ph__deadline_cancel(first);
    }
    assert_null(first_of(&list));
}

static void test_add_after_cancel_then_entry_is_in_the_other_list(void **state)
{
    (void)state;
    struct ph__deadlines one;
    struct ph__deadlines other;
    ph__deadlines_init(&one);
    ph__deadlines_init(&other);
    struct ph__deadline entry = {0};
    ph__deadlines_add(&one, &entry, 5);
    ph__deadline_cancel(&entry);
    ph__deadlines_add(&other, &entry, 3);
    assert_null(first_of(&one));
    assert_ptr_equal(first_of(&other), &entry);
    assert_int_equal(entry.due_ms, 3);
}

/* The least due time of the entries that are set, by looking at all of them. */
static const struct ph__deadline *least(const struct ph__deadline entries[ENTRIES])
{
    const struct ph__deadline *found = NULL;
    for (int i = 0; i < ENTRIES; i++) {
        if (ph__deadline_is_set(&entries[i]) && (!found || entries[i].due_ms < found->due_ms)) {
            found = &entries[i];
        }
    }
    return found;
}

static void test_list_when_used_at_random_then_first_is_the_least(void **state)
{
    (void)state;
    struct random random = {.state = 20};
    struct ph__deadlines list;
    ph__deadlines_init(&list);
    struct ph__deadline entries[ENTRIES] = {0};
    for (int round = 0; round < 5000; round++) {
        struct ph__deadline *entry = &entries[random_below(&random, ENTRIES)];
        if (ph__deadline_is_set(entry)) {
            ph__deadline_cancel(entry);
        } else {
            ph__deadlines_add(&list, entry, random_below(&random, 1000));
        }
        const struct ph__deadline *first = first_of(&list);
        const struct ph__deadline *expected = least(entries);
        if (first && expected) {
            assert_int_equal(first->due_ms, expected->due_ms);
        } else {
            assert_ptr_equal(first, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_when_list_is_empty_then_null),
        cmocka_unit_test(test_cancel_when_in_no_list_then_nothing_happens),
        cmocka_unit_test(test_cancel_when_twice_then_the_list_stays_whole),
        cmocka_unit_test(test_add_when_due_times_are_equal_then_in_order_of_arrival),
        cmocka_unit_test(test_add_when_time_began_on_another_thread_then_sorted_in),
        cmocka_unit_test(test_add_after_cancel_then_entry_is_in_the_other_list),
        cmocka_unit_test(test_list_when_used_at_random_then_first_is_the_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
