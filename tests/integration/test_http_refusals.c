/* SPDX-License-Identifier: MIT
 *
 * Requests that are refused for what they ask: method, target, version, size, expectation. Those
 * whose end is certain leave the connection open, the others close it.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/refusal.h"
#include "support/server.h"

#include <stdio.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n\r\n"
#define GET(target) "GET " target " HTTP/1.1" HOST

static const char tls_hello[] = "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x00\x01\x02\x03";

static const struct refusal rows[] = {
    /* request lines */
    CLOSES("junk", 400, "\x01\x02\x03\r\n\r\n"),
    CLOSES("a TLS hello", 400, tls_hello),
    CLOSES("HTTP/0.9", 400, "GET /hello\r\n\r\n"),
    CLOSES("no target", 400, "GET HTTP/1.1" HOST),
    CLOSES("two spaces before the target", 400, "GET  /hello HTTP/1.1" HOST),
    CLOSES("two spaces behind the target", 400, "GET /hello  HTTP/1.1" HOST),
    CLOSES("a space at the end", 505, "GET /hello HTTP/1.1 " HOST),
    CLOSES("tabs for spaces", 400, "GET\t/hello\tHTTP/1.1" HOST),
    CLOSES("a space in front", 400, " GET /hello HTTP/1.1" HOST),
    CLOSES("a space in the target", 400, "GET /hel lo HTTP/1.1" HOST),
    CLOSES("a line feed in front", 400, "\nGET /hello HTTP/1.1" HOST),
    CLOSES("a reply", 400, "HTTP/1.1 200 OK\r\n\r\n"),

    /* methods */
    CLOSES("an unknown method", 501, "BREW /hello HTTP/1.1" HOST),
    CLOSES("a method in small letters", 501, "get /hello HTTP/1.1" HOST),
    CLOSES("a known method of others", 501, "PROPFIND /hello HTTP/1.1" HOST),
    CLOSES("TRACE", 501, "TRACE /hello HTTP/1.1" HOST),
    CLOSES("QUERY", 501, "QUERY /hello HTTP/1.1" HOST),
    CLOSES("CONNECT", 501, "CONNECT a:443 HTTP/1.1" HOST),
    CLOSES("a long method", 501, "GETGETGETGETGETGETGETGETGETGETGETGET /hello HTTP/1.1" HOST),
    CLOSES("a method in brackets", 400, "(GET) /hello HTTP/1.1" HOST),

    /* versions */
    CLOSES("HTTP/2.0", 505, "GET /hello HTTP/2.0" HOST),
    CLOSES("HTTP/0.9 in words", 505, "GET /hello HTTP/0.9" HOST),
    CLOSES("HTTP/1.2", 505, "GET /hello HTTP/1.2" HOST),
    CLOSES("HTTP/3", 505, "GET /hello HTTP/3.0" HOST),
    CLOSES("the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    CLOSES("a version of letters", 505, "GET /hello HTTP/x.y" HOST),
    CLOSES("small letters", 400, "GET /hello http/1.1" HOST),
    CLOSES("RTSP", 400, "GET /hello RTSP/1.0" HOST),
    CLOSES("ICE", 400, "SOURCE /hello ICE/1.0" HOST),

    /* targets */
    CLOSES("a fragment", 400, GET("/hello#x")),
    CLOSES("an encoded NUL", 400, GET("/hello%00")),
    CLOSES("an encoded NUL in the query", 400, GET("/hello?a=%00")),
    CLOSES("no hexadecimal digits", 400, GET("/hello%zz")),
    CLOSES("half an escape", 400, GET("/hello%2")),
    CLOSES("a lone percent sign", 400, GET("/hello%")),
    CLOSES("above the root", 400, GET("/../hello")),
    CLOSES("above the root, later", 400, GET("/a/../../hello")),
    CLOSES("above the root, encoded", 400, GET("/%2e%2E/hello")),
    CLOSES("above the root, at the end", 400, GET("/a/../..")),
    CLOSES("dots behind an encoded slash", 400, GET("/show/..%2f..%2fetc/passwd")),
    CLOSES("dots between encoded slashes", 400, GET("/show/a%2F%2e%2e%2Fb")),
    CLOSES("dots at the end of a segment", 400, GET("/show/a%2f..")),
    CLOSES("no slash in front", 400, GET("hello")),
    CLOSES("authority form", 400, GET("a:80")),
    CLOSES("asterisk form", 400, GET("*")),
    CLOSES("an unknown scheme", 400, GET("ftp://a/hello")),
    CLOSES("no authority", 400, GET("http:///hello")),
    CLOSES("a user in the authority", 400, GET("http://u:p@a/hello")),
    CLOSES("a quote", 400, GET("/hel\"lo")),
    CLOSES("angle brackets", 400, GET("/<hello>")),
    CLOSES("a backslash", 400, GET("/..\\hello")),
    CLOSES("a byte above 127", 400, GET("/h\xE4llo")),
    CLOSES("a control character", 400, GET("/hello\x01")),
    CLOSES("a NUL", 400, "GET /hello\0 HTTP/1.1" HOST),
    CLOSES("DEL", 400, GET("/hello\x7F")),

    /* routes */
    KEEPS("nothing there", 404, GET("/nowhere")),
    KEEPS("a slash too many", 404, GET("/hello/")),
    KEEPS("an encoded slash does not separate", 404, GET("/echo%2fslow")),
    KEEPS("two slashes", 404, GET("//hello")),
    KEEPS("a wrong method", 405, "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
    KEEPS("a wrong method with chunks", 405,
          "POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
          "chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    KEEPS("GET where there is POST", 405, GET("/echo")),

    /* sizes, and expectations */
    CLOSES("a body larger than accepted", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"),
    CLOSES("a body of 2^64 - 1", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n"),
    CLOSES("a length of 400 digits", 400,
           "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
           "9999999999999999999999999999999999999999999999999999999999999999999999\r\n\r\n"),
    CLOSES("a chunk larger than accepted", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"),
    CLOSES("chunks together larger than accepted", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           "1\r\nx\r\n3e8\r\n"),
    CLOSES("a chunk of 2^64 - 1", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           "ffffffffffffffff\r\n"),
    CLOSES("a chunk beyond 2^64", 400,
           "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           "fffffffffffffffff\r\n"),
    CLOSES("another expectation", 417,
           "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 2\r\n\r\nhi"),
    CLOSES("two expectations", 417,
           "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, tea\r\n\r\n"),
    CLOSES("a large body is expected", 413,
           "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
           "Content-Length: 1001\r\n\r\n"),
    CLOSES("a body for nobody is expected", 404,
           "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
           "Content-Length: 10\r\n\r\n"),
    CLOSES("a body for a wrong method is expected", 405,
           "POST /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
           "Content-Length: 10\r\n\r\n"),
};

static int start(void **state)
{
    (void)state;
    const struct ph_config cfg = {.body_max = 1000};
    server = server_start(&cfg);
    return 0;
}

static void test_each_when_sent_then_refused(void **state)
{
    (void)state;
    check_refusals(rows, sizeof rows / sizeof *rows);
    wait_connections(server, "", 0);
}

/* A reply to a request that is wrong in several ways must not depend on how it was cut in two. */
static void test_each_when_sent_in_two_then_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client client = client_open(ph_server_port(server));
        struct ph_server_stats stats;
        ph_server_stats(server, &stats);
        size_t half = rows[i].size / 2;
        client_send(&client, rows[i].bytes, half);
        wait_bytes_in(server, stats.bytes_in + half);
        client_send_until_refused(&client, rows[i].bytes + half, rows[i].size - half);
        check_refusal(&client, &rows[i]);
        client_close(&client);
    }
}

static void test_wrong_method_when_answered_then_allow_lists_the_right_ones(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, "DELETE /hello HTTP/1.1" HOST);
    assert_problem(&reply, 405);
    assert_reply_field(&reply, "Allow", "GET, HEAD, OPTIONS");
    reply_done(&reply);
    reply = client_ask(&client, "OPTIONS /echo HTTP/1.1" HOST);
    assert_reply_text(&reply, 204, "");
    assert_reply_field(&reply, "Allow", "POST, OPTIONS");
    reply_done(&reply);
    reply = client_ask(&client, "OPTIONS * HTTP/1.1" HOST);
    assert_reply_text(&reply, 204, "");
    reply_done(&reply);
    reply = client_ask(&client, "OPTIONS /nowhere HTTP/1.1" HOST);
    assert_problem(&reply, 404);
    reply_done(&reply);
    client_close(&client);
}

static void test_problem_when_path_is_hostile_then_escaped(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, GET("/%22%0d%0aX:%20y%ff%3cscript%3e%7f"));
    assert_problem(&reply, 404);
    assert_no_reply_field(&reply, "X");
    assert_non_null(strstr(reply.body, "/\\\"\\r\\nX: y\xEF\xBF\xBD<script>\\u007f\""));
    reply_done(&reply);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_when_sent_then_refused),
        cmocka_unit_test(test_each_when_sent_in_two_then_the_same),
        cmocka_unit_test(test_wrong_method_when_answered_then_allow_lists_the_right_ones),
        cmocka_unit_test(test_problem_when_path_is_hostile_then_escaped),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
