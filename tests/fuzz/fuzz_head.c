/* SPDX-License-Identifier: MIT
 *
 * Fuzzes heads: the input is what a client sends first. Must reach ph__parse_head(),
 * ph__check_head() and, for heads that are accepted, ph__uri_parse().
 *
 * The limits are small, so that all of them are met. Whole and in pieces the input must come to
 * the same end.
 */
#include "fuzz/fuzz.h"
#include "support/parsing.h"

static const struct ph__limits limits = {
    .target_max = 64, .head_max = 512, .headers_max = 8, .body_max = 1000};

/* What holds of a target that has been accepted. */
static void parse_target(const struct parsing *p)
{
    const struct ph_request *req = &p->req;
    struct ph__uri uri;
    char *scratch = malloc(ph__uri_scratch(req->target_size));
    REQUIRE(scratch);
    if (!ph__uri_parse(&uri, req->head + req->target, req->target_size, scratch)) {
        REQUIRE(uri.asterisk || uri.path[0] == '/');
        REQUIRE(strlen(uri.path) == uri.path_size);
    }
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_MAX) {
        return 0;
    }
    const char *text = (const char *)data;
    struct parsing whole;
    struct parsing pieces;
    parsing_begin(&whole, &limits);
    parsing_begin(&pieces, &limits);
    parsing_feed(&whole, text, size);
    REQUIRE(!parsing_wrong(&whole, true));
    for (size_t at = 0; at < size && pieces.result == PH__PARSE_MORE;) {
        size_t piece = fuzz_piece(data, size, at);
        parsing_feed(&pieces, text + at, piece);
        REQUIRE(!parsing_wrong(&pieces, true));
        at += piece;
    }
    REQUIRE(whole.result == pieces.result);
    if (whole.result == PH__PARSE_DONE) {
        REQUIRE(whole.parser.head_size == pieces.parser.head_size);
        REQUIRE(memcmp(whole.buffer, pieces.buffer, whole.parser.head_size) == 0);
        parse_target(&whole);
    }
    parsing_end(&whole);
    parsing_end(&pieces);
    return 0;
}
