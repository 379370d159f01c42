/* SPDX-License-Identifier: MIT
 *
 * Metrics as text: Prometheus' exposition format 0.0.4, and OpenMetrics 1.0. The two differ in how
 * counters are announced, and in the end.
 */
#ifndef PORTHOLE_STATUS_EXPOSITION_H
#define PORTHOLE_STATUS_EXPOSITION_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum ph__metric { PH__METRIC_GAUGE, PH__METRIC_COUNTER, PH__METRIC_HISTOGRAM };

struct ph__exposition {
    struct ph__buf buf;
    bool open_metrics;
    const char *family; /* the one begun last */
    unsigned labels;    /* of the sample in hand */
};

void ph__exposition_init(struct ph__exposition *exposition, bool open_metrics);

/* Begins a family. `name` lives as long as the family is written; that of a counter ends in
 * "_total". */
void ph__exposition_family(struct ph__exposition *exposition, const char *name,
                           enum ph__metric metric, const char *help);

/* One sample: begin, any labels, and the number. `suffix` is "" or, of a histogram, "_bucket". */
void ph__exposition_begin(struct ph__exposition *exposition, const char *suffix);
void ph__exposition_label(struct ph__exposition *exposition, const char *name, const char *value);
void ph__exposition_u64(struct ph__exposition *exposition, uint64_t number);
void ph__exposition_number(struct ph__exposition *exposition, double number);
/* Microseconds, written as seconds. */
void ph__exposition_us(struct ph__exposition *exposition, uint64_t us);

/* A family with one sample and no labels. */
void ph__exposition_one(struct ph__exposition *exposition, const char *name, enum ph__metric metric,
                        const char *help, uint64_t number);

/* Ends the whole. */
void ph__exposition_end(struct ph__exposition *exposition);

/* True for what may be a metric's name: [a-zA-Z_:][a-zA-Z0-9_:]* */
bool ph__exposition_is_name(const char *name);

/* Writes a number as both formats want it, whatever the locale; returns its length. */
enum { PH__NUMBER_TEXT = 40 };
size_t ph__exposition_format(double number, char text[PH__NUMBER_TEXT]);

/* Microseconds as seconds: "0.000064"; returns the length. */
size_t ph__exposition_format_us(uint64_t us, char text[PH__NUMBER_TEXT]);

#endif
