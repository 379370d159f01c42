/* SPDX-License-Identifier: MIT
 *
 * llhttp's callbacks, and its errors as statuses.
 */
#include "http/parse.h"

#include "http/check.h"
#include "http/token.h"

#include <errno.h>
#include <llhttp.h>
#include <string.h>

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp before version 9 must be compiled with LLHTTP_STRICT_MODE=1"
#endif

_Static_assert(sizeof(llhttp_t) <= sizeof(((struct ph__parser *)0)->llhttp),
               "struct ph__parser has room for llhttp's state");

/* Chunked framing may cost this much beyond 16 bytes for each byte of the body: enough for bodies
 * in one-byte chunks, too little for endless chunk extensions. */
enum { OVERHEAD_FREE = 16384, OVERHEAD_PER_BYTE = 16 };

/* Trailer fields are checked here and thrown away: llhttp would let bare line feeds, folding and
 * empty names through, and so see another end of the message than others do. */
enum trailer {
    TRAILER_NONE,    /* not there yet */
    TRAILER_LINE,    /* at the beginning of a line */
    TRAILER_NAME,    /* in a field's name */
    TRAILER_VALUE,   /* behind its colon */
    TRAILER_LF,      /* between CR and LF of a field */
    TRAILER_LAST_LF, /* between CR and LF of the empty line */
    TRAILER_END,     /* the message is complete */
    TRAILER_BAD
};

#ifdef PH__LLHTTP_SSE42

/* llhttp.c compiled for SSE 4.2, see Findllhttp.cmake. */
int ph__llhttp_execute_sse42(llhttp_t *llhttp, const char *at, const char *end);

static llhttp_errno_t execute(llhttp_t *llhttp, const char *bytes, size_t size)
{
    return __builtin_cpu_supports("sse4.2")
               ? (llhttp_errno_t)ph__llhttp_execute_sse42(llhttp, bytes, bytes + size)
               : llhttp_execute(llhttp, bytes, size);
}

#else

static llhttp_errno_t execute(llhttp_t *llhttp, const char *bytes, size_t size)
{
    return llhttp_execute(llhttp, bytes, size);
}

#endif

static llhttp_t *llhttp_of(struct ph__parser *parser)
{
    return (llhttp_t *)(void *)parser->llhttp;
}

static struct ph__parser *parser_of(llhttp_t *llhttp)
{
    return llhttp->data;
}

enum ph__parse_result ph__parse_fail(struct ph__parser *parser, int status, const char *detail)
{
    parser->status = status;
    parser->detail = detail;
    return PH__PARSE_ERROR;
}

/* For callbacks: llhttp then stops with HPE_USER. */
static int stop(struct ph__parser *parser, int status, const char *detail)
{
    ph__parse_fail(parser, status, detail);
    return -1;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED; /* so that ph__parse_head() ends exactly behind the head */
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct ph__parser *parser = parser_of(llhttp);
    if (llhttp->content_length > parser->body_max - parser->chunk_bytes) {
        return stop(parser, 413, "the request body is larger than this server accepts");
    }
    if (llhttp->content_length > 0) {
        return 0;
    }
    parser->trailer = TRAILER_LINE;
    return HPE_PAUSED; /* what follows is not for llhttp */
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    struct ph__parser *parser = parser_of(llhttp);
    ph__buf_append(parser->body, at, size);
    parser->chunk_bytes += size;
    if (ph__buf_error(parser->body)) {
        return stop(parser, 503, "the server is out of memory");
    }
    return 0;
}

/* Nothing is asked for within the head: check.c finds its lines by their ends, which llhttp has
 * seen to be where they seem, and request.c its fields, should a handler want them. */
static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
};

void ph__parse_init(struct ph__parser *parser, struct ph_request *req,
                    const struct ph__limits *limits)
{
    parser->req = req;
    parser->limits = limits;
    parser->fed = 0;
    parser->skipped = 0;
    parser->head_size = 0;
    parser->body_max = limits->body_max;
    parser->chunk_bytes = 0;
    parser->chunk_overhead = 0;
    parser->body = NULL;
    parser->trailer = TRAILER_NONE;
    parser->status = 0;
    parser->detail = NULL;
    llhttp_init(llhttp_of(parser), HTTP_REQUEST, &settings);
    llhttp_of(parser)->data = parser;
    ph__request_reset(req);
}

/* A token followed by a space, or by nothing yet, is a method we do not know; else it is junk. */
static bool is_method_like(const char *text, size_t size)
{
    size_t i = 0;
    for (; i < size && text[i] != ' '; i++) {
        if (!ph__is_token_char(text[i])) {
            return false;
        }
    }
    return i > 0;
}

static enum ph__parse_result fail_as_llhttp(struct ph__parser *parser, llhttp_errno_t error,
                                            const char *line, size_t size)
{
    switch (error) {
    case HPE_USER:
    case HPE_CB_CHUNK_HEADER:
        return PH__PARSE_ERROR; /* a callback has said why */
    case HPE_INVALID_METHOD:
        return is_method_like(line, size)
                   ? ph__parse_fail(parser, 501, "this server does not know the method")
                   : ph__parse_fail(parser, 400, "the request line does not begin with a method");
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return ph__parse_fail(parser, 505, "this server speaks HTTP/1.1 and HTTP/1.0 only");
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return ph__parse_fail(parser, 400,
                              "Content-Length must be one decimal number, and must not come "
                              "together with Transfer-Encoding");
    case HPE_INVALID_TRANSFER_ENCODING:
        return ph__parse_fail(parser, 400, "Transfer-Encoding must be \"chunked\"");
    case HPE_INVALID_CHUNK_SIZE:
        return ph__parse_fail(parser, 400, "a chunk size is no hexadecimal number");
    case HPE_INVALID_HEADER_TOKEN:
        return ph__parse_fail(parser, 400, "a header field has a character that is not allowed");
    case HPE_INVALID_URL:
        return ph__parse_fail(parser, 400,
                              "the request target has a character that must be percent-encoded "
                              "(RFC 3986 section 2)");
    default:
        return ph__parse_fail(parser, 400, "the request is malformed (RFC 9112)");
    }
}

/* The size of the request line as far as it is there, its end not counted. */
static size_t line_size(const char *line, size_t size, bool *ret_complete)
{
    const char *end = memchr(line, '\n', size);
    *ret_complete = end;
    return end ? (size_t)(end - line) : size;
}

/* The head is not complete. A request line that is already too long need not be waited for. */
static enum ph__parse_result need_more(struct ph__parser *parser, const char *buffer, size_t size)
{
    enum { AROUND_TARGET = 32 }; /* the longest method and version */
    bool complete;
    size_t line = line_size(buffer + parser->skipped, size - parser->skipped, &complete);
    if (line > parser->limits->target_max + AROUND_TARGET) {
        return ph__parse_fail(parser, 414, "the request target is longer than this server accepts");
    }
    if (size < parser->limits->head_max) {
        return PH__PARSE_MORE;
    }
    return complete
               ? ph__parse_fail(parser, 431,
                                "the header fields are longer than this server accepts")
               : ph__parse_fail(parser, 414, "the request line is longer than this server accepts");
}

static enum ph__parse_result finish_head(struct ph__parser *parser, char *buffer)
{
    struct ph_request *req = parser->req;
    if (parser->head_size > parser->limits->head_max) {
        return ph__parse_fail(parser, 431, "the header fields are longer than this server accepts");
    }
    enum ph__parse_result result =
        ph__check_head(parser, buffer + parser->skipped, parser->head_size - parser->skipped);
    if (req->fields_end > 0) { /* it can be read, even if it is refused */
        buffer[req->target + req->target_size] = '\0';
    }
    return result;
}

enum ph__parse_result ph__parse_head(struct ph__parser *parser, char *buffer, size_t size)
{
    llhttp_t *llhttp = llhttp_of(parser);
    parser->head = buffer;
    parser->req->head = buffer;
    /* RFC 9112 section 2.2: empty lines before the request line are passed over. */
    while (parser->fed == parser->skipped && size - parser->skipped >= 2 &&
           buffer[parser->skipped] == '\r' && buffer[parser->skipped + 1] == '\n') {
        parser->skipped += 2;
        parser->fed += 2;
    }
    if (parser->fed == parser->skipped && size - parser->fed == 1 && buffer[parser->fed] == '\r') {
        return PH__PARSE_MORE; /* half an empty line */
    }
    llhttp_errno_t error = execute(llhttp, buffer + parser->fed, size - parser->fed);
    if (error == HPE_OK) {
        parser->fed = size;
        return need_more(parser, buffer, size);
    }
    if (error != HPE_PAUSED) {
        return fail_as_llhttp(parser, error, buffer + parser->skipped, size - parser->skipped);
    }
    parser->fed = parser->head_size = (size_t)(llhttp_get_error_pos(llhttp) - buffer);
    return finish_head(parser, buffer);
}

/* What the byte `c` of the trailer section leads to. */
static enum trailer next_trailer(enum trailer trailer, char c)
{
    unsigned char byte = (unsigned char)c;
    switch (trailer) {
    case TRAILER_LINE:
        return c == '\r' ? TRAILER_LAST_LF : ph__is_token_char(c) ? TRAILER_NAME : TRAILER_BAD;
    case TRAILER_NAME:
        return c == ':' ? TRAILER_VALUE : ph__is_token_char(c) ? TRAILER_NAME : TRAILER_BAD;
    case TRAILER_VALUE:
        if (c == '\r') {
            return TRAILER_LF;
        }
        return (byte >= 0x20 && byte != 0x7F) || c == '\t' ? TRAILER_VALUE : TRAILER_BAD;
    case TRAILER_LF:
        return c == '\n' ? TRAILER_LINE : TRAILER_BAD;
    case TRAILER_LAST_LF:
        return c == '\n' ? TRAILER_END : TRAILER_BAD;
    case TRAILER_NONE:
    case TRAILER_END:
    case TRAILER_BAD:
        break;
    }
    return TRAILER_BAD;
}

/* Returns how many of the bytes belong to the trailer section. */
static size_t skip_trailers(struct ph__parser *parser, const char *bytes, size_t size)
{
    enum trailer trailer = (enum trailer)parser->trailer;
    size_t used = 0;
    while (used < size && trailer != TRAILER_END && trailer != TRAILER_BAD) {
        trailer = next_trailer(trailer, bytes[used++]);
    }
    parser->trailer = (uint8_t)trailer;
    return used;
}

/* RFC 9112 section 7.1.1 and 7.1.2 set no limits to these; somebody has to. */
static enum ph__parse_result check_overhead(struct ph__parser *parser)
{
    if (parser->chunk_overhead <= OVERHEAD_FREE + OVERHEAD_PER_BYTE * parser->chunk_bytes) {
        return PH__PARSE_MORE;
    }
    return parser->trailer != TRAILER_NONE
               ? ph__parse_fail(parser, 431, "the trailer fields are longer than accepted")
               : ph__parse_fail(parser, 400, "the chunk extensions are longer than accepted");
}

enum ph__parse_result ph__parse_chunks(struct ph__parser *parser, const char *bytes, size_t size,
                                       struct ph__buf *body, size_t *ret_used)
{
    llhttp_t *llhttp = llhttp_of(parser);
    uint64_t before = parser->chunk_bytes;
    size_t used = 0;
    parser->body = body;
    if (parser->trailer == TRAILER_NONE) {
        llhttp_resume(llhttp); /* from the pause behind the head; else it does nothing */
        llhttp_errno_t error = execute(llhttp, bytes, size);
        if (error != HPE_OK && error != HPE_PAUSED) {
            return fail_as_llhttp(parser, error, bytes, size);
        }
        used = error == HPE_OK ? size : (size_t)(llhttp_get_error_pos(llhttp) - bytes);
    }
    if (parser->trailer != TRAILER_NONE) {
        used += skip_trailers(parser, bytes + used, size - used);
    }
    if (parser->trailer == TRAILER_BAD) {
        return ph__parse_fail(parser, 400, "a trailer field is malformed");
    }
    parser->chunk_overhead += used - (parser->chunk_bytes - before);
    if (check_overhead(parser) == PH__PARSE_ERROR) {
        return PH__PARSE_ERROR;
    }
    *ret_used = used;
    return parser->trailer == TRAILER_END ? PH__PARSE_DONE : PH__PARSE_MORE;
}
