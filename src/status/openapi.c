/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/openapi.json (OpenAPI 3.1).
 */
#include "status/openapi.h"

#include "status/negotiate.h"

#include <stdio.h>
#include <string.h>

#define PROBLEM_REF "{\"$ref\":\"#/components/responses/Problem\"}"

void ph__openapi_path(const struct ph__endpoint *endpoint, char path[PH__OPENAPI_PATH_TEXT])
{
    const char *colon = strchr(endpoint->path, ':');
    if (!colon) {
        snprintf(path, PH__OPENAPI_PATH_TEXT, "%s", endpoint->path);
        return;
    }
    snprintf(path, PH__OPENAPI_PATH_TEXT, "%.*s{%s}", (int)(colon - endpoint->path), endpoint->path,
             colon + 1);
}

const char *ph__param_type_name(enum ph__param_type type)
{
    static const char *const names[] = {
        [PH__PARAM_TEXT] = "string",
        [PH__PARAM_INTEGER] = "integer",
        [PH__PARAM_BOOLEAN] = "boolean",
    };
    return names[type];
}

static void add_params(struct ph__json *json, const struct ph__param *params)
{
    for (; params && params->name; params++) {
        ph__json_begin_object(json, NULL);
        ph__json_text(json, "name", params->name);
        ph__json_text(json, "in", params->in_path ? "path" : "query");
        ph__json_bool(json, "required", params->in_path);
        ph__json_text(json, "description", params->description);
        ph__json_begin_object(json, "schema");
        ph__json_text(json, "type", ph__param_type_name(params->type));
        if (params->type == PH__PARAM_INTEGER) {
            ph__json_u64(json, "minimum", 0);
        }
        ph__json_end(json);
        ph__json_end(json);
    }
}

/* {"application/json": {"schema": SCHEMA}} inside "content" */
static void add_content(struct ph__json *json, const char *media_type, const char *schema)
{
    ph__json_begin_object(json, media_type);
    ph__json_raw(json, "schema", schema);
    ph__json_end(json);
}

static void add_list_content(struct ph__json *json, const struct ph__list_kind *list)
{
    char schema[200];
    snprintf(schema, sizeof schema,
             "{\"allOf\":[{\"$ref\":\"#/components/schemas/List\"},{\"properties\":{\"%s\":{"
             "\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}}}}]}",
             list->name, list->row_name);
    add_content(json, "application/json", schema);
    snprintf(schema, sizeof schema, "{\"$ref\":\"#/components/schemas/%s\"}", list->row_name);
    add_content(json, ph__format_media_type(PH__FORMAT_NDJSON), schema);
    add_content(json, ph__format_media_type(PH__FORMAT_CSV), PH__SCHEMA_TEXT);
    add_content(json, ph__format_media_type(PH__FORMAT_TEXT), PH__SCHEMA_TEXT);
}

static void add_answers(struct ph__json *json, const struct ph__endpoint *endpoint)
{
    ph__json_begin_object(json, "200");
    ph__json_text(json, "description", endpoint->summary);
    ph__json_begin_object(json, "content");
    if (endpoint->list) {
        add_list_content(json, endpoint->list);
    } else if (endpoint->flags & PH__ENDPOINT_PAGE) {
        add_content(json, "text/html", PH__SCHEMA_TEXT);
    } else if (endpoint->media_type) {
        add_content(json, endpoint->media_type, PH__SCHEMA_TEXT);
    } else {
        add_content(json, "application/json",
                    endpoint->answer ? endpoint->answer : "{\"type\":\"object\"}");
    }
    ph__json_end(json);
    ph__json_end(json);
    ph__json_raw(json, "default", PROBLEM_REF);
}

static void add_operation(struct ph__json *json, const struct ph__endpoint *endpoint)
{
    char path[PH__OPENAPI_PATH_TEXT];
    ph__openapi_path(endpoint, path);
    ph__json_begin_object(json, path);
    ph__json_begin_object(json, "get");
    ph__json_text(json, "summary", endpoint->summary);
    ph__json_begin_array(json, "parameters");
    add_params(json, endpoint->params);
    add_params(json, endpoint->list ? ph__list_params : NULL);
    ph__json_end(json);
    ph__json_begin_object(json, "responses");
    add_answers(json, endpoint);
    ph__json_end(json);
    if (!(endpoint->flags & PH__ENDPOINT_OPEN)) {
        ph__json_raw(json, "security", "[{},{\"token\":[]}]");
    }
    ph__json_end(json);
    ph__json_end(json);
}

/* Any field may be null, where its value is not known. */
static void add_row_schema(struct ph__json *json, const struct ph__list_kind *list)
{
    ph__json_begin_object(json, list->row_name);
    ph__json_text(json, "type", "object");
    ph__json_begin_object(json, "properties");
    for (size_t i = 0; i < list->column_count; i++) {
        const struct ph__column *column = &list->columns[i];
        ph__json_begin_object(json, column->name);
        ph__json_text(json, "description", column->description);
        ph__json_begin_array(json, "anyOf");
        ph__json_raw(json, NULL, column->schema);
        ph__json_raw(json, NULL, "{\"type\":\"null\"}");
        ph__json_end(json);
        ph__json_end(json);
    }
    ph__json_end(json);
    ph__json_end(json);
}

static void add_components(struct ph__json *json)
{
    ph__json_begin_object(json, "components");
    ph__json_begin_object(json, "schemas");
    for (size_t i = 0; i < ph__endpoint_count; i++) {
        if (ph__endpoints[i].list) {
            add_row_schema(json, ph__endpoints[i].list);
        }
    }
    ph__json_raw(json, "List",
                 "{\"type\":\"object\",\"properties\":{\"taken_at\":{\"type\":\"string\","
                 "\"format\":\"date-time\"},\"age_ms\":{\"type\":\"integer\"},\"sources\":{"
                 "\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"$ref\":"
                 "\"#/components/schemas/Source\"}},\"matched\":{\"type\":\"integer\"},"
                 "\"returned\":{\"type\":\"integer\"}}}");
    ph__json_raw(json, "Source",
                 "{\"type\":\"object\",\"properties\":{\"source\":{\"enum\":[\"sock_diag\","
                 "\"procfs\",\"unavailable\"]},\"reason\":{\"type\":[\"string\",\"null\"]}}}");
    ph__json_raw(json, "Problem",
                 "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{"
                 "\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":"
                 "\"string\"}}}");
    ph__json_end(json);
    ph__json_begin_object(json, "responses");
    ph__json_raw(json, "Problem",
                 "{\"description\":\"What went wrong (RFC 9457)\",\"content\":{"
                 "\"application/problem+json\":{\"schema\":{\"$ref\":"
                 "\"#/components/schemas/Problem\"}}}}");
    ph__json_end(json);
    ph__json_raw(json, "securitySchemes", "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    ph__json_end(json);
}

void ph__openapi_write(struct ph__json *json, const struct ph__status *status)
{
    ph__json_text(json, "openapi", "3.1.0");
    ph__json_begin_object(json, "info");
    ph__json_text(json, "title", "porthole");
    ph__json_text(json, "version", ph_version());
    ph__json_text(json, "description", "The sockets and ports of this machine.");
    ph__json_end(json);
    ph__json_begin_object(json, "paths");
    for (size_t i = 0; i < ph__endpoint_count; i++) {
        if (!status || ph__endpoint_is_there(status, &ph__endpoints[i])) {
            add_operation(json, &ph__endpoints[i]);
        }
    }
    ph__json_end(json);
    add_components(json);
}

int ph__serve_openapi(struct ph__call *call)
{
    struct ph__json json;
    ph__json_init(&json);
    ph__openapi_write(&json, call->status);
    return ph__json_reply(&json, call->res, 200);
}
