/* SPDX-License-Identifier: MIT
 *
 * Clocks, and times as text.
 */
#ifndef PORTHOLE_BASE_CLOCK_H
#define PORTHOLE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds. */
uint64_t ph__clock_us(void);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t ph__clock_ms(void);

/* CLOCK_REALTIME in milliseconds since 1970. */
uint64_t ph__clock_unix_ms(void);

enum { PH__RFC3339_TEXT = 32, PH__HTTP_DATE_TEXT = 32 };

/* "2026-11-23T17:28:00.123Z"; returns the length. size ≥ PH__RFC3339_TEXT. */
size_t ph__format_rfc3339(uint64_t unix_ms, char *buffer, size_t size);

/* "Mon, 23 Nov 2026 17:28:00 GMT" (RFC 9110 section 5.6.7); 29 bytes and a NUL. */
size_t ph__format_http_date(uint64_t unix_seconds, char *buffer, size_t size);

#endif
