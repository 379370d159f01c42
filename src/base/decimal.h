/* SPDX-License-Identifier: MIT
 *
 * Decimal numbers, written where lists of 100,000 rows write most of theirs: straight into the
 * buffer, two digits a step.
 */
#ifndef PORTHOLE_BASE_DECIMAL_H
#define PORTHOLE_BASE_DECIMAL_H

#include <stdint.h>
#include <string.h>

/* The most that ph__decimal_put() writes. */
enum { PH__DECIMAL_TEXT = 20 };

static inline unsigned ph__decimal_length(uint64_t number)
{
    unsigned length = 1;
    for (; number >= 10000; number /= 10000) {
        length += 4;
    }
    return length + (number >= 10) + (number >= 100) + (number >= 1000);
}

/* Writes the digits, without a NUL. @return where they end. */
static inline char *ph__decimal_put(char *to, uint64_t number)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char *end = to + ph__decimal_length(number);
    char *at = end;
    for (; number >= 100; number /= 100) {
        at -= 2;
        memcpy(at, pairs + number % 100 * 2, 2);
    }
    if (number >= 10) {
        memcpy(at - 2, pairs + number * 2, 2);
    } else {
        at[-1] = (char)('0' + number);
    }
    return end;
}

#endif
