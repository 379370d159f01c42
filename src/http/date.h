/* SPDX-License-Identifier: MIT
 *
 * Dates in header fields (RFC 9110 section 5.6.7), read. They are written by base/clock.h.
 */
#ifndef PORTHOLE_HTTP_DATE_H
#define PORTHOLE_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a date in any of the three formats: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94
 * 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". A year of two digits is the one that ends so and
 * is nearest to `now`, 50 years ahead at most. False: it is none of them, or no such day exists;
 * the name of the day is not compared with it. A leap second is taken for the next one.
 */
bool ph__date_parse(const char *text, int64_t now, int64_t *ret_unix_seconds);

#endif
