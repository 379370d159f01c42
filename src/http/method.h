/* SPDX-License-Identifier: MIT
 *
 * The methods that routes can have.
 */
#ifndef PORTHOLE_HTTP_METHOD_H
#define PORTHOLE_HTTP_METHOD_H

#include <stddef.h>

#define PH__METHOD_MAP(X) X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(PATCH) X(OPTIONS)

enum ph__method {
#define PH__METHOD_ENUM(name) PH__METHOD_##name,
    PH__METHOD_MAP(PH__METHOD_ENUM)
#undef PH__METHOD_ENUM
        PH__METHOD_COUNT
};

/* Returns PH__METHOD_COUNT for any other word; case counts (RFC 9110 section 9.1). */
enum ph__method ph__method_of(const char *name, size_t size);

const char *ph__method_name(enum ph__method method);

#endif
