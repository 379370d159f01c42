/* SPDX-License-Identifier: MIT
 *
 * Frames by wslay. It checks frames, masks, the order of fragments, UTF-8 and codes, and says Close
 * where they are wrong. Messages are gathered here: wslay would allocate what a frame announces,
 * before any of it has come.
 */
#include "websocket/frames.h"

#include "websocket/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

enum { HEADER_MAX = 14 };     /* of a frame: two bytes, a length, a mask */
enum { KEPT_MESSAGE = 4096 }; /* bytes that a socket keeps for the next message */

struct ph__frames {
    wslay_event_context_ptr context;
    struct ph__frames_user user;

    struct ph__pieces pieces;
    const char *input; /* what is being taken in */
    size_t input_size;
    struct ph__buf *out; /* while it is being written */
    size_t out_max;
    struct ph__buf gathered; /* of the message that is coming */
    uint64_t announced;      /* bytes of it, in all frames so far */
    size_t message_max;
    bool is_control; /* the frame in hand */
    unsigned failed; /* the code that we broke off with; 0: we did not */
    unsigned code;   /* of the peer's Close; 0: none came */
    char reason[PH__CLOSE_REASON];
    bool malformed; /* a frame was none; our Close is to say so */
    bool broken;    /* wslay has run out of memory: nothing more can be said */
};

/* ---- in ---- */

/* Says Close for what this side will not take. Nothing more is read. */
static void fail(struct ph__frames *frames, unsigned code)
{
    if (!frames->failed) {
        frames->failed = code;
        frames->broken |=
            wslay_event_queue_close(frames->context, (uint16_t)code, NULL, 0) == WSLAY_ERR_NOMEM;
    }
    wslay_event_shutdown_read(frames->context);
    ph__buf_done(&frames->gathered);
}

static ssize_t read_input(wslay_event_context_ptr context, uint8_t *to, size_t room, int flags,
                          void *user)
{
    struct ph__frames *frames = user;
    size_t size = frames->input_size < room ? frames->input_size : room;
    (void)flags;
    if (size == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, frames->input, size);
    frames->input += size;
    frames->input_size -= size;
    return (ssize_t)size;
}

/* wslay knows the limit of one frame; the frames of a message together are counted here. */
static void begin_frame(wslay_event_context_ptr context,
                        const struct wslay_event_on_frame_recv_start_arg *frame, void *user)
{
    struct ph__frames *frames = user;
    (void)context;
    frames->is_control = wslay_is_ctrl_frame(frame->opcode);
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && !frames->failed) {
        frames->user.closing(frames->user.user);
        if (frame->payload_length == 1) { /* half a code, which wslay takes for none */
            fail(frames, WSLAY_CODE_PROTOCOL_ERROR);
        }
    }
    if (frames->is_control) {
        return;
    }
    frames->announced += frame->payload_length;
    if (frames->announced > frames->message_max) {
        fail(frames, WSLAY_CODE_MESSAGE_TOO_BIG);
    }
}

static void take_chunk(wslay_event_context_ptr context,
                       const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *user)
{
    struct ph__frames *frames = user;
    (void)context;
    if (frames->is_control || frames->failed || chunk->data_length == 0) {
        return;
    }
    ph__buf_append(&frames->gathered, chunk->data, chunk->data_length);
    if (ph__buf_error(&frames->gathered)) {
        fail(frames, WSLAY_CODE_INTERNAL_SERVER_ERROR);
    }
}

static void note_close(struct ph__frames *frames, const struct wslay_event_on_msg_recv_arg *message)
{
    frames->code = message->status_code ? message->status_code : WSLAY_CODE_NO_STATUS_RCVD;
    if (message->msg_length > 2) { /* behind the two bytes of the code */
        size_t size = message->msg_length - 2;
        memcpy(frames->reason, message->msg + 2, size);
        frames->reason[size] = '\0';
    }
}

static void take_message(wslay_event_context_ptr context,
                         const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    struct ph__frames *frames = user;
    (void)context;
    if (frames->failed) {
        return;
    }
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        note_close(frames, message);
    }
    if (wslay_is_ctrl_frame(message->opcode)) {
        return;
    }
    frames->user.message(frames->user.user, message->opcode,
                         frames->gathered.data ? frames->gathered.data : "", frames->gathered.size);
    frames->announced = 0;
    ph__buf_reset(&frames->gathered);
    if (frames->gathered.capacity > KEPT_MESSAGE) {
        ph__buf_done(&frames->gathered);
    }
}

/* What wslay itself has found wrong: it has queued a Close, or sent it, without our doing. */
static void note_failure(struct ph__frames *frames)
{
    if (!frames->failed && !frames->code && !wslay_event_get_read_enabled(frames->context)) {
        frames->failed = WSLAY_CODE_PROTOCOL_ERROR; /* until its Close is sent, which tells */
    }
}

static void take_piece(struct ph__frames *frames, const char *piece, size_t size)
{
    frames->input = piece;
    frames->input_size = size;
    /* A failure of callbacks, which ours do not have, is what wslay calls a malformed frame, too:
     * it has queued a Close then, without a code. */
    int err = wslay_event_recv(frames->context);
    frames->malformed |= err == WSLAY_ERR_CALLBACK_FAILURE;
    frames->broken |= err < 0 && err != WSLAY_ERR_CALLBACK_FAILURE;
    frames->input = NULL;
    frames->input_size = 0;
    note_failure(frames);
}

void ph__frames_receive(struct ph__frames *frames, const char *bytes, size_t size)
{
    const char *piece;
    size_t piece_size;
    while (ph__frames_listens(frames) &&
           (piece_size = ph__pieces_next(&frames->pieces, &bytes, &size, &piece)) > 0) {
        take_piece(frames, piece, piece_size);
    }
}

bool ph__frames_listens(struct ph__frames *frames)
{
    return !frames->broken && wslay_event_want_read(frames->context);
}

/* ---- out ---- */

static ssize_t write_output(wslay_event_context_ptr context, const uint8_t *bytes, size_t size,
                            int flags, void *user)
{
    struct ph__frames *frames = user;
    size_t room = frames->out_max > frames->out->size ? frames->out_max - frames->out->size : 0;
    size_t part = size <= room ? size : size <= HEADER_MAX ? 0 : room; /* headers stay whole */
    (void)flags;
    ph__buf_append(frames->out, bytes, part);
    if (part == 0 || ph__buf_error(frames->out)) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK); /* who has `out` sees its error */
        return -1;
    }
    return (ssize_t)part;
}

/* Gives the Close that wslay may have written, the last frame of all, the code that it lacks. */
static void add_code(struct ph__buf *out)
{
    static const char empty[] = {(char)0x88, 0};
    static const char coded[] = {(char)0x88, 2, (char)(WSLAY_CODE_PROTOCOL_ERROR >> 8),
                                 (char)(WSLAY_CODE_PROTOCOL_ERROR & 0xFF)};
    if (out->size >= sizeof empty &&
        memcmp(out->data + out->size - sizeof empty, empty, sizeof empty) == 0) {
        out->size -= sizeof empty;
        ph__buf_append(out, coded, sizeof coded);
    }
}

int ph__frames_send(struct ph__frames *frames, enum ph__opcode opcode, const void *data,
                    size_t size)
{
    const struct wslay_event_msg message = {(uint8_t)opcode, data, size};
    int err = wslay_event_queue_msg(frames->context, &message);
    return err == 0 ? 0 : err == WSLAY_ERR_NOMEM ? -ENOMEM : -EPIPE;
}

int ph__frames_close(struct ph__frames *frames, unsigned code, const char *reason)
{
    int err = wslay_event_queue_close(frames->context, (uint16_t)code, (const uint8_t *)reason,
                                      strlen(reason));
    return err == 0 ? 0 : err == WSLAY_ERR_NOMEM ? -ENOMEM : -EPIPE;
}

void ph__frames_collect(struct ph__frames *frames, struct ph__buf *out, size_t size_max)
{
    frames->out = out;
    frames->out_max = size_max;
    if (!frames->broken && wslay_event_send(frames->context) < 0) {
        frames->broken = true;
    }
    if (frames->malformed && wslay_event_get_close_sent(frames->context)) {
        add_code(out);
    }
    frames->out = NULL;
}

size_t ph__frames_waiting(struct ph__frames *frames)
{
    return wslay_event_get_queued_msg_count(frames->context);
}

bool ph__frames_has_closed(struct ph__frames *frames)
{
    return frames->broken || wslay_event_get_close_sent(frames->context);
}

/* ---- the end ---- */

unsigned ph__frames_code(struct ph__frames *frames)
{
    if (frames->code) {
        return frames->code;
    }
    return frames->failed && !frames->malformed && wslay_event_get_close_sent(frames->context)
               ? wslay_event_get_status_code_sent(frames->context)
           : frames->failed ? frames->failed
                            : WSLAY_CODE_ABNORMAL_CLOSURE;
}

const char *ph__frames_reason(struct ph__frames *frames)
{
    return frames->reason;
}

bool ph__frames_failed(struct ph__frames *frames)
{
    return frames->failed || frames->broken;
}

/* ---- beginning and end ---- */

struct ph__frames *ph__frames_new(size_t message_max, const struct ph__frames_user *user)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = read_input,
        .send_callback = write_output,
        .on_frame_recv_start_callback = begin_frame,
        .on_frame_recv_chunk_callback = take_chunk,
        .on_msg_recv_callback = take_message};
    struct ph__frames *frames = calloc(1, sizeof *frames);
    if (!frames || wslay_event_context_server_init(&frames->context, &callbacks, frames) < 0) {
        free(frames);
        return NULL;
    }
    wslay_event_config_set_no_buffering(frames->context, 1);
    wslay_event_config_set_max_recv_msg_length(frames->context, message_max);
    ph__buf_init(&frames->gathered, 0);
    frames->message_max = message_max;
    frames->user = *user;
    return frames;
}

void ph__frames_free(struct ph__frames *frames)
{
    if (frames) {
        wslay_event_context_free(frames->context);
        ph__buf_done(&frames->gathered);
        free(frames);
    }
}
