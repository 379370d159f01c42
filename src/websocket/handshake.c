/* SPDX-License-Identifier: MIT
 *
 * Keys and fields of the opening handshake. Origins are in origin.c.
 */
#include "websocket/handshake.h"

#include "http/token.h"
#include "websocket/sha1.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { KEY_SIZE = 24, KEY_DIGITS = 22 }; /* 16 bytes in base64, and those before the padding */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- the key ---- */

/* 16 bytes: 21 digits of six bits, one whose four lowest bits are none, and two signs of padding.
 */
static bool is_key(const char *key)
{
    if (strlen(key) != KEY_SIZE || strcmp(key + KEY_DIGITS, "==") != 0) {
        return false;
    }
    for (size_t i = 0; i < KEY_DIGITS; i++) {
        if (!strchr(digits, key[i])) {
            return false;
        }
    }
    return (strchr(digits, key[KEY_DIGITS - 1]) - digits) % 16 == 0;
}

/* The digest in base64, whose last group lacks one byte. */
static void put_base64(const unsigned char digest[PH__SHA1_SIZE], char text[PH__ACCEPT_TEXT])
{
    char *to = text;
    for (size_t i = 0; i < PH__SHA1_SIZE; i += 3) {
        uint32_t last = i + 2 < PH__SHA1_SIZE ? digest[i + 2] : 0;
        uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | last;
        for (int shift = 18; shift >= 0; shift -= 6) {
            *to++ = digits[bits >> shift & 63];
        }
    }
    to[-1] = '=';
    *to = '\0';
}

void ph__handshake_accept(const char *key, char accept[PH__ACCEPT_TEXT])
{
    static const char mark[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char joined[KEY_SIZE + sizeof mark];
    unsigned char digest[PH__SHA1_SIZE];
    memcpy(joined, key, KEY_SIZE);
    memcpy(joined + KEY_SIZE, mark, sizeof mark);
    ph__sha1(joined, sizeof joined - 1, digest);
    put_base64(digest, accept);
}

/* ---- lists of tokens ---- */

static bool list_has(const char *list, const char *token, bool any_case)
{
    size_t size = strlen(token);
    while (*list) {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if (length == size &&
            (any_case ? strncasecmp(list, token, size) == 0 : strncmp(list, token, size) == 0)) {
            return true;
        }
        list += length;
    }
    return false;
}

bool ph__handshake_has_token(const struct ph_request *req, const char *name, const char *token,
                             bool any_case)
{
    const char *field;
    const char *value;
    for (size_t i = 0; ph_request_header_at(req, i, &field, &value) == 0; i++) {
        if (strcasecmp(field, name) == 0 && list_has(value, token, any_case)) {
            return true;
        }
    }
    return false;
}

/* The value of a field that may come once only; NULL when it does not. */
static const char *only_field(const struct ph_request *req, const char *name)
{
    const char *field;
    const char *value;
    const char *found = NULL;
    for (size_t i = 0; ph_request_header_at(req, i, &field, &value) == 0; i++) {
        if (strcasecmp(field, name) == 0) {
            if (found) {
                return NULL;
            }
            found = value;
        }
    }
    return found;
}

const char *ph__handshake_protocol(const struct ph_request *req, const char *const *protocols)
{
    for (; protocols && *protocols; protocols++) {
        if (ph__handshake_has_token(req, "Sec-WebSocket-Protocol", *protocols, false)) {
            return *protocols;
        }
    }
    return NULL;
}

/* ---- all of it ---- */

static struct ph__handshake refuse(int status, const char *detail)
{
    return (struct ph__handshake){.status = status, .detail = detail};
}

struct ph__handshake ph__handshake_check(const struct ph_request *req)
{
    size_t body_size;
    (void)ph_request_body(req, &body_size);
    if (ph_request_minor_version(req) < 1 ||
        !ph__handshake_has_token(req, "Upgrade", "websocket", true) ||
        !ph__handshake_has_token(req, "Connection", "Upgrade", true)) {
        return refuse(426, "this path speaks WebSocket: ask for it by HTTP/1.1, with the fields "
                           "Connection: Upgrade and Upgrade: websocket");
    }
    if (strcmp(ph_request_method(req), "GET") != 0) {
        return refuse(405, "a WebSocket is opened by GET");
    }
    const char *version = only_field(req, "Sec-WebSocket-Version");
    if (!version) {
        return refuse(400, "Sec-WebSocket-Version has to come, once");
    }
    if (strcmp(version, "13") != 0) {
        return refuse(426, "the version of WebSocket that is spoken here is 13");
    }
    const char *key = only_field(req, "Sec-WebSocket-Key");
    if (!key || !is_key(key)) {
        return refuse(400, "Sec-WebSocket-Key has to come, once, and to be 16 bytes in base64");
    }
    if (body_size > 0) {
        return refuse(400, "the request for a WebSocket has no body");
    }
    struct ph__handshake right = {.status = 0};
    ph__handshake_accept(key, right.accept);
    return right;
}
