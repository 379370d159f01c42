/* SPDX-License-Identifier: MIT */
#include "status/json.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *hooked_malloc(size_t size)
{
    return malloc(size); /* fails on demand, which malloc of the shared library does not */
}

static int hook(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {.malloc_fn = hooked_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    return 0;
}

static void build(struct ph__json *json)
{
    ph__json_init(json);
    ph__json_text(json, "text", "a\"\x01\xFF");
    ph__json_text(json, "none", NULL);
    ph__json_u64(json, "big", UINT64_MAX);
    ph__json_u64(json, "zero", 0);
    ph__json_known(json, "unknown", -1);
    ph__json_known(json, "known", INT64_MAX);
    ph__json_number(json, "ratio", 0.25);
    ph__json_time(json, "time", 0);
    ph__json_begin_array(json, "list");
    ph__json_bool(json, NULL, true);
    ph__json_begin_object(json, NULL);
    ph__json_raw(json, "raw", "[1,2]");
    ph__json_end(json);
    ph__json_end(json);
    ph__json_null(json, "last");
}

#define WHOLE                                                                            \
    "{\"text\":\"a\\\"\\u0001\xEF\xBF\xBD\",\"none\":null,\"big\":18446744073709551615," \
    "\"zero\":0,\"unknown\":null,\"known\":9223372036854775807,\"ratio\":0.25,\"time\":" \
    "\"1970-01-01T00:00:00.000Z\",\"list\":[true,{\"raw\":[1,2]}],\"last\":null}"

static void test_print_when_nested_too_deep_then_null(void **state)
{
    (void)state;
    struct ph__json json;
    ph__json_init(&json);
    for (int i = 0; i < PH__JSON_DEPTH; i++) {
        ph__json_begin_object(&json, "deeper");
    }
    assert_int_equal(json.error, -EINVAL);
    assert_null(ph__json_print(&json));
    ph__json_done(&json);
}

static void test_print_when_out_of_memory_anywhere_then_null(void **state)
{
    (void)state;
    char *text = NULL;
    int left = 0;
    for (; !text; left++) {
        assert_true(left < 500);
        struct ph__json json;
        fail_allocations(left, false);
        build(&json);
        text = ph__json_print(&json);
        stop_failing();
        if (!text && json.error) {
            assert_int_equal(json.error, -ENOMEM);
        }
        ph__json_done(&json);
    }
    assert_true(left > 20); /* each value is at least one allocation */
    assert_string_equal(text, WHOLE);
    free(text);
}

static void test_print_when_built_then_compact_and_exact(void **state)
{
    (void)state;
    struct ph__json json;
    build(&json);
    char *text = ph__json_print(&json);
    assert_string_equal(text, WHOLE);
    cJSON *parsed = cJSON_Parse(text);
    assert_non_null(parsed);
    cJSON_Delete(parsed);
    free(text);
    ph__json_done(&json);
}

static void test_end_when_only_the_root_is_open_then_nothing(void **state)
{
    (void)state;
    struct ph__json json;
    ph__json_init(&json);
    ph__json_end(&json);
    ph__json_bool(&json, "still", true);
    char *text = ph__json_print(&json);
    assert_string_equal(text, "{\"still\":true}");
    free(text);
    ph__json_done(&json);
    ph__json_done(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_when_nested_too_deep_then_null),
        cmocka_unit_test(test_print_when_out_of_memory_anywhere_then_null),
        cmocka_unit_test(test_print_when_built_then_compact_and_exact),
        cmocka_unit_test(test_end_when_only_the_root_is_open_then_nothing),
    };
    return cmocka_run_group_tests(tests, hook, NULL);
}
