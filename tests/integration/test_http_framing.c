/* SPDX-License-Identifier: MIT
 *
 * Requests whose end two readers could see in two places, the stuff of request smuggling: each is
 * refused, the connection is closed, and what follows is never taken for a request.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/refusal.h"
#include "support/server.h"

#include <stdio.h>
#include <string.h>

#define POST "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n"
#define SMUGGLED "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKS "5\r\nhello\r\n0\r\n\r\n"

static const struct refusal rows[] = {
    /* Content-Length and Transfer-Encoding */
    CLOSES("both, length first", 400,
           POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS SMUGGLED),
    CLOSES("both, coding first", 400,
           POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" CHUNKS SMUGGLED),
    CLOSES("both, length 0", 400,
           POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" CHUNKS SMUGGLED),
    CLOSES("both, coding unknown", 400,
           POST "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello" SMUGGLED),
    CLOSES("both, coding empty", 400,
           POST "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello" SMUGGLED),

    /* Transfer-Encoding */
    CLOSES("coding twice", 400,
           POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("coding, then identity", 400,
           POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" CHUNKS),
    CLOSES("identity, then coding", 501,
           POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("chunked in a list, not last", 400,
           POST "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNKS),
    CLOSES("chunked in a list, twice", 400,
           POST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKS),
    CLOSES("gzip, chunked", 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKS),
    CLOSES("gzip only", 400, POST "Transfer-Encoding: gzip\r\n\r\n" CHUNKS),
    CLOSES("identity only", 400, POST "Transfer-Encoding: identity\r\n\r\n" CHUNKS),
    CLOSES("xchunked", 400, POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKS),
    CLOSES("chunkedx", 400, POST "Transfer-Encoding: chunkedx\r\n\r\n" CHUNKS),
    CLOSES("chun ked", 400, POST "Transfer-Encoding: chun ked\r\n\r\n" CHUNKS),
    CLOSES("chunked with a parameter", 400, POST "Transfer-Encoding: chunked;a=b\r\n\r\n" CHUNKS),
    CLOSES("quoted chunked", 400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNKS),
    CLOSES("empty coding", 400, POST "Transfer-Encoding:\r\n\r\n" SMUGGLED),
    CLOSES("blank coding", 400, POST "Transfer-Encoding:  \r\n\r\n" SMUGGLED),
    CLOSES("comma for a coding", 400, POST "Transfer-Encoding: ,\r\n\r\n" SMUGGLED),
    CLOSES("vertical tab before chunked", 400, POST "Transfer-Encoding: \vchunked\r\n\r\n" CHUNKS),
    CLOSES("space before the colon", 400, POST "Transfer-Encoding : chunked\r\n\r\n" CHUNKS),
    CLOSES("tab before the colon", 400, POST "Transfer-Encoding\t: chunked\r\n\r\n" CHUNKS),
    CLOSES("NUL in the name", 400, POST "Transfer-Encoding\0: chunked\r\n\r\n" CHUNKS),
    CLOSES("NUL in the value", 400, POST "Transfer-Encoding: chunked\0\r\n\r\n" CHUNKS),
    CLOSES("no colon", 400, POST "Transfer-Encoding\r\n\r\n" CHUNKS),
    CLOSES("HTTP/1.0 with a coding", 400,
           "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("GET with a coding that ends with another", 400,
           GET "Transfer-Encoding: chunked, x\r\n\r\n" CHUNKS),

    /* Content-Length */
    CLOSES("two lengths", 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" SMUGGLED),
    CLOSES("the same length twice", 400,
           POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" SMUGGLED),
    CLOSES("length list", 400, POST "Content-Length: 5, 5\r\n\r\nhello" SMUGGLED),
    CLOSES("length with a plus", 400, POST "Content-Length: +5\r\n\r\nhello" SMUGGLED),
    CLOSES("length with a minus", 400, POST "Content-Length: -5\r\n\r\nhello" SMUGGLED),
    CLOSES("hexadecimal length", 400, POST "Content-Length: 0x5\r\n\r\nhello" SMUGGLED),
    CLOSES("length with a fraction", 400, POST "Content-Length: 5.0\r\n\r\nhello" SMUGGLED),
    CLOSES("length in two parts", 400, POST "Content-Length: 5 5\r\n\r\nhello" SMUGGLED),
    CLOSES("length with junk", 400, POST "Content-Length: 5x\r\n\r\nhello" SMUGGLED),
    CLOSES("empty length", 400, POST "Content-Length:\r\n\r\n" SMUGGLED),
    CLOSES("blank length", 400, POST "Content-Length:   \r\n\r\n" SMUGGLED),
    CLOSES("length and a bare CR", 400, POST "Content-Length: 5\r\r\n\r\nhello" SMUGGLED),

    /* line ends and folding */
    CLOSES("bare LF behind the request line", 400, "GET /hello HTTP/1.1\nHost: a\r\n\r\n" SMUGGLED),
    CLOSES("bare LF behind a field", 400, GET "X: a\nY: b\r\n\r\n" SMUGGLED),
    CLOSES("bare LF for the last line", 400, GET "X: a\r\n\n" SMUGGLED),
    CLOSES("bare LF everywhere", 400, "GET /hello HTTP/1.1\nHost: a\n\n" SMUGGLED),
    CLOSES("bare LF hides a coding", 400, POST "X: a\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("bare CR hides a coding", 400, POST "X: a\rTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("bare CR at once", 400, POST "X:\rTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    CLOSES("bare CR in a value", 400, GET "X: a\rb\r\n\r\n" SMUGGLED),
    CLOSES("CR CR LF", 400, GET "X: a\r\r\n\r\n" SMUGGLED),
    CLOSES("CR and junk end the head", 400, GET "\rX\r\n\r\n" SMUGGLED),
    CLOSES("folding", 400, GET "X: a\r\n b\r\n\r\n" SMUGGLED),
    CLOSES("folding with a tab", 400, GET "X: a\r\n\tb\r\n\r\n" SMUGGLED),
    CLOSES("folding hides a length", 400, POST "X: a\r\n Content-Length: 30\r\n\r\n" SMUGGLED),
    CLOSES("a folded length", 400, POST "Content-Length:\r\n 5\r\n\r\nhello" SMUGGLED),
    CLOSES("a folded coding", 400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n" CHUNKS),
    CLOSES("the first field is indented", 400, "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n" SMUGGLED),
    CLOSES("a line of spaces ends the head", 400, GET "X: a\r\n \r\n\r\n" SMUGGLED),

    /* field names */
    CLOSES("a name of nothing", 400, GET ": a\r\n\r\n" SMUGGLED),
    CLOSES("a space in a name", 400, GET "X Y: a\r\n\r\n" SMUGGLED),
    CLOSES("a name in brackets", 400, GET "(X): a\r\n\r\n" SMUGGLED),
    CLOSES("a byte above 127 in a name", 400, GET "X\xE4: a\r\n\r\n" SMUGGLED),
    CLOSES("a NUL in a value", 400, GET "X: a\0b\r\n\r\n" SMUGGLED),
    CLOSES("a control character in a value", 400,
           GET "X: a\x01"
               "b\r\n\r\n" SMUGGLED),
    CLOSES("DEL in a value", 400, GET "X: a\x7F\r\n\r\n" SMUGGLED),

    /* Host */
    CLOSES("no Host", 400, "GET /hello HTTP/1.1\r\nX: a\r\n\r\n" SMUGGLED),
    CLOSES("no field at all", 400, "GET /hello HTTP/1.1\r\n\r\n" SMUGGLED),
    CLOSES("two Hosts", 400, GET "Host: b\r\n\r\n" SMUGGLED),
    CLOSES("the same Host twice", 400, GET "Host: a\r\n\r\n" SMUGGLED),
    CLOSES("empty Host", 400, "GET /hello HTTP/1.1\r\nHost:\r\n\r\n" SMUGGLED),
    CLOSES("Host with a space", 400, "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n" SMUGGLED),
    CLOSES("Host with a path", 400, "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n" SMUGGLED),
    CLOSES("Host with a user", 400, "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n" SMUGGLED),
    CLOSES("Host list", 400, "GET /hello HTTP/1.1\r\nHost: a, b/\r\n\r\n" SMUGGLED),
    CLOSES("Host with a port in letters", 400, "GET /hello HTTP/1.1\r\nHost: a:http\r\n\r\n"),
    CLOSES("Host with two ports", 400, "GET /hello HTTP/1.1\r\nHost: a:1:2\r\n\r\n" SMUGGLED),
    CLOSES("Host with half an address", 400, "GET /hello HTTP/1.1\r\nHost: [::1\r\n\r\n" SMUGGLED),
    CLOSES("Host with no address", 400, "GET /hello HTTP/1.1\r\nHost: [x]\r\n\r\n" SMUGGLED),
    CLOSES("bad Host in HTTP/1.0", 400, "GET /hello HTTP/1.0\r\nHost: a b\r\n\r\n" SMUGGLED),

    /* chunks */
    CLOSES("no chunk size", 400, POST "Transfer-Encoding: chunked\r\n\r\n\r\nhello"),
    CLOSES("chunk size in no digits", 400, POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello"),
    CLOSES("negative chunk size", 400, POST "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"),
    CLOSES("chunk size with 0x", 400, POST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n"),
    CLOSES("chunk size with a space before", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n"),
    CLOSES("chunk line ends with LF", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" SMUGGLED),
    CLOSES("chunk line ends with CR and junk", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\rXhello\r\n0\r\n\r\n" SMUGGLED),
    CLOSES("LF behind the chunk", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n" SMUGGLED),
    CLOSES("junk behind the chunk", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n" SMUGGLED),
    CLOSES("a chunk longer than its size", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n" SMUGGLED),
    CLOSES("LF in a chunk extension", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n" SMUGGLED),
    CLOSES("the last chunk ends with LF", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\n\r\n" SMUGGLED),
    CLOSES("the last line ends with LF", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\n" SMUGGLED),
    CLOSES("a trailer ends with LF", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n" SMUGGLED),
    CLOSES("a folded trailer", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n" SMUGGLED),
    CLOSES("a trailer without a name", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n0\r\n: a\r\n\r\n" SMUGGLED),
    CLOSES("a trailer without a colon", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n" SMUGGLED),
    CLOSES("a space before a trailer's colon", 400,
           POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX : a\r\n\r\n" SMUGGLED),
};

static void test_each_when_sent_at_once_then_refused_and_closed(void **state)
{
    (void)state;
    check_refusals(rows, sizeof rows / sizeof *rows);
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
        check_refusal(&client, &rows[i]);
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
        check_refusal(&client, &rows[i]);
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
