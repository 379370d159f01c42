/* SPDX-License-Identifier: MIT
 *
 * Conditional requests.
 */
#include "http/conditions.h"

#include "http/date.h"

#include <string.h>

/* Whether a list of ETags has this one. A weak comparison does not look at "W/". */
static bool has_etag(const char *list, const char *etag, bool weak)
{
    size_t size = strlen(etag);
    for (const char *at = list + strspn(list, " \t,"); *at; at += strspn(at, " \t,")) {
        bool is_weak = strncmp(at, "W/", 2) == 0;
        at += is_weak ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end) {
            return false; /* malformed from here on */
        }
        end++;
        if ((weak || !is_weak) && (size_t)(end - at) == size && memcmp(at, etag, size) == 0) {
            return true;
        }
        at = end;
    }
    return false;
}

static bool matches(const char *field, const char *etag, bool weak)
{
    return strcmp(field, "*") == 0 || has_etag(field, etag, weak);
}

/* Whether it was changed after a date; `otherwise` where the field is absent, or no date. */
static bool is_newer(const char *field, int64_t modified, int64_t now, bool otherwise)
{
    int64_t since;
    return field && ph__date_parse(field, now, &since) ? modified > since : otherwise;
}

enum ph__condition ph__conditions_check(const struct ph__conditions *conditions,
                                        const struct ph__validators *validators, int64_t now)
{
    int64_t modified = validators->modified;
    bool failed = conditions->if_match
                      ? !matches(conditions->if_match, validators->etag, false)
                      : is_newer(conditions->if_unmodified_since, modified, now, false);
    if (failed) {
        return PH__CONDITION_FAILED;
    }
    bool same = conditions->if_none_match
                    ? matches(conditions->if_none_match, validators->etag, true)
                    : !is_newer(conditions->if_modified_since, modified, now, true);
    return same ? PH__CONDITION_SAME : PH__CONDITION_HOLDS;
}

bool ph__conditions_allow_range(const struct ph__conditions *conditions,
                                const struct ph__validators *validators, int64_t now)
{
    const char *field = conditions->if_range;
    if (!field) {
        return true;
    }
    int64_t date;
    if (ph__date_parse(field, now, &date)) {
        return date == validators->modified && date < now;
    }
    return strcmp(field, validators->etag) == 0;
}
