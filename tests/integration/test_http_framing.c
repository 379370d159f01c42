/* SPDX-License-Identifier: MIT
 *
 * Requests whose end two readers could see in two places, the stuff of request smuggling: each is
 * refused, the connection is closed, and what follows is never taken for a request.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <stdio.h>
#include <string.h>

#define POST "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n"
#define SMUGGLED "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKS "5\r\nhello\r\n0\r\n\r\n"

struct row {
    const char *name;
    int status;
    const char *bytes;
    size_t size;
};

#define ROW(name, status, bytes)               \
    {                                          \
        name, status, bytes, sizeof(bytes) - 1 \
    }

static const struct row rows[] = {
    /* Content-Length and Transfer-Encoding */
    ROW("both, length first", 400,
        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS SMUGGLED),
    ROW("both, coding first", 400,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" CHUNKS SMUGGLED),
    ROW("both, length 0", 400,
        POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" CHUNKS SMUGGLED),
    ROW("both, coding unknown", 400,
        POST "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello" SMUGGLED),
    ROW("both, coding empty", 400,
        POST "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello" SMUGGLED),

    /* Transfer-Encoding */
    ROW("coding twice", 400,
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("coding, then identity", 400,
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" CHUNKS),
    ROW("identity, then coding", 501,
        POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("chunked in a list, not last", 400,
        POST "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNKS),
    ROW("chunked in a list, twice", 400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKS),
    ROW("gzip, chunked", 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKS),
    ROW("gzip only", 400, POST "Transfer-Encoding: gzip\r\n\r\n" CHUNKS),
    ROW("identity only", 400, POST "Transfer-Encoding: identity\r\n\r\n" CHUNKS),
    ROW("xchunked", 400, POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKS),
    ROW("chunkedx", 400, POST "Transfer-Encoding: chunkedx\r\n\r\n" CHUNKS),
    ROW("chun ked", 400, POST "Transfer-Encoding: chun ked\r\n\r\n" CHUNKS),
    ROW("chunked with a parameter", 400, POST "Transfer-Encoding: chunked;a=b\r\n\r\n" CHUNKS),
    ROW("quoted chunked", 400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNKS),
    ROW("empty coding", 400, POST "Transfer-Encoding:\r\n\r\n" SMUGGLED),
    ROW("blank coding", 400, POST "Transfer-Encoding:  \r\n\r\n" SMUGGLED),
    ROW("comma for a coding", 400, POST "Transfer-Encoding: ,\r\n\r\n" SMUGGLED),
    ROW("vertical tab before chunked", 400, POST "Transfer-Encoding: \vchunked\r\n\r\n" CHUNKS),
    ROW("space before the colon", 400, POST "Transfer-Encoding : chunked\r\n\r\n" CHUNKS),
    ROW("tab before the colon", 400, POST "Transfer-Encoding\t: chunked\r\n\r\n" CHUNKS),
    ROW("NUL in the name", 400, POST "Transfer-Encoding\0: chunked\r\n\r\n" CHUNKS),
    ROW("NUL in the value", 400, POST "Transfer-Encoding: chunked\0\r\n\r\n" CHUNKS),
    ROW("no colon", 400, POST "Transfer-Encoding\r\n\r\n" CHUNKS),
    ROW("HTTP/1.0 with a coding", 400,
        "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("GET with a coding that ends with another", 400,
        GET "Transfer-Encoding: chunked, x\r\n\r\n" CHUNKS),

    /* Content-Length */
    ROW("two lengths", 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" SMUGGLED),
    ROW("the same length twice", 400,
        POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" SMUGGLED),
    ROW("length list", 400, POST "Content-Length: 5, 5\r\n\r\nhello" SMUGGLED),
    ROW("length with a plus", 400, POST "Content-Length: +5\r\n\r\nhello" SMUGGLED),
    ROW("length with a minus", 400, POST "Content-Length: -5\r\n\r\nhello" SMUGGLED),
    ROW("hexadecimal length", 400, POST "Content-Length: 0x5\r\n\r\nhello" SMUGGLED),
    ROW("length with a fraction", 400, POST "Content-Length: 5.0\r\n\r\nhello" SMUGGLED),
    ROW("length in two parts", 400, POST "Content-Length: 5 5\r\n\r\nhello" SMUGGLED),
    ROW("length with junk", 400, POST "Content-Length: 5x\r\n\r\nhello" SMUGGLED),
    ROW("empty length", 400, POST "Content-Length:\r\n\r\n" SMUGGLED),
    ROW("blank length", 400, POST "Content-Length:   \r\n\r\n" SMUGGLED),
    ROW("length and a bare CR", 400, POST "Content-Length: 5\r\r\n\r\nhello" SMUGGLED),

    /* line ends and folding */
    ROW("bare LF behind the request line", 400, "GET /hello HTTP/1.1\nHost: a\r\n\r\n" SMUGGLED),
    ROW("bare LF behind a field", 400, GET "X: a\nY: b\r\n\r\n" SMUGGLED),
    ROW("bare LF for the last line", 400, GET "X: a\r\n\n" SMUGGLED),
    ROW("bare LF everywhere", 400, "GET /hello HTTP/1.1\nHost: a\n\n" SMUGGLED),
    ROW("bare LF hides a coding", 400, POST "X: a\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("bare CR hides a coding", 400, POST "X: a\rTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("bare CR at once", 400, POST "X:\rTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    ROW("bare CR in a value", 400, GET "X: a\rb\r\n\r\n" SMUGGLED),
    ROW("CR CR LF", 400, GET "X: a\r\r\n\r\n" SMUGGLED),
    ROW("CR and junk end the head", 400, GET "\rX\r\n\r\n" SMUGGLED),
    ROW("folding", 400, GET "X: a\r\n b\r\n\r\n" SMUGGLED),
    ROW("folding with a tab", 400, GET "X: a\r\n\tb\r\n\r\n" SMUGGLED),
    ROW("folding hides a length", 400, POST "X: a\r\n Content-Length: 30\r\n\r\n" SMUGGLED),
    ROW("a folded length", 400, POST "Content-Length:\r\n 5\r\n\r\nhello" SMUGGLED),
    ROW("a folded coding", 400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n" CHUNKS),
    ROW("the first field is indented", 400, "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n" SMUGGLED),
    ROW("a line of spaces ends the head", 400, GET "X: a\r\n \r\n\r\n" SMUGGLED),

    /* field names */
    ROW("a name of nothing", 400, GET ": a\r\n\r\n" SMUGGLED),
    ROW("a space in a name", 400, GET "X Y: a\r\n\r\n" SMUGGLED),
    ROW("a name in brackets", 400, GET "(X): a\r\n\r\n" SMUGGLED),
    ROW("a byte above 127 in a name", 400, GET "X\xE4: a\r\n\r\n" SMUGGLED),
    ROW("a NUL in a value", 400, GET "X: a\0b\r\n\r\n" SMUGGLED),
    ROW("a control character in a value", 400,
        GET "X: a\x01"
            "b\r\n\r\n" SMUGGLED),
    ROW("DEL in a value", 400, GET "X: a\x7F\r\n\r\n" SMUGGLED),

    /* Host */
    ROW("no Host", 400, "GET /hello HTTP/1.1\r\nX: a\r\n\r\n" SMUGGLED),
    ROW("no field at all", 400, "GET /hello HTTP/1.1\r\n\r\n" SMUGGLED),
    ROW("two Hosts", 400, GET "Host: b\r\n\r\n" SMUGGLED),
    ROW("the same Host twice", 400, GET "Host: a\r\n\r\n" SMUGGLED),
    ROW("empty Host", 400, "GET /hello HTTP/1.1\r\nHost:\r\n\r\n" SMUGGLED),
    ROW("Host with a space", 400, "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n" SMUGGLED),
    ROW("Host with a path", 400, "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n" SMUGGLED),
    ROW("Host with a user", 400, "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n" SMUGGLED),
    ROW("Host list", 400, "GET /hello HTTP/1.1\r\nHost: a, b/\r\n\r\n" SMUGGLED),
    ROW("Host with a port in letters", 400, "GET /hello HTTP/1.1\r\nHost: a:http\r\n\r\n"),
    ROW("Host with two ports", 400, "GET /hello HTTP/1.1\r\nHost: a:1:2\r\n\r\n" SMUGGLED),
    ROW("Host with half an address", 400, "GET /hello HTTP/1.1\r\nHost: [::1\r\n\r\n" SMUGGLED),
    ROW("Host with no address", 400, "GET /hello HTTP/1.1\r\nHost: [x]\r\n\r\n" SMUGGLED),
    ROW("bad Host in HTTP/1.0", 400, "GET /hello HTTP/1.0\r\nHost: a b\r\n\r\n" SMUGGLED),

    /* chunks */
    ROW("no chunk size", 400, POST "Transfer-Encoding: chunked\r\n\r\n\r\nhello"),
    ROW("chunk size in no digits", 400, POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello"),
    ROW("negative chunk size", 400, POST "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"),
    ROW("chunk size with 0x", 400, POST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n"),
    ROW("chunk size with a space before", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n"),
    ROW("chunk line ends with LF", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" SMUGGLED),
    ROW("chunk line ends with CR and junk", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\rXhello\r\n0\r\n\r\n" SMUGGLED),
    ROW("LF behind the chunk", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n" SMUGGLED),
    ROW("junk behind the chunk", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n" SMUGGLED),
    ROW("a chunk longer than its size", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n" SMUGGLED),
    ROW("LF in a chunk extension", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n" SMUGGLED),
    ROW("the last chunk ends with LF", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\n\r\n" SMUGGLED),
    ROW("the last line ends with LF", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\n" SMUGGLED),
    ROW("a trailer ends with LF", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n" SMUGGLED),
    ROW("a folded trailer", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n" SMUGGLED),
    ROW("a trailer without a name", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\n: a\r\n\r\n" SMUGGLED),
    ROW("a trailer without a colon", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n" SMUGGLED),
    ROW("a space before a trailer's colon", 400,
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX : a\r\n\r\n" SMUGGLED),
};

static struct ph_server *server;

static int start_server(void **state)
{
    (void)state;
    server = server_start(NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

static void check_refused(struct client *client, const struct row *row)
{
    struct reply reply = client_reply(client, "");
    if (reply.status != row->status) {
        fail_msg("%s: expected %d, got %s\n%s", row->name, row->status, reply.head, reply.body);
    }
    assert_problem(&reply, row->status);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    if (client->used < client->size) {
        fail_msg("%s: a second reply came: %s", row->name, client->data + client->used);
    }
    assert_int_equal(client_wait_end(client), 0);
}

static void test_each_when_sent_at_once_then_refused_and_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client client = client_open(ph_server_port(server));
        client_send(&client, rows[i].bytes, rows[i].size);
        check_refused(&client, &rows[i]);
        client_close(&client);
        assert_served(ph_server_port(server));
    }
}

static void test_each_when_sent_byte_by_byte_then_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client client = client_open(ph_server_port(server));
        struct ph_server_stats stats;
        ph_server_stats(server, &stats);
        for (size_t at = 0; at < rows[i].size; at++) {
            if (client_send_until_refused(&client, &rows[i].bytes[at], 1) == 0) {
                break;
            }
            wait_bytes_in(server, stats.bytes_in + at + 1);
        }
        check_refused(&client, &rows[i]);
        client_close(&client);
    }
}

static void test_each_when_behind_a_good_request_then_both_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[2000];
        size_t before = (size_t)snprintf(bytes, sizeof bytes, "%s", SMUGGLED);
        memcpy(bytes + before, rows[i].bytes, rows[i].size);
        struct client client = client_open(ph_server_port(server));
        client_send(&client, bytes, before + rows[i].size);
        struct reply first = client_reply(&client, "GET");
        assert_reply_text(&first, 200, "hello");
        assert_no_reply_field(&first, "Connection");
        reply_done(&first);
        check_refused(&client, &rows[i]);
        client_close(&client);
    }
    wait_connections(server, "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_when_sent_at_once_then_refused_and_closed),
        cmocka_unit_test(test_each_when_sent_byte_by_byte_then_the_same),
        cmocka_unit_test(test_each_when_behind_a_good_request_then_both_are_answered),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
