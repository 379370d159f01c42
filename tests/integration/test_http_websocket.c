/* SPDX-License-Identifier: MIT
 *
 * WebSocket: who is let in, and what becomes of frames, good and bad. How sockets end, and how much
 * waits, is in test_http_websocket_end.c.
 */
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"
#include "support/websocket_client.h"
#include "support/websocket_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t port;

static int start(void **state)
{
    (void)state;
    server = server_new(&(struct ph_config){.workers = 2});
    add_websockets(server);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    return 0;
}

static int stop(void **state)
{
    int err = stop_server(state);
    free_last_socket();
    return err;
}

/* ---- handshakes ---- */

#define LINE "GET /ws HTTP/1.1\r\nHost: localhost\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: " WS_KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void test_handshake_when_something_is_wrong_then_told_what(void **state)
{
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {LINE, 426},
        {LINE UPGRADE KEY VERSION, 426},
        {LINE CONNECTION KEY VERSION, 426},
        {LINE CONNECTION "Upgrade: websockets, h2c\r\n" KEY VERSION, 426},
        {"GET /ws HTTP/1.0\r\nHost: localhost\r\n" CONNECTION UPGRADE KEY VERSION, 426},
        {LINE CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", 426},
        {LINE CONNECTION UPGRADE KEY "Sec-WebSocket-Version: 013\r\n", 426},
        {LINE CONNECTION UPGRADE KEY, 400},
        {LINE CONNECTION UPGRADE KEY VERSION VERSION, 400},
        {LINE CONNECTION UPGRADE VERSION, 400},
        {LINE CONNECTION UPGRADE VERSION KEY KEY, 400},
        {LINE CONNECTION UPGRADE VERSION "Sec-WebSocket-Key: short==\r\n", 400},
        {LINE CONNECTION UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A\r\n", 400},
        {LINE CONNECTION UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n", 400},
        {LINE CONNECTION UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n", 400},
        {LINE CONNECTION UPGRADE KEY VERSION "Content-Length: 1\r\n", 400},
        {"POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" CONNECTION UPGRADE KEY
             VERSION,
         405},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client = client_open(port);
        client_puts(&client, cases[i].head);
        client_puts(&client, cases[i].status == 400 && strstr(cases[i].head, "Length: 1") ? "\r\nx"
                                                                                          : "\r\n");
        struct reply reply = client_reply(&client, "GET");
        if (reply.status != cases[i].status) {
            fail_msg("%d, not %d for: %s", reply.status, cases[i].status, cases[i].head);
        }
        assert_problem(&reply, cases[i].status);
        if (reply.status == 426) {
            assert_reply_field(&reply, "Sec-WebSocket-Version", "13");
            assert_reply_field(&reply, "Upgrade", "websocket");
            assert_non_null(strstr(reply.head, "Connection: Upgrade"));
        }
        reply_done(&reply);
        client_close(&client);
    }
    assert_int_equal(unasked_closed(), 0);
}

static void test_handshake_when_it_is_head_then_405(void **state)
{
    (void)state;
    struct client client = client_open(port);
    client_puts(&client, "HEAD /ws HTTP/1.1\r\n" WS_FIELDS "\r\n");
    struct reply reply = client_reply(&client, "HEAD");
    assert_int_equal(reply.status, 405);
    assert_reply_field(&reply, "Allow", "GET");
    reply_done(&reply);
    client_close(&client);
}

/* "" opens it; else the status. */
static int ask_from(const char *path, const char *host, const char *origin)
{
    char request[600];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: %s\r\n" CONNECTION UPGRADE KEY VERSION "%s%s%s\r\n", path,
             host, origin ? "Origin: " : "", origin ? origin : "", origin ? "\r\n" : "");
    struct client client = client_open(port);
    client_puts(&client, request);
    client_wait_text(&client, "HTTP/1.1 ");
    while (client.size - client.used < 3) {
        assert_true(client_receive(&client, CLIENT_WAIT_MS));
    }
    int status = (int)strtol(client.data + client.used, NULL, 10);
    client_close(&client);
    return status;
}

static void test_origin_when_asked_for_then_only_those_pages_come(void **state)
{
    static const struct {
        const char *path, *host, *origin;
        int status;
    } cases[] = {
        {"/ws", "a.example", NULL, 101},
        {"/ws", "a.example", "https://a.example", 101},
        {"/ws", "A.example", "http://a.EXAMPLE", 101},
        {"/ws", "a.example:80", "http://a.example", 101},
        {"/ws", "a.example:443", "https://a.example", 101},
        {"/ws", "a.example:8443", "https://a.example:8443", 101},
        {"/ws", "[::1]:8080", "http://[::1]:8080", 101},
        {"/ws", "a.example:443", "http://a.example", 403},
        {"/ws", "a.example", "https://b.example", 403},
        {"/ws", "a.example", "https://a.example.evil", 403},
        {"/ws", "a.example", "https://evil-a.example", 403},
        {"/ws", "a.example", "https://a.example:8443", 403},
        {"/ws", "a.example", "https://a.example/", 403},
        {"/ws", "a.example", "https://user@a.example", 403},
        {"/ws", "a.example", "null", 403},
        {"/ws", "a.example", "a.example", 403},
        {"/ws", "a.example", "file://a.example", 403},
        {"/listed", "a.example", "https://a.example", 403},
        {"/listed", "a.example", "https://good.example:8443", 101},
        {"/listed", "a.example", "http://good.example:8443", 403},
        {"/listed", "a.example", "https://good.example", 403},
        {"/listed", "a.example", "http://also.example:80", 101},
        {"/listed", "a.example", NULL, 101},
        {"/any", "a.example", "https://b.example", 101},
        {"/any", "a.example", "null", 101},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = ask_from(cases[i].path, cases[i].host, cases[i].origin);
        if (status != cases[i].status) {
            fail_msg("%s of %s from %s: %d", cases[i].path, cases[i].host, cases[i].origin, status);
        }
        if (status == 101) {
            assert_int_equal(wait_closed().code, 1006);
        }
    }
}

static void test_open_when_it_refuses_then_its_reply_and_no_end(void **state)
{
    (void)state;
    struct client client = client_open(port);
    struct reply reply = client_ask(&client, "GET /closed HTTP/1.1\r\n" WS_FIELDS "\r\n");
    assert_reply_text(&reply, 401, "not you");
    reply_done(&reply);
    reply = client_ask(&client, "GET /fails HTTP/1.1\r\n" WS_FIELDS "\r\n"); /* it is HTTP still */
    assert_problem(&reply, 503);
    reply_done(&reply);
    reply = client_ask(&client, "GET /fails?defer HTTP/1.1\r\n" WS_FIELDS "\r\n");
    assert_problem(&reply, 500);
    reply_done(&reply);
    assert_int_equal(unasked_closed(), 0);
    client_close(&client);
}

static void test_open_when_it_sends_then_behind_the_handshake(void **state)
{
    (void)state;
    struct client client = client_open(port);
    client_puts(&client, "GET /greets HTTP/1.1\r\n" WS_FIELDS "\r\n");
    struct reply reply = client_reply(&client, "GET");
    assert_int_equal(reply.status, 101);
    assert_reply_field(&reply, "X-Seen", "/greets");
    assert_no_reply_field(&reply, "Sec-WebSocket-Protocol");
    assert_no_reply_field(&reply, "Content-Length");
    reply_done(&reply);
    ws_expect_text(&client, "welcome");
    ws_expect_text(&client, "no protocol");
    client_close(&client);
    assert_int_equal(wait_closed().code, 1006);
}

static void test_protocols_when_several_are_offered_then_the_servers_first(void **state)
{
    static const struct {
        const char *fields, *chosen;
    } cases[] = {
        {"Sec-WebSocket-Protocol: other, second , best\r\n", "best"},
        {"Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: second\r\n", "second"},
        {"Sec-WebSocket-Protocol: BEST, bes, bestt\r\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client = client_open(port);
        client_puts(&client, "GET /greets HTTP/1.1\r\n" WS_FIELDS);
        client_puts(&client, cases[i].fields);
        client_puts(&client, "\r\n");
        struct reply reply = client_reply(&client, "GET");
        if (cases[i].chosen) {
            assert_reply_field(&reply, "Sec-WebSocket-Protocol", cases[i].chosen);
        } else {
            assert_no_reply_field(&reply, "Sec-WebSocket-Protocol");
        }
        reply_done(&reply);
        ws_expect_text(&client, "welcome");
        ws_expect_text(&client, cases[i].chosen ? cases[i].chosen : "no protocol");
        client_close(&client);
        (void)wait_closed();
    }
}

/* ---- messages ---- */

static void test_messages_when_of_any_size_then_echoed(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 300000, 2 * 1024 * 1024};
    (void)state;
    struct client client = ws_open(port, "/ws");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ws_send(&client, WS_FIN | WS_BINARY, big_bytes(), sizes[i]);
        ws_expect(&client, WS_FIN | WS_BINARY, big_bytes(), sizes[i]);
        if (sizes[i] >= 200) {
            ws_send(&client, WS_FIN | WS_TEXT, big_bytes(), sizes[i]);
            ws_expect(&client, WS_FIN | WS_TEXT, big_bytes(), sizes[i]);
        }
    }
    ws_puts(&client, "");
    ws_expect_text(&client, "");
    ws_puts(&client, "gr\xc3\xbc\xc3\x9f"
                     "e \xf0\x9f\x98\x80");
    ws_expect_text(&client, "gr\xc3\xbc\xc3\x9f"
                            "e \xf0\x9f\x98\x80");
    client_close(&client);
    (void)wait_closed();
}

/* A text in three fragments, with a ping in between, split in a UTF-8 sequence. */
static size_t put_fragments(unsigned char *to)
{
    static const struct {
        unsigned first;
        const char *data;
    } frames[] = {
        {WS_TEXT, "ab\xe2"}, {WS_FIN | WS_PING, "hey"},           {WS_MORE, "\x82"},
        {WS_MORE, ""},       {WS_FIN | WS_PONG, "asked nothing"}, {WS_FIN | WS_MORE, "\xac."},
    };
    size_t at = 0;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        at += ws_put(to + at, frames[i].first, frames[i].data, strlen(frames[i].data));
    }
    return at;
}

static void test_fragments_when_split_anywhere_then_one_message(void **state)
{
    unsigned char bytes[200];
    size_t size = put_fragments(bytes);
    (void)state;
    struct client client = ws_open(port, "/ws");
    for (size_t split = 0; split <= size; split++) {
        client_send(&client, bytes, split);
        client_wait_sent(&client);
        client_send(&client, bytes + split, size - split);
        struct ws_frame frame = ws_frame(&client);
        assert_int_equal(frame.first, WS_FIN | WS_PONG);
        assert_int_equal(frame.size, 3);
        assert_memory_equal(frame.data, "hey", 3);
        ws_expect_text(&client, "ab\xe2\x82\xac.");
    }
    client_close(&client);
    (void)wait_closed();
}

static void test_frames_when_right_behind_the_handshake_then_taken(void **state)
{
    static const char head[] =
        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\n" WS_FIELDS "\r\n";
    unsigned char bytes[sizeof head + 200];
    size_t size = sizeof head - 1;
    (void)state;
    memcpy(bytes, head, size);
    size += put_fragments(bytes + size);
    struct client client = client_open(port);
    client_send(&client, bytes, size);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    reply = client_reply(&client, "GET");
    assert_int_equal(reply.status, 101);
    reply_done(&reply);
    ws_expect(&client, WS_FIN | WS_PONG, "hey", 3);
    ws_expect_text(&client, "ab\xe2\x82\xac.");
    client_close(&client);
    (void)wait_closed();
}

static void test_messages_when_many_at_once_then_all_in_order(void **state)
{
    enum { COUNT = 2000 };
    char text[40];
    (void)state;
    struct client client = ws_open(port, "/ws");
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "twice number %d", i);
        ws_puts(&client, text);
    }
    for (int i = 0; i < 2 * COUNT; i++) {
        snprintf(text, sizeof text, "number %d", i / 2);
        ws_expect_text(&client, text);
    }
    client_close(&client);
    (void)wait_closed();
}

/* Who says all before he listens: what cannot be sent yet does not keep the server from reading. */
static void test_messages_when_the_client_listens_last_then_whole(void **state)
{
    (void)state;
    struct client client = client_open_small(port, 4096);
    ws_upgrade(&client, "/ws", "");
    ws_say_all_then_listen(&client, big_bytes(), 20, 150000);
    client_close(&client);
    (void)wait_closed();
}

/* ---- mistakes ---- */

#define BYTES(text) (text), sizeof(text) - 1
#define MASK "\1\2\3\4"

static void test_frames_when_wrong_then_closed_with_a_code(void **state)
{
    static const struct {
        const char *what, *bytes;
        size_t size;
        unsigned code;
    } cases[] = {
        {"not masked",
         BYTES("\x81\x01"
               "a"),
         1002},
        {"RSV1", BYTES("\xc1\x80" MASK), 1002},
        {"RSV2", BYTES("\xa1\x80" MASK), 1002},
        {"RSV3", BYTES("\x91\x80" MASK), 1002},
        {"reserved opcode 3", BYTES("\x83\x80" MASK), 1002},
        {"reserved opcode 11", BYTES("\x8b\x80" MASK), 1002},
        {"a ping in fragments", BYTES("\x09\x80" MASK), 1002},
        {"a long ping", BYTES("\x89\xfe\x00\x7e" MASK), 1002},
        {"nothing to continue", BYTES("\x80\x80" MASK), 1002},
        {"a message in another", BYTES("\x01\x80" MASK "\x81\x80" MASK), 1002},
        {"a length too long for it", BYTES("\x81\xfe\x00\x01" MASK "`"), 1002},
        {"64 bits where 16 do", BYTES("\x82\xff\0\0\0\0\0\0\xff\xff" MASK), 1002},
        {"a negative length", BYTES("\x82\xff\x80\0\0\0\0\0\0\0" MASK), 1002},
        {"Close with half a code", BYTES("\x88\x81" MASK "\x02"), 1002},
        {"Close with code 999", BYTES("\x88\x82" MASK "\x02\xe5"), 1002},
        {"Close with code 1005", BYTES("\x88\x82" MASK "\x02\xef"), 1002},
        {"Close with code 1006", BYTES("\x88\x82" MASK "\x02\xec"), 1002},
        {"Close, not UTF-8", BYTES("\x88\x83" MASK "\x02\xea\xfc"), 1007},
        {"not UTF-8", BYTES("\x81\x81" MASK "\xfe"), 1007},
        {"not UTF-8, in a fragment", BYTES("\x01\x81" MASK "\xfe"), 1007},
        {"a surrogate", BYTES("\x81\x83" MASK "\xec\xa2\x83"), 1007},
        {"overlong", BYTES("\x81\x82" MASK "\xc1\xad"), 1007},
        {"half a sequence", BYTES("\x81\x82" MASK "\xe3\x80"), 1007},
        {"101 bytes", BYTES("\x82\xe5" MASK "x"), 1009},
        {"4 EiB", BYTES("\x82\xff\x40\0\0\0\0\0\0\0" MASK "x"), 1009},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client = ws_open(port, "/small");
        client_send(&client, cases[i].bytes, cases[i].size);
        struct ws_frame frame = ws_frame(&client);
        unsigned code = frame.size < 2 ? 0
                                       : (unsigned)(unsigned char)frame.data[0] << 8 |
                                             (unsigned char)frame.data[1];
        if (frame.first != (WS_FIN | WS_CLOSE) || code != cases[i].code) {
            fail_msg("%s: a frame of 0x%x, code %u", cases[i].what, frame.first, code);
        }
        assert_int_equal(client_wait_end(&client), 0);
        client_close(&client);
        assert_int_equal(wait_closed().code, cases[i].code);
    }
}

static void test_message_when_its_fragments_are_too_long_then_1009(void **state)
{
    char joined[100];
    (void)state;
    memcpy(joined, big_bytes(), 60);
    memcpy(joined + 60, big_bytes(), 40);
    struct client client = ws_open(port, "/small");
    ws_send(&client, WS_BINARY, big_bytes(), 60);
    ws_send(&client, WS_FIN | WS_MORE, big_bytes(), 40); /* just so long */
    ws_expect(&client, WS_FIN | WS_BINARY, joined, sizeof joined);
    ws_send(&client, WS_BINARY, big_bytes(), 60);
    ws_send(&client, WS_MORE, big_bytes(), 41);
    ws_expect_close(&client, 1009, "");
    client_close(&client);
    assert_int_equal(wait_closed().code, 1009);
}

/* A peer in the middle of a large message still hears why. */
static void test_message_when_too_long_and_still_coming_then_the_reason_arrives(void **state)
{
    (void)state;
    struct client client = ws_open(port, "/small");
    unsigned char header[WS_HEADER];
    client_send(&client, header, ws_header(header, WS_FIN | WS_BINARY, BIG_MAX));
    (void)client_send_until_refused(&client, big_bytes(), 3000000);
    ws_expect_close(&client, 1009, "");
    client_close(&client);
    assert_int_equal(wait_closed().code, 1009);

    client = ws_open(port, "/small");
    client_send(&client, header, ws_header(header, WS_FIN | WS_BINARY, BIG_MAX));
    client_send(&client, "x", 1);
    ws_expect_close(&client, 1009, "");
    client_send(&client, big_bytes(), 1000); /* it was on its way */
    client_wait_sent(&client);
    client_send(&client, big_bytes(), 1000);
    client_half_close(&client);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_int_equal(wait_closed().code, 1009);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_handshake_when_something_is_wrong_then_told_what),
        SERVED(test_handshake_when_it_is_head_then_405),
        SERVED(test_origin_when_asked_for_then_only_those_pages_come),
        SERVED(test_open_when_it_refuses_then_its_reply_and_no_end),
        SERVED(test_open_when_it_sends_then_behind_the_handshake),
        SERVED(test_protocols_when_several_are_offered_then_the_servers_first),
        SERVED(test_messages_when_of_any_size_then_echoed),
        SERVED(test_fragments_when_split_anywhere_then_one_message),
        SERVED(test_frames_when_right_behind_the_handshake_then_taken),
        SERVED(test_messages_when_many_at_once_then_all_in_order),
        SERVED(test_messages_when_the_client_listens_last_then_whole),
        SERVED(test_frames_when_wrong_then_closed_with_a_code),
        SERVED(test_message_when_its_fragments_are_too_long_then_1009),
        SERVED(test_message_when_too_long_and_still_coming_then_the_reason_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
