/* SPDX-License-Identifier: MIT
 *
 * A growable byte buffer with a limit. The first failure sticks: appends after it do nothing, so
 * that a caller may write a whole document and ask once, ph__buf_error(), whether it is complete.
 */
#ifndef PORTHOLE_BASE_BUF_H
#define PORTHOLE_BASE_BUF_H

#include <porthole/error.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct ph__buf {
    char *data;      /* NULL until the first append; owned */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t limit;    /* size never exceeds this; 0: no limit */
    int error;       /* 0, -ENOMEM, or PH_ERR_LIMIT */
};

/* Nothing is allocated yet. */
void ph__buf_init(struct ph__buf *buf, size_t limit);

/* Frees the bytes and leaves the buffer as ph__buf_init() does. */
void ph__buf_done(struct ph__buf *buf);

/* Empties it and clears the error; keeps the memory. */
static inline void ph__buf_reset(struct ph__buf *buf)
{
    buf->size = 0;
    buf->error = 0;
}

/* Makes the buffer larger, for ph__buf_reserve(). */
char *ph__buf_grow(struct ph__buf *buf, size_t more);

/* Makes room for `more` bytes beyond size and returns where they go; NULL after a failure. */
static inline char *ph__buf_reserve(struct ph__buf *buf, size_t more)
{
    /* The capacity may exceed the limit, and an empty buffer has no memory. */
    bool fits = !buf->error && buf->data && more <= buf->capacity - buf->size &&
                (!buf->limit || more <= buf->limit - buf->size);
    return fits ? buf->data + buf->size : ph__buf_grow(buf, more);
}

static inline void ph__buf_append(struct ph__buf *buf, const void *data, size_t size)
{
    char *room = ph__buf_reserve(buf, size);
    if (room && size) {
        memcpy(room, data, size);
        buf->size += size;
    }
}

void ph__buf_puts(struct ph__buf *buf, const char *text);
void ph__buf_putc(struct ph__buf *buf, char c);
void ph__buf_printf(struct ph__buf *buf, const char *format, ...) PH_PRINTF(2, 3);
void ph__buf_vprintf(struct ph__buf *buf, const char *format, va_list args) PH_PRINTF(2, 0);

/* Decimal, without the cost of printf. */
void ph__buf_put_u64(struct ph__buf *buf, unsigned long long value);
void ph__buf_put_i64(struct ph__buf *buf, long long value);

/* A JSON string with its quotes: escapes what must be, and replaces invalid UTF-8 by U+FFFD. */
void ph__buf_put_json(struct ph__buf *buf, const char *text, size_t size);

static inline int ph__buf_error(const struct ph__buf *buf)
{
    return buf->error;
}

/* Hands the NUL-terminated bytes over to the caller, who frees them; NULL after a failure. */
char *ph__buf_take(struct ph__buf *buf);

#endif
