/* SPDX-License-Identifier: MIT
 *
 * WebSocket for the raw client: frames are built and taken apart here, byte by byte.
 */
#ifndef PORTHOLE_TESTS_WEBSOCKET_CLIENT_H
#define PORTHOLE_TESTS_WEBSOCKET_CLIENT_H

#include "support/client.h"

/* The key of RFC 6455 section 1.3, and its answer. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define WS_FIELDS                                                                  \
    "Host: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" \
    "Sec-WebSocket-Key: " WS_KEY "\r\nSec-WebSocket-Version: 13\r\n"

enum {
    WS_FIN = 0x80,
    WS_MORE = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
    WS_HEADER = 14
};

/* Writes the header of a masked frame of this first byte, whose mask is 1 2 3 4; returns its size.
 */
size_t ws_header(unsigned char header[WS_HEADER], unsigned first, uint64_t size);

/* Writes a whole frame, of WS_HEADER bytes and its payload at most; returns its size. */
size_t ws_put(unsigned char *to, unsigned first, const void *data, size_t size);

/* Asks for a WebSocket on a client that is connected, with further fields or "", and expects it. */
void ws_upgrade(struct client *client, const char *path, const char *fields);
struct client ws_open(uint16_t port, const char *path);

/* Sends a frame; `first` is its first byte: WS_FIN, an opcode, reserved bits. */
void ws_send(struct client *client, unsigned first, const void *data, size_t size);
void ws_puts(struct client *client, const char *text); /* a whole message */
void ws_send_close(struct client *client, unsigned code, const char *reason);

/* A frame of the server's, whose payload follows in client->data until more is received; a NUL need
 * not follow. */
struct ws_frame {
    unsigned first;
    const char *data;
    size_t size;
};
struct ws_frame ws_frame(struct client *client);

/* The next frame has this first byte and this payload. */
void ws_expect(struct client *client, unsigned first, const void *data, size_t size);
/* Has so many messages of a size echoed, each from a byte further on in `data`, and reads none of
 * them before all are sent. */
void ws_say_all_then_listen(struct client *client, const char *data, int count, size_t size);
void ws_expect_text(struct client *client, const char *text);
/* code 0: a Close without one. */
void ws_expect_close(struct client *client, unsigned code, const char *reason);

#endif
