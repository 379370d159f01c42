/* SPDX-License-Identifier: MIT
 *
 * SHA-1 (RFC 3174) of short texts. The handshake asks for it, as a mark that the server has
 * understood; nothing is kept secret by it. A library of cryptography would be a megabyte for this.
 */
#ifndef PORTHOLE_WEBSOCKET_SHA1_H
#define PORTHOLE_WEBSOCKET_SHA1_H

#include <stddef.h>

enum { PH__SHA1_SIZE = 20 };

void ph__sha1(const void *data, size_t size, unsigned char digest[PH__SHA1_SIZE]);

#endif
