/* SPDX-License-Identifier: MIT
 *
 * Accept: each format gets the quality of the most specific range that matches it. Ranges that
 * are malformed count as absent.
 */
#include "status/negotiate.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { QUALITY_FULL = 1000 };

static const struct {
    const char *name;
    const char *media_type;
    const char *content_type;
} formats[PH__FORMAT_COUNT] = {
    [PH__FORMAT_JSON] = {"json", "application/json", "application/json"},
    [PH__FORMAT_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
    [PH__FORMAT_TEXT] = {"text", "text/plain", "text/plain; charset=utf-8"},
    [PH__FORMAT_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8; header=present"},
};

const char *ph__format_name(enum ph__format format)
{
    return formats[format].name;
}

const char *ph__format_media_type(enum ph__format format)
{
    return formats[format].media_type;
}

const char *ph__format_content_type(enum ph__format format)
{
    return formats[format].content_type;
}

enum ph__format ph__format_find(const char *name)
{
    enum ph__format format = PH__FORMAT_JSON;
    while (format < PH__FORMAT_COUNT && strcmp(formats[format].name, name) != 0) {
        format++;
    }
    return format;
}

static const char *skip_spaces(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || *s == '\t')) {
        s++;
    }
    return s;
}

/* "1", "0.5", "0.123", as thousandths; -1 when malformed. */
static int read_quality(const char *s, const char *end)
{
    if (s == end || (*s != '0' && *s != '1')) {
        return -1;
    }
    int quality = (*s++ - '0') * QUALITY_FULL;
    if (s < end && *s == '.') {
        s++;
        for (int unit = QUALITY_FULL / 10; s < end && *s >= '0' && *s <= '9' && unit > 0;
             unit /= 10) {
            quality += (*s++ - '0') * unit;
        }
    }
    return skip_spaces(s, end) == end && quality <= QUALITY_FULL ? quality : -1;
}

/* The q of the parameters that begin at a semicolon, or at the end; -1 when malformed. */
static int find_quality(const char *s, const char *end)
{
    while (s < end) {
        const char *param = skip_spaces(s + 1, end);
        const char *next = memchr(param, ';', (size_t)(end - param));
        next = next ? next : end;
        if (next - param > 2 && (param[0] == 'q' || param[0] == 'Q') && param[1] == '=') {
            return read_quality(param + 2, next);
        }
        s = next;
    }
    return QUALITY_FULL;
}

/* How closely a range of `size` bytes names a type: 3 the type itself, 2 "text" and a star, 1
 * two stars, 0 not at all. */
static int match_range(const char *range, size_t size, const char *type)
{
    if (size == 3 && memcmp(range, "*/*", 3) == 0) {
        return 1;
    }
    size_t main_size = (size_t)(strchr(type, '/') - type) + 1;
    if (size == main_size + 1 && range[main_size] == '*' &&
        strncasecmp(range, type, main_size) == 0) {
        return 2;
    }
    return size == strlen(type) && strncasecmp(range, type, size) == 0 ? 3 : 0;
}

struct choice {
    int closeness;
    int quality;
};

static void weigh_range(const char *s, const char *end, struct choice choices[PH__FORMAT_COUNT])
{
    s = skip_spaces(s, end);
    const char *semicolon = memchr(s, ';', (size_t)(end - s));
    const char *range_end = semicolon ? semicolon : end;
    int quality = find_quality(range_end, end);
    while (range_end > s && (range_end[-1] == ' ' || range_end[-1] == '\t')) {
        range_end--;
    }
    for (int i = 0; i < PH__FORMAT_COUNT && quality >= 0; i++) {
        int closeness = match_range(s, (size_t)(range_end - s), formats[i].media_type);
        if (closeness > choices[i].closeness) {
            choices[i] = (struct choice){closeness, quality};
        }
    }
}

enum ph__format ph__negotiate(const char *accept)
{
    if (!accept || accept[0] == '\0') {
        return PH__FORMAT_JSON;
    }
    struct choice choices[PH__FORMAT_COUNT] = {{0, 0}};
    for (const char *s = accept; *s;) {
        const char *end = s + strcspn(s, ",");
        weigh_range(s, end, choices);
        s = *end ? end + 1 : end;
    }
    enum ph__format best = PH__FORMAT_COUNT;
    int quality = 0;
    for (enum ph__format i = PH__FORMAT_JSON; i < PH__FORMAT_COUNT; i++) {
        if (choices[i].quality > quality) {
            best = i;
            quality = choices[i].quality;
        }
    }
    return best;
}
