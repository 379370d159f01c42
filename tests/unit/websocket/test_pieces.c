/* SPDX-License-Identifier: MIT */
#include "websocket/pieces.h"

#include "support/cmocka.h"
#include "support/websocket_client.h"

#include <string.h>

enum { FRAMES = 6 };

/* Frames of all lengths, then a Close of the longest; returns the size, and where the Close is. */
static size_t put_all(unsigned char *to, size_t *ret_close)
{
    static const struct {
        unsigned first;
        size_t size;
    } frames[FRAMES] = {{WS_TEXT, 0},
                        {WS_FIN | WS_PING, 5},
                        {WS_MORE, 300},
                        {WS_FIN | WS_MORE, 65536},
                        {WS_FIN | WS_CLOSE, 125},
                        {WS_FIN | WS_PONG, 1}};
    static char payload[65536];
    size_t at = 0;
    memset(payload, 0x88, sizeof payload); /* each byte might begin a Close */
    for (size_t i = 0; i < FRAMES; i++) {
        if (i == FRAMES - 2) {
            *ret_close = at;
        }
        at += ws_put(to + at, frames[i].first, payload, frames[i].size);
    }
    return at;
}

/* Given in pieces of `step` bytes, the same bytes come out, and the Close is one of the pieces. */
static void check(const unsigned char *all, size_t size, size_t close, size_t step)
{
    static unsigned char got[70000];
    struct ph__pieces pieces = {.payload_left = 0};
    size_t out = 0;
    bool seen = false;
    for (size_t from = 0; from < size; from += step) {
        const char *bytes = (const char *)all + from;
        size_t left = step < size - from ? step : size - from;
        const char *piece;
        size_t part;
        while ((part = ph__pieces_next(&pieces, &bytes, &left, &piece)) > 0) {
            seen |= out == close && part == 6 + 125;
            memcpy(got + out, piece, part);
            out += part;
        }
        assert_int_equal(left, 0);
    }
    assert_int_equal(out, size);
    assert_memory_equal(got, all, size);
    assert_true(seen);
}

static void test_pieces_when_cut_anywhere_then_the_close_is_whole(void **state)
{
    static unsigned char all[70000];
    size_t close = 0;
    size_t size = put_all(all, &close);
    (void)state;
    for (size_t step = 1; step < 400; step++) {
        check(all, size, close, step);
    }
    check(all, size, close, size);
}

/* What is longer than a Close may be is not waited for. */
static void test_pieces_when_a_close_is_too_long_then_its_header_goes(void **state)
{
    unsigned char header[WS_HEADER];
    size_t size = ws_header(header, WS_FIN | WS_CLOSE, 126);
    struct ph__pieces pieces = {.payload_left = 0};
    const char *bytes = (const char *)header;
    const char *piece;
    (void)state;
    assert_int_equal(ph__pieces_next(&pieces, &bytes, &size, &piece), 8);
    assert_int_equal(pieces.payload_left, 126);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_when_cut_anywhere_then_the_close_is_whole),
        cmocka_unit_test(test_pieces_when_a_close_is_too_long_then_its_header_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
