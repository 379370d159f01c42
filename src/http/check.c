/* SPDX-License-Identifier: MIT
 *
 * The checks on a complete head. Where the framing of the message could be read in two ways the
 * request is refused: what one reader takes for a body another takes for the next request.
 */
#include "http/check.h"

#include "http/token.h"

#include <string.h>

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

static const char bad_line[] = "a line of the head does not end with CR LF";

/* The CR of the CR LF that ends the line at `at`; NULL when a bare LF does. There is no other CR
 * in it: llhttp has refused a CR that no LF follows, and tests hold it to that. */
static const char *line_end(const char *at, const char *end)
{
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed && feed > at && feed[-1] == '\r' ? feed - 1 : NULL;
}

/* "GET /path HTTP/1.1", single spaces, nothing else. */
static enum ph__parse_result check_request_line(struct ph__parser *parser, const char *line,
                                                const char *end)
{
    static const char protocol[] = " HTTP/";
    enum { VERSION_SIZE = 9 }; /* " HTTP/1.1" */
    struct ph_request *req = parser->req;
    const char *space = memchr(line, ' ', (size_t)(end - line));
    const char *version = end - VERSION_SIZE; /* with the space before it */
    if (!space || !ph__is_token_char(line[0]) || space >= version - 1 ||
        memcmp(version, protocol, sizeof protocol - 1) != 0 || version[7] != '.' ||
        memchr(space + 1, ' ', (size_t)(version - space - 1))) {
        return ph__parse_fail(parser, 400,
                              "the request line must be a method, a target and HTTP/1.1, with one "
                              "space between them");
    }
    if (version[6] != '1' || version[8] < '0' || version[8] > '1') {
        return ph__parse_fail(parser, 505, "this server speaks HTTP/1.1 and HTTP/1.0 only");
    }
    req->target = (uint32_t)(space + 1 - parser->head);
    req->target_size = (uint32_t)(version - space - 1);
    if (req->target_size > parser->limits->target_max) {
        return ph__parse_fail(parser, 414, "the request target is longer than this server accepts");
    }
    req->minor_version = version[8] - '0';
    req->method = ph__method_of(line, (size_t)(space - line));
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

/* Compares with a word of small letters and '-', whatever letters the text has. The text stands in
 * a line, so it has no CR, the one other byte that the bit makes a '-'. */
static inline bool is_word(const char *text, size_t size, const char *word)
{
    if (size != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
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

/* Whether the line is the field of that name; ret_value and ret_size then get its value. */
static inline bool is_field(const char *line, const char *end, const char *name,
                            const char **ret_value, size_t *ret_size)
{
    size_t size = strlen(name);
    if ((size_t)(end - line) <= size || line[size] != ':' || !is_word(line, size, name)) {
        return false;
    }
    const char *value = line + size + 1;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *ret_value = value;
    *ret_size = (size_t)(end - value);
    return true;
}

/* The switch is on the first letter: most fields of most requests are none of these, and cost no
 * more than that. */
static enum ph__parse_result read_line(struct ph__parser *parser, struct facts *facts,
                                       const char *line, const char *end)
{
    const char *value;
    size_t size;
    switch (line[0] | 0x20) {
    case ' ':
    case '\t' | 0x20:
        return ph__parse_fail(parser, 400,
                              "a header field continues on a second line (RFC 9112 section 5.2)");
    case ':':
        return ph__parse_fail(parser, 400, "a header field has no name");
    case 'h':
        if (is_field(line, end, "host", &value, &size)) {
            facts->hosts++;
            if (!ph__uri_is_host(value, size)) {
                return ph__parse_fail(parser, 400,
                                      "Host must be a host name or address, and a port");
            }
        }
        break;
    case 'e':
        if (is_field(line, end, "expect", &value, &size)) {
            return read_expect(parser, value, size);
        }
        break;
    case 'c':
        if (is_field(line, end, "connection", &value, &size)) {
            read_connection(facts, value, size);
        } else if (is_field(line, end, "content-length", &value, &size)) {
            return read_length(parser, facts, value, size);
        }
        break;
    case 't':
        if (is_field(line, end, "transfer-encoding", &value, &size)) {
            read_coding(facts, value, size);
        }
        break;
    default:
        break;
    }
    return PH__PARSE_DONE;
}

/* The lines from `at` to the empty one, which has to be the last thing in the head. */
static enum ph__parse_result read_lines(struct ph__parser *parser, struct facts *facts,
                                        const char *at, const char *end)
{
    struct ph_request *req = parser->req;
    req->fields_at = (uint32_t)(at - parser->head);
    for (;;) {
        const char *stop = line_end(at, end);
        if (!stop) {
            return ph__parse_fail(parser, 400, bad_line);
        }
        if (stop == at) {
            break;
        }
        if (req->field_count++ == parser->limits->headers_max) {
            return ph__parse_fail(parser, 431,
                                  "the request has more header fields than this server accepts");
        }
        enum ph__parse_result result = read_line(parser, facts, at, stop);
        if (result != PH__PARSE_DONE) {
            return result;
        }
        at = stop + 2;
    }
    req->fields_end = (uint32_t)(at - parser->head);
    return at + 2 == end ? PH__PARSE_DONE : ph__parse_fail(parser, 400, bad_line);
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
    const char *end = head + size;
    const char *line = line_end(head, end);
    if (!line) {
        return ph__parse_fail(parser, 400, bad_line);
    }
    struct facts facts = {0};
    enum ph__parse_result result = check_request_line(parser, head, line);
    if (result == PH__PARSE_DONE) {
        result = read_lines(parser, &facts, line + 2, end);
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
