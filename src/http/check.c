/* SPDX-License-Identifier: MIT
 *
 * The checks on a complete head. Where the framing of the message could be read in two ways the
 * request is refused: what one reader takes for a body another takes for the next request.
 */
#include "http/check.h"

#include <string.h>
#include <strings.h>

/* What the fields say that frame the message and decide on the connection. */
struct facts {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;         /* members of all Transfer-Encoding fields */
    unsigned chunked_codings; /* of these, "chunked" */
    bool has_coding_field;
    bool chunked_is_last;
    bool close;
    bool keep_alive;
};

/* Every line ends with its only CR and LF, and none continues the one before (obsolete folding). */
static const char *check_lines(const char *head, size_t size)
{
    const char *end = head + size;
    for (const char *at = head; at < end;) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        if (!feed || memchr(at, '\r', (size_t)(feed - at)) != feed - 1) {
            return "the head has a CR or LF that is not part of a CR LF at the end of a line";
        }
        at = feed + 1;
        if (at < end && (*at == ' ' || *at == '\t')) {
            return "a header field continues on a second line (RFC 9112 section 5.2)";
        }
    }
    return NULL;
}

/* "GET /path HTTP/1.1", single spaces, nothing else. */
static enum ph__parse_result check_request_line(struct ph__parser *parser, const char *line,
                                                const char *end)
{
    static const char protocol[] = "HTTP/";
    enum { VERSION_SIZE = 8 }; /* "HTTP/1.1" */
    struct ph_request *req = parser->req;
    const char *space = memchr(line, ' ', (size_t)(end - line));
    size_t method_size = space ? (size_t)(space - line) : 0;
    const char *target = parser->head + req->target;
    const char *version = target + req->target_size + 1;
    if (!space || req->target_size == 0 || target != space + 1 || version > end ||
        version[-1] != ' ' || end - version != VERSION_SIZE ||
        memcmp(version, protocol, sizeof protocol - 1) != 0 || version[6] != '.') {
        return ph__parse_fail(parser, 400,
                              "the request line must be a method, a target and HTTP/1.1, with one "
                              "space between them");
    }
    if (version[5] != '1' || version[7] < '0' || version[7] > '1') {
        return ph__parse_fail(parser, 505, "this server speaks HTTP/1.1 and HTTP/1.0 only");
    }
    req->minor_version = version[7] - '0';
    req->method = ph__method_of(line, method_size);
    if (req->method == PH__METHOD_COUNT) {
        return ph__parse_fail(parser, 501, "this server does not know the method");
    }
    return PH__PARSE_DONE;
}

/* Takes the next member of a comma-separated list; false at its end. Empty members are skipped. */
static bool next_member(const char **at, const char *end, const char **ret_member, size_t *ret_size)
{
    while (*at < end && (**at == ',' || **at == ' ' || **at == '\t')) {
        (*at)++;
    }
    if (*at == end) {
        return false;
    }
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *stop = comma ? comma : end;
    *ret_member = *at;
    *at = stop;
    while (stop > *ret_member && (stop[-1] == ' ' || stop[-1] == '\t')) {
        stop--;
    }
    *ret_size = (size_t)(stop - *ret_member);
    return true;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(text, word, size) == 0;
}

static void read_connection(struct facts *facts, const char *value, size_t size)
{
    const char *at = value;
    const char *member;
    size_t length;
    while (next_member(&at, value + size, &member, &length)) {
        facts->close |= is_word(member, length, "close");
        facts->keep_alive |= is_word(member, length, "keep-alive");
    }
}

static void read_coding(struct facts *facts, const char *value, size_t size)
{
    const char *at = value;
    const char *member;
    size_t length;
    facts->has_coding_field = true;
    while (next_member(&at, value + size, &member, &length)) {
        facts->chunked_is_last = is_word(member, length, "chunked");
        facts->chunked_codings += facts->chunked_is_last;
        facts->codings++;
    }
}

static enum ph__parse_result read_length(struct ph__parser *parser, struct facts *facts,
                                         const char *value, size_t size)
{
    uint64_t length = 0;
    bool valid = size > 0 && ++facts->lengths == 1;
    for (size_t i = 0; valid && i < size; i++) {
        valid = value[i] >= '0' && value[i] <= '9';
        if (valid && length > (UINT64_MAX - 9) / 10) {
            return ph__parse_fail(parser, 413,
                                  "the request body is larger than this server accepts");
        }
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    if (!valid) {
        return ph__parse_fail(parser, 400, "Content-Length must be one decimal number");
    }
    parser->req->content_length = length;
    return PH__PARSE_DONE;
}

static enum ph__parse_result read_expect(struct ph__parser *parser, const char *value, size_t size)
{
    struct ph_request *req = parser->req;
    if (req->minor_version == 0) {
        return PH__PARSE_DONE; /* RFC 9110 section 10.1.1: to be ignored */
    }
    if (!is_word(value, size, "100-continue")) {
        return ph__parse_fail(parser, 417,
                              "the only expectation this server meets is 100-continue");
    }
    req->expect_continue = true;
    return PH__PARSE_DONE;
}

/* The switch is on the length: most fields of most requests are none of these. */
static enum ph__parse_result read_field(struct ph__parser *parser, struct facts *facts,
                                        const char *name, size_t name_size, const char *value,
                                        size_t size)
{
    switch (name_size) {
    case 0:
        return ph__parse_fail(parser, 400, "a header field has no name");
    case 4:
        if (is_word(name, name_size, "Host")) {
            facts->hosts++;
            if (!ph__uri_is_host(value, size)) {
                return ph__parse_fail(parser, 400,
                                      "Host must be a host name or address, and a port");
            }
        }
        break;
    case 6:
        if (is_word(name, name_size, "Expect")) {
            return read_expect(parser, value, size);
        }
        break;
    case 10:
        if (is_word(name, name_size, "Connection")) {
            read_connection(facts, value, size);
        }
        break;
    case 14:
        if (is_word(name, name_size, "Content-Length")) {
            return read_length(parser, facts, value, size);
        }
        break;
    case 17:
        if (is_word(name, name_size, "Transfer-Encoding")) {
            read_coding(facts, value, size);
        }
        break;
    default:
        break;
    }
    return PH__PARSE_DONE;
}

/* RFC 9112 section 6.1 and 6.3. */
static enum ph__parse_result check_framing(struct ph__parser *parser, const struct facts *facts)
{
    struct ph_request *req = parser->req;
    if (!facts->has_coding_field) {
        return req->content_length > parser->limits->body_max
                   ? ph__parse_fail(parser, 413,
                                    "the request body is larger than this server accepts")
                   : PH__PARSE_DONE;
    }
    if (facts->lengths > 0) {
        return ph__parse_fail(parser, 400,
                              "Content-Length and Transfer-Encoding must not come together");
    }
    if (req->minor_version == 0) {
        return ph__parse_fail(parser, 400, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (!facts->chunked_is_last || facts->chunked_codings != 1) {
        return ph__parse_fail(parser, 400, "Transfer-Encoding must end with \"chunked\", once");
    }
    if (facts->codings > 1) {
        return ph__parse_fail(parser, 501, "the only transfer coding this server knows is chunked");
    }
    req->chunked = true;
    return PH__PARSE_DONE;
}

static enum ph__parse_result check_host(struct ph__parser *parser, const struct facts *facts)
{
    if (facts->hosts > 1) {
        return ph__parse_fail(parser, 400, "the request has more than one Host field");
    }
    if (facts->hosts == 0 && parser->req->minor_version == 1) {
        return ph__parse_fail(parser, 400, "the request has no Host field");
    }
    return PH__PARSE_DONE;
}

enum ph__parse_result ph__check_head(struct ph__parser *parser, const char *head, size_t size)
{
    struct ph_request *req = parser->req;
    const char *wrong = check_lines(head, size);
    if (wrong) {
        return ph__parse_fail(parser, 400, wrong);
    }
    const char *line_end = (const char *)memchr(head, '\n', size) - 1;
    enum ph__parse_result result = check_request_line(parser, head, line_end);
    struct facts facts = {0};
    for (unsigned i = 0; i < req->field_count && result == PH__PARSE_DONE; i++) {
        const struct ph__field *field = &req->fields[i];
        result = read_field(parser, &facts, parser->head + field->name, field->name_size,
                            parser->head + field->value, field->value_size);
    }
    if (result == PH__PARSE_DONE) {
        result = check_host(parser, &facts);
    }
    if (result == PH__PARSE_DONE) {
        result = check_framing(parser, &facts);
    }
    req->keep_alive = !facts.close && (req->minor_version == 1 || facts.keep_alive);
    return result;
}
