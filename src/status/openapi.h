/* SPDX-License-Identifier: MIT
 *
 * The OpenAPI document, made from the table of endpoints and the columns of the lists.
 */
#ifndef PORTHOLE_STATUS_OPENAPI_H
#define PORTHOLE_STATUS_OPENAPI_H

#include "status/endpoints.h"
#include "status/json.h"

enum { PH__OPENAPI_PATH_TEXT = 128 };

/* The path with its parameters in braces: "/api/v1/sockets/{id}". */
void ph__openapi_path(const struct ph__endpoint *endpoint, char path[PH__OPENAPI_PATH_TEXT]);

/* "string", "integer" or "boolean". */
const char *ph__param_type_name(enum ph__param_type type);

/* Writes the whole document into the root object. */
void ph__openapi_write(struct ph__json *json, const struct ph__status *status);

#endif
