/* SPDX-License-Identifier: MIT
 *
 * Accept: each format gets the quality of the most specific range that matches it. Ranges that
 * are malformed count as absent. Accept-Encoding is written alike, and has one star only.
 */
#include "status/negotiate.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { QUALITY_FULL = 1000, TYPES_MAX = 8 };

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

/* One element of such a header. */
struct wish {
    const char *name; /* without parameters */
    size_t size;
    int quality; /* in thousandths; -1: malformed */
};

/* Takes the element at `s` apart; returns where the next one begins, or the end. */
static const char *read_wish(const char *s, struct wish *ret_wish)
{
    const char *end = s + strcspn(s, ",");
    s = skip_spaces(s, end);
    const char *semicolon = memchr(s, ';', (size_t)(end - s));
    const char *name_end = semicolon ? semicolon : end;
    int quality = find_quality(name_end, end);
    while (name_end > s && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
        name_end--;
    }
    *ret_wish = (struct wish){s, (size_t)(name_end - s), quality};
    return *end ? end + 1 : end;
}

struct choice {
    int closeness;
    int quality;
};

static void weigh_range(const struct wish *range, const char *const *types, size_t count,
                        struct choice choices[TYPES_MAX])
{
    for (size_t i = 0; i < count && range->quality >= 0; i++) {
        int closeness = match_range(range->name, range->size, types[i]);
        if (closeness > choices[i].closeness) {
            choices[i] = (struct choice){closeness, range->quality};
        }
    }
}

size_t ph__negotiate_among(const char *accept, const char *const *types, size_t count)
{
    if (!accept || accept[0] == '\0') {
        return 0;
    }
    assert(count <= TYPES_MAX);
    struct choice choices[TYPES_MAX] = {{0, 0}};
    for (const char *s = accept; *s;) {
        struct wish range;
        s = read_wish(s, &range);
        weigh_range(&range, types, count, choices);
    }
    size_t best = count;
    int quality = 0;
    for (size_t i = 0; i < count; i++) {
        if (choices[i].quality > quality) {
            best = i;
            quality = choices[i].quality;
        }
    }
    return best;
}

enum ph__format ph__negotiate(const char *accept)
{
    const char *types[PH__FORMAT_COUNT];
    for (int i = 0; i < PH__FORMAT_COUNT; i++) {
        types[i] = formats[i].media_type;
    }
    return (enum ph__format)ph__negotiate_among(accept, types, PH__FORMAT_COUNT);
}

static bool is_named(const struct wish *wish, const char *name)
{
    return wish->size == strlen(name) && strncasecmp(wish->name, name, wish->size) == 0;
}

enum ph__coding ph__negotiate_coding(const char *accept_encoding)
{
    enum { UNSAID = -1 };
    int gzip = UNSAID;
    int identity = UNSAID;
    int others = UNSAID;
    for (const char *s = accept_encoding; s && *s;) {
        struct wish coding;
        s = read_wish(s, &coding);
        if (coding.quality < 0) {
            continue;
        }
        if (is_named(&coding, "gzip") || is_named(&coding, "x-gzip")) {
            gzip = coding.quality;
        } else if (is_named(&coding, "identity")) {
            identity = coding.quality;
        } else if (is_named(&coding, "*")) {
            others = coding.quality;
        }
    }
    gzip = gzip == UNSAID ? others : gzip;
    identity = identity == UNSAID ? others : identity;
    if (gzip > 0 && gzip >= identity) {
        return PH__CODING_GZIP;
    }
    /* Of which nothing is said, gzip is refused, identity is not. */
    return identity == 0 ? PH__CODING_NONE : PH__CODING_IDENTITY;
}
