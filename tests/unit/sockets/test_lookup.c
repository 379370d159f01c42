/* SPDX-License-Identifier: MIT */
#include "sockets/lookup.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint questions;

/* Odd numbers have a name. */
static void ask(uint32_t number, char text[PH__LOOKUP_TEXT])
{
    atomic_fetch_add(&questions, 1);
    text[0] = '\0';
    if (number % 2) {
        snprintf(text, PH__LOOKUP_TEXT, "name-%u", (unsigned)number);
    }
}

static void test_name_when_out_of_memory_then_null_and_asked_again(void **state)
{
    (void)state;
    struct ph__lookup lookup;
    ph__lookup_init(&lookup, ask);
    fail_allocations(0, false);
    assert_null(ph__lookup_name(&lookup, 7));
    assert_true(stop_failing());
    assert_string_equal(ph__lookup_name(&lookup, 7), "name-7");
    ph__lookup_done(&lookup);
}

static void test_name_is_asked_once_also_when_there_is_none(void **state)
{
    (void)state;
    struct ph__lookup lookup;
    ph__lookup_init(&lookup, ask);
    atomic_store(&questions, 0);
    for (int round = 0; round < 3; round++) {
        for (uint32_t number = 0; number < 1000; number++) {
            const char *name = ph__lookup_name(&lookup, number);
            char expected[32];
            snprintf(expected, sizeof expected, "name-%u", (unsigned)number);
            if (number % 2) {
                assert_string_equal(name, expected);
            } else {
                assert_null(name);
            }
        }
    }
    assert_int_equal(atomic_load(&questions), 1000);
    ph__lookup_done(&lookup);
}

static void *ask_many(void *lookup)
{
    for (uint32_t number = 1; number < 2000; number += 2) {
        const char *name = ph__lookup_name(lookup, number);
        if (!name || (uint32_t)strtoul(name + 5, NULL, 10) != number) {
            return lookup;
        }
    }
    return NULL;
}

static void test_name_when_many_threads_ask_then_all_get_it(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct ph__lookup lookup;
    ph__lookup_init(&lookup, ask);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &lookup), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    ph__lookup_done(&lookup);
}

static void test_system_is_asked_for_users_interfaces_and_services(void **state)
{
    (void)state;
    char text[PH__LOOKUP_TEXT];
    uint32_t uid = 99;
    ph__lookup_ask_user(0, text);
    assert_string_equal(text, "root");
    ph__lookup_ask_user(4242424242U, text);
    assert_string_equal(text, "");
    assert_true(ph__lookup_uid("root", &uid));
    assert_int_equal(uid, 0);
    assert_false(ph__lookup_uid("no-such-user-here", &uid));
    ph__lookup_ask_interface(1, text);
    assert_string_equal(text, "lo");
    ph__lookup_ask_interface(0x7FFFFFFF, text);
    assert_string_equal(text, "");
    ph__lookup_ask_service(0, text);
    assert_string_equal(text, "");
    fail_allocations(0, false);
    ph__lookup_ask_user(0, text);
    assert_string_equal(text, "");
    assert_false(ph__lookup_uid("root", &uid));
    assert_true(stop_failing());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_when_out_of_memory_then_null_and_asked_again),
        cmocka_unit_test(test_name_is_asked_once_also_when_there_is_none),
        cmocka_unit_test(test_name_when_many_threads_ask_then_all_get_it),
        cmocka_unit_test(test_system_is_asked_for_users_interfaces_and_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
