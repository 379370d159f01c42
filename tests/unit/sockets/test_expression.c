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

/* Inodes 1 to 9: 1 listens on 127.0.0.1:80, 2 is its connection from 10.0.0.2:40000, 3 goes from
 * 10.0.0.2:40001 to 10.0.0.8:443 in close_wait, 4 listens on [::]:8080, 5 is mapped, 6 and 7 are
 * UDP, 8 and 9 unix. */
static const char tcp_table[] =
    TCP_HEADING "   0: 0100007F:0050 00000000:0000 0A 0:0 0:0 0    33 0 1\n"
                "   1: 0100007F:0050 0200000A:9C40 01 0:0 0:0 0    33 0 2\n"
                "   2: 0200000A:9C41 0800000A:01BB 08 0:0 0:0 0  1000 0 3\n";
static const char tcp6_table[] = TCP_HEADING
    "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 "
    "0 0 0 4\n"
    "   1: 0000000000000000FFFF00000200000A:1F90 0000000000000000FFFF00000300000A:9C40 05 0:0 0:0 "
    "0 0 0 5\n";
static const char udp_table[] =
    TCP_HEADING "   0: 00000000:0035 00000000:0000 07 0:0 0:0 0 0 0 6 2 0 0\n"
                "   1: 0200000A:9C42 0900000A:0035 01 0:0 0:0 0 0 0 7 2 0 0\n";
static const char unix_table[] =
    UNIX_HEADING "0000000000000000: 00000003 00000000 00010000 0001 01 8 /run/a-b=c\n"
                 "0000000000000000: 00000003 00000000 00000000 0002 03 9\n";

struct fixture {
    struct proc_root root;
    struct ph_snapshot *snapshot;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    proc_root_make(&fixture.root);
    proc_root_write(&fixture.root, "net/tcp", tcp_table);
    proc_root_write(&fixture.root, "net/tcp6", tcp6_table);
    proc_root_write(&fixture.root, "net/udp", udp_table);
    proc_root_write(&fixture.root, "net/unix", unix_table);
    proc_root_process(&fixture.root, 1, "init", 0);
    proc_root_process(&fixture.root, 50, "nginx", 33);
    proc_root_process(&fixture.root, 51, "two words", 33);
    proc_root_link(&fixture.root, "50/fd/3", "socket:[1]");
    proc_root_link(&fixture.root, "51/fd/3", "socket:[1]");
    proc_root_link(&fixture.root, "51/fd/4", "socket:[6]");
    fixture.snapshot = take_from(&fixture.root);
    assert_int_equal(ph_snapshot_owners(fixture.snapshot), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ph_snapshot_unref(fixture->snapshot);
    proc_root_remove(&fixture->root);
    return 0;
}

/* Compares the inodes that match, as digits in order. */
static void assert_matches(const struct fixture *fixture, const char *text, const char *expected)
{
    struct ph__expression *expression = NULL;
    char problem[256] = "";
    char digits[16];
    size_t used = 0;
    int err = ph__expression_new(&expression, text, problem, sizeof problem);
    assert_string_equal(problem, "");
    assert_int_equal(err, 0);
    for (uint64_t inode = 1; inode <= 9; inode++) {
        for (size_t i = 0; i < ph_snapshot_count(fixture->snapshot); i++) {
            const struct ph_socket *row = ph_snapshot_at(fixture->snapshot, i);
            if (row->inode == inode && ph__expression_match(expression, fixture->snapshot, row)) {
                digits[used++] = (char)('0' + inode);
            }
        }
    }
    digits[used] = '\0';
    assert_string_equal(digits, expected);
    ph__expression_free(expression);
}

static void test_new_when_wrong_then_column_and_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *told;
    } cases[] = {
        {"x", "filter: column 1: wanted is one of state, "},
        {"sport", "filter: column 6: wanted is a port as a number or a service, such as :80 or "
                  ":http, found is the end."},
        {"sport =", "column 8: wanted is a port"},
        {"sport = :x-y", "column 9: wanted is a port as a number or a service, such as :80 or "
                         ":http, found is \":x-y\"."},
        {"sport = 65536", "column 9"},
        {"sport = :", "column 9"},
        {"sport = = 80", "column 9: wanted is a port as a number or a service, such as :80 or "
                         ":http, found is \"=\"."},
        {"sport = 80 and", "column 15: wanted is one of state"},
        {"sport = 80 and and dport = 1", "column 16"},
        {"or sport = 80", "column 1"},
        {"sport = 80 or )", "column 15"},
        {"(sport = 80", "column 12: wanted is a closing parenthesis, found is the end."},
        {"sport = 80)", "column 11: wanted is the end or another condition, found is \")\"."},
        {"()", "column 2"},
        {"not", "column 4"},
        {"! or", "column 3"},
        {"state", "column 6: wanted is a state"},
        {"state open", "column 7: wanted is a state or a group of states, found is \"open\"."},
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
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__expression *expression = NULL;
        char problem[512] = "";
        assert_int_equal(ph__expression_new(&expression, cases[i].text, problem, sizeof problem),
                         PH_ERR_PARAMETER);
        assert_null(expression);
        if (!strstr(problem, cases[i].told)) {
            assert_string_equal(problem, cases[i].told); /* shows both */
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
    size_t used = 0;
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
        {"sport = 80", "12"},      {"sport = :80", "12"},         {"sport == 80", "12"},
        {"sport eq 80", "12"},     {"sport :80", "12"},           {"sport=80", "12"},
        {"sport != 80", "34567"},  {"sport ne 80", "34567"},      {"sport < 80", "6"},
        {"sport lt 80", "6"},      {"sport <= 80", "126"},        {"sport le 80", "126"},
        {"sport > 8080", "37"},    {"sport gt 8080", "37"},       {"sport >= 8080", "3457"},
        {"sport ge 8080", "3457"}, {"dport = 443", "3"},          {"dport = 0", "146"},
        {"dport = :https", "3"},   {"not sport = 80", "3456789"}, {"! sport = 80", "3456789"},
        {"!!sport = 80", "12"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_matches(*state, cases[i].text, cases[i].matches);
    }
}

static void test_addresses_take_prefixes_and_ports(void **state)
{
    if (htonl(1) == 1) {
        skip(); /* the tables are little-endian */
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
        {"src [::ffff:10.0.0.0]/104", "357"},
        {"src ::ffff:10.0.0.2", "357"},
        {"dst 10.0.0.3", "5"},
        {"src *", "1234567"},
        {"src unix:/run/*", "8"},
        {"src \"unix:*a-?=*\"", "8"},
        {"src \"/run/a-b=c\"", "8"},
        {"src '/run/a-b'", ""},
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
}

/* Words in any order: refused with a column, or run without harm. */
static void test_any_sequence_of_words_is_refused_or_runs(void **state)
{
    static const char *const words[] = {
        "sport", "=",      "80",      ":http", "and",  "or",    "not",   "(",       ")",
        "(",     ")",      "src",     "[::1]", "dst",  "state", "all",   "exclude", "listen",
        "!",     "&&",     "||",      "<",     ">=",   "\"",    "'x y'", "pid",     "5",
        "inode", "unix:*", "command", "user",  "root", "*:80",  ",",
    };
    struct fixture *fixture = *state;
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
            for (size_t i = 0; i < ph_snapshot_count(fixture->snapshot); i++) {
                (void)ph__expression_match(expression, fixture->snapshot,
                                           ph_snapshot_at(fixture->snapshot, i));
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
    struct fixture *fixture = *state;
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
    for (size_t i = 0; i < ph_snapshot_count(fixture->snapshot); i++) {
        matches += ph_filter_match(filter, fixture->snapshot, ph_snapshot_at(fixture->snapshot, i));
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
        TEST(test_any_sequence_of_words_is_refused_or_runs),
        TEST(test_filter_takes_expressions_beside_short_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
