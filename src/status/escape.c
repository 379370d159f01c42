/* SPDX-License-Identifier: MIT
 *
 * Escaping for terminals and for CSV.
 */
#include "status/escape.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 60 };

static bool is_control(const unsigned char *s, size_t length)
{
    return (length == 1 && (s[0] < 0x20 || s[0] == 0x7F)) ||
           (length == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

/* U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF: they hide or reorder text. */
static bool is_deceptive(const unsigned char *s, size_t length)
{
    if (length != 3) {
        return false;
    }
    if (s[0] == 0xEF) {
        return s[1] == 0xBB && s[2] == 0xBF;
    }
    if (s[0] != 0xE2) {
        return false;
    }
    return (s[1] == 0x80 && ((s[2] >= 0x8B && s[2] <= 0x8F) || (s[2] >= 0xA8 && s[2] <= 0xAE))) ||
           (s[1] == 0x81 && s[2] >= 0xA0 && s[2] <= 0xAF);
}

static bool is_line_or_tab(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

/* How many characters at the beginning are those of ASCII that can be seen: mostly all. */
static size_t count_visible(const char *text, size_t size)
{
    size_t count = 0;
    while (count < size && text[count] >= ' ' && text[count] < 0x7F) {
        count++;
    }
    return count;
}

static size_t escape(struct ph__buf *buf, const char *text, size_t size, bool keep_lines)
{
    size_t characters = 0;
    for (size_t i = 0; i < size;) {
        size_t visible = count_visible(text + i, size - i);
        if (visible > 0) {
            ph__buf_append(buf, text + i, visible);
            characters += visible;
            i += visible;
            continue;
        }
        const unsigned char *s = (const unsigned char *)text + i;
        size_t length = ph__utf8_length(text + i, size - i);
        bool plain = length > 0 && !is_control(s, length) && !is_deceptive(s, length);
        if (plain || (keep_lines && is_line_or_tab(text[i]))) {
            ph__buf_append(buf, text + i, length);
            characters++;
            i += length;
            continue;
        }
        size_t end = i + (length ? length : 1);
        for (; i < end; i++) {
            ph__buf_printf(buf, "\\x%02X", (unsigned char)text[i]);
            characters += 4;
        }
    }
    return characters;
}

size_t ph__escape_text(struct ph__buf *buf, const char *text, size_t size)
{
    return escape(buf, text, size, false);
}

void ph__escape_csv(struct ph__buf *buf, const char *text, size_t size)
{
    bool formula = size > 0 && memchr("=+-@\t\r\n", text[0], 7);
    bool quoted = false;
    for (size_t i = 0; i < size && !quoted; i++) {
        quoted = text[i] == ',' || text[i] == '"' || is_line_or_tab(text[i]);
    }
    if (quoted) {
        ph__buf_putc(buf, '"');
    }
    if (formula) {
        ph__buf_putc(buf, '\'');
    }
    while (size > 0) {
        const char *quote = memchr(text, '"', size);
        size_t part = quote ? (size_t)(quote - text) : size;
        escape(buf, text, part, true);
        if (!quote) {
            break;
        }
        ph__buf_append(buf, "\"\"", 2);
        text += part + 1;
        size -= part + 1;
    }
    if (quoted) {
        ph__buf_putc(buf, '"');
    }
}

const char *ph__quote(char buffer[PH__QUOTE_TEXT], const char *text)
{
    /* Each of the bytes may become four; the rest of the room is for quotes and dots. */
    size_t size = strnlen(text, QUOTED_MAX + 1);
    bool cut = size > QUOTED_MAX;
    size_t at = 0;
    buffer[at++] = '"';
    for (size_t i = 0; i < (cut ? QUOTED_MAX : size); i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7F && c != '"') {
            buffer[at++] = (char)c;
        } else {
            at += (size_t)snprintf(buffer + at, PH__QUOTE_TEXT - at, "\\x%02X", c);
        }
    }
    snprintf(buffer + at, PH__QUOTE_TEXT - at, "%s", cut ? "…\"" : "\"");
    return buffer;
}
