/* SPDX-License-Identifier: MIT
 *
 * Making replies.
 */
#include "http/response.h"

#include "http/token.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELDS_MAX = 4096, DETAIL_MAX = 1000, NO_LENGTH = -1 };

void ph__response_init(struct ph_response *res, struct ph__buf *out)
{
    *res = (struct ph_response){.out = out};
    ph__buf_init(&res->fields, FIELDS_MAX);
}

void ph__response_done(struct ph_response *res)
{
    ph__response_release(res);
    ph__buf_done(&res->fields);
}

void ph__response_begin(struct ph_response *res, const char *date)
{
    res->mark = res->out->size;
    ph__buf_reset(&res->fields);
    res->date = date;
    res->status = 0;
    res->chunked = false;
}

void ph__response_release(struct ph_response *res)
{
    if (res->tail_release) {
        res->tail_release(res->tail_owned);
    }
    if (res->generate_release) {
        res->generate_release(res->generate_user);
    }
    res->tail = NULL;
    res->tail_size = 0;
    res->tail_release = NULL;
    res->generate = NULL;
    res->generate_release = NULL;
}

void ph__response_cancel(struct ph_response *res)
{
    ph__response_release(res);
    res->out->size = res->mark;
    res->out->error = 0;
    ph__response_begin(res, res->date);
}

/* ---- header fields ---- */

static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!ph__is_token_char(*c)) {
            return false;
        }
    }
    return *text != '\0';
}

/* No control characters: a line end in a value would begin a field, or a reply, of a stranger. */
static bool is_field_value(const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Connection", "Content-Length", "Content-Type", "Date",
                                        "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int ph_response_header(struct ph_response *res, const char *name, const char *value)
{
    if (!is_token(name) || !is_field_value(value) || is_reserved(name)) {
        return PH_ERR_HEADER;
    }
    if (res->status) {
        return PH_ERR_REPLIED;
    }
    size_t before = res->fields.size;
    ph__buf_puts(&res->fields, name);
    ph__buf_puts(&res->fields, ": ");
    ph__buf_puts(&res->fields, value);
    ph__buf_puts(&res->fields, "\r\n");
    int err = ph__buf_error(&res->fields);
    if (err < 0) {
        res->fields.size = before;
        res->fields.error = 0;
    }
    return err == PH_ERR_LIMIT ? -ENOSPC : err;
}

/* ---- the head ---- */

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void put_status_line(struct ph__buf *out, int status)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nDate: ";
    if (status == 200) {
        ph__buf_append(out, ok, sizeof ok - 1);
        return;
    }
    ph__buf_puts(out, "HTTP/1.1 ");
    ph__buf_put_u64(out, (unsigned)status);
    ph__buf_putc(out, ' ');
    ph__buf_puts(out, ph_status_text(status));
    ph__buf_puts(out, "\r\nDate: ");
}

static void put_connection(struct ph__buf *out, const struct ph_response *res)
{
    if (res->close) {
        ph__buf_puts(out, "Connection: close\r\n");
    } else if (res->minor_version == 0) {
        ph__buf_puts(out, "Connection: keep-alive\r\n");
    }
}

static void put_length(struct ph__buf *out, const struct ph_response *res, int status,
                       long long length)
{
    if (length != NO_LENGTH) {
        if (status_has_body(status)) {
            ph__buf_puts(out, "Content-Length: ");
            ph__buf_put_u64(out, (unsigned long long)length);
            ph__buf_puts(out, "\r\n");
        }
    } else if (res->chunked) {
        ph__buf_puts(out, "Transfer-Encoding: chunked\r\n");
    }
}

/* Writes the head. After a failure nothing of it is left. */
static int put_head(struct ph_response *res, int status, const char *content_type, long long length)
{
    enum { DATE_SIZE = 29 };
    if (res->status) {
        return PH_ERR_REPLIED;
    }
    if (status < 200 || status > 599) {
        return -EINVAL;
    }
    if (content_type && !is_field_value(content_type)) {
        return PH_ERR_HEADER;
    }
    struct ph__buf *out = res->out;
    put_status_line(out, status);
    ph__buf_append(out, res->date, DATE_SIZE);
    ph__buf_puts(out, "\r\n");
    if (content_type) {
        ph__buf_puts(out, "Content-Type: ");
        ph__buf_puts(out, content_type);
        ph__buf_puts(out, "\r\n");
    }
    put_length(out, res, status, length);
    put_connection(out, res);
    ph__buf_append(out, res->fields.data, res->fields.size);
    ph__buf_puts(out, "\r\n");
    return ph__buf_error(out);
}

static int undo(struct ph_response *res, int err)
{
    if (err != PH_ERR_REPLIED) {
        res->out->size = res->mark;
        res->out->error = 0;
    }
    return err;
}

/* ---- replies ---- */

static bool sends_body(const struct ph_response *res, int status)
{
    return status_has_body(status) && !res->head_only;
}

/* A body that stays where it is until it is sent. `release` may be NULL. */
static int reply_with_tail(struct ph_response *res, int status, const char *content_type,
                           const void *data, size_t size, void *owned, void (*release)(void *))
{
    int err = put_head(res, status, content_type, (long long)size);
    if (err < 0) {
        return undo(res, err);
    }
    res->status = status;
    res->tail_owned = owned;
    res->tail_release = release;
    if (sends_body(res, status)) {
        res->tail = data;
        res->tail_size = size;
    } else {
        ph__response_release(res);
    }
    return 0;
}

static int reply_small(struct ph_response *res, int status, const char *content_type,
                       const void *data, size_t size)
{
    int err = put_head(res, status, content_type, (long long)size);
    if (err == 0 && sends_body(res, status)) {
        ph__buf_append(res->out, data, size);
        err = ph__buf_error(res->out);
    }
    if (err < 0) {
        return undo(res, err);
    }
    res->status = status;
    return 0;
}

int ph_reply_copy(struct ph_response *res, int status, const char *content_type, const void *data,
                  size_t size)
{
    if (size <= PH__SMALL_BODY) {
        return reply_small(res, status, content_type, data, size);
    }
    void *copy = malloc(size);
    if (!copy) {
        return -ENOMEM;
    }
    memcpy(copy, data, size);
    int err = reply_with_tail(res, status, content_type, copy, size, copy, free);
    if (err < 0) {
        free(copy);
    }
    return err;
}

int ph_reply_take(struct ph_response *res, int status, const char *content_type, void *data,
                  size_t size, void (*release)(void *data))
{
    if (size <= PH__SMALL_BODY) {
        int err = reply_small(res, status, content_type, data, size);
        if (err == 0 && release) {
            release(data);
        }
        return err;
    }
    return reply_with_tail(res, status, content_type, data, size, data, release);
}

int ph_reply_static(struct ph_response *res, int status, const char *content_type, const void *data,
                    size_t size)
{
    if (size <= PH__SMALL_BODY) {
        return reply_small(res, status, content_type, data, size);
    }
    return reply_with_tail(res, status, content_type, data, size, NULL, NULL);
}

int ph_reply_text(struct ph_response *res, int status, const char *text)
{
    return ph_reply_copy(res, status, "text/plain; charset=utf-8", text, strlen(text));
}

int ph_reply_json(struct ph_response *res, int status, const char *json)
{
    return ph_reply_copy(res, status, "application/json", json, strlen(json));
}

int ph_reply_empty(struct ph_response *res, int status)
{
    return reply_small(res, status, NULL, "", 0);
}

int ph_reply_problem(struct ph_response *res, int status, const char *format, ...)
{
    char detail[DETAIL_MAX + 1];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (length < 0) {
        return -EINVAL;
    }
    struct ph__buf json;
    ph__buf_init(&json, 0);
    ph__buf_puts(&json, "{\"type\":\"about:blank\",\"title\":");
    const char *title = ph_status_text(status);
    ph__buf_put_json(&json, title, strlen(title));
    ph__buf_printf(&json, ",\"status\":%d,\"detail\":", status);
    ph__buf_put_json(&json, detail, strlen(detail));
    ph__buf_putc(&json, '}');
    int err = ph__buf_error(&json);
    if (err == 0) {
        err = ph_reply_copy(res, status, "application/problem+json", json.data, json.size);
    }
    ph__buf_done(&json);
    return err;
}

int ph_reply_generate(struct ph_response *res, int status, const char *content_type,
                      ph_generate generate, void *user, void (*release)(void *user))
{
    bool chunked_before = res->chunked;
    bool close_before = res->close;
    if (!res->status && status_has_body(status)) {
        res->chunked = res->minor_version >= 1;
        res->close |= !res->chunked; /* only the close ends the body */
    }
    int err = put_head(res, status, content_type, status_has_body(status) ? NO_LENGTH : 0);
    if (err < 0) {
        res->chunked = chunked_before;
        res->close = close_before;
        return undo(res, err);
    }
    res->status = status;
    res->generate_user = user;
    res->generate_release = release;
    if (sends_body(res, status)) {
        res->generate = generate;
    } else {
        ph__response_release(res);
    }
    return 0;
}
