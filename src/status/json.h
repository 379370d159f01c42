/* SPDX-License-Identifier: MIT
 *
 * Small JSON documents, built from the outside in: what is added goes into the object or array
 * that was begun last. The first failure sticks, as in base/buf.h. Rows of lists are written
 * straight into buffers instead, since there may be 100,000 of them.
 */
#ifndef PORTHOLE_STATUS_JSON_H
#define PORTHOLE_STATUS_JSON_H

#include "base/buf.h"

#include <porthole/http.h>

#include <stdbool.h>
#include <stdint.h>

enum { PH__JSON_DEPTH = 16 };

struct cJSON;
struct ph__json {
    struct cJSON *open[PH__JSON_DEPTH]; /* open[0] is the root, which owns the others */
    unsigned depth;                     /* how many are open; 0 only after a failed init */
    int error;                          /* 0, -ENOMEM, or -EINVAL for nesting too deep */
};

/* Begins with the root object open. */
void ph__json_init(struct ph__json *json);
void ph__json_done(struct ph__json *json);

/* `name` is the key inside an object; it is ignored inside an array. */
void ph__json_begin_object(struct ph__json *json, const char *name);
void ph__json_begin_array(struct ph__json *json, const char *name);
void ph__json_end(struct ph__json *json);

/* NULL gives null. Invalid UTF-8 is replaced by U+FFFD. */
void ph__json_text(struct ph__json *json, const char *name, const char *text);
void ph__json_null(struct ph__json *json, const char *name);
void ph__json_bool(struct ph__json *json, const char *name, bool flag);
void ph__json_u64(struct ph__json *json, const char *name, uint64_t number);
/* Anything below zero gives null. */
void ph__json_known(struct ph__json *json, const char *name, int64_t number);
void ph__json_number(struct ph__json *json, const char *name, double number);
/* RFC 3339 in UTC. */
void ph__json_time(struct ph__json *json, const char *name, uint64_t unix_ms);
/* `text` is JSON already. */
void ph__json_raw(struct ph__json *json, const char *name, const char *text);

/* Prints the document compactly. @return a text for free(), or NULL after any failure. */
char *ph__json_print(const struct ph__json *json);

/* Replies with the document and frees it. @return as ph_reply_take(). */
int ph__json_reply(struct ph__json *json, struct ph_response *res, int status);

#endif
