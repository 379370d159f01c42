/* SPDX-License-Identifier: MIT
 *
 * A reply, and the buffer it is made in, for the tests of response.c.
 */
#ifndef PORTHOLE_TESTS_REPLIES_H
#define PORTHOLE_TESTS_REPLIES_H

#include "http/response.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define DATE "Mon, 23 Nov 2026 17:28:00 GMT"
#define DATE_LINE "Date: " DATE "\r\n"

struct reply {
    struct ph__buf out;
    struct ph_response res;
};

static inline void begin_reply(struct reply *f)
{
    ph__buf_init(&f->out, 0);
    ph__response_init(&f->res, &f->out);
    ph__response_begin(&f->res, DATE " and more that must not be sent");
    f->res.minor_version = 1;
}

static inline void end_reply(struct reply *f)
{
    ph__response_done(&f->res);
    ph__buf_done(&f->out);
}

static inline void assert_out(const struct reply *f, const char *expected)
{
    char *got = strndup(f->out.data ? f->out.data : "", f->out.size);
    assert_non_null(got);
    assert_string_equal(got, expected);
    free(got);
}

#endif
