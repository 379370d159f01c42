/* SPDX-License-Identifier: MIT
 *
 * Forms that are gathered.
 */
#include <porthole/form.h>

#include "http/media.h"
#include "http/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ph_form {
    size_t count;
    char pairs[]; /* each "name\0value\0" */
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* Decodes up to `end`, and ends what it has written with a NUL. Returns where the next goes, NULL
 * for what is malformed. */
static char *decode(char *to, const char *from, const char *end)
{
    for (; from < end; from++) {
        char c = *from == '+' ? ' ' : *from;
        if (c == '%') {
            int high = end - from > 2 ? hex_digit(from[1]) : -1;
            int low = end - from > 2 ? hex_digit(from[2]) : -1;
            if (high < 0 || low < 0) {
                return NULL;
            }
            c = (char)(high << 4 | low);
            from += 2;
        }
        if (c == '\0') {
            return NULL;
        }
        *to++ = c;
    }
    *to++ = '\0';
    return to;
}

/* Splits at '&', leaving out what is empty. */
static int split(struct ph_form *form, const char *body, size_t size)
{
    const char *end = body + size;
    char *to = form->pairs;
    while (body < end) {
        const char *stop = memchr(body, '&', (size_t)(end - body));
        stop = stop ? stop : end;
        if (stop > body) {
            if (form->count == PH_FORM_FIELDS_MAX) {
                return PH_ERR_LIMIT;
            }
            const char *equals = memchr(body, '=', (size_t)(stop - body));
            to = decode(to, body, equals ? equals : stop);
            to = to ? decode(to, equals ? equals + 1 : stop, stop) : NULL;
            if (!to) {
                return PH_ERR_FORM;
            }
            form->count++;
        }
        body = stop + 1;
    }
    return 0;
}

int ph_form_new(struct ph_form **ret_form, const struct ph_request *req)
{
    size_t size;
    const char *body = ph_request_body(req, &size);
    if (!ph__media_is(ph_request_header(req, "Content-Type"),
                      "application/x-www-form-urlencoded")) {
        return -EINVAL;
    }
    /* A pair "a" of one byte and its separator become three. */
    struct ph_form *form = calloc(1, sizeof *form + size + size / 2 + 3);
    if (!form) {
        return -ENOMEM;
    }
    int err = split(form, body, size);
    if (err < 0) {
        free(form);
        return err;
    }
    *ret_form = form;
    return 0;
}

int ph_form_at(const struct ph_form *form, size_t index, const char **ret_name,
               const char **ret_value)
{
    return ph__pairs_at(form->pairs, form->count, index, ret_name, ret_value);
}

const char *ph_form_value(const struct ph_form *form, const char *name)
{
    return ph__pairs_find(form->pairs, form->count, name);
}

size_t ph_form_count(const struct ph_form *form)
{
    return form->count;
}

void ph_form_free(struct ph_form *form)
{
    free(form);
}
