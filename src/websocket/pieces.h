/* SPDX-License-Identifier: MIT
 *
 * Cuts what is received so that a Close comes in one piece. wslay passes over the first two bytes
 * of each piece of a Close, in whose first they are the code, when it looks whether the reason is
 * UTF-8: of a Close that comes in several, it refuses good ones and takes bad ones.
 */
#ifndef PORTHOLE_WEBSOCKET_PIECES_H
#define PORTHOLE_WEBSOCKET_PIECES_H

#include <stddef.h>
#include <stdint.h>

enum { PH__PIECE_KEPT = 14 + 125 }; /* header and payload of the longest control frame */

/* Zero is the beginning. */
struct ph__pieces {
    uint64_t payload_left; /* of the frame in hand */
    size_t kept_size;      /* an unfinished header, or Close */
    unsigned char kept[PH__PIECE_KEPT];
};

/*
 * Takes the next piece off what has been received, [*bytes, *bytes + *size).
 *
 * @param ret_piece  in what was received, or in what is kept, until the next call.
 * @return its size; 0: all that there was is kept, or has been taken.
 */
size_t ph__pieces_next(struct ph__pieces *pieces, const char **bytes, size_t *size,
                       const char **ret_piece);

#endif
