/* SPDX-License-Identifier: MIT
 *
 * A server with the status API for integration tests, on a free port.
 */
#ifndef PORTHOLE_TESTS_STATUS_SERVER_H
#define PORTHOLE_TESTS_STATUS_SERVER_H

#include "support/fetch.h"

#include <porthole/status.h>

#include <cjson/cJSON.h>

static struct ph_server *server;
static uint16_t port;

static inline void start_server(const struct ph_config *config,
                                const struct ph_status_config *status)
{
    assert_null(server);
    assert_int_equal(ph_server_new(&server, config), 0);
    assert_int_equal(ph_status_mount(server, status), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

static inline int start_default(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 2};
    start_server(&config, NULL);
    return 0;
}

static inline int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    server = NULL;
    return 0;
}

/* GETs a target that answers JSON with a status. The caller deletes the document. */
static inline cJSON *get_json(const char *target, int status)
{
    struct reply reply = client_get(port, target, "");
    if (reply.status != status) {
        print_error("GET %s: %d %s\n", target, reply.status, reply.body);
    }
    assert_int_equal(reply.status, status);
    const char *type = reply_header(&reply, "Content-Type");
    assert_string_equal(type, status >= 400 ? "application/problem+json" : "application/json");
    cJSON *json = cJSON_Parse(reply.body);
    assert_non_null(json);
    reply_done(&reply);
    return json;
}

static inline const cJSON *field(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) {
        print_error("no field %s\n", name);
    }
    assert_non_null(item);
    return item;
}

static inline double number(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static inline const char *text(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

static inline void assert_null_field(const cJSON *object, const char *name)
{
    assert_true(cJSON_IsNull(field(object, name)));
}

/* Whether the detail of a problem has a word in it. */
static inline void assert_problem(const char *target, int status, const char *word)
{
    cJSON *json = get_json(target, status);
    assert_int_equal(number(json, "status"), status);
    if (!strstr(text(json, "detail"), word)) {
        print_error("GET %s: no %s in: %s\n", target, word, text(json, "detail"));
    }
    assert_non_null(strstr(text(json, "detail"), word));
    assert_string_equal(text(json, "type"), "about:blank");
    assert_true(strlen(text(json, "title")) > 0);
    cJSON_Delete(json);
}

#endif
