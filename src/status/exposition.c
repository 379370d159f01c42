/* SPDX-License-Identifier: MIT
 *
 * The text formats of metrics.
 */
#include "status/exposition.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOTAL "_total"

void ph__exposition_init(struct ph__exposition *exposition, bool open_metrics)
{
    *exposition = (struct ph__exposition){.open_metrics = open_metrics};
    ph__buf_init(&exposition->buf, 0);
}

/* Text of strangers: well-formed UTF-8, with what the formats escape escaped. */
static void put_escaped(struct ph__buf *buf, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t length = ph__utf8_length(text, left);
        if (length == 0) {
            ph__buf_puts(buf, "\xEF\xBF\xBD"); /* U+FFFD */
            length = 1;
        } else if (*text == '\n') {
            ph__buf_puts(buf, "\\n");
        } else if (*text == '"' || *text == '\\') {
            ph__buf_putc(buf, '\\');
            ph__buf_putc(buf, *text);
        } else {
            ph__buf_append(buf, text, length);
        }
        text += length;
        left -= length;
    }
}

/* OpenMetrics names a family of counters without the suffix of its samples. */
static int family_size(const struct ph__exposition *exposition, enum ph__metric metric)
{
    size_t size = strlen(exposition->family);
    return (int)(exposition->open_metrics && metric == PH__METRIC_COUNTER
                     ? size - (sizeof TOTAL - 1)
                     : size);
}

void ph__exposition_family(struct ph__exposition *exposition, const char *name,
                           enum ph__metric metric, const char *help)
{
    static const char *const types[] = {"gauge", "counter", "histogram"};
    struct ph__buf *buf = &exposition->buf;
    exposition->family = name;
    int size = family_size(exposition, metric);
    ph__buf_printf(buf, "# HELP %.*s ", size, name);
    put_escaped(buf, help);
    ph__buf_printf(buf, "\n# TYPE %.*s %s\n", size, name, types[metric]);
}

void ph__exposition_begin(struct ph__exposition *exposition, const char *suffix)
{
    ph__buf_puts(&exposition->buf, exposition->family);
    ph__buf_puts(&exposition->buf, suffix);
    exposition->labels = 0;
}

void ph__exposition_label(struct ph__exposition *exposition, const char *name, const char *value)
{
    struct ph__buf *buf = &exposition->buf;
    ph__buf_putc(buf, exposition->labels++ ? ',' : '{');
    ph__buf_puts(buf, name);
    ph__buf_puts(buf, "=\"");
    put_escaped(buf, value);
    ph__buf_putc(buf, '"');
}

static void begin_value(struct ph__exposition *exposition)
{
    ph__buf_puts(&exposition->buf, exposition->labels ? "} " : " ");
}

void ph__exposition_u64(struct ph__exposition *exposition, uint64_t number)
{
    begin_value(exposition);
    ph__buf_put_u64(&exposition->buf, number);
    ph__buf_putc(&exposition->buf, '\n');
}

size_t ph__exposition_format(double number, char text[PH__NUMBER_TEXT])
{
    if (isnan(number) || isinf(number)) {
        return (size_t)snprintf(text, PH__NUMBER_TEXT, "%s",
                                isnan(number) ? "NaN"
                                : number < 0  ? "-Inf"
                                              : "+Inf");
    }
    int size = snprintf(text, PH__NUMBER_TEXT, "%.15g", number);
    char *point = strpbrk(text, ",");
    if (point) {
        *point = '.'; /* the locale is the program's */
    }
    return (size_t)size;
}

void ph__exposition_number(struct ph__exposition *exposition, double number)
{
    char text[PH__NUMBER_TEXT];
    begin_value(exposition);
    ph__buf_append(&exposition->buf, text, ph__exposition_format(number, text));
    ph__buf_putc(&exposition->buf, '\n');
}

size_t ph__exposition_format_us(uint64_t us, char text[PH__NUMBER_TEXT])
{
    return (size_t)snprintf(text, PH__NUMBER_TEXT, "%" PRIu64 ".%06" PRIu64, us / 1000000,
                            us % 1000000);
}

void ph__exposition_us(struct ph__exposition *exposition, uint64_t us)
{
    char text[PH__NUMBER_TEXT];
    begin_value(exposition);
    ph__buf_append(&exposition->buf, text, ph__exposition_format_us(us, text));
    ph__buf_putc(&exposition->buf, '\n');
}

void ph__exposition_one(struct ph__exposition *exposition, const char *name, enum ph__metric metric,
                        const char *help, uint64_t number)
{
    ph__exposition_family(exposition, name, metric, help);
    ph__exposition_begin(exposition, "");
    ph__exposition_u64(exposition, number);
}

void ph__exposition_end(struct ph__exposition *exposition)
{
    if (exposition->open_metrics) {
        ph__buf_puts(&exposition->buf, "# EOF\n");
    }
}

bool ph__exposition_is_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:0123456789";
    return name[0] && strchr(letters, name[0]) && name[strspn(name, others)] == '\0';
}
