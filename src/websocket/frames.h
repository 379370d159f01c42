/* SPDX-License-Identifier: MIT
 *
 * Frames of WebSocket, the server's side: bytes received to messages, messages to bytes. The one
 * user of wslay. No descriptors, no locks; for one thread at a time.
 */
#ifndef PORTHOLE_WEBSOCKET_FRAMES_H
#define PORTHOLE_WEBSOCKET_FRAMES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As RFC 6455 section 5.2 numbers them. */
enum ph__opcode { PH__OPCODE_TEXT = 1, PH__OPCODE_BINARY = 2, PH__OPCODE_PING = 9 };

struct ph__frames_user {
    /* A message is whole. Sending may be called within. */
    void (*message)(void *user, enum ph__opcode opcode, const char *data, size_t size);
    /* A Close of the peer's begins: the last time that sending and collecting is of use, since the
     * answer overtakes what waits. */
    void (*closing)(void *user);
    void *user;
};

enum { PH__CLOSE_REASON = 124 }; /* with a NUL */

struct ph__frames;

/* NULL: no memory. Messages longer than `message_max` are refused by 1009. */
struct ph__frames *ph__frames_new(size_t message_max, const struct ph__frames_user *user);
void ph__frames_free(struct ph__frames *frames); /* NULL is allowed */

/* Takes bytes in, all of them; answers pings and Close by itself, and mistakes by a Close. When
 * memory is short for a message, that is a mistake too, of our own: 1011. */
void ph__frames_receive(struct ph__frames *frames, const char *bytes, size_t size);

/* Puts a message behind what is to be sent. 0; -EPIPE behind a Close; -ENOMEM. */
int ph__frames_send(struct ph__frames *frames, enum ph__opcode opcode, const void *data,
                    size_t size);

/* Says Close. To be called when all messages have been collected, since it overtakes them. Returns
 * as ph__frames_send(). */
int ph__frames_close(struct ph__frames *frames, unsigned code, const char *reason);

/* Appends to `out` what is to be sent, up to `size_max` bytes in it. */
void ph__frames_collect(struct ph__frames *frames, struct ph__buf *out, size_t size_max);

/* How many frames wait to be collected. */
size_t ph__frames_waiting(struct ph__frames *frames);

/* True as long as there may come something that counts. */
bool ph__frames_listens(struct ph__frames *frames);

/* True once a Close has been collected: nothing more is sent. */
bool ph__frames_has_closed(struct ph__frames *frames);

/* What to tell of the end: the code of the peer's Close, or of ours for its mistake; 1006. */
unsigned ph__frames_code(struct ph__frames *frames);
const char *ph__frames_reason(struct ph__frames *frames);

/* True when we broke off: the peer may be in the middle of something. */
bool ph__frames_failed(struct ph__frames *frames);

#endif
