/* SPDX-License-Identifier: MIT
 *
 * Errors that are about this program and not about what it asked for: another way would not help.
 */
#ifndef PORTHOLE_BASE_EXHAUSTED_H
#define PORTHOLE_BASE_EXHAUSTED_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a negative errno says that memory or descriptors have run out. */
static inline bool ph__is_exhausted(int64_t err)
{
    return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

#endif
