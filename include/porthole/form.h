/* SPDX-License-Identifier: MIT
 *
 * Bodies that HTML forms and `curl --data-urlencode` or `curl --form` send.
 *
 * None of these functions blocks, and what they make is for one thread at a time. Names, values and
 * names of files are a stranger's: never make a path of them.
 */
#ifndef PORTHOLE_FORM_H
#define PORTHOLE_FORM_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PH_FORM_FIELDS_MAX = 1000, /* of a form, and parts of a multipart body */
    PH_PART_HEAD_MAX = 8192,   /* bytes of the header fields of a part */
};

/* ---- application/x-www-form-urlencoded (url.spec.whatwg.org), gathered ---- */

struct ph_form;

/**
 * Takes the body of a request apart; the form has a copy, so that it may outlive the request.
 *
 * @return 0; -EINVAL when Content-Type says something else; PH_ERR_FORM for an escape that is none,
 *         or of a NUL; PH_ERR_LIMIT beyond PH_FORM_FIELDS_MAX; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_form_new(struct ph_form **ret_form, const struct ph_request *req);

/** The value of the first field of this name, decoded ('+' is a space); NULL when absent. It lives
 *  as long as the form. */
PH_API const char *ph_form_value(const struct ph_form *form, const char *name);

/** How many fields there are. */
PH_API size_t ph_form_count(const struct ph_form *form);

/** The field number `index`; one without '=' has the value "". -ERANGE beyond the last. */
PH_API PH_MUST_CHECK int ph_form_at(const struct ph_form *form, size_t index, const char **ret_name,
                                    const char **ret_value);

/** NULL is allowed. */
PH_API void ph_form_free(struct ph_form *form);

/* ---- multipart/form-data (RFC 7578), part by part while it comes ---- */

/** Of a part. Valid during the call. */
struct ph_part {
    const char *name;         /* of the field */
    const char *filename;     /* NULL for a field that is no file; "" when none was chosen */
    const char *content_type; /* "text/plain" where the part does not say */
};

/** Each returns 0, or a negative error code, with which ph_multipart_feed() then ends. NULL: what
 * it would be told is thrown away. */
struct ph_multipart_handler {
    int (*begin)(void *user, const struct ph_part *part);
    int (*data)(void *user, const void *bytes, size_t size); /* at least one; as it comes */
    int (*end)(void *user);
};

struct ph_multipart;

/**
 * For a body that is handed over piece by piece (ph_request_receive() in server.h) or has been
 * gathered; its memory does not grow with the body.
 *
 * @param content_type  of the request, NULL where it has none.
 * @param handler       is copied.
 * @return 0; -EINVAL when that is not multipart/form-data; PH_ERR_FORM without a boundary, or with
 *         one that RFC 2046 section 5.1.1 does not allow; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_multipart_new(struct ph_multipart **ret_multipart,
                                          const char *content_type,
                                          const struct ph_multipart_handler *handler, void *user);

/**
 * Takes the next bytes of the body, however many.
 *
 * @return 0; PH_ERR_FORM, see ph_multipart_wrong(); PH_ERR_LIMIT for a part's head beyond
 *         PH_PART_HEAD_MAX, or too many parts; -ENOMEM; what a handler has returned. After an
 *         error every later call returns it again.
 */
PH_API PH_MUST_CHECK int ph_multipart_feed(struct ph_multipart *multipart, const void *bytes,
                                           size_t size);

/** After the last bytes. @return 0; PH_ERR_FORM when the end of the last part has not come; the
 *  error that ph_multipart_feed() had. */
PH_API PH_MUST_CHECK int ph_multipart_finish(struct ph_multipart *multipart);

/** After PH_ERR_FORM or PH_ERR_LIMIT what was wrong, as a sentence without a full stop; "" before.
 *  Lives as long as the program. */
PH_API const char *ph_multipart_wrong(const struct ph_multipart *multipart);

/** NULL is allowed. */
PH_API void ph_multipart_free(struct ph_multipart *multipart);

#ifdef __cplusplus
}
#endif

#endif
