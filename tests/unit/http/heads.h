/* SPDX-License-Identifier: MIT
 *
 * Heads, valid and not, for the tests of parse.c and check.c.
 */
#ifndef PORTHOLE_TESTS_HEADS_H
#define PORTHOLE_TESTS_HEADS_H

#include <stddef.h>

struct head_case {
    const char *what;
    const char *text;
    size_t size;
    int status; /* 0: valid */
};

#define HEAD(what, status, text)                   \
    {                                              \
        (what), (text), sizeof(text) - 1, (status) \
    }
/* With a request line and a Host before the fields, and the empty line behind. */
#define FIELDS(what, status, text) HEAD(what, status, "GET / HTTP/1.1\r\nHost: a\r\n" text "\r\n")
#define TARGET(what, status, text) HEAD(what, status, "GET " text " HTTP/1.1\r\nHost: a\r\n\r\n")
#define LINE(what, status, text) HEAD(what, status, text "\r\nHost: a\r\n\r\n")

static const struct head_case invalid_heads[] = {
    FIELDS("space before the colon", 400, "X : y\r\n"),
    FIELDS("tab before the colon", 400, "X\t: y\r\n"),
    FIELDS("space inside a name", 400, "X Y: z\r\n"),
    FIELDS("space before a name", 400, " X: y\r\n"),
    FIELDS("field without a colon", 400, "X\r\n"),
    FIELDS("empty name", 400, ": x\r\n"),
    FIELDS("name with a slash", 400, "X/Y: z\r\n"),
    FIELDS("name beyond ASCII", 400, "X\x80: z\r\n"),
    FIELDS("NUL in a name", 400, "X\0Y: z\r\n"),
    FIELDS("NUL in a value", 400, "X: y\0z\r\n"),
    FIELDS("control character in a value", 400, "X: y\x01z\r\n"),
    FIELDS("DEL in a value", 400, "X: y\x7fz\r\n"),
    FIELDS("CR in a value", 400, "X: y\rz\r\n"),
    FIELDS("CR instead of a line end", 400, "X: y\rZ: z\r\n"),
    FIELDS("CR hides a Transfer-Encoding", 400, "X:\rTransfer-Encoding: chunked\r\n"),
    FIELDS("CR behind the colon", 400, "X:\r\r\n"),
    FIELDS("two CRs", 400, "X: y\r\r\n"),
    FIELDS("bare LF between fields", 400, "X: y\nZ: z\r\n"),
    FIELDS("bare LF behind an empty value", 400, "X:\nZ: z\r\n"),
    FIELDS("bare LF behind Content-Length", 400, "Content-Length: 0\nZ: z\r\n"),
    FIELDS("folding", 400, "X: y\r\n z\r\n"),
    FIELDS("folding with a tab", 400, "X: y\r\n\tz\r\n"),
    FIELDS("folding of an empty value", 400, "X:\r\n y\r\n"),
    FIELDS("folding to nothing", 400, "X: y\r\n \r\n"),
    FIELDS("folding hides a Content-Length", 400, "X: y\r\n Content-Length: 5\r\n"),
    FIELDS("folding inside a Content-Length", 400, "Content-Length: 1\r\n 2\r\n"),
    FIELDS("folding inside a Transfer-Encoding", 400, "Transfer-Encoding:\r\n chunked\r\n"),
    HEAD("CR ends the head", 400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
    HEAD("bare LF ends the head", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    HEAD("bare LF ends the request line", 400, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    HEAD("bare LF everywhere", 400, "GET / HTTP/1.1\nHost: a\n\n"),
    HEAD("bare LF before the request line", 400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("bare CR before the request line", 400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("CR CR LF before the request line", 400, "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("CR LF CR before the request line", 400, "\r\n\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("space before the request line", 400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("folding behind the request line", 400, "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"),
    HEAD("NUL first", 400, "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("TLS instead of HTTP", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),

    TARGET("tab in the target", 400, "/a\tb"),
    TARGET("form feed in the target", 400, "/a\fb"),
    TARGET("0x80 in the target", 400, "/a\x80"),
    TARGET("0xff in the target", 400, "/\xff"),
    TARGET("DEL in the target", 400, "/\x7f"),
    TARGET("NUL in the target", 400, "/a\0b"),
    TARGET("space in the target", 400, "/a b"),
    TARGET("space behind the target", 400, "/ "),
    TARGET("space before the target", 400, " /"),
    TARGET("no target", 400, ""),
    TARGET("relative target", 400, "a"),
    LINE("tab behind the method", 400, "GET\t/ HTTP/1.1"),
    LINE("tab before the version", 400, "GET /\tHTTP/1.1"),
    LINE("space behind the version", 505, "GET / HTTP/1.1 "),
    LINE("no version", 400, "GET /"),
    LINE("no slash in the version", 400, "GET / HTTP1.1"),
    LINE("RTSP", 400, "GET / RTSP/1.0"),
    LINE("ICE", 400, "SOURCE / ICE/1.0"),
    LINE("lower case protocol", 400, "GET / http/1.1"),
    LINE("method only", 400, "GET"),
    LINE("HTTP/0.9", 505, "GET / HTTP/0.9"),
    LINE("HTTP/2.0", 505, "GET / HTTP/2.0"),
    LINE("HTTP/1.2", 505, "GET / HTTP/1.2"),
    LINE("HTTP/3.1", 505, "GET / HTTP/3.1"),
    HEAD("HTTP/2 with prior knowledge", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    LINE("CONNECT", 501, "CONNECT a:443 HTTP/1.1"),
    LINE("TRACE", 501, "TRACE / HTTP/1.1"),
    LINE("PROPFIND", 501, "PROPFIND / HTTP/1.1"),
    LINE("QUERY", 501, "QUERY / HTTP/1.1"),
    LINE("a method nobody knows", 501, "BREW / HTTP/1.1"),
    LINE("lower case method", 501, "get / HTTP/1.1"),
    LINE("method with more letters", 501, "GETS / HTTP/1.1"),

    HEAD("no Host", 400, "GET / HTTP/1.1\r\n\r\n"),
    HEAD("no Host, other fields", 400, "GET / HTTP/1.1\r\nHosts: a\r\nX-Host: b\r\n\r\n"),
    HEAD("no Host, absolute form", 400, "GET http://a/ HTTP/1.1\r\n\r\n"),
    FIELDS("two Hosts", 400, "Host: a\r\n"),
    FIELDS("two different Hosts", 400, "X: y\r\nhOST: b\r\n"),
    HEAD("two Hosts in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    HEAD("empty Host", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    HEAD("blank Host", 400, "GET / HTTP/1.1\r\nHost: \t \r\n\r\n"),
    HEAD("junk Host", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    HEAD("Host with a user", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    HEAD("Host list", 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    HEAD("Host with a bad port", 400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    HEAD("junk Host in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"),

    FIELDS("empty Content-Length", 400, "Content-Length:\r\n"),
    FIELDS("Content-Length with a plus", 400, "Content-Length: +5\r\n"),
    FIELDS("Content-Length with a minus", 400, "Content-Length: -5\r\n"),
    FIELDS("hexadecimal Content-Length", 400, "Content-Length: 0x5\r\n"),
    FIELDS("Content-Length list", 400, "Content-Length: 5,5\r\n"),
    FIELDS("Content-Length with a space", 400, "Content-Length: 5 5\r\n"),
    FIELDS("Content-Length with a unit", 400, "Content-Length: 5b\r\n"),
    FIELDS("Content-Length with a fraction", 400, "Content-Length: 5.0\r\n"),
    FIELDS("two different Content-Lengths", 400, "Content-Length: 5\r\nContent-Length: 6\r\n"),
    FIELDS("two equal Content-Lengths", 400, "Content-Length: 5\r\ncontent-length: 5\r\n"),
    FIELDS("Content-Length of 2^64 - 1", 413, "Content-Length: 18446744073709551615\r\n"),
    FIELDS("Content-Length of 2^63", 413, "Content-Length: 9223372036854775808\r\n"),
    FIELDS("Content-Length one too large", 413, "Content-Length: 1048577\r\n"),
    FIELDS("Content-Length, then chunked", 400,
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    FIELDS("chunked, then Content-Length", 400,
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    FIELDS("chunked and Content-Length 0", 400,
           "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
    FIELDS("empty Transfer-Encoding", 400, "Transfer-Encoding:\r\n"),
    FIELDS("blank Transfer-Encoding", 400, "Transfer-Encoding: , \r\n"),
    FIELDS("identity", 400, "Transfer-Encoding: identity\r\n"),
    FIELDS("gzip alone", 400, "Transfer-Encoding: gzip\r\n"),
    FIELDS("chunked not last", 400, "Transfer-Encoding: chunked, gzip\r\n"),
    FIELDS("chunked twice", 400, "Transfer-Encoding: chunked, chunked\r\n"),
    FIELDS("chunked in two fields", 400,
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    FIELDS("chunked, then identity", 400,
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    FIELDS("chunked with junk", 400, "Transfer-Encoding: xchunked\r\n"),
    FIELDS("chunked with a parameter", 400, "Transfer-Encoding: chunked;a=b\r\n"),
    FIELDS("chunked in quotes", 400, "Transfer-Encoding: \"chunked\"\r\n"),
    FIELDS("gzip, chunked", 501, "Transfer-Encoding: gzip, chunked\r\n"),
    FIELDS("gzip and chunked in two fields", 501,
           "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
    HEAD("Transfer-Encoding in HTTP/1.0", 400,
         "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
    FIELDS("an expectation nobody meets", 417, "Expect: 200-ok\r\n"),
    FIELDS("100-continue and more", 417, "Expect: 100-continue, x\r\n"),
};

static const struct head_case valid_heads[] = {
    HEAD("shortest", 0, "GET / HTTP/1.0\r\n\r\n"),
    HEAD("shortest of HTTP/1.1", 0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("bytes behind", 0, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\n"),
    HEAD("empty line before", 0, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("empty lines before", 0, "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("HEAD", 0, "HEAD /a/b?c=d HTTP/1.1\r\nhost:a:80\r\n\r\n"),
    HEAD("DELETE", 0, "DELETE /a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
    HEAD("PUT", 0, "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    HEAD("PATCH", 0, "PATCH /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"),
    HEAD("OPTIONS", 0, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("absolute form", 0, "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("body", 0, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello"),
    HEAD("chunked", 0, "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: ChUnKeD\r\n\r\n0\r\n"),
    HEAD("chunked and closing", 0,
         "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nHost: a\r\n\r\n"),
    HEAD("upgrade", 0,
         "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc"),
    HEAD("expectation", 0,
         "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"),
    FIELDS("empty values", 0, "A:\r\nB: \r\nC:\t \r\nD:\r\n"),
    FIELDS("white space around a value", 0, "A: \t x y\t z \t \r\nB:z\r\n"),
    FIELDS("every character a name may have", 0, "!#$%&'*+-.^_`|~0123456789AZaz: x\r\n"),
    FIELDS("values beyond ASCII", 0, "A: caf\xc3\xa9 \xff\x80\r\n"),
    FIELDS("colons in a value", 0, "A: b: c:\r\n"),
    FIELDS("the same name twice", 0, "A: 1\r\nA: 2\r\n"),
    FIELDS("names that begin like known ones", 0,
           "Content-Lengt: x\r\nTransfer-Encodin: y\r\nConnectio: z\r\nHos: ?\r\n"
           "Content-Length2: x\r\nTransfer-Encoding2: y\r\n"),
};

#undef HEAD
#undef FIELDS
#undef TARGET
#undef LINE

enum {
    INVALID_HEADS = sizeof invalid_heads / sizeof *invalid_heads,
    VALID_HEADS = sizeof valid_heads / sizeof *valid_heads
};

#endif
