/* SPDX-License-Identifier: MIT
 *
 * Whether a text is JSON: one walk over its bytes, with a bit for each array or object around the
 * value in hand.
 */
#include <porthole/json.h>

#include "base/utf8.h"
#include "http/media.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_DEFAULT = 32 };

struct scan {
    const char *at, *end;
    const char *wrong; /* NULL: nothing yet */
    unsigned depth, depth_max;
    uint8_t objects[PH_JSON_DEPTH_MAX / 8]; /* a bit for each level: it is an object */
};

static bool fail(struct scan *scan, const char *wrong)
{
    scan->wrong = wrong;
    return false;
}

/* The next byte; at the end one that stands nowhere outside of strings. */
static char peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at && strchr(" \t\r\n", *scan->at)) {
        scan->at++;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* ---- strings ---- */

/* Reads "\uXXXX". */
static bool read_unit(struct scan *scan, unsigned *ret_unit)
{
    unsigned unit = 0;
    if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u') {
        return false;
    }
    for (int i = 2; i < 6; i++) {
        char c = scan->at[i];
        if (!is_hex(c)) {
            return false;
        }
        unit = unit << 4 | (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    scan->at += 6;
    *ret_unit = unit;
    return true;
}

static bool skip_escape(struct scan *scan)
{
    static const char wrong[] = "this escape stands for no character";
    const char *begin = scan->at;
    char kind = scan->end - begin > 1 ? begin[1] : '\0';
    if (kind && strchr("\"\\/bfnrt", kind)) {
        scan->at += 2;
        return true;
    }
    unsigned unit = 0;
    bool good = read_unit(scan, &unit);
    if (good && unit >= 0xD800 && unit < 0xE000) {
        unsigned low = 0;
        good = unit < 0xDC00 && read_unit(scan, &low) && low >= 0xDC00 && low < 0xE000;
    }
    if (!good) {
        scan->at = begin;
    }
    return good || fail(scan, wrong);
}

static bool skip_string(struct scan *scan)
{
    if (peek(scan) != '"') {
        return fail(scan, "a name in quotes should stand here");
    }
    for (scan->at++; scan->at < scan->end && *scan->at != '"';) {
        unsigned char c = (unsigned char)*scan->at;
        if (c < 0x20) {
            return fail(scan, "a string goes on, in which this byte has to be escaped");
        }
        if (c == '\\') {
            if (!skip_escape(scan)) {
                return false;
            }
            continue;
        }
        size_t length = c < 0x80 ? 1 : ph__utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (length == 0) {
            return fail(scan, "this is not UTF-8");
        }
        scan->at += length;
    }
    if (scan->at == scan->end) {
        return fail(scan, "the text ends within a string");
    }
    scan->at++;
    return true;
}

/* ---- numbers and words ---- */

static bool skip_digits(struct scan *scan)
{
    if (!is_digit(peek(scan))) {
        return fail(scan, "a digit should stand here");
    }
    while (is_digit(peek(scan))) {
        scan->at++;
    }
    return true;
}

static bool skip_number(struct scan *scan)
{
    scan->at += peek(scan) == '-';
    bool zero = peek(scan) == '0';
    scan->at += zero;
    if (!zero && !skip_digits(scan)) {
        return false;
    }
    if (zero && is_digit(peek(scan))) {
        return fail(scan, "a number begins with 0, behind which no digit may stand");
    }
    if (peek(scan) == '.') {
        scan->at++;
        if (!skip_digits(scan)) {
            return false;
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        scan->at += peek(scan) == '-' || peek(scan) == '+';
        return skip_digits(scan);
    }
    return true;
}

static bool skip_word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(scan->end - scan->at) >= size && memcmp(scan->at, words[i], size) == 0) {
            scan->at += size;
            return true;
        }
    }
    return fail(scan, scan->at == scan->end ? "the text ends where a value should stand"
                                            : "a value should stand here");
}

/* ---- arrays and objects ---- */

static bool in_object(const struct scan *scan)
{
    unsigned level = scan->depth - 1;
    return scan->objects[level / 8] >> level % 8 & 1;
}

static bool open_level(struct scan *scan, bool object)
{
    if (scan->depth == scan->depth_max) {
        return fail(scan, "arrays and objects are nested deeper than is accepted");
    }
    unsigned level = scan->depth++;
    uint8_t bit = (uint8_t)(1u << level % 8);
    scan->objects[level / 8] =
        (uint8_t)(object ? scan->objects[level / 8] | bit : scan->objects[level / 8] & ~bit);
    scan->at++;
    skip_blanks(scan);
    return true;
}

/* The name of a member, and its colon. */
static bool skip_name(struct scan *scan)
{
    skip_blanks(scan);
    if (!skip_string(scan)) {
        return false;
    }
    skip_blanks(scan);
    if (peek(scan) != ':') {
        return fail(scan, "a colon should stand here");
    }
    scan->at++;
    return true;
}

/* Begins the value at hand, and all that begin with it. When it returns true a value has ended, or
 * an array or object that is empty is about to. */
static bool begin_value(struct scan *scan)
{
    for (;;) {
        skip_blanks(scan);
        char c = peek(scan);
        bool object = c == '{';
        if (!object && c != '[') {
            return c == '"'                  ? skip_string(scan)
                   : c == '-' || is_digit(c) ? skip_number(scan)
                                             : skip_word(scan);
        }
        if (!open_level(scan, object)) {
            return false;
        }
        if (peek(scan) == (object ? '}' : ']')) {
            return true;
        }
        if (object && !skip_name(scan)) {
            return false;
        }
    }
}

/* Behind a value: ends what ends there. Returns whether another value follows. */
static bool end_values(struct scan *scan)
{
    for (skip_blanks(scan); scan->depth > 0; skip_blanks(scan)) {
        bool object = in_object(scan);
        char c = peek(scan);
        if (c == ',') {
            scan->at++;
            return !object || skip_name(scan);
        }
        if (c != (object ? '}' : ']')) {
            return fail(scan, object ? "a comma or } should stand here"
                                     : "a comma or ] should stand here");
        }
        scan->at++;
        scan->depth--;
    }
    return false;
}

static void describe(const struct scan *scan, const char *text, struct ph_json_error *error)
{
    const char *line = text;
    *error = (struct ph_json_error){
        .offset = (size_t)(scan->at - text), .line = 1, .wrong = scan->wrong};
    for (const char *c = text; c < scan->at; c++) {
        if (*c == '\n') {
            error->line++;
            line = c + 1;
        }
    }
    error->column = (unsigned)(scan->at - line) + 1;
}

int ph_json_check(const void *text, size_t size, unsigned depth_max,
                  struct ph_json_error *ret_error)
{
    if (depth_max > PH_JSON_DEPTH_MAX) {
        return -EINVAL;
    }
    struct scan scan = {.at = text,
                        .end = (const char *)text + size,
                        .depth_max = depth_max ? depth_max : DEPTH_DEFAULT};
    do {
        begin_value(&scan);
    } while (!scan.wrong && end_values(&scan));
    if (!scan.wrong && scan.at < scan.end) {
        fail(&scan, "the text goes on behind its value");
    }
    if (scan.wrong && ret_error) {
        describe(&scan, text, ret_error);
    }
    return scan.wrong ? PH_ERR_JSON : 0;
}

/* ---- bodies ---- */

static bool is_json_type(const char *type)
{
    if (!type || ph__media_is(type, "application/json")) {
        return type;
    }
    size_t size = strcspn(type, "; \t");
    return size > 5 && strncasecmp(type + size - 5, "+json", 5) == 0;
}

int ph_request_json(const struct ph_request *req, struct ph_response *res, unsigned depth_max)
{
    struct ph_json_error error;
    size_t size;
    const void *body = ph_request_body(req, &size);
    if (!is_json_type(ph_request_header(req, "Content-Type"))) {
        return ph_reply_problem(res, 415, "this wants JSON: Content-Type: application/json");
    }
    int err = ph_json_check(body, size, depth_max, &error);
    if (err == PH_ERR_JSON) {
        return ph_reply_problem(res, 400, "the body is not JSON: line %u, column %u: %s",
                                error.line, error.column, error.wrong);
    }
    return err < 0 ? err : 1;
}
