/* SPDX-License-Identifier: MIT
 *
 * Which bytes a Range field asks for (RFC 9110 section 14).
 */
#ifndef PORTHOLE_HTTP_RANGES_H
#define PORTHOLE_HTTP_RANGES_H

#include <stdint.h>

enum { PH__RANGES_MAX = 16 };

struct ph__range {
    uint64_t from, size; /* size is 1 or more */
};

enum ph__ranges {
    PH__RANGES_ALL,  /* nothing that has to be obeyed: send everything */
    PH__RANGES_SOME, /* 206 */
    PH__RANGES_NONE  /* 416: nothing of what is asked for is there */
};

/*
 * Reads a Range field for a body of `size` bytes. Ranges that begin behind its end are left out,
 * the others stay in their order. A field that is malformed or of another unit, asks for bytes
 * twice, or for more than PH__RANGES_MAX ranges, is not obeyed, as section 14.2 permits.
 */
enum ph__ranges ph__ranges_parse(const char *field, uint64_t size,
                                 struct ph__range ret_ranges[PH__RANGES_MAX], unsigned *ret_count);

#endif
