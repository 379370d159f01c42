/* SPDX-License-Identifier: MIT
 *
 * Patterns. A mismatch goes back to the last '*' only, which suffices, so that no pattern makes
 * this slow.
 */
#include "sockets/pattern.h"

#include <stddef.h>
#include <string.h>

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What stands in brackets from `at` on, behind the first. @return behind the closing one; NULL
 * where there is none, and the bracket stands for itself. */
static const char *match_set(const char *at, char c, bool *ret_matches)
{
    bool negated = *at == '!' || *at == '^';
    at += negated;
    bool inside = false;
    bool first = true;
    for (; *at && (first || *at != ']'); first = false) {
        unsigned char low = (unsigned char)fold(*at++);
        unsigned char high = low;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            high = (unsigned char)fold(at[1]);
            at += 2;
        }
        inside |= (unsigned char)c >= low && (unsigned char)c <= high;
    }
    if (!*at) {
        return NULL;
    }
    *ret_matches = inside != negated;
    return at + 1;
}

/* Compares one byte with what stands first in the pattern, which is not '*'. @return what follows
 * in the pattern, or NULL. */
static const char *match_one(const char *pattern, char c)
{
    if (*pattern == '[') {
        bool matches = false;
        const char *behind = match_set(pattern + 1, c, &matches);
        if (behind) {
            return matches ? behind : NULL;
        }
    } else if (*pattern == '?') {
        return pattern + 1;
    } else if (*pattern == '\\' && pattern[1]) {
        pattern++;
    }
    return *pattern && fold(*pattern) == c ? pattern + 1 : NULL;
}

bool ph__pattern_match(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
            continue;
        }
        const char *next = match_one(pattern, fold(*text));
        if (next) {
            pattern = next;
            text++;
        } else if (star) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}
