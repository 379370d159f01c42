/* SPDX-License-Identifier: MIT
 *
 * The reply while it is made. Head and small bodies are written straight into the buffer that is
 * sent, behind the replies of earlier pipelined requests; a large body is sent from where it is.
 */
#ifndef PORTHOLE_HTTP_RESPONSE_H
#define PORTHOLE_HTTP_RESPONSE_H

#include "base/buf.h"

#include <porthole/http.h>

#include <stdbool.h>
#include <stdint.h>

struct ph_response {
    struct ph__buf *out; /* bytes to send; this reply begins at `mark` */
    size_t mark;
    struct ph__buf fields; /* lines added by ph_response_header() */
    const char *date;      /* 29 characters; stays as it is until the reply is made */

    /* Set before the handler runs. */
    bool head_only;    /* HEAD */
    bool close;        /* the connection ends with this reply */
    int minor_version; /* of the request */

    int status;     /* 0: no reply yet */
    int64_t length; /* of the body that is sent; below 0: not known before it ends */
    /* A body that is not in `out`; at most one of the three. */
    const char *tail;
    size_t tail_size;
    int file; /* a descriptor, of which file_size bytes from file_offset are still to be sent */
    uint64_t file_offset, file_size;
    void *tail_owned; /* what tail_release gets: of a tail or a file */
    void (*tail_release)(void *data);
    ph_generate generate;
    void *generate_user;
    void (*generate_release)(void *user);
    bool chunked; /* what generate makes is sent in chunks */
};

/* Bodies up to this size are copied behind the head; one system call sends both either way. */
enum { PH__SMALL_BODY = 8192 };

/* `out` and `date` must outlive the response. The response begins with no reply. */
void ph__response_init(struct ph_response *res, struct ph__buf *out);
void ph__response_done(struct ph_response *res);

/* Begins the next reply, which goes behind what is in `out`. */
void ph__response_begin(struct ph_response *res, const char *date);

/* Writes the head of a reply whose body has this size, and leaves room for `more` bytes behind it.
 * Returns as ph_reply_copy(). On success the caller sets what the body is, and then `status`. */
int ph__response_head(struct ph_response *res, int status, const char *content_type, uint64_t size,
                      size_t more);

/* Whether a body of this reply is sent, or its length only told. */
bool ph__response_sends_body(const struct ph_response *res, int status);

/* True when all of the reply stands in `out`. */
static inline bool ph__response_is_in_out(const struct ph_response *res)
{
    return !res->tail && !res->generate && res->file_size == 0;
}

/* Takes the reply back, releasing what it held: the next one takes its place. */
void ph__response_cancel(struct ph_response *res);

/* Appends the line of a field that a handler adds: 0, PH_ERR_HEADER, -ENOSPC or -ENOMEM. */
int ph__response_add_field(struct ph__buf *fields, const char *name, const char *value);

/* True for a text that may stand as a field's value. */
bool ph__response_is_value(const char *text);

/* Releases a tail or a generator; the bytes in `out` stay. */
void ph__response_release(struct ph_response *res);

#endif
