/* SPDX-License-Identifier: MIT
 *
 * The methods that routes can have.
 */
#include "http/method.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} methods[PH__METHOD_COUNT] = {
#define METHOD_ROW(name) [PH__METHOD_##name] = {#name, sizeof #name - 1},
    PH__METHOD_MAP(METHOD_ROW)
#undef METHOD_ROW
};

enum ph__method ph__method_of(const char *name, size_t size)
{
    for (int i = 0; i < PH__METHOD_COUNT; i++) {
        if (methods[i].size == size && memcmp(methods[i].name, name, size) == 0) {
            return (enum ph__method)i;
        }
    }
    return PH__METHOD_COUNT;
}

const char *ph__method_name(enum ph__method method)
{
    return methods[method].name;
}
