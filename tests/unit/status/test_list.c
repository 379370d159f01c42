/* SPDX-License-Identifier: MIT */
#include "status/list.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/status/fruits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Makes a list of the fruits from parameters in pairs that end in NULL. */
static int make_list(struct ph__list **ret_list, const char *const *params)
{
    struct ph__query query;
    char problem[PH__PROBLEM_TEXT];
    int err = ph__query_init(&query, &fruit_kind);
    if (err < 0) {
        return err;
    }
    for (; !err && *params; params += 2) {
        err = ph__query_set(&query, params[0], params[1], problem, sizeof problem);
    }
    ph__query_finish(&query);
    struct ph__view view = fruit_view();
    err = err ? err : ph__list_new(ret_list, &query, &view);
    ph__query_done(&query);
    return err;
}

/* Takes the whole text in pieces of `room` bytes; the first piece is of `first` bytes. */
static int take_all(struct ph__list *list, size_t first, size_t room, struct ph__buf *buf)
{
    char piece[4096];
    size_t wanted = first;
    for (;;) {
        ssize_t size = ph__list_generate(list, piece, wanted);
        if (size <= 0) {
            return (int)size;
        }
        assert_true((size_t)size <= wanted);
        ph__buf_append(buf, piece, (size_t)size);
        wanted = room;
    }
}

static char *write_list(const char *const *params, size_t first, size_t room)
{
    struct ph__list *list = NULL;
    assert_int_equal(make_list(&list, params), 0);
    ph__buf_puts(ph__list_before(list), "<before>");
    ph__buf_puts(ph__list_after(list), "<after>");
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(take_all(list, first, room, &buf), 0);
    ph__list_free(list);
    char *text = ph__buf_take(&buf);
    assert_non_null(text);
    return text;
}

static void assert_list(const char *const *params, const char *expected)
{
    char *text = write_list(params, 4096, 4096);
    assert_string_equal(text, expected);
    free(text);
}

#define PARAMS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NAMES "fields", "name", "format", "ndjson"
#define ROW(name) "{\"name\":" name "}\n"
#define HOSTILE_JSON "\"=\\u001b[31m\\\"x\\\",\\n\xEF\xBF\xBD\""

static void test_sort_when_text_then_by_bytes_and_nulls_last(void **state)
{
    (void)state;
    assert_list(PARAMS("sort", "name", NAMES),
                "<before>" ROW(HOSTILE_JSON) ROW("\"appl\"") ROW("\"apple\"") ROW("\"fig\"")
                    ROW("\"pear\"") ROW("null") "<after>");
    assert_list(PARAMS("sort", "-name", NAMES),
                "<before>" ROW("\"pear\"") ROW("\"fig\"") ROW("\"apple\"") ROW("\"appl\"")
                    ROW(HOSTILE_JSON) ROW("null") "<after>");
}

static void test_sort_when_number_then_by_value_nulls_last_and_stable(void **state)
{
    (void)state;
    assert_list(PARAMS("sort", "weight", NAMES),
                "<before>" ROW("\"apple\"") ROW("\"pear\"") ROW("null") ROW("\"appl\"")
                    ROW(HOSTILE_JSON) ROW("\"fig\"") "<after>");
    assert_list(PARAMS("sort", "-weight", NAMES),
                "<before>" ROW("\"appl\"") ROW("\"pear\"") ROW("null") ROW("\"apple\"")
                    ROW(HOSTILE_JSON) ROW("\"fig\"") "<after>");
}

static void test_sort_when_made_text_or_flag_then_sorted(void **state)
{
    (void)state;
    assert_list(PARAMS("sort", "-label", "limit", "2", NAMES),
                "<before>" ROW("\"fig\"") ROW("\"appl\"") "<after>");
    assert_list(PARAMS("sort", "ripe", "limit", "1", NAMES), "<before>" ROW("\"apple\"") "<after>");
}

static void test_limit_when_given_then_rest_is_only_counted(void **state)
{
    (void)state;
    assert_list(PARAMS("limit", "1", NAMES), "<before>" ROW("\"pear\"") "<after>");
    assert_list(PARAMS("limit", "0", NAMES), "<before><after>");
    struct ph__list *list = NULL;
    assert_int_equal(make_list(&list, PARAMS("limit", "2", "format", "json")), 0);
    assert_int_equal(ph__list_matched(list), FRUIT_COUNT);
    assert_int_equal(ph__list_returned(list), 2);
    ph__list_free(list);
    assert_int_equal(make_list(&list, PARAMS("limit", "100", "format", "json")), 0);
    assert_int_equal(ph__list_returned(list), FRUIT_COUNT);
    ph__list_free(list);
}

static void test_filter_when_given_then_only_what_matches(void **state)
{
    (void)state;
    assert_list(PARAMS("port", "80", "sort", "-name", NAMES),
                "<before>" ROW("\"fig\"") ROW("\"apple\"") ROW(HOSTILE_JSON) "<after>");
    assert_list(PARAMS("state", "fallen", NAMES),
                "<before>" ROW("\"apple\"") ROW("null") ROW("\"fig\"") "<after>");
    assert_list(PARAMS("state", "fallen", "state", "hanging", NAMES), "<before><after>");
    assert_list(PARAMS("state", "hanging", "port", "80", NAMES),
                "<before>" ROW(HOSTILE_JSON) "<after>");
}

static void test_json_has_commas_between_rows_and_nested_values(void **state)
{
    (void)state;
    assert_list(PARAMS("format", "json", "limit", "2"),
                "<before>{\"name\":\"pear\",\"weight\":120,\"ripe\":true,\"seeds\":[0,1]},\n"
                "{\"name\":\"apple\",\"weight\":9,\"ripe\":false,\"seeds\":[1,2]}<after>");
    assert_list(PARAMS("format", "json", "fields", "label,seeds", "sort", "weight", "limit", "1"),
                "<before>{\"label\":\"label-1\",\"seeds\":[1,2]}<after>");
}

static void test_csv_has_a_head_quotes_and_no_formulas(void **state)
{
    (void)state;
    assert_list(PARAMS("format", "csv", "port", "1"),
                "<before>name,weight,ripe,seeds\r\n"
                "apple,9,false,\"1,2\"\r\n"
                "\"'=\\x1B[31m\"\"x\"\",\n\\xFF\",,false,\"3,4\"\r\n"
                "fig,,false,\"5,6\"\r\n<after>");
}

static void test_text_is_aligned_and_without_escapes(void **state)
{
    (void)state;
    assert_list(PARAMS("format", "text", "port", "1"), "<before>NAME                   WEIGHT\n"
                                                       "apple                  9\n"
                                                       "=\\x1B[31m\"x\",\\x0A\\xFF  -\n"
                                                       "fig                    -\n<after>");
    assert_list(PARAMS("format", "text", "fields", "weight,ripe", "limit", "1"),
                "<before>WEIGHT  RIPE\n120     true\n<after>");
    assert_list(PARAMS("format", "text", "limit", "0"), "<before>NAME  WEIGHT\n<after>");
}

/* However a list is cut, the pieces make up the same text. */
static void test_generate_when_cut_anywhere_then_same_text(void **state)
{
    (void)state;
    static const char *const formats[] = {"json", "ndjson", "csv", "text"};
    for (size_t i = 0; i < 4; i++) {
        const char *const *params = PARAMS("format", formats[i], "sort", "name");
        char *whole = write_list(params, 4096, 4096);
        size_t size = strlen(whole);
        for (size_t cut = 1; cut <= size; cut++) {
            char *text = write_list(params, cut, 4096);
            assert_string_equal(text, whole);
            free(text);
        }
        for (size_t room = 1; room < 40; room++) {
            char *text = write_list(params, room, room);
            assert_string_equal(text, whole);
            free(text);
        }
        free(whole);
    }
}

static void test_generate_when_at_the_end_then_zero_again(void **state)
{
    (void)state;
    struct ph__list *list = NULL;
    assert_int_equal(make_list(&list, PARAMS("limit", "0", "format", "ndjson")), 0);
    char piece[10];
    assert_int_equal(ph__list_generate(list, piece, sizeof piece), 0);
    assert_int_equal(ph__list_generate(list, piece, sizeof piece), 0);
    ph__list_free(list);
}

static void test_free_closes_the_view_once(void **state)
{
    (void)state;
    fruits_closed = 0;
    struct ph__list *list = NULL;
    assert_int_equal(make_list(&list, PARAMS("format", "json")), 0);
    assert_int_equal(fruits_closed, 0);
    ph__list_free(list);
    assert_int_equal(fruits_closed, 1);
    ph__list_free(NULL);
}

/* Wherever memory runs out, the list is refused or its text is cut with an error; a text that
 * comes through is complete. */
static void test_list_when_out_of_memory_anywhere_then_no_wrong_text(void **state)
{
    (void)state;
    static const char *const formats[] = {"json", "csv", "text"};
    for (size_t i = 0; i < 3; i++) {
        const char *const *params =
            PARAMS("format", formats[i], "sort", "label", "fields", "name,label,seeds");
        char *whole = write_list(params, 4096, 4096);
        bool complete = false;
        for (int left = 0; !complete; left++) {
            assert_true(left < 200);
            char text[4096];
            ssize_t size = -1;
            struct ph__list *list = NULL;
            fruits_closed = 0;
            fail_allocations(left, false);
            int err = make_list(&list, params);
            if (!err) {
                ph__buf_puts(ph__list_before(list), "<before>");
                ph__buf_puts(ph__list_after(list), "<after>");
                size = ph__list_generate(list, text, sizeof text);
            }
            stop_failing();
            ph__list_free(list);
            assert_int_equal(fruits_closed, list ? 1 : 0);
            if (err || size < 0) {
                assert_int_equal(err ? err : (int)size, -ENOMEM);
                continue;
            }
            assert_int_equal(size, strlen(whole));
            assert_memory_equal(text, whole, (size_t)size);
            complete = true;
        }
        free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort_when_text_then_by_bytes_and_nulls_last),
        cmocka_unit_test(test_sort_when_number_then_by_value_nulls_last_and_stable),
        cmocka_unit_test(test_sort_when_made_text_or_flag_then_sorted),
        cmocka_unit_test(test_limit_when_given_then_rest_is_only_counted),
        cmocka_unit_test(test_filter_when_given_then_only_what_matches),
        cmocka_unit_test(test_json_has_commas_between_rows_and_nested_values),
        cmocka_unit_test(test_csv_has_a_head_quotes_and_no_formulas),
        cmocka_unit_test(test_text_is_aligned_and_without_escapes),
        cmocka_unit_test(test_generate_when_cut_anywhere_then_same_text),
        cmocka_unit_test(test_generate_when_at_the_end_then_zero_again),
        cmocka_unit_test(test_free_closes_the_view_once),
        cmocka_unit_test(test_list_when_out_of_memory_anywhere_then_no_wrong_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
