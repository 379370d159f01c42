/* SPDX-License-Identifier: MIT
 *
 * The server with the status API under test.
 */
#include "support/status_server.h"

#include "support/client.h"
#include "support/cmocka.h"

#include <string.h>

struct ph_server *server;
uint16_t port;

void start_server(const struct ph_config *config, const struct ph_status_config *status)
{
    assert_null(server);
    assert_int_equal(ph_server_new(&server, config), 0);
    assert_int_equal(ph_status_mount(server, status), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

int start_default(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 2};
    start_server(&config, NULL);
    return 0;
}

int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    server = NULL;
    return 0;
}

cJSON *get_json(const char *target, int status)
{
    struct reply reply = client_get(port, target, "");
    if (reply.status != status) {
        fail_msg("GET %s: %d %s", target, reply.status, reply.body);
    }
    assert_reply_field(&reply, "Content-Type",
                       status >= 400 ? "application/problem+json" : "application/json");
    cJSON *json = cJSON_Parse(reply.body);
    assert_non_null(json);
    reply_done(&reply);
    return json;
}

void assert_problem_at(const char *target, int status, const char *word)
{
    cJSON *json = get_json(target, status);
    assert_int_equal(number(json, "status"), status);
    if (!strstr(text(json, "detail"), word)) {
        fail_msg("GET %s: no %s in: %s", target, word, text(json, "detail"));
    }
    assert_string_equal(text(json, "type"), "about:blank");
    assert_true(strlen(text(json, "title")) > 0);
    cJSON_Delete(json);
}

const cJSON *field(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item) {
        fail_msg("no field %s", name);
    }
    return item;
}

double number(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

const char *text(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

void assert_null_field(const cJSON *object, const char *name)
{
    assert_true(cJSON_IsNull(field(object, name)));
}
