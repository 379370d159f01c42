/* SPDX-License-Identifier: MIT
 *
 * From bytes to a request: the one user of llhttp. No descriptors here.
 *
 * llhttp finds the parts of the head and takes chunks apart. What it lets through although
 * RFC 9112 does not is refused here, in check.c. A body with a Content-Length needs no parser:
 * it is the next so many bytes.
 */
#ifndef PORTHOLE_HTTP_PARSE_H
#define PORTHOLE_HTTP_PARSE_H

#include "base/buf.h"
#include "http/request.h"

struct ph__limits {
    size_t target_max;
    size_t head_max;
    unsigned headers_max;
    uint64_t body_max; /* the most that any route takes */
};

enum ph__parse_result {
    PH__PARSE_MORE, /* all bytes are used, and more are needed */
    PH__PARSE_DONE,
    PH__PARSE_ERROR /* see status and detail; the connection cannot go on */
};

struct ph__parser {
    uint64_t llhttp[16]; /* an llhttp_t, which only parse.c knows */
    struct ph_request *req;
    const struct ph__limits *limits;
    size_t fed;           /* bytes of the buffer that llhttp has seen */
    size_t skipped;       /* bytes of empty lines before the request line */
    size_t head_size;     /* once the head is complete, with its last empty line */
    char *head;           /* where the buffer is in this call */
    struct ph__buf *body; /* chunks are joined here */
    uint64_t body_max; /* of this request's chunks; limits->body_max, until somebody knows better */
    uint64_t chunk_bytes;    /* what the chunks have held so far */
    uint64_t chunk_overhead; /* bytes of chunked framing so far */
    uint8_t trailer;         /* behind the last chunk: how far it has come, see parse.c */
    int status;              /* of PH__PARSE_ERROR: 400, 413, 414, 417, 431, 501, 503 or 505 */
    const char *detail;
};

/* Begins a request; `req` keeps its fields array, all else is reset. */
void ph__parse_init(struct ph__parser *parser, struct ph_request *req,
                    const struct ph__limits *limits);

/*
 * Parses the head in [buffer, buffer + size). May be called again when more bytes have been
 * appended, also when the buffer has moved meanwhile. When done, parser->head_size bytes (counted
 * from the beginning of the buffer) belong to the head, the request is filled but for the uri,
 * and it refers to the buffer.
 */
enum ph__parse_result ph__parse_head(struct ph__parser *parser, char *buffer, size_t size);

/*
 * Parses bytes of a chunked body, appending what they hold to `body`, which may be emptied in
 * between; all together may hold parser->body_max bytes.
 * `ret_used` gets how many bytes were used; after PH__PARSE_DONE the rest is the next request.
 */
enum ph__parse_result ph__parse_chunks(struct ph__parser *parser, const char *bytes, size_t size,
                                       struct ph__buf *body, size_t *ret_used);

/* Makes the parser's result an error. Returns PH__PARSE_ERROR. */
enum ph__parse_result ph__parse_fail(struct ph__parser *parser, int status, const char *detail);

#endif
