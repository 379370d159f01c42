/* SPDX-License-Identifier: MIT
 *
 * Where frames begin (RFC 6455 section 5.2). Whether they are any good is not looked at: what is
 * wrong with a header is wslay's to say, and then no piece follows.
 */
#include "websocket/pieces.h"

#include <stdbool.h>
#include <string.h>

enum { CLOSE = 8, CONTROL_MAX = 125 };

/* How many bytes of a frame have to be there before it may go, as far as `size` bytes of it tell;
 * when they are, its payload that follows. */
static size_t size_needed(const unsigned char *frame, size_t size, uint64_t *ret_payload)
{
    if (size < 2) {
        return 2;
    }
    uint64_t payload = frame[1] & 0x7F;
    size_t length = payload == 127 ? 8 : payload == 126 ? 2 : 0;
    size_t header = 2 + length + (frame[1] & 0x80 ? 4 : 0);
    if (size < header) {
        return header;
    }
    if (length > 0) {
        payload = 0;
        for (size_t i = 0; i < length; i++) {
            payload = payload << 8 | frame[2 + i];
        }
    }
    bool whole = (frame[0] & 0x0F) == CLOSE && payload <= CONTROL_MAX;
    *ret_payload = whole ? 0 : payload;
    return whole ? header + (size_t)payload : header;
}

/* Adds to what is kept; returns its size once that may go, else 0. */
static size_t complete_kept(struct ph__pieces *pieces, const char **bytes, size_t *size)
{
    uint64_t payload = 0;
    size_t needed = size_needed(pieces->kept, pieces->kept_size, &payload);
    while (pieces->kept_size<needed && * size> 0) {
        pieces->kept[pieces->kept_size++] = (unsigned char)*(*bytes)++;
        (*size)--;
        needed = size_needed(pieces->kept, pieces->kept_size, &payload);
    }
    if (pieces->kept_size < needed) {
        return 0;
    }
    pieces->kept_size = 0;
    pieces->payload_left = payload;
    return needed;
}

/* How much of what was received goes at once: all up to a Close, or to what is unfinished. */
static size_t find_end(struct ph__pieces *pieces, const unsigned char *bytes, size_t size)
{
    size_t at = 0;
    for (;;) {
        size_t left = size - at;
        size_t part = pieces->payload_left < left ? (size_t)pieces->payload_left : left;
        at += part;
        pieces->payload_left -= part;
        if (at == size || (at > 0 && (bytes[at] & 0x0F) == CLOSE)) {
            return at;
        }
        uint64_t payload = 0;
        size_t needed = size_needed(bytes + at, size - at, &payload);
        if (needed > size - at) {
            return at;
        }
        at += needed;
        pieces->payload_left = payload;
        if ((bytes[at - needed] & 0x0F) == CLOSE) {
            return at;
        }
    }
}

size_t ph__pieces_next(struct ph__pieces *pieces, const char **bytes, size_t *size,
                       const char **ret_piece)
{
    if (*size == 0) {
        return 0;
    }
    if (pieces->kept_size > 0) {
        *ret_piece = (const char *)pieces->kept;
        return complete_kept(pieces, bytes, size);
    }
    size_t end = find_end(pieces, (const unsigned char *)*bytes, *size);
    if (end == 0) {
        memcpy(pieces->kept, *bytes, *size); /* less than it needs, and that is little */
        pieces->kept_size = *size;
        *size = 0;
        return 0;
    }
    *ret_piece = *bytes;
    *bytes += end;
    *size -= end;
    return end;
}
