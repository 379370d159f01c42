/* SPDX-License-Identifier: MIT
 *
 * What http.h tells of a request.
 */
#include "http/request.h"

#include "http/pairs.h"
#include "http/router.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

const char *ph_request_method(const struct ph_request *req)
{
    return ph__method_name(req->method);
}

const char *ph_request_path(const struct ph_request *req)
{
    return req->uri.path;
}

const char *ph_request_target(const struct ph_request *req)
{
    return req->head + req->target;
}

int ph_request_minor_version(const struct ph_request *req)
{
    return req->minor_version;
}

/* The request is complete and its lines have been checked: each has a colon and ends with CR LF. */
static void index_fields(struct ph_request *req)
{
    uint32_t at = req->fields_at;
    for (unsigned i = 0; i < req->field_count; i++) {
        char *line = req->head + at;
        char *end = memchr(line, '\r', req->fields_end - at);
        char *colon = memchr(line, ':', (size_t)(end - line));
        colon = colon ? colon : end; /* never: llhttp refuses a line without one */
        char *value = colon < end ? colon + 1 : end;
        at = (uint32_t)(end + 2 - req->head);
        while (value < end && (*value == ' ' || *value == '\t')) {
            value++;
        }
        while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }
        *colon = '\0';
        *end = '\0';
        req->fields[i] = (struct ph__field){.name = (uint32_t)(line - req->head),
                                            .name_size = (uint32_t)(colon - line),
                                            .value = (uint32_t)(value - req->head),
                                            .value_size = (uint32_t)(end - value)};
    }
}

void ph__request_index(const struct ph_request *req)
{
    if (!req->indexed) {
        /* Another form of the same bytes: it does not change what the request is. */
        struct ph_request *cache = (struct ph_request *)(uintptr_t)req;
        index_fields(cache);
        cache->indexed = true;
    }
}

const struct ph__field *ph__request_field(const struct ph_request *req, const char *name)
{
    size_t size = strlen(name);
    ph__request_index(req);
    for (unsigned i = 0; i < req->field_count; i++) {
        const struct ph__field *field = &req->fields[i];
        if (field->name_size == size && strncasecmp(req->head + field->name, name, size) == 0) {
            return field;
        }
    }
    return NULL;
}

const char *ph_request_header(const struct ph_request *req, const char *name)
{
    const struct ph__field *field = ph__request_field(req, name);
    return field ? req->head + field->value : NULL;
}

size_t ph_request_header_count(const struct ph_request *req)
{
    return req->field_count;
}

int ph_request_header_at(const struct ph_request *req, size_t index, const char **ret_name,
                         const char **ret_value)
{
    if (index >= req->field_count) {
        return -ERANGE;
    }
    ph__request_index(req);
    *ret_name = req->head + req->fields[index].name;
    *ret_value = req->head + req->fields[index].value;
    return 0;
}

const char *ph_request_param(const struct ph_request *req, const char *name)
{
    int index = req->route ? ph__route_param(req->route, name) : -1;
    return index < 0 ? NULL : req->params[index];
}

int ph_request_query_at(const struct ph_request *req, size_t index, const char **ret_name,
                        const char **ret_value)
{
    return ph__pairs_at(req->uri.query, req->uri.query_count, index, ret_name, ret_value);
}

const char *ph_request_query(const struct ph_request *req, const char *name)
{
    return ph__pairs_find(req->uri.query, req->uri.query_count, name);
}

size_t ph_request_query_count(const struct ph_request *req)
{
    return req->uri.query_count;
}

const void *ph_request_body(const struct ph_request *req, size_t *ret_size)
{
    *ret_size = req->body_size;
    return req->body_size ? req->body : "";
}

const char *ph_request_peer(const struct ph_request *req)
{
    /* The text is a cache of `peer`: writing it does not change what the request is. */
    struct ph_request *cache = (struct ph_request *)(uintptr_t)req;
    if (!req->peer_text[0]) {
        ph__sockaddr_format(&req->peer, cache->peer_text, sizeof cache->peer_text);
    }
    return req->peer_text;
}

struct ph_server *ph_request_server(const struct ph_request *req)
{
    return req->server;
}
