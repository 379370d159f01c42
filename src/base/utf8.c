/* SPDX-License-Identifier: MIT
 *
 * UTF-8 sequences, checked against the table of RFC 3629 section 4 (no overlong forms, no
 * surrogates, nothing above U+10FFFF).
 */
#include "base/utf8.h"

#include <stdbool.h>

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

size_t ph__utf8_length(const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        return 1;
    }
    size_t length = in_range(s[0], 0xC2, 0xDF)   ? 2
                    : in_range(s[0], 0xE0, 0xEF) ? 3
                    : in_range(s[0], 0xF0, 0xF4) ? 4
                                                 : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    /* Only the second byte has a range of its own, and only after these four first bytes. */
    unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (!in_range(s[1], low, high)) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (!in_range(s[i], 0x80, 0xBF)) {
            return 0;
        }
    }
    return length;
}

bool ph__utf8_is_valid(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length = (unsigned char)text[at] < 0x80 ? 1 : ph__utf8_length(text + at, size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}
