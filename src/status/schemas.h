/* SPDX-License-Identifier: MIT
 *
 * Rows of sockets under the names, and with the words, that others have for the same facts:
 * OpenTelemetry's semantic conventions, Elastic Common Schema, and osquery's tables.
 * docs/SOCKETS.md has the table for people.
 */
#ifndef PORTHOLE_STATUS_SCHEMAS_H
#define PORTHOLE_STATUS_SCHEMAS_H

#include "status/columns.h"

struct ph__schema_field {
    const char *name;             /* theirs */
    const char *of;               /* our column that it comes from */
    const struct ph__column *own; /* where it says it otherwise than ours; NULL: the same value */
};

struct ph__schema {
    const char *name; /* "otel" */
    const struct ph__schema_field *fields;
    size_t count;
};

/* The schema of this name, or NULL. */
const struct ph__schema *ph__schema_find(const char *name);

#endif
