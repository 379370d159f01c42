/* SPDX-License-Identifier: MIT */
#include "status/query.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/status/fruits.h"

#include <errno.h>
#include <string.h>

static char problem[PH__PROBLEM_TEXT];

static int set_up(void **state)
{
    static struct ph__query query;
    *state = &query;
    problem[0] = '\0';
    return ph__query_init(&query, &fruit_kind);
}

static void renew(void **state)
{
    ph__query_done(*state);
    assert_int_equal(set_up(state), 0);
}

static int tear_down(void **state)
{
    ph__query_done(*state);
    return 0;
}

static void assert_refused(struct ph__query *query, const char *name, const char *value,
                           const char *wrong, const char *accepted)
{
    problem[0] = '\0';
    assert_int_equal(ph__query_set(query, name, value, problem, sizeof problem), PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, name));
    assert_non_null(strstr(problem, wrong));
    assert_non_null(strstr(problem, accepted));
}

static void assert_taken(struct ph__query *query, const char *name, const char *value)
{
    assert_int_equal(ph__query_set(query, name, value, problem, sizeof problem), 0);
}

static void test_sort_when_field_is_unknown_then_refused(void **state)
{
    assert_refused(*state, "sort", "colour", "\"colour\"", "name, weight, ripe, seeds, label");
    renew(state);
    assert_refused(*state, "sort", "", "\"\"", "name, weight");
    renew(state);
    assert_refused(*state, "sort", "--name", "\"-name\"", "name, weight");
    renew(state);
    assert_refused(*state, "sort", "name,weight", "\"name,weight\"", "name, weight");
}

static void test_sort_when_field_is_known_then_taken(void **state)
{
    struct ph__query *query = *state;
    assert_taken(query, "sort", "-weight");
    assert_string_equal(query->sort->name, "weight");
    assert_true(query->descending);
}

static void test_limit_when_no_number_then_refused(void **state)
{
    assert_refused(*state, "limit", "-1", "\"-1\"", "from 0 to 4294967295");
}

static void test_fields_when_one_is_unknown_then_refused(void **state)
{
    assert_refused(*state, "fields", "name,colour", "\"colour\"", "name, weight");
    renew(state);
    assert_refused(*state, "fields", "", "\"\"", "name, weight");
    renew(state);
    assert_refused(*state, "fields", "name,", "\"\"", "name, weight");
    renew(state);
    assert_refused(*state, "fields", "nam", "\"nam\"", "name, weight");
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    renew(state);
    assert_refused(*state, "fields", text, "aaa", "name, weight");
}

static void test_fields_when_known_then_in_that_order_and_once(void **state)
{
    struct ph__query *query = *state;
    assert_taken(query, "fields", "weight,label,weight,name");
    query->format = PH__FORMAT_TEXT;
    ph__query_finish(query);
    assert_int_equal(query->choice.count, 3);
    assert_string_equal(query->choice.columns[0]->name, "weight");
    assert_string_equal(query->choice.columns[1]->name, "label");
    assert_string_equal(query->choice.columns[2]->name, "name");
}

static void test_format_when_unknown_then_refused(void **state)
{
    assert_refused(*state, "format", "xml", "\"xml\"", "json, ndjson, csv or text");
}

static void test_max_age_when_wrong_then_refused(void **state)
{
    assert_refused(*state, "max_age_ms", "1s", "\"1s\"", "whole number");
    renew(state);
    assert_refused(*state, "max_age_ms", "4294967296", "\"4294967296\"", "to 4294967295");
}

static void test_owners_when_wrong_then_refused(void **state)
{
    assert_refused(*state, "owners", "no", "\"no\"", "true or false");
}

static void test_single_parameters_when_repeated_then_refused(void **state)
{
    static const struct {
        const char *name;
        const char *value;
    } single[] = {
        {"sort", "name"},   {"limit", "1"},      {"fields", "name"},
        {"format", "json"}, {"max_age_ms", "5"}, {"owners", "true"},
    };
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        assert_taken(*state, single[i].name, single[i].value);
        assert_refused(*state, single[i].name, single[i].value, "more than once", "one");
    }
}

static void test_states_when_unknown_then_refused(void **state)
{
    assert_refused(*state, "state", "eaten", "\"eaten\"", "hanging, fallen");
    assert_refused(*state, "state", "hanging,", "\"hanging,\"", "hanging, fallen");
    assert_refused(*state, "state", "", "\"\"", "hanging, fallen");
}

static void test_states_when_repeated_then_both_have_to_hold(void **state)
{
    struct ph__query *query = *state;
    assert_taken(query, "state", "fallen,hanging");
    assert_int_equal(query->states, 3);
    assert_taken(query, "state", "fallen");
    assert_int_equal(query->states, 2);
    assert_taken(query, "state", "hanging");
    assert_int_equal(query->states & 3, 0);
    assert_int_not_equal(query->states, 0);
}

static void test_filter_when_wrong_then_the_filters_own_words(void **state)
{
    struct ph__query *query = *state;
    assert_refused(query, "port", "http!", "http!", "0 to 65535");
    assert_refused(query, "local_port", "65536", "65536", "0 to 65535");
    assert_refused(query, "protocol", "icmp", "icmp", "tcp");
    assert_refused(query, "address", "10.0.0.0/33", "10.0.0.0/33", "address");
}

static void test_filter_when_right_then_may_be_repeated(void **state)
{
    struct ph__query *query = *state;
    assert_false(query->filtered);
    assert_taken(query, "port", "80,443");
    assert_taken(query, "port", "1");
    assert_true(query->filtered);
    query->format = PH__FORMAT_JSON;
    ph__query_finish(query);
}

static void test_finish_when_no_fields_then_defaults_of_the_format(void **state)
{
    struct ph__query *query = *state;
    query->format = PH__FORMAT_JSON;
    ph__query_finish(query);
    assert_int_equal(query->choice.count, 4); /* all but the extra one */
    assert_int_equal(query->limit, SIZE_MAX);
    assert_int_equal(query->max_age_ms, 1000);
    assert_true(ph__query_needs_owners(query));

    renew(state);
    query->format = PH__FORMAT_TEXT;
    ph__query_finish(query);
    assert_int_equal(query->choice.count, 2);
    assert_false(ph__query_needs_owners(query));
}

static void test_owners_when_false_then_left_out_unless_named(void **state)
{
    struct ph__query *query = *state;
    assert_taken(query, "owners", "false");
    query->format = PH__FORMAT_CSV;
    ph__query_finish(query);
    assert_int_equal(query->choice.count, 3);
    assert_false(ph__query_needs_owners(query));

    renew(state);
    assert_taken(query, "owners", "false");
    assert_taken(query, "fields", "seeds");
    assert_taken(query, "sort", "seeds");
    ph__query_finish(query);
    assert_int_equal(query->choice.count, 1);
    assert_false(ph__query_needs_owners(query));
}

static void test_owners_when_only_the_filter_or_order_wants_them_then_needed(void **state)
{
    struct ph__query *query = *state;
    assert_taken(query, "owners", "false");
    assert_taken(query, "fields", "name");
    assert_taken(query, "pid", "1");
    ph__query_finish(query);
    assert_true(ph__query_needs_owners(query));

    renew(state);
    assert_taken(query, "fields", "name");
    assert_taken(query, "sort", "seeds");
    ph__query_finish(query);
    assert_true(ph__query_needs_owners(query));
}

static void test_init_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    struct ph__query query;
    fail_allocations(0, false);
    int err = ph__query_init(&query, &fruit_kind);
    assert_true(stop_failing());
    assert_int_equal(err, -ENOMEM);
}

#define QUERY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUERY_TEST(test_sort_when_field_is_unknown_then_refused),
        QUERY_TEST(test_sort_when_field_is_known_then_taken),
        QUERY_TEST(test_limit_when_no_number_then_refused),
        QUERY_TEST(test_fields_when_one_is_unknown_then_refused),
        QUERY_TEST(test_fields_when_known_then_in_that_order_and_once),
        QUERY_TEST(test_format_when_unknown_then_refused),
        QUERY_TEST(test_max_age_when_wrong_then_refused),
        QUERY_TEST(test_owners_when_wrong_then_refused),
        QUERY_TEST(test_single_parameters_when_repeated_then_refused),
        QUERY_TEST(test_states_when_unknown_then_refused),
        QUERY_TEST(test_states_when_repeated_then_both_have_to_hold),
        QUERY_TEST(test_filter_when_wrong_then_the_filters_own_words),
        QUERY_TEST(test_filter_when_right_then_may_be_repeated),
        QUERY_TEST(test_finish_when_no_fields_then_defaults_of_the_format),
        QUERY_TEST(test_owners_when_false_then_left_out_unless_named),
        QUERY_TEST(test_owners_when_only_the_filter_or_order_wants_them_then_needed),
        cmocka_unit_test(test_init_when_out_of_memory_then_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
