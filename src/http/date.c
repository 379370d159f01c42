/* SPDX-License-Identifier: MIT
 *
 * Dates in header fields. Each format is a pattern: a letter stands for a digit of a value, '@' for
 * the name of a month, '*' for the name of a day, '_' for a digit of the day or a space; all else
 * stands for itself.
 */
#include "http/date.h"

#include <string.h>

enum { DAY, HOUR, MINUTE, SECOND, YEAR, MONTH, VALUES };

static const char letters[] = "dhmsy"; /* in the order of the values */

static const char *const patterns[] = {
    "*, dd @ yyyy hh:mm:ss GMT",
    "*, dd-@-yy hh:mm:ss GMT",
    "* @ _d hh:mm:ss yyyy",
};

static const char *skip_name_of_day(const char *text)
{
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    for (int i = 0; i < 7; i++) {
        size_t length = strlen(days[i]);
        if (strncmp(text, days[i], length) == 0) {
            return text + length;
        }
        if (strncmp(text, days[i], 3) == 0) {
            return text + 3;
        }
    }
    return NULL;
}

static const char *read_month(const char *text, int *ret_month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (strncmp(text, months + i * 3, 3) == 0) {
            *ret_month = i;
            return text + 3;
        }
    }
    return NULL;
}

static const char *read_digit(const char *text, int *value)
{
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    *value = *value * 10 + (*text - '0');
    return text + 1;
}

static const char *read_one(const char *pattern, const char *text, int values[VALUES])
{
    if (*pattern == '*') {
        return skip_name_of_day(text);
    }
    if (*pattern == '@') {
        return read_month(text, &values[MONTH]);
    }
    if (*pattern == '_') {
        return *text == ' ' ? text + 1 : read_digit(text, &values[DAY]);
    }
    const char *letter = strchr(letters, *pattern);
    if (!letter) {
        return *text == *pattern ? text + 1 : NULL;
    }
    return read_digit(text, &values[letter - letters]);
}

static bool read_pattern(const char *pattern, const char *text, int values[VALUES])
{
    memset(values, 0, VALUES * sizeof *values);
    for (; *pattern && text; pattern++) {
        text = read_one(pattern, text, values);
    }
    return text && *text == '\0';
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int month, int64_t year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1970-01-01 to the first of January; negative before. */
static int64_t days_before_year(int64_t year)
{
    int64_t past = year - 1;
    return 365 * (year - 1970) + (past / 4 - past / 100 + past / 400) - 477;
}

static int64_t year_of(int64_t unix_seconds)
{
    int64_t year = 1970 + unix_seconds / (366 * 86400);
    while (days_before_year(year + 1) * 86400 <= unix_seconds) {
        year++;
    }
    return year;
}

/* The year with these last digits that is at most 50 years ahead. */
static int64_t whole_year(int two_digits, int64_t now)
{
    int64_t this_year = year_of(now);
    int64_t year = this_year - this_year % 100 + two_digits;
    if (year > this_year + 50) {
        return year - 100;
    }
    return year <= this_year - 50 ? year + 100 : year;
}

bool ph__date_parse(const char *text, int64_t now, int64_t *ret_unix_seconds)
{
    int values[VALUES];
    size_t format = 0;
    while (!read_pattern(patterns[format], text, values)) {
        if (++format == sizeof patterns / sizeof *patterns) {
            return false;
        }
    }
    int64_t year = format == 1 ? whole_year(values[YEAR], now) : values[YEAR];
    if (year < 1 || values[DAY] < 1 || values[DAY] > days_in(values[MONTH], year) ||
        values[HOUR] > 23 || values[MINUTE] > 59 || values[SECOND] > 60) {
        return false;
    }
    int64_t days = days_before_year(year) + values[DAY] - 1;
    for (int month = 0; month < values[MONTH]; month++) {
        days += days_in(month, year);
    }
    *ret_unix_seconds = ((days * 24 + values[HOUR]) * 60 + values[MINUTE]) * 60 + values[SECOND];
    return true;
}
