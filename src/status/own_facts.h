/* SPDX-License-Identifier: MIT
 *
 * What the embedding program tells of itself: sections of /api/v1/server, and metrics. Added before
 * the server starts, and only read from then on.
 */
#ifndef PORTHOLE_STATUS_OWN_FACTS_H
#define PORTHOLE_STATUS_OWN_FACTS_H

#include "status/exposition.h"
#include "status/json.h"

#include <porthole/status.h>

struct ph__section {
    char *name; /* owned */
    ph_status_write write;
    void *user;
};

struct ph__own_metric {
    char *name; /* owned */
    char *help; /* owned */
    enum ph__metric metric;
    ph_status_read read;
    void *user;
};

struct ph__facts {
    struct ph__section *sections;
    size_t section_count;
    struct ph__own_metric *metrics;
    size_t metric_count;
};

/* What a section is written to. */
struct ph_status_object {
    struct ph__json *json;
};

void ph__facts_free(struct ph__facts *facts);

/* Under which a server keeps its facts: see ph_server_set(). */
extern const char ph__facts_key;

/* Adds "sections": an object by name. */
void ph__facts_write_sections(const struct ph__facts *facts, struct ph__json *json);

void ph__facts_write_metrics(const struct ph__facts *facts, struct ph__exposition *exposition);

#endif
