/* SPDX-License-Identifier: MIT
 *
 * Good requests, cut in two at every byte and sent byte by byte: whatever arrives when, the
 * replies are the same, but for the date, and for 100 Continue, which is for those who wait.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

struct row {
    const char *name;
    const char *methods; /* of the requests in `bytes`, one letter each; a small one closes */
    const char *bytes;
    const char *last_body; /* of the last reply */
};

static const struct row rows[] = {
    {"GET", "G", "GET /hello HTTP/1.1" HOST "\r\n", "hello"},
    {"HEAD", "H", "HEAD /hello HTTP/1.1" HOST "\r\n", ""},
    {"empty lines in front", "G", "\r\n\r\nGET /hello HTTP/1.1" HOST "\r\n", "hello"},
    {"fields of all shapes", "G",
     "GET /show HTTP/1.1\r\nhOST:a\r\nX: \r\nY:\r\nZ:\t b c\t \r\nX:\xE4,\"q\"\r\n\r\n",
     "method=GET\npath=/show\ntarget=/show\nrest=(none)\n"
     "hOST=a\nX=\nY=\nZ=b c\nX=\xE4,\"q\"\n"},
    {"query", "G", "GET /show/a%20b/%E4+?c=d%26e&f&=g&h=i+j%2B&&k=l=m HTTP/1.1" HOST "\r\n",
     "method=GET\npath=/show/a b/\xE4+\ntarget=/show/a%20b/%E4+?c=d%26e&f&=g&h=i+j%2B&&k=l=m\n"
     "rest=a b/\xE4+\nc=d&e\nf=\n=g\nh=i j+\nk=l=m\nHost=a\n"},
    {"dots and slashes", "G", "GET /x/./../show//a%2Fb/../c/. HTTP/1.1" HOST "\r\n",
     "method=GET\npath=/show//c/\ntarget=/x/./../show//a%2Fb/../c/.\nrest=/c/\nHost=a\n"},
    {"absolute form", "G", "GET http://a.example:80/show?x HTTP/1.1" HOST "\r\n",
     "method=GET\npath=/show\ntarget=http://a.example:80/show?x\nrest=(none)\nx=\nHost=a\n"},
    {"sized body", "P",
     "POST /echo HTTP/1.1" HOST "Content-Type: x/y\r\nContent-Length: 10\r\n\r\n0123\r\n\r\n89",
     "0123\r\n\r\n89"},
    {"empty body", "P", "POST /echo HTTP/1.1" HOST "Content-Length: 0\r\n\r\n", ""},
    {"no body", "P", "POST /echo HTTP/1.1" HOST "\r\n", ""},
    {"sized body, blocking", "P",
     "POST /echo/slow HTTP/1.1" HOST "Content-Length: 0005\r\n\r\nhello", "hello"},
    {"chunks", "P",
     "POST /echo HTTP/1.1" HOST CHUNKED
     "5\r\nhello\r\n00a;ext\r\n0123456789\r\n1;a=\"b\"\r\n!\r\n0\r\n\r\n",
     "hello0123456789!"},
    {"chunks with trailers", "P",
     "POST /echo HTTP/1.1" HOST "Trailer: X\r\n" CHUNKED
     "3\r\n\r\n0\r\nA\r\n0123456789\r\n0;last\r\nX: y\r\n"
     "Connection: close\r\nY:\r\n\r\n",
     "\r\n00123456789"},
    {"a length and a coding in the trailer, which say nothing", "PG",
     "POST /echo HTTP/1.1" HOST CHUNKED
     "2\r\nhi\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n"
     "GET /hello HTTP/1.1" HOST "\r\n",
     "hello"},
    {"chunks behind an empty field", "P",
     "POST /echo HTTP/1.1" HOST "X:\r\nY: \r\nTransfer-Encoding: Chunked\r\n\r\n"
     "2\r\nhi\r\n0\r\n\r\n",
     "hi"},
    {"chunks, and an upgrade nobody wants", "PG",
     "POST /echo HTTP/1.1" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n" CHUNKED
     "2\r\nhi\r\n0\r\n\r\nGET /hello HTTP/1.1" HOST "\r\n",
     "hello"},
    {"upgrade of a GET", "GG",
     "GET /hello HTTP/1.1" HOST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
     "GET /hello HTTP/1.1" HOST "\r\n",
     "hello"},
    {"no chunks", "P", "POST /echo HTTP/1.1" HOST CHUNKED "0\r\n\r\n", ""},
    {"GET with a body", "GG",
     "GET /hello HTTP/1.1" HOST "Content-Length: 3\r\n\r\nGETGET /hello HTTP/1.1" HOST "\r\n",
     "hello"},
    {"100-continue", "P",
     "POST /echo HTTP/1.1" HOST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello", "hello"},
    {"100-continue with chunks", "PG",
     "POST /echo HTTP/1.1" HOST "Expect: 100-continue\r\n" CHUNKED
     "5\r\nhello\r\n0\r\n\r\nGET /hello HTTP/1.1" HOST "\r\n",
     "hello"},
    {"100-continue without a body", "P", "POST /echo HTTP/1.1" HOST "Expect: 100-continue\r\n\r\n",
     ""},
    {"closes", "g", "GET /hello HTTP/1.1" HOST "Connection: close\r\n\r\n", "hello"},
    {"closes, in a list", "g", "GET /hello HTTP/1.1" HOST "Connection: x ,\tClose ,y\r\n\r\n",
     "hello"},
    {"closes, in a second field", "g",
     "GET /hello HTTP/1.1" HOST "Connection: keep-alive\r\nConnection: close\t\r\n\r\n", "hello"},
    {"does not close", "G", "GET /hello HTTP/1.1" HOST "Connection: closed, not-close\r\n\r\n",
     "hello"},
    {"HTTP/1.0", "g", "GET /hello HTTP/1.0\r\n\r\n", "hello"},
    {"HTTP/1.0 that stays", "G", "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "hello"},
    {"HTTP/1.0 that does both", "g", "GET /hello HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
     "hello"},
    {"HTTP/1.0 with a body", "p", "POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "hi"},
    {"HTTP/1.0 expects in vain", "p",
     "POST /echo HTTP/1.0\r\nExpect: tea\r\nContent-Length: 2\r\n\r\nhi", "hi"},
    {"HTTP/1.0 and a generated body", "g", "GET /big?size=100 HTTP/1.0\r\n\r\n", NULL},
    {"a mix", "GHPPGHPg",
     "GET /hello HTTP/1.1" HOST "\r\n"
     "HEAD /show HTTP/1.1" HOST "\r\n"
     "POST /echo HTTP/1.1" HOST CHUNKED "3\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n"
     "\r\nPOST /echo HTTP/1.1" HOST "Content-Length: 3\r\n\r\nabc"
     "GET /big?size=9999&kind=copy HTTP/1.1" HOST "\r\n"
     "HEAD /big?size=100 HTTP/1.1" HOST "\r\n"
     "POST /echo/slow HTTP/1.1" HOST CHUNKED "1\r\nx\r\n0\r\n\r\n"
     "GET /nowhere HTTP/1.1" HOST "Connection: close\r\n\r\n",
     NULL},
};

static uint64_t bytes_sent; /* to this server, all of which it reads */

/* Writes a reply down, without its date. */
static void note(FILE *to, const struct reply *reply)
{
    const char *date = strstr(reply->head, "\r\nDate: ");
    assert_non_null(date);
    assert_true(reply->complete);
    fwrite(reply->head, 1, (size_t)(date - reply->head), to);
    fputs(strstr(date + 2, "\r\n"), to);
    fputs("\r\n", to);
    fwrite(reply->body, 1, reply->body_size, to);
}

/* The replies to a row, as one text; the caller frees it. */
static char *read_replies(struct client *client, const struct row *row)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    for (const char *method = row->methods; *method; method++) {
        struct reply reply = client_reply(client, *method == 'H' ? "HEAD" : "");
        if (reply.status == 100) {
            assert_non_null(strstr(row->bytes, "Expect: 100-"));
            reply_done(&reply);
            reply = client_reply(client, "");
        }
        if (reply.status != 200 && reply.status != 404) {
            fail_msg("%s: %s\n%s", row->name, reply.head, reply.body);
        }
        if (!method[1] && row->last_body && strcmp(reply.body, row->last_body) != 0) {
            fail_msg("%s: the last body is \"%s\"", row->name, reply.body);
        }
        note(to, &reply);
        reply_done(&reply);
        if (*method >= 'a') {
            assert_int_equal(client_wait_end(client), 0);
        }
    }
    if (client->used < client->size) {
        fail_msg("%s: one reply too many: %s", row->name, client->data + client->used);
    }
    fclose(to);
    return text;
}

static void send_part(struct client *client, const char *bytes, size_t size)
{
    client_send(client, bytes, size);
    bytes_sent += size;
    wait_bytes_in(server, bytes_sent);
}

static void compare(struct client *client, const struct row *row, size_t cut, const char *whole)
{
    char *replies = read_replies(client, row);
    if (strcmp(replies, whole) != 0) {
        fail_msg("%s, cut at byte %zu:\n%s\ninstead of\n%s", row->name, cut, replies, whole);
    }
    free(replies);
    client_close(client);
}

static void check_row(const struct row *row)
{
    size_t size = strlen(row->bytes);
    struct client client = client_open(ph_server_port(server));
    send_part(&client, row->bytes, size);
    char *whole = read_replies(&client, row);
    client_close(&client);

    for (size_t cut = 1; cut < size; cut++) {
        client = client_open(ph_server_port(server));
        send_part(&client, row->bytes, cut);
        send_part(&client, row->bytes + cut, size - cut);
        compare(&client, row, cut, whole);
    }
    client = client_open(ph_server_port(server));
    for (size_t at = 0; at < size; at++) {
        send_part(&client, row->bytes + at, 1);
    }
    compare(&client, row, 0, whole);
    free(whole);
}

static void test_each_when_cut_at_every_byte_then_answered_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(&rows[i]);
    }
    wait_connections(server, "", 0);
}

static void test_100_continue_when_body_waits_for_it_then_sent(void **state)
{
    (void)state;
    static const char *const paths[] = {"/echo", "/echo/slow"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct client client = client_open(ph_server_port(server));
        char head[200];
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
                 paths[i]);
        struct reply reply = client_ask(&client, head);
        assert_int_equal(reply.status, 100);
        assert_string_equal(reply.head, "HTTP/1.1 100 Continue\r\n");
        reply_done(&reply);
        reply = client_ask(&client, "hi");
        assert_reply_text(&reply, 200, "hi");
        reply_done(&reply);
        reply = client_ask(&client, "GET /hello HTTP/1.1" HOST "\r\n");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
        client_close(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_when_cut_at_every_byte_then_answered_alike),
        cmocka_unit_test(test_100_continue_when_body_waits_for_it_then_sent),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
