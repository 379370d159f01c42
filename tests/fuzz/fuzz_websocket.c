/* SPDX-License-Identifier: MIT
 *
 * Fuzzes frames of WebSocket as a server receives them: however they are split, the same messages
 * come of them, and the same end; messages keep to the limit, text is UTF-8, and what
 * is answered is frames of a server's, with nothing behind a Close.
 */
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "websocket/frames.h"

#include <string.h>

enum { MESSAGE_MAX = 300 };

/* What came of the input. */
struct outcome {
    struct ph__buf messages, answers;
    unsigned code;
    bool listens; /* still */
};

static void take_message(void *user, enum ph__opcode opcode, const char *data, size_t size)
{
    struct outcome *outcome = user;
    REQUIRE(size <= MESSAGE_MAX);
    REQUIRE(opcode == PH__OPCODE_TEXT || opcode == PH__OPCODE_BINARY);
    REQUIRE(opcode != PH__OPCODE_TEXT || ph__utf8_is_valid(data, size));
    ph__buf_printf(&outcome->messages, "%d %zu ", (int)opcode, size);
    ph__buf_append(&outcome->messages, data, size);
}

static void begin_close(void *user)
{
    ph__buf_puts(&((struct outcome *)user)->messages, "close");
}

/* Pongs and at most one Close, the last. */
static void check_answers(const struct ph__buf *answers)
{
    size_t at = 0;
    while (at < answers->size) {
        const unsigned char *frame = (const unsigned char *)answers->data + at;
        REQUIRE(answers->size - at >= 2 && (frame[0] == 0x8A || frame[0] == 0x88));
        REQUIRE(frame[1] <= 125); /* control frames are short, and a server's not masked */
        at += 2u + frame[1];
        REQUIRE(at <= answers->size && (frame[0] == 0x8A || at == answers->size));
        REQUIRE(frame[0] == 0x8A || frame[1] != 1);
    }
}

static void run(struct outcome *outcome, const uint8_t *data, size_t size, bool whole)
{
    const struct ph__frames_user user = {take_message, begin_close, outcome};
    struct ph__frames *frames = ph__frames_new(MESSAGE_MAX, &user);
    REQUIRE(frames);
    for (size_t at = 0; at < size;) {
        size_t piece = whole ? size : fuzz_piece(data, size, at);
        ph__frames_receive(frames, (const char *)data + at, piece);
        if (!whole) {
            ph__frames_collect(frames, &outcome->answers, SIZE_MAX);
        }
        at += piece;
    }
    ph__frames_collect(frames, &outcome->answers, SIZE_MAX);
    outcome->code = ph__frames_code(frames);
    outcome->listens = ph__frames_listens(frames);
    REQUIRE(outcome->listens || ph__frames_has_closed(frames));
    ph__frames_free(frames);
    check_answers(&outcome->answers);
}

static bool same(const struct ph__buf *one, const struct ph__buf *other)
{
    return one->size == other->size &&
           (one->size == 0 || memcmp(one->data, other->data, one->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {.code = 0};
    struct outcome pieces = {.code = 0};
    if (size > FUZZ_MAX) {
        return 0;
    }
    run(&whole, data, size, true);
    run(&pieces, data, size, false);
    REQUIRE(same(&whole.messages, &pieces.messages));
    REQUIRE(whole.code == pieces.code && whole.listens == pieces.listens);
    ph__buf_done(&whole.messages);
    ph__buf_done(&whole.answers);
    ph__buf_done(&pieces.messages);
    ph__buf_done(&pieces.answers);
    return 0;
}
