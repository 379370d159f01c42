/* SPDX-License-Identifier: MIT
 *
 * Clocks, and times as text. Names of days and months are spelled here: strftime() follows the
 * locale of the program that embeds us.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now); /* cannot fail for these clocks */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t ph__clock_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t ph__clock_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t ph__clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

static size_t length_of(int printed, size_t size)
{
    if (printed < 0) {
        return 0;
    }
    return (size_t)printed < size ? (size_t)printed : size - 1;
}

size_t ph__format_rfc3339(uint64_t unix_ms, char *buffer, size_t size)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    int printed = snprintf(buffer, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                           utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                           (int)(unix_ms % 1000));
    return length_of(printed, size);
}

size_t ph__format_http_date(uint64_t unix_seconds, char *buffer, size_t size)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)unix_seconds;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    int printed = snprintf(buffer, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
                           utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour,
                           utc.tm_min, utc.tm_sec);
    return length_of(printed, size);
}
