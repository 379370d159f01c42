/* SPDX-License-Identifier: MIT
 *
 * Tables of requests that are refused, to the server of group.h.
 */
#ifndef PORTHOLE_TESTS_REFUSAL_H
#define PORTHOLE_TESTS_REFUSAL_H

#include "support/client.h"

#include <stdbool.h>
#include <stddef.h>

struct refusal {
    const char *name;
    int status;
    bool keeps; /* the connection stays open */
    const char *bytes;
    size_t size;
};

/* Rows of a table; the bytes are a literal, or an array that ends in a NUL. */
#define CLOSES(name, status, bytes)                   \
    {                                                 \
        name, status, false, bytes, sizeof(bytes) - 1 \
    }
#define KEEPS(name, status, bytes)                   \
    {                                                \
        name, status, true, bytes, sizeof(bytes) - 1 \
    }

/* Waits for the reply: the problem, and then either the end of the connection, with nothing before
 * it, or the answer to another request. */
void check_refusal(struct client *client, const struct refusal *refusal);

/* Sends each on a connection of its own, and another client's request behind it. */
void check_refusals(const struct refusal *refusals, size_t count);

#endif
