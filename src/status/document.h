/* SPDX-License-Identifier: MIT
 *
 * Replies that are one JSON object about something asked, over HTTP or on the terminal.
 */
#ifndef PORTHOLE_STATUS_DOCUMENT_H
#define PORTHOLE_STATUS_DOCUMENT_H

#include "status/endpoints.h"
#include "status/json.h"

#include <porthole/doctor.h>

/* What has been asked, wherever the parameters come from. */
struct ph__asked {
    struct ph_sockets *sockets;
    struct ph_doctor *doctor; /* NULL: one who sees all for the first time */
    const char *(*param)(const void *from, const char *name); /* NULL: not given */
    const void *from;
    char *problem; /* on PH_ERR_PARAMETER: one sentence */
    size_t problem_size;
};

/* Fill in the document. @return 0; PH_ERR_PARAMETER; what reading the kernel returns. */
int ph__why_document(struct ph__json *json, const struct ph__asked *asked);

/* Writes an explanation and the findings about its port into the object that is open. */
void ph__why_add(struct ph__json *json, const struct ph__asked *asked, const struct ph_why *why);

/* The name of a negative errno ("ECONNREFUSED"), or the text of a rarer one; NULL for 0. */
const char *ph__error_name(int error);

/* Hands a document over as text, with a line end, and frees it. @return 0; -ENOMEM; what `write`
 * returned. */
int ph__document_write(struct ph__json *json,
                       int (*write)(void *user, const char *text, size_t size), void *user);

/* Answers a request with such a document. */
int ph__document_reply(struct ph__call *call,
                       int (*fill)(struct ph__json *json, const struct ph__asked *asked));

/* Read a parameter, or leave *ret_… as it is where it is missing. @return 0; PH_ERR_PARAMETER. */
int ph__asked_number(const struct ph__asked *asked, const char *name, uint64_t max,
                     uint64_t *ret_number);
/* TCP or UDP; of another word PH_PROTOCOL_UNIX, which whoever is asked refuses. */
enum ph_protocol ph__asked_protocol(const struct ph__asked *asked);
int ph__asked_bool(const struct ph__asked *asked, const char *name, bool *ret_flag);

#endif
