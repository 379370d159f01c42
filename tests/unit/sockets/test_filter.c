/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char unix_rows[] = "0000000000000000: 00000003 00000000 00000000 0001 03 8 /run/80\n"
                                "0000000000000000: 00000003 00000000 00000000 0002 03 9\n";

static int set_up(void **state)
{
    static struct machine machine;
    machine_make(&machine, unix_rows, "systemd-resolve");
    *state = &machine;
    return 0;
}

static int tear_down(void **state)
{
    machine_remove(*state);
    return 0;
}

static bool match(const void *filter, const struct ph_snapshot *snapshot,
                  const struct ph_socket *row)
{
    bool matches = ph_filter_match(filter, snapshot, row);
    /* Looking at these protocols only must never lose a row. */
    assert_true(!matches || (ph_filter_protocols(filter) & PH_PROTOCOL_BIT(row->protocol)));
    return matches;
}

static const char *matching(const struct machine *machine, const struct ph_filter *filter)
{
    return machine_matching(machine, match, filter);
}

static void assert_matches(const struct machine *machine, const char *name, const char *values,
                           const char *expected)
{
    struct ph_filter *filter = NULL;
    char problem[256] = "";
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, name, values, problem, sizeof problem), 0);
    assert_string_equal(matching(machine, filter), expected);
    ph_filter_free(filter);
}

static void test_add_when_name_or_value_is_wrong_then_problem_says_what(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *values;
        const char *told; /* stands in the problem */
    } cases[] = {
        {"colour", "red", "no filter \"colour\""},
        {"", "x", "no filter \"\""},
        {"Protocol", "tcp", "no filter"},
        {"protocol", "icmp", "protocol: \"icmp\" is not accepted; wanted is tcp, udp, unix, raw, "},
        {"protocol", "", "protocol: \"\" is not accepted"},
        {"protocol", "tcp,", "protocol: \"\" is not accepted"},
        {"protocol", "tcp,,udp", "protocol: \"\" is not accepted"},
        {"protocol", "tc", "\"tc\""},
        {"protocol", "tcpx", "\"tcpx\""},
        {"state", "open", "close_wait"},
        {"state", "listen ", "\"listen \""},
        {"state", "established_", "\"established_\""},
        {"port", "65536", "0 to 65535"},
        {"port", "-1", "0 to 65535"},
        {"port", "80x", "\"80x\""},
        {"port", "99999999999999999999999", "0 to 65535"},
        {"local_port", "http", "0 to 65535"},
        {"remote_port", " 80", "0 to 65535"},
        {"address", "10.0.0.0/33", "10.0.0.0/8"},
        {"address", "example.org", "\"example.org\""},
        {"pid", "2147483648", "number of a process"},
        {"pid", "x", "number of a process"},
        {"command", "", "name of a program"},
        {"user", "no-such-user-here", "\"no-such-user-here\""},
        {"user", "4294967296", "\"4294967296\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph_filter *filter = NULL;
        char problem[512] = "";
        assert_int_equal(ph_filter_new(&filter), 0);
        assert_int_equal(
            ph_filter_add(filter, cases[i].name, cases[i].values, problem, sizeof problem),
            PH_ERR_PARAMETER);
        assert_non_null(strstr(problem, cases[i].told));
        assert_int_equal(problem[strlen(problem) - 1], '.');
        ph_filter_free(filter);
    }
}

static void test_add_when_value_is_long_then_problem_stays_within_its_buffer(void **state)
{
    (void)state;
    struct ph_filter *filter = NULL;
    static char values[5000];
    char problem[40];
    memset(values, 'x', sizeof values - 1);
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "port", values, problem, sizeof problem),
                     PH_ERR_PARAMETER);
    assert_int_equal(strlen(problem), sizeof problem - 1);
    assert_int_equal(ph_filter_add(filter, "user", values, problem, sizeof problem),
                     PH_ERR_PARAMETER);
    assert_int_equal(ph_filter_add(filter, "port", values, NULL, 0), PH_ERR_PARAMETER);
    ph_filter_free(filter);
}

static void test_new_and_add_when_out_of_memory_then_enomem(void **state)
{
    struct ph_filter *filter = NULL;
    char problem[8];
    fail_allocations(0, false);
    assert_int_equal(ph_filter_new(&filter), -ENOMEM);
    assert_true(stop_failing());
    assert_null(filter);
    assert_int_equal(ph_filter_new(&filter), 0);
    fail_allocations(0, false);
    int err = ph_filter_add(filter, "port", "80", problem, sizeof problem);
    assert_true(stop_failing());
    assert_int_equal(err, -ENOMEM);
    assert_string_equal(matching(*state, filter), "123456789"); /* as if it had not been called */
    ph_filter_free(filter);
    ph_filter_free(NULL);
}

static void test_filter_when_empty_then_matches_everything(void **state)
{
    struct ph_filter *filter = NULL;
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_false(ph_filter_needs_owners(filter));
    assert_string_equal(matching(*state, filter), "123456789");
    ph_filter_free(filter);
}

static void test_each_short_form(void **state)
{
    assert_matches(*state, "protocol", "tcp", "12345");
    assert_matches(*state, "protocol", "udp,unix", "6789");
    assert_matches(*state, "state", "listen", "14");
    assert_matches(*state, "state", "close-wait,close_wait", "3");
    assert_matches(*state, "state", "fin_wait2", "5");
    assert_matches(*state, "state", "fin-wait-2", "5");
    assert_matches(*state, "state", "established", "28");
    assert_matches(*state, "state", "unconnected", "6");
    assert_matches(*state, "state", "connected", "23579");
    assert_matches(*state, "state", "big", "123456789");
    assert_matches(*state, "state", "bucket", "");
    assert_matches(*state, "port", "80", "12");
    assert_matches(*state, "port", "40000", "25");
    assert_matches(*state, "port", "0", "");
    assert_matches(*state, "local_port", "80,8080", "1245");
    assert_matches(*state, "remote_port", "53", "7");
    assert_matches(*state, "remote_port", "0", "");
    assert_matches(*state, "user", "33", "12");
    assert_matches(*state, "user", "1000,33", "123");
}

static void test_address_filters(void **state)
{
    if (*(const unsigned char *)&(const uint16_t){1} != 1) {
        skip_because("the tables are little-endian, this machine is not");
    }
    assert_matches(*state, "address", "127.0.0.1", "12");
    assert_matches(*state, "address", "10.0.0.0/8", "2357");
    assert_matches(*state, "address", "10.0.0.3", "5");
    assert_matches(*state, "address", "::ffff:10.0.0.3", "5");
    assert_matches(*state, "address", "10.0.0.3,10.0.0.9/32", "57");
    assert_matches(*state, "address", "::", "4");
    assert_matches(*state, "address", "0.0.0.0/0", "123567");
    assert_matches(*state, "address", "::/0", "1234567");
    assert_matches(*state, "address", "0.0.0.0", "6");
}

static void test_owner_filters_want_owners(void **state)
{
    struct machine *machine = *state;
    static const char *const names[] = {"pid", "command"};
    static const char *const values[] = {"50", "nginx"};
    for (size_t i = 0; i < 2; i++) {
        struct ph_filter *filter = NULL;
        char problem[64];
        assert_int_equal(ph_filter_new(&filter), 0);
        assert_int_equal(ph_filter_add(filter, names[i], values[i], problem, sizeof problem), 0);
        assert_true(ph_filter_needs_owners(filter));
        assert_string_equal(matching(machine, filter), "1");
        ph_filter_free(filter);
    }
    assert_matches(machine, "pid", "51,50", "16");
    assert_matches(machine, "pid", "1", "");
    assert_matches(machine, "command", "nginx,other", "1");
    assert_matches(machine, "command", "ngin", "");
    assert_matches(machine, "command", "systemd-resolved", "16"); /* the kernel keeps 15 bytes */
}

static void test_several_calls_are_joined_by_and(void **state)
{
    struct ph_filter *filter = NULL;
    char problem[64];
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "port", "80,8080", problem, sizeof problem), 0);
    assert_int_equal(ph_filter_add(filter, "state", "listen", problem, sizeof problem), 0);
    assert_string_equal(matching(*state, filter), "14");
    assert_int_equal(ph_filter_add(filter, "port", "80", problem, sizeof problem), 0);
    assert_string_equal(matching(*state, filter), "1");
    assert_int_equal(ph_filter_add(filter, "port", "x", problem, sizeof problem), PH_ERR_PARAMETER);
    assert_string_equal(matching(*state, filter), "1");
    assert_false(ph_filter_needs_owners(filter));
    ph_filter_free(filter);
}

static void test_user_by_name(void **state)
{
    assert_matches(*state, "user", "root", "4567");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static unsigned protocols_of(const char *name, const char *values)
{
    struct ph_filter *filter = NULL;
    char problem[256];
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "state", "established", problem, sizeof problem), 0);
    assert_int_equal(ph_filter_add(filter, name, values, problem, sizeof problem), 0);
    unsigned protocols = ph_filter_protocols(filter);
    ph_filter_free(filter);
    return protocols;
}

static void test_protocols_of_a_filter(void **state)
{
    (void)state;
    enum { TCP = PH_PROTOCOL_BIT(PH_PROTOCOL_TCP), UDP = PH_PROTOCOL_BIT(PH_PROTOCOL_UDP) };
    assert_int_equal(protocols_of("protocol", "tcp"), TCP);
    assert_int_equal(protocols_of("protocol", "udp,tcp"), TCP | UDP);
    enum {
        PORTS =
            TCP | UDP | PH_PROTOCOL_BIT(PH_PROTOCOL_MPTCP) | PH_PROTOCOL_BIT(PH_PROTOCOL_UDPLITE)
    };
    assert_int_equal(protocols_of("port", "80"), PORTS);
    assert_int_equal(protocols_of("remote_port", "80"), PORTS);
    assert_int_equal(protocols_of("address", "::/0"), PORTS | PH_PROTOCOL_BIT(PH_PROTOCOL_RAW));
    assert_int_equal(protocols_of("pid", "1"), PH_PROTOCOLS_ALL);
    assert_int_equal(protocols_of("filter", "sport = :80"), PH_PROTOCOLS_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_add_when_name_or_value_is_wrong_then_problem_says_what),
        TEST(test_add_when_value_is_long_then_problem_stays_within_its_buffer),
        TEST(test_new_and_add_when_out_of_memory_then_enomem),
        TEST(test_filter_when_empty_then_matches_everything),
        TEST(test_each_short_form),
        TEST(test_address_filters),
        TEST(test_owner_filters_want_owners),
        TEST(test_several_calls_are_joined_by_and),
        TEST(test_user_by_name),
        cmocka_unit_test(test_protocols_of_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
