/* SPDX-License-Identifier: MIT */
#include "sockets/expression.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char unix_rows[] =
    "0000000000000000: 00000003 00000000 00010000 0001 01 8 /run/a-b=c\n"
    "0000000000000000: 00000003 00000000 00000000 0002 03 9\n";

static int set_up(void **state)
{
    static struct machine machine;
    machine_make(&machine, unix_rows, "two words");
    *state = &machine;
    return 0;
}

static int tear_down(void **state)
{
    machine_remove(*state);
    return 0;
}

static bool match(const void *expression, const struct ph_snapshot *snapshot,
                  const struct ph_socket *row)
{
    return ph__expression_match(expression, snapshot, row);
}

/* Compares the inodes that match, as digits in order. */
static void assert_matches(const struct machine *machine, const char *text, const char *expected)
{
    struct ph__expression *expression = NULL;
    char problem[256] = "";
    int err = ph__expression_new(&expression, text, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_int_equal(err, 0);
    assert_string_equal(machine_matching(machine, match, expression), expected);
    ph__expression_free(expression);
}

static const struct {
    const char *text;
    const char *told;
} mistakes[] = {
    {"x", "filter: column 1: wanted is one of state, "},
    {"sport", "filter: column 6: wanted is a port as a number or a service, such as :80 or "
              ":http, found is the end."},
    {"sport =", "column 8: wanted is a port"},
    {"sport = :x-y", "column 9: wanted is a port as a number or a service, such as :80 or "
                     ":http, found is \":x-y\"."},
    {"sport = 65536", "column 9"},
    {"sport = :", "column 9"},
    {"sport < *", "column 9"},
    {"sport = 0x", "column 9"},
    {"sport = 0x10000", "column 9"},
    {"sport = 8x", "column 9"},
    {"sport = inet7:80", "column 9"},
    {"src inet:[::1]", "column 5: wanted is an address"},
    {"src inet6:10.0.0.1", "column 5"},
    {"src unix:", "column 5"},
    {"src :99999", "column 5"},
    {"src 127", "column 5"},
    {"dev", "column 4: wanted is an interface of this machine, by name or number, found is "
            "the end."},
    {"dev no-such-device", "column 5: wanted is an interface"},
    {"dev = longer-than-any-name-of-a-device", "column 7"},
    {"dev = 4294967296", "column 7"},
    {"dev < lo", "column 5: wanted is = or !="},
    {"fwmark = x", "column 10: wanted is a mark, or mark/mask, such as 0x1/0xff, found is "
                   "\"x\"."},
    {"fwmark = 7/", "column 10"},
    {"fwmark = /7", "column 10"},
    {"fwmark = 0x100000000", "column 10"},
    {"fwmark = 09", "column 10"},
    {"fwmark = 1/12345678901234567890", "column 10"},
    {"fwmark > 7", "column 8: wanted is = or !="},
    {"cgroup /no/such/group", "column 8: wanted is a control group that exists, such as "
                              "/system.slice, found is \"/no/such/group\"."},
    {"cgroup = no-such-group", "column 10"},
    {"cgroup = /proc", "column 10"},
    {"cgroup \"\"", "column 8"},
    {"autobound = 1", "column 11: wanted is one of state"},
    {"protocol = tpc", "column 12: wanted is a protocol"},
    {"unit = \"\"", "column 8: wanted is the name of a systemd unit"},
    {"unit < x", "column 6: wanted is = or !="},
    {"state listen state", "column 19: wanted is a state"},
    {"exclude open", "column 9: wanted is a state"},
    {"state listen and = 5", "column 18"},
    {"sport = = 80", "column 9: wanted is a port as a number or a service, such as :80 or "
                     ":http, found is \"=\"."},
    {"sport = 80 and", "column 15: wanted is one of state, exclude, sport, dport, src, dst, "
                       "dev, fwmark, cgroup, autobound, protocol, pid, command, user, unit, "
                       "inode, not, or a parenthesis, found is the end."},
    {"sport = 80 and and dport = 1", "column 16"},
    {"or sport = 80", "column 1"},
    {"sport = 80 or )", "column 15"},
    {"(sport = 80", "column 12: wanted is a closing parenthesis, found is the end."},
    {"sport = 80)", "column 11: wanted is the end or another condition, found is \")\"."},
    {"()", "column 2"},
    {"not", "column 4"},
    {"! or", "column 3"},
    {"state", "column 6: wanted is a state"},
    {"state open", "column 7: wanted is a state or a group of states, such as established or "
                   "connected, found is \"open\"."},
    {"state = listen", "column 7"},
    {"src", "column 4"},
    {"src < 10.0.0.1", "column 5: wanted is = or !=, found is \"<\"."},
    {"src 10.0.0.1/33", "column 5: wanted is an address"},
    {"src 10.0.0.1:99999", "column 5"},
    {"dst example.org", "column 5"},
    {"dst [::1", "column 5"},
    {"dst \"\"", "column 5"},
    {"command < x", "column 9: wanted is = or !="},
    {"user = no-such-user-here", "column 8: wanted is the name or number of a user"},
    {"pid = x", "column 7: wanted is the number of a process"},
    {"inode = -1", "column 9: wanted is a number"},
    {"inode = 18446744073709551616", "column 9"},
    {"\tsport = 80 \n ? ", "column 15"},
};

static void test_new_when_wrong_then_column_and_what_is_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct ph__expression *expression = NULL;
        char problem[512] = "";
        assert_int_equal(ph__expression_new(&expression, mistakes[i].text, problem, sizeof problem),
                         PH_ERR_PARAMETER);
        assert_null(expression);
        if (!strstr(problem, mistakes[i].told)) {
            assert_string_equal(problem, mistakes[i].told); /* shows both */
        }
    }
}

static void test_new_when_nested_too_deeply_then_refused(void **state)
{
    enum { DEPTH = 64, LONG = 100000 };
    static char text[LONG + 1];
    struct ph__expression *expression = NULL;
    char problem[256];
    memset(text, '(', LONG);
    assert_int_equal(ph__expression_new(&expression, text, problem, sizeof problem),
                     PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "column 65: "));
    /* As deep as it may be, with a value held back at each depth. */
    size_t used = (size_t)snprintf(text, sizeof text, "state all ");
    for (int i = 0; i < DEPTH; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "sport = 1 or (");
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "sport = 2 or sport = 80");
    for (int i = 0; i < DEPTH; i++) {
        text[used++] = ')';
    }
    text[used] = '\0';
    assert_matches(*state, text, "12");
}

static void test_new_when_very_long_then_runs(void **state)
{
    enum { TERMS = 5000 };
    static char text[TERMS * 16 + 32];
    size_t used = 0;
    for (int i = 0; i < TERMS; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "sport=1||!!");
    }
    snprintf(text + used, sizeof text - used, "sport=80");
    assert_matches(*state, text, "12");
}

static void test_new_when_out_of_memory_then_enomem_everywhere(void **state)
{
    (void)state;
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        struct ph__expression *expression = NULL;
        char problem[64];
        fail_allocations(fails, false);
        err = ph__expression_new(&expression, "src unix:*x* and (pid = 5 or inode = 7)", problem,
                                 sizeof problem);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
        ph__expression_free(expression);
    }
    assert_int_equal(fails, 4); /* itself, the pattern, the steps; then success */
}

static void test_empty_matches_everything(void **state)
{
    assert_matches(*state, "", "123456789");
    assert_matches(*state, " \t\n", "123456789");
}

static void test_ports_are_compared(void **state)
{
    static const struct {
        const char *text;
        const char *matches;
    } cases[] = {
        {"sport = 80", "12"},        {"sport = :80", "12"},         {"sport == 80", "12"},
        {"sport eq 80", "12"},       {"sport :80", "12"},           {"sport=80", "12"},
        {"sport != 80", "34567"},    {"sport ne 80", "34567"},      {"sport < 80", "6"},
        {"sport lt 80", "6"},        {"sport <= 80", "126"},        {"sport le 80", "126"},
        {"sport > 8080", "37"},      {"sport gt 8080", "37"},       {"sport >= 8080", "3457"},
        {"sport ge 8080", "3457"},   {"dport = 443", "3"},          {"dport = 0", "146"},
        {"dport = :https", "3"},     {"not sport = 80", "3456789"}, {"! sport = 80", "3456789"},
        {"!!sport = 80", "12"},      {"sport = *", "1234567"},      {"sport != *", ""},
        {"sport = 0x50", "12"},      {"sport = inet:80", "12"},     {"sport inet6::8080", "45"},
        {"sport != inet:80", "367"}, {"dport != inet6:0", "5"},     {"sport neq 80", "34567"},
        {"sport leq 80", "126"},     {"sport geq 8080", "3457"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_matches(*state, cases[i].text, cases[i].matches);
    }
}

static void test_addresses_take_prefixes_and_ports(void **state)
{
    if (htonl(1) == 1) {
        skip_because("the tables are little-endian, this machine is not");
    }
    static const struct {
        const char *text;
        const char *matches;
    } cases[] = {
        {"src 127.0.0.1", "12"},
        {"src = 127.0.0.1:80", "12"},
        {"src 127.0.0.1:81", ""},
        {"src 127.0.0.1:*", "12"},
        {"src *:80", "12"},
        {"src :http", "12"},
        {"src 10.0.0.0/8", "357"},
        {"dst 10.0.0.0/8:443", "3"},
        {"dst != 10.0.0.0/8", "14689"},
        {"src ::", "4"},
        {"src [::]:8080", "4"},
        {"src [::]:8081", ""},
        {"src [::ffff:10.0.0.0]/104", "5"}, /* an IPv6 address is IPv6's only, as in ss */
        {"src ::ffff:10.0.0.2", "5"},
        {"src [::ffff:10.0.0.0/104]:8080", "5"},
        {"src 10/8", "357"},
        {"src 10.0/16:40001", "3"},
        {"src 10.0.0.0/255.0.0.0", "357"},
        {"src 0/0", "123567"},
        {"src ::/0", "45"},
        {"src inet:10/8", "37"},
        {"src inet:*:80", "12"},
        {"src inet::80", "12"},
        {"src inet6:*:8080", "45"},
        {"src inet6:[::]", "4"},
        {"src any", "1234567"},
        {"dst default:443", "3"},
        {"dst 10.0.0.3", "5"},
        {"src *", "1234567"},
        {"src unix:/run/*", "8"},
        {"src \"unix:*a-?=*\"", "8"},
        {"src \"/run/a-b=c\"", "8"},
        {"src '/run/a-b'", ""},
        {"src /run/a-b=c", "8"},
        {"src unix:/RUN/[A-C]-[!x]*", "8"},
        {"src unix:*", "89"},
        {"dst unix:*", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_matches(*state, cases[i].text, cases[i].matches);
    }
}

static void test_states_and_groups(void **state)
{
    static const struct {
        const char *text;
        const char *matches;
    } cases[] = {
        {"state listen", "148"},
        {"state listening", "148"},
        {"state close-wait", "3"},
        {"state established", "279"}, /* connected datagram sockets, too */
        {"state unconnected", "6"},
        {"state closed", "6"},
        {"state connected", "23579"},
        {"state connected sport = 80", "2"},
        {"state listen state close-wait", "1348"},
        {"state listen or state close-wait", "1348"},
        {"state LISTENING", "148"},
        {"state Close-Wait", "3"},
        {"state close", "6"},
        {"state connected exclude established", "35"},
        {"exclude connected state close-wait", "13468"},
        {"excl connected", "1468"},
        {"exclude all", ""},
        {"exclude all state listen", "148"},
        {"not state listen state close-wait", "25679"},
        {"not state listen and sport = 80", "2"},
        {"state listen and state close-wait", ""},
        {"exclude listen exclude unconnected", "23579"},
        {"state all", "123456789"},
        {"state big", "123456789"},
        {"state bucket", ""},
        {"state synchronized", "23579"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_matches(*state, cases[i].text, cases[i].matches);
    }
}

static void test_and_and_or_rank_equally_from_left_to_right(void **state)
{
    assert_matches(*state, "sport = 80 or sport = 8080 and state listen", "14");
    assert_matches(*state, "sport = 80 or (sport = 8080 and state listen)", "124");
    assert_matches(*state, "state listen and sport = 80 or dport = 443", "13");
    assert_matches(*state, "sport = 80 | sport = 8080 & state listen", "14");
    assert_matches(*state, "sport = 80 || sport = 8080 && state listen", "14");
    assert_matches(*state, "sport=80 state listen", "1");
    /* States in front are no part of the expression, unless they are joined to it by a word. */
    assert_matches(*state, "state listen sport = 80 or sport = 8080", "14");
    assert_matches(*state, "state listen and sport = 80 or sport = 443", "1");
    assert_matches(*state, "state listen and dport = 0 or dport = 443", "134");
    assert_matches(*state, "state listen dport = 0 or dport = 443", "14");
    assert_matches(*state, "(state listen sport = 80) or dport = 443", "13");
    assert_matches(*state, "not (sport = 80 or sport = 8080)", "36789");
    assert_matches(*state, "not sport = 80 and not sport = 8080", "36789");
    assert_matches(*state, "((sport = 80))and(not(state listen))", "2");
}

static void test_owners_users_and_inodes(void **state)
{
    assert_matches(*state, "pid = 50", "1");
    assert_matches(*state, "pid >= 51", "16");
    assert_matches(*state, "pid != 50", "23456789");
    assert_matches(*state, "command = nginx", "1");
    assert_matches(*state, "command nginx", "1");
    assert_matches(*state, "command = \"two words\"", "16");
    assert_matches(*state, "command != nginx", "23456789");
    assert_matches(*state, "user = 33", "12");
    assert_matches(*state, "user root", "4567");
    assert_matches(*state, "inode = 7", "7");
    assert_matches(*state, "inode > 7", "89");
    assert_matches(*state, "protocol = udp", "67");
    assert_matches(*state, "protocol != tcp", "6789");
    assert_matches(*state, "protocol unix or protocol udp", "6789");
}

static void test_units_are_found_with_or_without_their_kind(void **state)
{
    struct machine *machine = *state;
    proc_root_write(&machine->root, "50/cgroup", "0::/system.slice/nginx.service\n");
    proc_root_write(&machine->root, "51/cgroup", "0::/user.slice/session-3.scope\n");
    ph_snapshot_unref(machine->snapshot);
    machine->snapshot = take_with_owners(&machine->root);
    assert_matches(machine, "unit = nginx.service", "1");
    assert_matches(machine, "unit nginx", "1");
    assert_matches(machine, "unit = session-3.scope", "16");
    assert_matches(machine, "unit = session-3", "");
    assert_matches(machine, "unit != session-3.scope", "2345789");
}

static void test_autobound_is_what_the_kernel_chose(void **state)
{
    struct machine *machine = *state;
    assert_matches(machine, "autobound", "379");
    assert_matches(machine, "not autobound", "124568");
    assert_matches(machine, "autobound and dport = 443", "3");
    proc_root_write(&machine->root, "sys/net/ipv4/ip_local_port_range", "1\t8080\n");
    ph_snapshot_unref(machine->snapshot);
    machine->snapshot = take_with_owners(&machine->root);
    assert_matches(machine, "protocol tcp autobound", "1245");
}

/* /proc/net tells neither: whoever asks gets to know that. */
static void test_marks_and_groups_when_not_told_then_said_so(void **state)
{
    static const struct {
        const char *text;
        bool told;
    } cases[] = {{"fwmark = 7", false},
                 {"sport = 80 or not fwmark != 0x1/0xff", false},
                 {"dev lo or cgroup /", false},
                 {"dev != 1", true},
                 {"sport = 80", true}};
    struct machine *machine = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph_filter *filter = NULL;
        char problem[256] = "";
        assert_int_equal(ph_filter_new(&filter), 0);
        int err = ph_filter_add(filter, "filter", cases[i].text, problem, sizeof problem);
        if (err < 0 && strstr(cases[i].text, "cgroup")) {
            ph_filter_free(filter); /* no groups of version 2 here */
            continue;
        }
        assert_int_equal(err, 0);
        assert_int_equal(ph_filter_is_told(filter, machine->snapshot), cases[i].told);
        ph_filter_free(filter);
    }
}

/* Words in any order: refused with a column, or run without harm. */
static void test_any_sequence_of_words_is_refused_or_runs(void **state)
{
    static const char *const words[] = {
        "sport",   "=",        "80",  ":http",  "and",    "or",      "not",       "(",
        ")",       "(",        ")",   "src",    "[::1]",  "dst",     "state",     "all",
        "exclude", "listen",   "!",   "&&",     "||",     "<",       ">=",        "\"",
        "'x y'",   "pid",      "5",   "inode",  "unix:*", "command", "user",      "root",
        "*:80",    ",",        "dev", "lo",     "fwmark", "7/7",     "autobound", "unit",
        "cgroup",  "protocol", "tcp", "inet:*",
    };
    struct machine *machine = *state;
    unsigned random = 12345;
    unsigned accepted = 0;
    for (int round = 0; round < 50000; round++) {
        char text[200];
        size_t used = 0;
        unsigned count = (random >> 16) % 9 + 1;
        for (unsigned i = 0; i < count; i++) {
            random = random * 1103515245 + 12345;
            const char *word = words[(random >> 16) % (sizeof words / sizeof words[0])];
            used += (size_t)snprintf(text + used, sizeof text - used, "%s ", word);
        }
        struct ph__expression *expression = NULL;
        char problem[256] = "";
        int err = ph__expression_new(&expression, text, problem, sizeof problem);
        if (err == 0) {
            accepted++;
            for (size_t i = 0; i < ph_snapshot_count(machine->snapshot); i++) {
                (void)ph__expression_match(expression, machine->snapshot,
                                           ph_snapshot_at(machine->snapshot, i));
            }
        } else {
            assert_int_equal(err, PH_ERR_PARAMETER);
            assert_non_null(strstr(problem, "column "));
        }
        ph__expression_free(expression);
    }
    assert_true(accepted > 100);
}

static void test_filter_takes_expressions_beside_short_forms(void **state)
{
    struct machine *machine = *state;
    struct ph_filter *filter = NULL;
    char problem[256] = "";
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "filter", "sport = , x", problem, sizeof problem),
                     PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "column 9"));
    assert_int_equal(ph_filter_add(filter, "filter", "sport = 80", problem, sizeof problem), 0);
    assert_false(ph_filter_needs_owners(filter));
    assert_int_equal(ph_filter_add(filter, "state", "listen", problem, sizeof problem), 0);
    size_t matches = 0;
    for (size_t i = 0; i < ph_snapshot_count(machine->snapshot); i++) {
        matches += ph_filter_match(filter, machine->snapshot, ph_snapshot_at(machine->snapshot, i));
    }
    assert_int_equal(matches, 1);
    assert_int_equal(ph_filter_add(filter, "filter", "not command = x", problem, sizeof problem),
                     0);
    assert_true(ph_filter_needs_owners(filter));
    for (int i = 0; i < 2; i++) {
        fail_allocations(i, false);
        int err = ph_filter_add(filter, "filter", "pid = 5", problem, sizeof problem);
        stop_failing();
        assert_int_equal(err, -ENOMEM);
    }
    ph_filter_free(filter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_when_wrong_then_column_and_what_is_wanted),
        TEST(test_new_when_nested_too_deeply_then_refused),
        TEST(test_new_when_very_long_then_runs),
        TEST(test_new_when_out_of_memory_then_enomem_everywhere),
        TEST(test_empty_matches_everything),
        TEST(test_ports_are_compared),
        TEST(test_addresses_take_prefixes_and_ports),
        TEST(test_states_and_groups),
        TEST(test_and_and_or_rank_equally_from_left_to_right),
        TEST(test_owners_users_and_inodes),
        TEST(test_units_are_found_with_or_without_their_kind),
        TEST(test_autobound_is_what_the_kernel_chose),
        TEST(test_marks_and_groups_when_not_told_then_said_so),
        TEST(test_any_sequence_of_words_is_refused_or_runs),
        TEST(test_filter_takes_expressions_beside_short_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
