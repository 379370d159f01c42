/* SPDX-License-Identifier: MIT
 *
 * The one user of cJSON. It keeps the tree and prints it; texts and whole numbers are handed to
 * it ready made, since cJSON passes invalid UTF-8 on and keeps numbers as doubles.
 */
#include "status/json.h"

#include "base/clock.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ph__json_init(struct ph__json *json)
{
    *json = (struct ph__json){.error = -ENOMEM};
    json->open[0] = cJSON_CreateObject();
    if (json->open[0]) {
        json->depth = 1;
        json->error = 0;
    }
}

void ph__json_done(struct ph__json *json)
{
    cJSON_Delete(json->open[0]);
    *json = (struct ph__json){.error = -ENOMEM};
}

/* Takes `item`, NULL when it could not be made, into what is open. */
static cJSON *add(struct ph__json *json, const char *name, cJSON *item)
{
    cJSON *parent = json->error ? NULL : json->open[json->depth - 1];
    bool added = parent && item &&
                 (cJSON_IsArray(parent) ? cJSON_AddItemToArray(parent, item)
                                        : cJSON_AddItemToObject(parent, name, item));
    if (added) {
        return item;
    }
    cJSON_Delete(item);
    json->error = json->error ? json->error : -ENOMEM;
    return NULL;
}

static void begin(struct ph__json *json, const char *name, cJSON *item)
{
    if (!json->error && json->depth == PH__JSON_DEPTH) {
        json->error = -EINVAL;
    }
    item = add(json, name, item);
    if (item) {
        json->open[json->depth++] = item;
    }
}

void ph__json_begin_object(struct ph__json *json, const char *name)
{
    begin(json, name, cJSON_CreateObject());
}

void ph__json_begin_array(struct ph__json *json, const char *name)
{
    begin(json, name, cJSON_CreateArray());
}

void ph__json_end(struct ph__json *json)
{
    if (!json->error && json->depth > 1) {
        json->depth--;
    }
}

void ph__json_raw(struct ph__json *json, const char *name, const char *text)
{
    add(json, name, cJSON_CreateRaw(text));
}

void ph__json_null(struct ph__json *json, const char *name)
{
    add(json, name, cJSON_CreateNull());
}

void ph__json_bool(struct ph__json *json, const char *name, bool flag)
{
    add(json, name, cJSON_CreateBool(flag));
}

void ph__json_text(struct ph__json *json, const char *name, const char *text)
{
    if (!text) {
        ph__json_null(json, name);
        return;
    }
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_put_json(&buf, text, strlen(text));
    ph__buf_putc(&buf, '\0');
    add(json, name, ph__buf_error(&buf) ? NULL : cJSON_CreateRaw(buf.data));
    ph__buf_done(&buf);
}

void ph__json_u64(struct ph__json *json, const char *name, uint64_t number)
{
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\0';
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    ph__json_raw(json, name, text + at);
}

void ph__json_known(struct ph__json *json, const char *name, int64_t number)
{
    if (number < 0) {
        ph__json_null(json, name);
        return;
    }
    ph__json_u64(json, name, (uint64_t)number);
}

void ph__json_number(struct ph__json *json, const char *name, double number)
{
    add(json, name, cJSON_CreateNumber(number));
}

void ph__json_time(struct ph__json *json, const char *name, uint64_t unix_ms)
{
    char text[PH__RFC3339_TEXT];
    ph__format_rfc3339(unix_ms, text, sizeof text);
    ph__json_text(json, name, text);
}

char *ph__json_print(const struct ph__json *json)
{
    char *text = json->error ? NULL : cJSON_PrintUnformatted(json->open[0]);
    /* An embedder may have given cJSON an allocator of its own; ours is free(). */
    char *copy = text ? strdup(text) : NULL;
    cJSON_free(text);
    return copy;
}

int ph__json_reply(struct ph__json *json, struct ph_response *res, int status)
{
    int err = json->error;
    char *text = ph__json_print(json);
    ph__json_done(json);
    if (!text) {
        return err ? err : -ENOMEM;
    }
    err = ph_reply_take(res, status, "application/json", text, strlen(text), free);
    if (err < 0) {
        free(text);
    }
    return err;
}
