/* SPDX-License-Identifier: MIT
 *
 * Making replies.
 */
#include "http/response.h"

#include "base/decimal.h"
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
    if (ph__response_is_in_out(res) && !res->tail_release && !res->generate_release) {
        return;
    }
    if (res->tail_release) {
        res->tail_release(res->tail_owned);
    }
    if (res->generate_release) {
        res->generate_release(res->generate_user);
    }
    res->tail = NULL;
    res->tail_size = 0;
    res->file_size = 0;
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

#define NOT_A_VALUE SIZE_MAX
#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Never false when one of eight bytes is a control character; seldom true when none is. */
static inline bool may_have_control(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t is_delete = word ^ EACH_BYTE(0x7F);
    return (((word - EACH_BYTE(0x20)) & ~word) | ((is_delete - EACH_BYTE(1)) & ~is_delete)) &
           EACH_BYTE(0x80);
}

static inline bool is_control(char c)
{
    unsigned char byte = (unsigned char)c;
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
}

/* The length of a text without control characters; of another one NOT_A_VALUE: a line end in a
 * value would begin a field, or a reply, of a stranger. */
static size_t field_value_size(const char *text)
{
    size_t size = strlen(text);
    size_t checked = 0;
    while (size - checked >= sizeof(uint64_t) && !may_have_control(text + checked)) {
        checked += sizeof(uint64_t);
    }
    for (; checked < size; checked++) {
        if (is_control(text[checked])) {
            return NOT_A_VALUE;
        }
    }
    return size;
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

bool ph__response_is_value(const char *text)
{
    return field_value_size(text) != NOT_A_VALUE;
}

int ph__response_add_field(struct ph__buf *fields, const char *name, const char *value)
{
    if (!is_token(name) || !ph__response_is_value(value) || is_reserved(name)) {
        return PH_ERR_HEADER;
    }
    size_t before = fields->size;
    ph__buf_puts(fields, name);
    ph__buf_puts(fields, ": ");
    ph__buf_puts(fields, value);
    ph__buf_puts(fields, "\r\n");
    int err = ph__buf_error(fields);
    if (err < 0) {
        fields->size = before;
        fields->error = 0;
    }
    return err == PH_ERR_LIMIT ? -ENOSPC : err;
}

int ph_response_header(struct ph_response *res, const char *name, const char *value)
{
    if (res->status) {
        /* What is wrong with the field comes first. */
        return is_token(name) && ph__response_is_value(value) && !is_reserved(name) ? PH_ERR_REPLIED
                                                                                    : PH_ERR_HEADER;
    }
    return ph__response_add_field(&res->fields, name, value);
}

/* ---- the head ---- */

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* What a head can need besides the content type and the fields that were added. */
enum { HEAD_ROOM = 256, DATE_SIZE = 29 };

/* Appends a string literal, whose length the compiler knows. */
#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static inline char *put(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static char *put_status_line(char *at, int status)
{
    if (status == 200) {
        return PUT(at, "HTTP/1.1 200 OK\r\nDate: ");
    }
    at = PUT(at, "HTTP/1.1 ");
    at = ph__decimal_put(at, (unsigned)status);
    at = PUT(at, " ");
    at = stpcpy(at, ph_status_text(status));
    return PUT(at, "\r\nDate: ");
}

static char *put_connection(char *at, const struct ph_response *res)
{
    if (res->close) {
        return PUT(at, "Connection: close\r\n");
    }
    return res->minor_version == 0 ? PUT(at, "Connection: keep-alive\r\n") : at;
}

static char *put_length(char *at, const struct ph_response *res, int status, long long length)
{
    if (length == NO_LENGTH) {
        return res->chunked ? PUT(at, "Transfer-Encoding: chunked\r\n") : at;
    }
    if (!status_has_body(status)) {
        return at;
    }
    at = PUT(at, "Content-Length: ");
    at = ph__decimal_put(at, (unsigned long long)length);
    return PUT(at, "\r\n");
}

static char *put_type(char *at, const char *content_type, size_t size)
{
    if (!content_type) {
        return at;
    }
    at = PUT(at, "Content-Type: ");
    at = put(at, content_type, size);
    return PUT(at, "\r\n");
}

/* Writes the head, and leaves room for `more` bytes behind it. After a failure nothing of it is
 * left. */
static int put_head(struct ph_response *res, int status, const char *content_type, long long length,
                    size_t more)
{
    if (res->status) {
        return PH_ERR_REPLIED;
    }
    if (status < 200 || status > 599) {
        return -EINVAL;
    }
    size_t type_size = 0;
    if (content_type) {
        type_size = field_value_size(content_type);
        if (type_size == NOT_A_VALUE) {
            return PH_ERR_HEADER;
        }
    }
    struct ph__buf *out = res->out;
    char *at = ph__buf_reserve(out, HEAD_ROOM + type_size + res->fields.size + more);
    if (!at) {
        return ph__buf_error(out);
    }
    at = put_status_line(at, status);
    at = put(at, res->date, DATE_SIZE);
    at = PUT(at, "\r\n");
    at = put_type(at, content_type, type_size);
    res->length = ph__response_sends_body(res, status) ? length : 0;
    at = put_length(at, res, status, length);
    at = put_connection(at, res);
    if (res->fields.size > 0) {
        at = put(at, res->fields.data, res->fields.size);
    }
    at = PUT(at, "\r\n");
    out->size = (size_t)(at - out->data);
    return 0;
}

static int undo(struct ph_response *res, int err)
{
    if (err != PH_ERR_REPLIED) {
        res->out->size = res->mark;
        res->out->error = 0;
    }
    return err;
}

int ph__response_head(struct ph_response *res, int status, const char *content_type, uint64_t size,
                      size_t more)
{
    int err = put_head(res, status, content_type, (long long)size, more);
    return err < 0 ? undo(res, err) : 0;
}

/* ---- replies ---- */

bool ph__response_sends_body(const struct ph_response *res, int status)
{
    return status_has_body(status) && !res->head_only;
}

/* A body that stays where it is until it is sent. `release` may be NULL. */
static int reply_with_tail(struct ph_response *res, int status, const char *content_type,
                           const void *data, size_t size, void *owned, void (*release)(void *))
{
    int err = ph__response_head(res, status, content_type, size, 0);
    if (err < 0) {
        return err;
    }
    res->status = status;
    res->tail_owned = owned;
    res->tail_release = release;
    if (ph__response_sends_body(res, status)) {
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
    int err = ph__response_head(res, status, content_type, size, size);
    if (err < 0) {
        return err;
    }
    if (ph__response_sends_body(res, status)) {
        struct ph__buf *out = res->out;
        memcpy(out->data + out->size, data, size);
        out->size += size;
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
    int err = put_head(res, status, content_type, status_has_body(status) ? NO_LENGTH : 0, 0);
    if (err < 0) {
        res->chunked = chunked_before;
        res->close = close_before;
        return undo(res, err);
    }
    res->status = status;
    res->generate_user = user;
    res->generate_release = release;
    if (ph__response_sends_body(res, status)) {
        res->generate = generate;
    } else {
        ph__response_release(res);
    }
    return 0;
}
