/* SPDX-License-Identifier: MIT
 *
 * Frames, both ways.
 */
#include "support/websocket_client.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t ws_header(unsigned char header[WS_HEADER], unsigned first, uint64_t size)
{
    size_t extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
    size_t at = 2;
    header[0] = (unsigned char)first;
    header[1] = (unsigned char)(0x80 | (extra == 0 ? size : extra == 2 ? 126 : 127));
    for (size_t i = extra; i > 0; i--) {
        header[at++] = (unsigned char)(size >> (8 * (i - 1)));
    }
    for (unsigned char i = 1; i <= 4; i++) {
        header[at++] = i;
    }
    return at;
}

void ws_upgrade(struct client *client, const char *path, const char *fields)
{
    char request[1000];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" WS_FIELDS "%s\r\n", path, fields);
    client_puts(client, request);
    client_wait_text(client, "HTTP/1.1 101 Switching Protocols\r\n");
    client_wait_text(client, "Sec-WebSocket-Accept: " WS_ACCEPT "\r\n");
    client_wait_text(client, "\r\n");
}

struct client ws_open(uint16_t port, const char *path)
{
    struct client client = client_open(port);
    ws_upgrade(&client, path, "");
    return client;
}

size_t ws_put(unsigned char *to, unsigned first, const void *data, size_t size)
{
    size_t header = ws_header(to, first, size);
    for (size_t i = 0; i < size; i++) {
        to[header + i] = ((const unsigned char *)data)[i] ^ (unsigned char)(i % 4 + 1);
    }
    return header + size;
}

void ws_send(struct client *client, unsigned first, const void *data, size_t size)
{
    unsigned char *frame = malloc(WS_HEADER + size);
    assert_non_null(frame);
    client_send(client, frame, ws_put(frame, first, data, size));
    free(frame);
}

void ws_puts(struct client *client, const char *text)
{
    ws_send(client, WS_FIN | WS_TEXT, text, strlen(text));
}

static size_t put_close(char payload[130], unsigned code, const char *reason)
{
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    return 2 + (size_t)snprintf(payload + 2, 128, "%s", reason);
}

void ws_send_close(struct client *client, unsigned code, const char *reason)
{
    char payload[130];
    ws_send(client, WS_FIN | WS_CLOSE, payload, put_close(payload, code, reason));
}

static const unsigned char *need(struct client *client, size_t size)
{
    while (client->size - client->used < size) {
        if (!client_receive(client, CLIENT_WAIT_MS)) {
            fail_msg("waited in vain for %zu bytes of a frame", size);
        }
    }
    return (const unsigned char *)client->data + client->used;
}

struct ws_frame ws_frame(struct client *client)
{
    const unsigned char *at = need(client, 2);
    size_t size = at[1] & 0x7F;
    size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    assert_int_equal(at[1] & 0x80, 0); /* servers do not mask */
    at = need(client, 2 + extra);
    if (extra > 0) {
        size = 0;
        for (size_t i = 0; i < extra; i++) {
            size = size << 8 | at[2 + i];
        }
        assert_true(extra == 2 ? size >= 126 : size >= 65536);
    }
    at = need(client, 2 + extra + size);
    client->used += 2 + extra + size;
    return (struct ws_frame){at[0], (const char *)at + 2 + extra, size};
}

void ws_expect(struct client *client, unsigned first, const void *data, size_t size)
{
    struct ws_frame frame = ws_frame(client);
    assert_int_equal(frame.first, first);
    assert_int_equal(frame.size, size);
    if (size > 0) {
        assert_memory_equal(frame.data, data, size);
    }
}

void ws_expect_text(struct client *client, const char *text)
{
    ws_expect(client, WS_FIN | WS_TEXT, text, strlen(text));
}

void ws_expect_close(struct client *client, unsigned code, const char *reason)
{
    char payload[130];
    ws_expect(client, WS_FIN | WS_CLOSE, payload, code ? put_close(payload, code, reason) : 0);
}

void ws_say_all_then_listen(struct client *client, const char *data, int count, size_t size)
{
    for (int i = 0; i < count; i++) {
        ws_send(client, WS_FIN | WS_BINARY, data + i, size);
    }
    for (int i = 0; i < count; i++) {
        ws_expect(client, WS_FIN | WS_BINARY, data + i, size);
    }
}
