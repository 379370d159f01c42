/* SPDX-License-Identifier: MIT
 *
 * Range fields.
 */
#include "http/ranges.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Reads digits; what exceeds 64 bits is as large as they can be. NULL: there are none. */
static const char *read_number(const char *text, uint64_t *ret_number)
{
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : number * 10 + digit;
    }
    *ret_number = number;
    return text;
}

/* The last `wanted` bytes. */
static const char *read_suffix(const char *text, uint64_t size, struct ph__range *range)
{
    uint64_t wanted;
    text = read_number(text, &wanted);
    if (text) {
        range->size = wanted < size ? wanted : size;
        range->from = size - range->size;
    }
    return text;
}

/* Reads "first-last", "first-" or "-suffix"; a range without bytes has the size 0. NULL: it is none
 * of these. */
static const char *read_range(const char *text, uint64_t size, struct ph__range *range)
{
    if (*text == '-') {
        return read_suffix(text + 1, size, range);
    }
    uint64_t first;
    uint64_t last = UINT64_MAX;
    text = read_number(text, &first);
    if (!text || *text != '-') {
        return NULL;
    }
    text++;
    if (*text >= '0' && *text <= '9') {
        text = read_number(text, &last);
    }
    if (last < first) {
        return NULL;
    }
    range->from = first;
    range->size = first >= size ? 0 : (last < size ? last + 1 : size) - first;
    return text;
}

static bool overlaps(const struct ph__range *range, const struct ph__range *others, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (range->from < others[i].from + others[i].size &&
            others[i].from < range->from + range->size) {
            return true;
        }
    }
    return false;
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

enum ph__ranges ph__ranges_parse(const char *field, uint64_t size,
                                 struct ph__range ret_ranges[PH__RANGES_MAX], unsigned *ret_count)
{
    static const char unit[] = "bytes=";
    if (strncasecmp(field, unit, sizeof unit - 1) != 0) {
        return PH__RANGES_ALL;
    }
    unsigned count = 0;
    bool any = false;
    for (const char *at = field + sizeof unit - 1;; at++) {
        at = skip_space(at);
        if (*at != ',' && *at != '\0') { /* else an empty element, which lists may have */
            struct ph__range range;
            at = read_range(at, size, &range);
            if (!at || count == PH__RANGES_MAX || overlaps(&range, ret_ranges, count)) {
                return PH__RANGES_ALL;
            }
            any = true;
            if (range.size > 0) {
                ret_ranges[count++] = range;
            }
            at = skip_space(at);
        }
        if (*at == '\0') {
            break;
        }
        if (*at != ',') {
            return PH__RANGES_ALL;
        }
    }
    *ret_count = count;
    return count > 0 ? PH__RANGES_SOME : any ? PH__RANGES_NONE : PH__RANGES_ALL;
}
