/* SPDX-License-Identifier: MIT
 *
 * Pairs of names and values.
 */
#include "http/pairs.h"

#include <errno.h>
#include <string.h>

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

const char *ph__pairs_find(const char *pairs, size_t count, const char *name)
{
    for (; count > 0; count--) {
        const char *value = behind(pairs);
        if (strcmp(pairs, name) == 0) {
            return value;
        }
        pairs = behind(value);
    }
    return NULL;
}

int ph__pairs_at(const char *pairs, size_t count, size_t index, const char **ret_name,
                 const char **ret_value)
{
    if (index >= count) {
        return -ERANGE;
    }
    for (; index > 0; index--) {
        pairs = behind(behind(pairs));
    }
    *ret_name = pairs;
    *ret_value = behind(pairs);
    return 0;
}
