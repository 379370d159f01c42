/* SPDX-License-Identifier: MIT
 *
 * Fuzzes chunked bodies: the input is what follows a head that announces one. Must reach
 * ph__parse_chunks() up to the end of the trailer fields.
 */
#include "fuzz/fuzz.h"
#include "support/parsing.h"

static const struct ph__limits limits = {
    .target_max = 64, .head_max = 512, .headers_max = 8, .body_max = 100};

static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

static void begin(struct parsing *p)
{
    parsing_begin(p, &limits);
    REQUIRE(parsing_feed(p, head, sizeof head - 1) == PH__PARSE_DONE);
    REQUIRE(p->req.chunked);
    p->result = PH__PARSE_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_MAX) {
        return 0;
    }
    const char *text = (const char *)data;
    struct parsing whole;
    struct parsing pieces;
    begin(&whole);
    begin(&pieces);
    parsing_chunks(&whole, text, size);
    REQUIRE(!parsing_wrong(&whole, false));
    for (size_t at = 0; at < size && pieces.result == PH__PARSE_MORE;) {
        size_t piece = fuzz_piece(data, size, at);
        parsing_chunks(&pieces, text + at, piece);
        REQUIRE(!parsing_wrong(&pieces, false));
        at += piece;
    }
    REQUIRE(whole.result == pieces.result);
    if (whole.result != PH__PARSE_ERROR) {
        REQUIRE(whole.used == pieces.used && whole.used <= size);
        REQUIRE(whole.result == PH__PARSE_DONE || whole.used == size);
        REQUIRE(whole.body.size == pieces.body.size);
        REQUIRE(whole.body.size == 0 ||
                memcmp(whole.body.data, pieces.body.data, whole.body.size) == 0);
    }
    parsing_end(&whole);
    parsing_end(&pieces);
    return 0;
}
