/* SPDX-License-Identifier: MIT
 *
 * Feeds a parser piece by piece, as hard as its header allows: the buffer is exactly as large as
 * what has come, and stands elsewhere at each call. For unit tests and fuzz targets.
 */
#ifndef PORTHOLE_TESTS_PARSING_H
#define PORTHOLE_TESTS_PARSING_H

#include "http/parse.h"

#include <stdlib.h>
#include <string.h>

struct parsing {
    struct ph__limits limits;
    struct ph__parser parser;
    struct ph_request req;
    struct ph__field *fields; /* exactly limits.headers_max */
    char *buffer;             /* exactly `size` bytes */
    size_t size;
    enum ph__parse_result result;
    struct ph__buf body;
    size_t used; /* bytes of the chunked body */
};

/* Memory of exactly this size, so that AddressSanitizer sees a step beyond. */
static inline char *exact_copy(const char *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1);
    if (!copy) {
        abort();
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static inline void parsing_begin(struct parsing *p, const struct ph__limits *limits)
{
    *p = (struct parsing){.limits = *limits, .result = PH__PARSE_MORE};
    size_t fields = p->limits.headers_max * sizeof *p->fields;
    p->fields = malloc(fields);
    if (!p->fields) {
        abort();
    }
    memset(p->fields, 0xA5, fields);
    p->req.fields = p->fields;
    ph__buf_init(&p->body, limits->body_max);
    ph__parse_init(&p->parser, &p->req, &p->limits);
}

static inline void parsing_end(struct parsing *p)
{
    ph__buf_done(&p->body);
    free(p->buffer);
    free(p->fields);
}

/* Appends bytes of a head. */
static inline enum ph__parse_result parsing_feed(struct parsing *p, const char *bytes, size_t size)
{
    char *moved = malloc(p->size + size ? p->size + size : 1);
    if (!moved) {
        abort();
    }
    if (p->size > 0) {
        memcpy(moved, p->buffer, p->size);
        memset(p->buffer, '#', p->size); /* who still looks there finds nothing of use */
    }
    if (size > 0) {
        memcpy(moved + p->size, bytes, size);
    }
    free(p->buffer);
    p->buffer = moved;
    p->size += size;
    p->result = ph__parse_head(&p->parser, p->buffer, p->size);
    if (p->result == PH__PARSE_DONE) {
        ph__request_index(&p->req);
    }
    return p->result;
}

/* Gives bytes of a chunked body. */
static inline enum ph__parse_result parsing_chunks(struct parsing *p, const char *bytes,
                                                   size_t size)
{
    char *copy = exact_copy(bytes, size);
    size_t used = 0;
    p->result = ph__parse_chunks(&p->parser, copy, size, &p->body, &used);
    p->used += used;
    free(copy);
    return p->result;
}

static inline bool is_terminated(const struct parsing *p, uint32_t at, uint32_t size)
{
    size_t end = (size_t)at + size;
    return end < p->parser.head_size && p->buffer[end] == '\0' &&
           memchr(p->buffer + at, '\0', size) == NULL &&
           memchr(p->buffer + at, '\r', size) == NULL && memchr(p->buffer + at, '\n', size) == NULL;
}

static inline const char *wrong_with_head(const struct parsing *p)
{
    const struct ph_request *req = &p->req;
    if (p->parser.head_size > p->size || p->parser.head_size > p->limits.head_max) {
        return "the head is longer than the buffer, or than allowed";
    }
    if (req->head != p->buffer || (int)req->method < 0 || req->method >= PH__METHOD_COUNT ||
        req->minor_version < 0 || req->minor_version > 1) {
        return "buffer, method or version";
    }
    if (req->target_size == 0 || req->target_size > p->limits.target_max ||
        !is_terminated(p, req->target, req->target_size)) {
        return "the target";
    }
    if (req->field_count > p->limits.headers_max) {
        return "too many fields";
    }
    size_t at = (size_t)req->target + req->target_size;
    for (unsigned i = 0; i < req->field_count; i++) {
        const struct ph__field *field = &p->fields[i];
        if (field->name < at || field->name_size == 0 ||
            !is_terminated(p, field->name, field->name_size)) {
            return "a field's name";
        }
        at = (size_t)field->name + field->name_size;
        if (field->value < at || !is_terminated(p, field->value, field->value_size)) {
            return "a field's value";
        }
        at = (size_t)field->value + field->value_size;
    }
    if (req->content_length > p->limits.body_max || (req->chunked && req->content_length > 0)) {
        return "the framing of the body";
    }
    return NULL;
}

/* The CR of an empty line before the request is looked at again, together with its LF. */
static inline bool ends_in_half_a_line(const struct parsing *p)
{
    return p->parser.fed + 1 == p->size && p->buffer[p->parser.fed] == '\r';
}

/* Returns what does not hold although it must, or NULL. `head`: the last call was for the head. */
static inline const char *parsing_wrong(const struct parsing *p, bool head)
{
    static const int statuses[] = {400, 413, 414, 417, 431, 501, 503, 505};
    switch (p->result) {
    case PH__PARSE_MORE:
        return head && p->parser.fed != p->size && !ends_in_half_a_line(p)
                   ? "wants more, but has not used all"
                   : NULL;
    case PH__PARSE_DONE:
        return head ? wrong_with_head(p) : p->body.size > p->limits.body_max ? "the body" : NULL;
    case PH__PARSE_ERROR:
        break;
    default:
        return "the result";
    }
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (p->parser.status == statuses[i]) {
            return p->parser.detail && p->parser.detail[0] ? NULL : "an error without detail";
        }
    }
    return "the status of an error";
}

#endif
