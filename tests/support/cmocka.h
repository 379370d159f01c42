/* SPDX-License-Identifier: MIT
 *
 * cmocka with the headers it wants before it. Where a test was skipped and none failed, the program
 * ends with 77, so that ctest says so; cmocka alone would end with 0.
 */
#ifndef PORTHOLE_TESTS_CMOCKA_H
#define PORTHOLE_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { EXIT_SKIPPED = 77 };

/* Whether a test of this source has been skipped. */
static inline bool *any_skipped(void)
{
    static bool skipped;
    return &skipped;
}

static inline int exit_status(int failed)
{
    if (failed) {
        return 1;
    }
    return *any_skipped() ? EXIT_SKIPPED : 0;
}

/* In place of cmocka's skip(), which gives no reason. */
#undef skip
#define skip_because(reason) \
    (print_message("skipped: %s\n", (reason)), *any_skipped() = true, _skip(__FILE__, __LINE__))

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, set_up, tear_down)                                           \
    exit_status(_cmocka_run_group_tests(#tests, tests, sizeof(tests) / sizeof((tests)[0]), set_up, \
                                        tear_down))

#endif
