/* SPDX-License-Identifier: MIT
 *
 * Frames without a connection: what is collected in which order, and in how small pieces.
 */
#include "websocket/frames.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/websocket_client.h"

#include <errno.h>
#include <string.h>

enum { MESSAGE_MAX = 1000 };

static struct ph__frames *frames;
static struct ph__buf out;
static int messages, closings;
static size_t last_size;
static char last[MESSAGE_MAX];

static void take_message(void *user, enum ph__opcode opcode, const char *data, size_t size)
{
    assert_ptr_equal(user, &messages);
    assert_true(opcode == PH__OPCODE_TEXT || opcode == PH__OPCODE_BINARY);
    messages++;
    last_size = size;
    memcpy(last, data, size);
}

static void note_closing(void *user)
{
    assert_ptr_equal(user, &messages);
    closings++;
}

static const struct ph__frames_user user = {take_message, note_closing, &messages};

static int make(void **state)
{
    (void)state;
    messages = closings = 0;
    ph__buf_init(&out, 0);
    frames = ph__frames_new(MESSAGE_MAX, &user);
    return frames ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    ph__frames_free(frames);
    ph__frames_free(NULL);
    ph__buf_done(&out);
    return 0;
}

static void receive(unsigned first, const void *data, size_t size)
{
    unsigned char frame[2 * MESSAGE_MAX];
    ph__frames_receive(frames, (const char *)frame, ws_put(frame, first, data, size));
}

static void assert_collected(const void *bytes, size_t size)
{
    ph__frames_collect(frames, &out, SIZE_MAX);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, bytes, size);
    ph__buf_reset(&out);
}

static void test_collect_when_in_small_pieces_then_the_same_bytes(void **state)
{
    char all[400];
    char text[200];
    (void)state;
    memset(text, 't', sizeof text);
    for (size_t piece = 14; piece < 300; piece++) {
        size_t size = 0;
        assert_int_equal(ph__frames_send(frames, PH__OPCODE_TEXT, text, sizeof text), 0);
        assert_int_equal(ph__frames_send(frames, PH__OPCODE_BINARY, "b", 1), 0);
        for (int i = 0; ph__frames_waiting(frames) > 0 && i < 100; i++) {
            ph__frames_collect(frames, &out, piece);
            assert_true(out.size <= piece && size + out.size <= sizeof all);
            memcpy(all + size, out.data, out.size);
            size += out.size;
            ph__buf_reset(&out);
        }
        assert_int_equal(size, 4 + sizeof text + 3);
        assert_memory_equal(all, "\x81\x7e\x00\xc8", 4);
        assert_memory_equal(all + 4, text, sizeof text);
        assert_memory_equal(all + 4 + sizeof text,
                            "\x82\x01"
                            "b",
                            3);
    }
}

static void test_close_when_the_peer_begins_then_told_before_it_is_answered(void **state)
{
    (void)state;
    assert_int_equal(ph__frames_code(frames), 1006);
    receive(WS_FIN | WS_CLOSE, "\x03\xe9why", 5);
    assert_int_equal(closings, 1);
    assert_false(ph__frames_listens(frames));
    assert_false(ph__frames_has_closed(frames));
    assert_int_equal(ph__frames_send(frames, PH__OPCODE_TEXT, "late", 4), -EPIPE);
    assert_int_equal(ph__frames_close(frames, 1000, ""), -EPIPE);
    ph__frames_collect(frames, &out, SIZE_MAX);
    assert_memory_equal(out.data, "\x88", 1);
    assert_true(ph__frames_has_closed(frames));
    assert_int_equal(ph__frames_code(frames), 1001);
    assert_string_equal(ph__frames_reason(frames), "why");
    assert_false(ph__frames_failed(frames));
}

static void test_close_when_ours_is_first_then_the_peer_is_still_heard(void **state)
{
    (void)state;
    assert_int_equal(ph__frames_close(frames, 4000, "r"), 0);
    assert_collected("\x88\x03\x0f\xa0r", 5);
    assert_true(ph__frames_has_closed(frames));
    assert_true(ph__frames_listens(frames));
    receive(WS_FIN | WS_BINARY, "x", 1);
    assert_int_equal(messages, 1);
    receive(WS_FIN | WS_CLOSE, "\x0f\xa0", 2);
    assert_false(ph__frames_listens(frames));
    assert_int_equal(ph__frames_code(frames), 4000);
    ph__frames_collect(frames, &out, SIZE_MAX);
    assert_int_equal(out.size, 0);
}

/* A Close whose payload is given, split after `first` bytes. */
static void receive_close(const char *payload, size_t first, unsigned code)
{
    unsigned char frame[200];
    size_t size = ws_put(frame, WS_FIN | WS_CLOSE, payload, strlen(payload));
    ph__frames_free(frames);
    frames = ph__frames_new(MESSAGE_MAX, &user);
    ph__frames_receive(frames, (const char *)frame, first);
    ph__frames_receive(frames, (const char *)frame + first, size - first);
    ph__frames_collect(frames, &out, SIZE_MAX);
    ph__buf_reset(&out);
    assert_int_equal(ph__frames_code(frames), code);
}

static void test_close_when_split_anywhere_then_its_reason_is_checked_all_the_same(void **state)
{
    static const char good[] = "\x10\xe1gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80.";
    static const char bad[] = "\x10\xe1gr\xc3\xbc\xff.";
    (void)state;
    for (size_t first = 0; first < 6 + sizeof good; first++) {
        receive_close(good, first, 4321);
        assert_string_equal(ph__frames_reason(frames), good + 2);
    }
    for (size_t first = 0; first < 6 + sizeof bad; first++) {
        receive_close(bad, first, 1007);
        assert_string_equal(ph__frames_reason(frames), "");
    }
    receive_close("\x03", 3, 1002); /* half a code */
}

/* A malformed frame, behind bytes that look like the Close which lacks a code. */
static void test_close_when_malformed_then_1002_behind_what_was_sent(void **state)
{
    (void)state;
    assert_int_equal(ph__frames_send(frames, PH__OPCODE_BINARY, "\x88\0\x88\0", 4), 0);
    ph__frames_collect(frames, &out, SIZE_MAX);
    ph__frames_receive(frames, "\x09\x80\1\2\3\4", 6);
    assert_true(ph__frames_failed(frames));
    assert_collected("\x82\x04\x88\0\x88\0\x88\x02\x03\xea", 10);
    assert_int_equal(ph__frames_code(frames), 1002);
    receive(WS_FIN | WS_BINARY, "x", 1);
    assert_int_equal(messages, 0);
}

static void test_message_when_of_any_fragments_then_joined_up_to_the_limit(void **state)
{
    char data[MESSAGE_MAX + 1];
    (void)state;
    memset(data, 'd', sizeof data);
    receive(WS_BINARY, data, 400);
    receive(WS_FIN | WS_PING, "p", 1);
    receive(WS_MORE, data, 0);
    receive(WS_FIN | WS_MORE, data, 600);
    assert_int_equal(messages, 1);
    assert_int_equal(last_size, MESSAGE_MAX);
    assert_memory_equal(last, data, MESSAGE_MAX);
    assert_collected("\x8a\x01p", 3);
    receive(WS_FIN | WS_BINARY, data, 1001);
    assert_int_equal(messages, 1);
    assert_collected("\x88\x02\x03\xf1", 4);
    assert_int_equal(ph__frames_code(frames), 1009);
}

static void test_memory_when_short_then_1011_or_no_frames(void **state)
{
    (void)state;
    fail_allocations(0, false);
    assert_null(ph__frames_new(MESSAGE_MAX, &user));
    receive(WS_FIN | WS_BINARY, "x", 1);
    assert_true(stop_failing());
    assert_int_equal(messages, 0);
    assert_collected("\x88\x02\x03\xf3", 4);
    assert_int_equal(ph__frames_code(frames), 1011);
    assert_true(ph__frames_failed(frames));
}

#define FRAMES(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRAMES(test_collect_when_in_small_pieces_then_the_same_bytes),
        FRAMES(test_close_when_the_peer_begins_then_told_before_it_is_answered),
        FRAMES(test_close_when_ours_is_first_then_the_peer_is_still_heard),
        FRAMES(test_close_when_split_anywhere_then_its_reason_is_checked_all_the_same),
        FRAMES(test_close_when_malformed_then_1002_behind_what_was_sent),
        FRAMES(test_message_when_of_any_fragments_then_joined_up_to_the_limit),
        FRAMES(test_memory_when_short_then_1011_or_no_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
