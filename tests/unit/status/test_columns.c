/* SPDX-License-Identifier: MIT */
#include "status/columns.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

static void assert_json(const struct ph__value *value, const char *expected)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__value_write_json(value, &buf);
    char *text = ph__buf_take(&buf);
    assert_string_equal(text, expected);
    free(text);
}

static void test_values_write_as_json(void **state)
{
    (void)state;
    struct ph__buf scratch;
    ph__buf_init(&scratch, 0);
    struct ph__value value = {.scratch = &scratch};
    assert_json(&value, "null"); /* what a column leaves alone */
    ph__value_bool(&value, true);
    assert_json(&value, "true");
    ph__value_bool(&value, false);
    assert_json(&value, "false");
    ph__value_int(&value, INT64_MIN);
    assert_json(&value, "-9223372036854775808");
    ph__value_known(&value, 0);
    assert_json(&value, "0");
    ph__value_known(&value, -1);
    assert_json(&value, "null");
    ph__value_text(&value, "a\"\xFF");
    assert_json(&value, "\"a\\\"\xEF\xBF\xBD\"");
    ph__value_text(&value, "");
    assert_json(&value, "\"\"");
    ph__value_text(&value, NULL);
    assert_json(&value, "null");
    ph__value_scratch(&value);
    assert_json(&value, "null");
    ph__buf_puts(&scratch, "made");
    ph__value_scratch(&value);
    assert_json(&value, "\"made\"");
    ph__value_null(&value);
    assert_json(&value, "null");
    ph__buf_done(&scratch);
}

/* The engine relies on these; so does whoever adds a column. */
static void test_every_list_is_well_formed(void **state)
{
    (void)state;
    static const struct ph__list_kind *const kinds[] = {&ph__list_sockets, &ph__list_ports,
                                                        &ph__list_connections, &ph__list_processes};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct ph__list_kind *kind = kinds[i];
        size_t shown = 0;
        assert_true(kind->column_count <= PH__COLUMNS_MAX);
        assert_non_null(kind->count);
        assert_non_null(kind->match);
        assert_int_equal(!kind->states, !kind->state);
        for (size_t k = 0; k < kind->column_count; k++) {
            const struct ph__column *column = &kind->columns[k];
            assert_true(strlen(column->description) > 0);
            assert_non_null(column->get);
            assert_int_equal(strspn(column->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                             strlen(column->name));
            bool nested =
                strstr(column->schema, "\"array\"") || strstr(column->schema, "\"object\"");
            assert_true(nested || !column->json);
            shown += (column->flags & PH__COLUMN_SHOWN) != 0;
            for (size_t l = 0; l < k; l++) {
                assert_string_not_equal(kind->columns[l].name, column->name);
            }
        }
        assert_true(shown > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_write_as_json),
        cmocka_unit_test(test_every_list_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
