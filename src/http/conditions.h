/* SPDX-License-Identifier: MIT
 *
 * Conditional GET and HEAD requests (RFC 9110 section 13).
 */
#ifndef PORTHOLE_HTTP_CONDITIONS_H
#define PORTHOLE_HTTP_CONDITIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The fields of a request, each NULL where it is absent. */
struct ph__conditions {
    const char *if_match;
    const char *if_none_match;
    const char *if_modified_since;
    const char *if_unmodified_since;
    const char *if_range;
};

/* What is there. */
struct ph__validators {
    const char *etag; /* a strong one, with its quotes */
    int64_t modified; /* seconds since 1970 */
};

enum ph__condition {
    PH__CONDITION_HOLDS,  /* send it */
    PH__CONDITION_FAILED, /* 412 */
    PH__CONDITION_SAME    /* 304 */
};

/* Evaluates all but If-Range, in the order of section 13.2.2. `now` is the time in seconds. */
enum ph__condition ph__conditions_check(const struct ph__conditions *conditions,
                                        const struct ph__validators *validators, int64_t now);

/* Whether If-Range, if there is one, lets a Range field be obeyed. A date proves something only
 * once it is over: within its second there may have been another version. */
bool ph__conditions_allow_range(const struct ph__conditions *conditions,
                                const struct ph__validators *validators, int64_t now);

#endif
