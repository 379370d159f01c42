/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1: every endpoint with its parameters, from the table.
 */
#include "status/endpoints.h"
#include "status/json.h"
#include "status/openapi.h"

static void add_params(struct ph__json *json, const struct ph__param *params)
{
    for (; params && params->name; params++) {
        ph__json_begin_object(json, NULL);
        ph__json_text(json, "name", params->name);
        ph__json_text(json, "in", params->in_path ? "path" : "query");
        ph__json_text(json, "type", ph__param_type_name(params->type));
        ph__json_text(json, "description", params->description);
        ph__json_end(json);
    }
}

static void add_endpoint(struct ph__json *json, const struct ph__endpoint *endpoint)
{
    char path[PH__OPENAPI_PATH_TEXT];
    ph__openapi_path(endpoint, path);
    ph__json_begin_object(json, NULL);
    ph__json_text(json, "method", "GET");
    ph__json_text(json, "path", path);
    ph__json_text(json, "summary", endpoint->summary);
    ph__json_begin_array(json, "parameters");
    add_params(json, endpoint->params);
    add_params(json, endpoint->list ? ph__list_params : NULL);
    ph__json_end(json);
    ph__json_end(json);
}

int ph__serve_index(struct ph__call *call)
{
    struct ph__json json;
    ph__json_init(&json);
    ph__json_text(&json, "name", "porthole");
    ph__json_text(&json, "version", ph_version());
    ph__json_begin_array(&json, "endpoints");
    for (size_t i = 0; i < ph__endpoint_count; i++) {
        if (ph__endpoint_is_there(call->status, &ph__endpoints[i])) {
            add_endpoint(&json, &ph__endpoints[i]);
        }
    }
    ph__json_end(&json);
    return ph__json_reply(&json, call->res, 200);
}
