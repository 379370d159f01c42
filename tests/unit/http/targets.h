/* SPDX-License-Identifier: MIT
 *
 * Request targets, each parsed from an allocation that ends with it, into one of exactly the size
 * that ph__uri_scratch() promises to be enough, so that AddressSanitizer sees a step beyond.
 */
#ifndef PORTHOLE_TESTS_TARGETS_H
#define PORTHOLE_TESTS_TARGETS_H

#include "http/uri.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

/* A target in memory of its own, and what has been made of it. */
struct target {
    char *text;
    char *scratch;
    struct ph__uri uri;
    const char *wrong;
};

/* The caller releases it; the analyser loses sight of what ph__uri_parse() is lent. */
/* NOLINTBEGIN(clang-analyzer-unix.Malloc) */
static inline struct target parse_target_bytes(const char *text, size_t size)
{
    struct target parsed = {.text = malloc(size ? size : 1),
                            .scratch = malloc(ph__uri_scratch(size))};
    assert_non_null(parsed.text);
    assert_non_null(parsed.scratch);
    memcpy(parsed.text, text, size);
    memset(parsed.scratch, '#', ph__uri_scratch(size));
    parsed.wrong = ph__uri_parse(&parsed.uri, parsed.text, size, parsed.scratch);
    return parsed;
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

static inline struct target parse_target(const char *text)
{
    return parse_target_bytes(text, strlen(text));
}

static inline void release_target(struct target *target)
{
    free(target->text);
    free(target->scratch);
}

#endif
