/* SPDX-License-Identifier: MIT
 *
 * The growable buffer: grows by doubling, so that building a document of n bytes copies O(n).
 */
#include "base/buf.h"

#include "base/decimal.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void ph__buf_init(struct ph__buf *buf, size_t limit)
{
    *buf = (struct ph__buf){.limit = limit};
}

void ph__buf_done(struct ph__buf *buf)
{
    free(buf->data);
    ph__buf_init(buf, buf->limit);
}

static char *fail(struct ph__buf *buf, int error)
{
    buf->error = error;
    return NULL;
}

char *ph__buf_grow(struct ph__buf *buf, size_t more)
{
    if (buf->error) {
        return NULL;
    }
    if (more > SIZE_MAX / 2 - buf->size) {
        return fail(buf, -ENOMEM);
    }
    size_t wanted = buf->size + more;
    if (buf->limit && wanted > buf->limit) {
        return fail(buf, PH_ERR_LIMIT);
    }
    if (wanted > buf->capacity || !buf->data) {
        size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
        while (capacity < wanted) {
            capacity *= 2;
        }
        char *data = realloc(buf->data, capacity);
        if (!data) {
            return fail(buf, -ENOMEM);
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    return buf->data + buf->size;
}

void ph__buf_puts(struct ph__buf *buf, const char *text)
{
    ph__buf_append(buf, text, strlen(text));
}

void ph__buf_putc(struct ph__buf *buf, char c)
{
    char *room = ph__buf_reserve(buf, 1);
    if (room) {
        *room = c;
        buf->size++;
    }
}

void ph__buf_vprintf(struct ph__buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        fail(buf, -EINVAL);
    } else {
        /* One byte more than is kept, for vsnprintf's NUL. */
        char *room = ph__buf_reserve(buf, (size_t)length + 1);
        if (room) {
            vsnprintf(room, (size_t)length + 1, format, again);
            buf->size += (size_t)length;
        }
    }
    va_end(again);
}

void ph__buf_printf(struct ph__buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ph__buf_vprintf(buf, format, args);
    va_end(args);
}

void ph__buf_put_u64(struct ph__buf *buf, unsigned long long value)
{
    char text[PH__DECIMAL_TEXT];
    ph__buf_append(buf, text, (size_t)(ph__decimal_put(text, value) - text));
}

void ph__buf_put_i64(struct ph__buf *buf, long long value)
{
    if (value < 0) {
        ph__buf_putc(buf, '-');
        ph__buf_put_u64(buf, 0ULL - (unsigned long long)value);
        return;
    }
    ph__buf_put_u64(buf, (unsigned long long)value);
}

/* Appends one byte that may not stand in a JSON string as it is (RFC 8259 section 7). */
static void put_escaped(struct ph__buf *buf, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; shorts[i]; i += 2) {
        if ((unsigned char)shorts[i] == c) {
            ph__buf_putc(buf, '\\');
            ph__buf_putc(buf, shorts[i + 1]);
            return;
        }
    }
    static const char hex[] = "0123456789abcdef";
    char text[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    ph__buf_append(buf, text, sizeof text);
}

void ph__buf_put_json(struct ph__buf *buf, const char *text, size_t size)
{
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    ph__buf_putc(buf, '"');
    size_t plain = 0; /* where the bytes begin that can be appended as they are */
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        size_t length = c < 0x80 ? 1 : ph__utf8_length(text + i, size - i);
        if (length > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            i += length;
            continue;
        }
        ph__buf_append(buf, text + plain, i - plain);
        if (length == 0) {
            ph__buf_append(buf, replacement, sizeof replacement - 1);
        } else {
            put_escaped(buf, c);
        }
        plain = ++i;
    }
    ph__buf_append(buf, text + plain, size - plain);
    ph__buf_putc(buf, '"');
}

char *ph__buf_take(struct ph__buf *buf)
{
    ph__buf_putc(buf, '\0');
    if (buf->error) {
        return NULL;
    }
    char *data = buf->data;
    *buf = (struct ph__buf){.limit = buf->limit};
    return data;
}
