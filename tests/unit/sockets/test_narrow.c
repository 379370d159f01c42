/* SPDX-License-Identifier: MIT
 *
 * What is narrowed at all. That nothing is missing then is shown by test_filter_witness.c and the
 * fuzz target of filters.
 */
#include "sockets/narrow.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <string.h>

enum { LISTENING = 1 << 10, ALL_STATES = 0x3FFE };

static struct ph__narrowing result;

static bool narrow(const char *name, const char *value, enum ph_protocol protocol, bool joined)
{
    struct ph_filter *filter = NULL;
    char problem[256];
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, name, value, problem, sizeof problem), 0);
    bool narrowed = ph__narrow(filter, protocol, joined, &result);
    ph_filter_free(filter);
    return narrowed;
}

static void test_narrow_when_the_kernel_cannot_tell_then_all(void **state)
{
    (void)state;
    static const char *const expressions[] = {
        "",
        "pid = 1",
        "user = 0 or sport = 80",
        "not ( command = a and sport = 80 )",
        "autobound",
        "fwmark = 1 and sport = 80", /* see narrow.c */
        "src ::/0 or src inet:*",
        "not src inet:127.0.0.1",
        "state all",
    };
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        if (narrow("filter", expressions[i], PH_PROTOCOL_TCP, true)) {
            fail_msg("%s is narrowed", expressions[i]);
        }
    }
}

static void test_narrow_when_part_is_known_then_that_part(void **state)
{
    (void)state;
    assert_true(narrow("filter", "pid = 1 and sport = 80", PH_PROTOCOL_TCP, true));
    size_t joined = result.size;
    assert_int_equal(result.states, ALL_STATES);
    assert_true(narrow("filter", "pid = 1 and sport = 80", PH_PROTOCOL_TCP, false));
    assert_true(result.size > 0 && result.size < joined); /* the other end is of no interest */
}

static void test_narrow_when_states_say_it_then_by_states(void **state)
{
    (void)state;
    assert_true(narrow("state", "listen", PH_PROTOCOL_TCP, true));
    assert_int_equal(result.states, LISTENING);
    assert_int_equal(result.size, 0);
    assert_true(narrow("filter", "state listening sport = 80", PH_PROTOCOL_TCP, true));
    assert_int_equal(result.states, LISTENING);
    assert_true(result.size > 0);
    assert_true(narrow("filter", "state established", PH_PROTOCOL_TCP, false));
    assert_int_equal(result.states, 1 << 1);
    /* Their other ends may be in any state. */
    assert_false(narrow("filter", "state established", PH_PROTOCOL_TCP, true));
    /* Of UDP only the kernel's first is a connection. */
    assert_true(narrow("state", "unconnected", PH_PROTOCOL_UDP, true));
    assert_int_equal(result.states, ALL_STATES & ~(1 << 1));
}

static void test_narrow_when_nothing_can_match_then_next_to_nothing(void **state)
{
    (void)state;
    assert_true(narrow("filter", "protocol = udp", PH_PROTOCOL_TCP, false));
    assert_true(result.size > 0);
    assert_true(narrow("filter", "sport < 0", PH_PROTOCOL_TCP, false));
    assert_true(result.size > 0);
    assert_true(narrow("protocol", "unix", PH_PROTOCOL_TCP, false));
    assert_true(result.size > 0);
}

static void test_narrow_when_an_expression_is_long_then_all(void **state)
{
    (void)state;
    static char text[20000];
    static const char term[] = "sport = 1 or ";
    for (size_t i = 0; i < 1000; i++) {
        memcpy(text + i * (sizeof term - 1), term, sizeof term);
    }
    memcpy(text + 1000 * (sizeof term - 1), "sport = 1", sizeof "sport = 1");
    assert_false(narrow("filter", text, PH_PROTOCOL_TCP, false));
}

static void test_narrow_when_out_of_memory_then_all(void **state)
{
    (void)state;
    struct ph_filter *filter = NULL;
    char problem[256];
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "port", "80", problem, sizeof problem), 0);
    fail_allocations(0, false);
    assert_false(ph__narrow(filter, PH_PROTOCOL_TCP, false, &result));
    assert_true(stop_failing());
    ph_filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrow_when_the_kernel_cannot_tell_then_all),
        cmocka_unit_test(test_narrow_when_part_is_known_then_that_part),
        cmocka_unit_test(test_narrow_when_states_say_it_then_by_states),
        cmocka_unit_test(test_narrow_when_nothing_can_match_then_next_to_nothing),
        cmocka_unit_test(test_narrow_when_an_expression_is_long_then_all),
        cmocka_unit_test(test_narrow_when_out_of_memory_then_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
