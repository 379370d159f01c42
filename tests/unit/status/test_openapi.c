/* SPDX-License-Identifier: MIT */
#include "status/openapi.h"

#include "support/cmocka.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
    struct ph__json json;
    ph__json_init(&json);
    ph__openapi_write(&json, NULL);
    char *text = ph__json_print(&json);
    ph__json_done(&json);
    *state = text ? cJSON_Parse(text) : NULL;
    free(text);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    cJSON_Delete(*state);
    return 0;
}

static const cJSON *at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!item) {
        print_error("no %s\n", name);
    }
    assert_non_null(item);
    return item;
}

static void test_every_endpoint_has_a_summary_and_an_operation(void **state)
{
    for (size_t i = 0; i < ph__endpoint_count; i++) {
        const struct ph__endpoint *endpoint = &ph__endpoints[i];
        char path[PH__OPENAPI_PATH_TEXT];
        ph__openapi_path(endpoint, path);
        assert_non_null(endpoint->handle);
        assert_true(strlen(endpoint->summary) > 0);
        assert_null(strchr(path, ':'));
        const cJSON *get = at(at(at(*state, "paths"), path), "get");
        assert_string_equal(at(get, "summary")->valuestring, endpoint->summary);
        assert_true(cJSON_IsObject(at(at(get, "responses"), "default")));
    }
    assert_int_equal(cJSON_GetArraySize(at(*state, "paths")), ph__endpoint_count);
}

static void test_path_parameters_are_described_and_required(void **state)
{
    const cJSON *path = NULL;
    cJSON_ArrayForEach(path, at(*state, "paths"))
    {
        bool found = !strchr(path->string, '{');
        const cJSON *param = NULL;
        cJSON_ArrayForEach(param, at(at(path, "get"), "parameters"))
        {
            char braced[80];
            bool in_path = strcmp(at(param, "in")->valuestring, "path") == 0;
            snprintf(braced, sizeof braced, "{%s}", at(param, "name")->valuestring);
            assert_int_equal(in_path, strstr(path->string, braced) != NULL);
            assert_int_equal(cJSON_IsTrue(at(param, "required")), in_path);
            found = found || in_path;
        }
        assert_true(found);
    }
}

/* Each "$ref" has to point at something in this document. */
static void check_references(const cJSON *root, const cJSON *item)
{
    for (; item; item = item->next) {
        if (item->string && strcmp(item->string, "$ref") == 0) {
            char kind[32];
            char name[32];
            assert_int_equal(sscanf(item->valuestring, "#/components/%31[a-z]/%31s", kind, name),
                             2);
            at(at(at(root, "components"), kind), name);
        }
        check_references(root, item->child);
    }
}

static void test_references_lead_somewhere(void **state)
{
    check_references(*state, *state);
}

static void test_row_schemas_name_every_column(void **state)
{
    static const struct ph__list_kind *const kinds[] = {&ph__list_sockets, &ph__list_ports,
                                                        &ph__list_processes, &ph__list_connections};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *schema = at(at(at(*state, "components"), "schemas"), kinds[i]->row_name);
        for (size_t k = 0; k < kinds[i]->column_count; k++) {
            at(at(schema, "properties"), kinds[i]->columns[k].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_endpoint_has_a_summary_and_an_operation),
        cmocka_unit_test(test_path_parameters_are_described_and_required),
        cmocka_unit_test(test_references_lead_somewhere),
        cmocka_unit_test(test_row_schemas_name_every_column),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
