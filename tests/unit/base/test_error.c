/* SPDX-License-Identifier: MIT */
#include <porthole/error.h>

#include "support/cmocka.h"

#include <errno.h>

static void test_strerror_when_ours_then_our_message(void **state)
{
    (void)state;
#define CHECK_MESSAGE(name, value, message) assert_string_equal(ph_strerror(name), message);
    PH_ERROR_MAP(CHECK_MESSAGE)
#undef CHECK_MESSAGE
}

static void test_strerror_when_errno_then_its_message_with_either_sign(void **state)
{
    (void)state;
    assert_string_equal(ph_strerror(-ENOMEM), "Cannot allocate memory");
    assert_string_equal(ph_strerror(ENOMEM), "Cannot allocate memory");
    assert_string_equal(ph_strerror(0), "success");
}

static void test_strerror_when_nonsense_then_says_so(void **state)
{
    (void)state;
    assert_string_equal(ph_strerror(-4000), "unknown error");
    assert_string_equal(ph_strerror(-999999), "unknown error");
}

static void test_version_when_asked_then_the_one_of_the_build(void **state)
{
    (void)state;
    assert_string_equal(ph_version(), PH_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strerror_when_ours_then_our_message),
        cmocka_unit_test(test_strerror_when_errno_then_its_message_with_either_sign),
        cmocka_unit_test(test_strerror_when_nonsense_then_says_so),
        cmocka_unit_test(test_version_when_asked_then_the_one_of_the_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
