/* SPDX-License-Identifier: MIT
 *
 * JSON bodies: whether a text is JSON, and if not, where and why, before a library of your choice
 * reads it.
 */
#ifndef PORTHOLE_JSON_H
#define PORTHOLE_JSON_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is wrong, and with which byte. */
struct ph_json_error {
    size_t offset;         /* from 0; the size where the text ends too early */
    unsigned line, column; /* from 1; columns count bytes */
    const char *wrong;     /* a sentence without a full stop; lives as long as the program */
};

enum { PH_JSON_DEPTH_MAX = 1024 };

/**
 * Checks a text by RFC 8259 to the letter: one value, in UTF-8, with nothing behind it but blanks;
 * escapes stand for characters, so that surrogates come in pairs. Names that come twice are
 * allowed, as there. Needs no memory, no recursion, and time in proportion to the size. Any thread;
 * does not block.
 *
 * @param depth_max  arrays and objects within each other, up to PH_JSON_DEPTH_MAX; 0: 32.
 * @param ret_error  filled in after PH_ERR_JSON; NULL: nobody wants to know.
 * @return 0; PH_ERR_JSON; -EINVAL for a depth beyond PH_JSON_DEPTH_MAX.
 */
PH_API PH_MUST_CHECK int ph_json_check(const void *text, size_t size, unsigned depth_max,
                                       struct ph_json_error *ret_error);

/**
 * ph_json_check() for the body of a request, and what clients are to be told of it: 400 with the
 * place, 415 when Content-Type is not application/json, nor anything that ends in "+json".
 *
 * @return 1 when the body is JSON; 0 when a reply has been given, which is to be the handler's;
 * what giving it failed with; -EINVAL as there.
 */
PH_API PH_MUST_CHECK int ph_request_json(const struct ph_request *req, struct ph_response *res,
                                         unsigned depth_max);

#ifdef __cplusplus
}
#endif

#endif
