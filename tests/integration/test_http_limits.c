/* SPDX-License-Identifier: MIT
 *
 * Every limit on a request: what is exactly as large is served, one more is refused with the
 * status of that limit, and what never ends is cut off without being kept.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_MAX = 300, HEAD_MAX = 1000, HEADERS_MAX = 10, BODY_MAX = 5000 };

static int start(void **state)
{
    (void)state;
    const struct ph_config cfg = {.target_max = TARGET_MAX,
                                  .head_max = HEAD_MAX,
                                  .headers_max = HEADERS_MAX,
                                  .body_max = BODY_MAX};
    server = server_start(&cfg);
    return 0;
}

/* Sends a request, whole and then in two pieces, and expects this status each time. */
static void expect(const char *bytes, size_t size, int status)
{
    for (size_t cut = 0; cut < size; cut += size - 1) {
        struct client client = client_open(ph_server_port(server));
        struct ph_server_stats stats;
        ph_server_stats(server, &stats);
        client_send(&client, bytes, cut);
        wait_bytes_in(server, stats.bytes_in + cut);
        client_send_until_refused(&client, bytes + cut, size - cut);
        struct reply reply = client_reply(&client, "");
        if (status == 200) {
            assert_int_equal(reply.status, 200);
        } else {
            assert_problem(&reply, status);
            assert_reply_field(&reply, "Connection", "close");
            assert_int_equal(client_wait_end(&client), 0);
        }
        reply_done(&reply);
        client_close(&client);
    }
    assert_served(ph_server_port(server));
}

static void expect_text(const char *text, int status)
{
    expect(text, strlen(text), status);
}

static char *fill(char *to, char with, size_t count)
{
    memset(to, with, count);
    to[count] = '\0';
    return to + count;
}

static void test_target_when_one_byte_too_long_then_414(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char request[1000];
        char *at = fill(stpcpy(request, "GET /show/"), 'a', TARGET_MAX - 6 + over);
        stpcpy(at, " HTTP/1.1\r\nHost: a\r\n\r\n");
        expect_text(request, over ? 414 : 200);
    }
}

static void test_head_when_one_byte_too_long_then_431(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char request[2000];
        char *at = stpcpy(request, "GET /hello HTTP/1.1\r\nHost: a\r\nX: ");
        at = fill(at, 'a', HEAD_MAX - (size_t)(at - request) - 4 + over);
        at = stpcpy(at, "\r\n\r\n");
        assert_int_equal(at - request, HEAD_MAX + over);
        expect_text(request, over ? 431 : 200);
    }
}

static void test_fields_when_one_too_many_then_431(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        char request[2000];
        char *at = stpcpy(request, "GET /hello HTTP/1.1\r\nHost: a\r\n");
        for (int i = 1; i < HEADERS_MAX + over; i++) {
            at = stpcpy(at, "X: \r\n");
        }
        stpcpy(at, "\r\n");
        expect_text(request, over ? 431 : 200);
    }
}

static void test_body_when_one_byte_too_long_then_413(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char request[BODY_MAX + 500];
        int head = snprintf(request, sizeof request,
                            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                            BODY_MAX + over);
        fill(request + head, 'b', BODY_MAX + over);
        expect_text(request, over ? 413 : 200);
    }
}

static void test_chunked_body_when_one_byte_too_long_then_413(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char request[BODY_MAX + 500];
        char *at =
            stpcpy(request, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "1388\r\n");
        at = stpcpy(fill(at, 'b', BODY_MAX), "\r\n");
        stpcpy(at, over ? "1\r\nx\r\n0\r\n\r\n" : "0\r\n\r\n");
        expect_text(request, over ? 413 : 200);
    }
}

static void test_chunk_size_when_it_has_zeros_in_front_then_served(void **state)
{
    (void)state;
    expect_text("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "00000000000000000000000000005\r\nhello\r\n000000\r\n\r\n",
                200);
}

static void test_body_when_in_chunks_of_one_byte_then_served(void **state)
{
    (void)state;
    char *request = malloc(BODY_MAX * 6 + 500);
    assert_non_null(request);
    char *at =
        stpcpy(request, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < BODY_MAX; i++) {
        at = stpcpy(at, "1\r\nx\r\n");
    }
    stpcpy(at, "0\r\n\r\n");
    expect_text(request, 200);
    free(request);
}

/* Sends `begin`, then `more` again and again: the server must refuse long before the end. */
static void expect_endless(const char *begin, const char *more, int status)
{
    enum { TOO_MUCH = 4 * 1024 * 1024, BLOCK = 64 * 1024 };
    char *block = malloc(BLOCK + 1);
    assert_non_null(block);
    size_t size = strlen(more);
    size_t filled = 0;
    while (filled + size <= BLOCK) {
        memcpy(block + filled, more, size);
        filled += size;
    }
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, begin);
    size_t sent = 0;
    /* Whoever refuses reads on for a while, so that the reply is not lost. */
    while (sent < TOO_MUCH && client_send_until_refused(&client, block, filled) == filled) {
        sent += filled;
    }
    struct reply reply = client_reply(&client, "");
    assert_problem(&reply, status);
    assert_reply_field(&reply, "Connection", "close");
    assert_int_equal(client_wait_end(&client), 0);
    reply_done(&reply);
    client_close(&client);
    free(block);
    assert_served(ph_server_port(server));
}

#define POST_CHUNKED "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void test_endless_input_when_of_any_kind_then_refused(void **state)
{
    (void)state;
    expect_endless("", "A", 501);
    expect_endless("", "\r\n", 414);
    expect_endless("GET /", "a", 414);
    expect_endless("GET /hello HTTP/1.1\r\nHost: a\r\nX: ", "a", 431);
    expect_endless("GET /hello HTTP/1.1\r\nHost: a\r\n", "a", 431);
    expect_endless("GET /hello HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", 431);
    expect_endless(POST_CHUNKED "5;", "a", 400);
    expect_endless(POST_CHUNKED "5;a=\"", "a", 400);
    expect_endless(POST_CHUNKED, "0", 400);
    expect_endless(POST_CHUNKED "1\r\nx\r\n", "1;a=b;c=d;e=f;g=h;i=j;k=l;m=n\r\nx\r\n", 400);
    expect_endless(POST_CHUNKED "0\r\nX: ", "a", 431);
    expect_endless(POST_CHUNKED "0\r\n", "X: y\r\n", 431);
    expect_endless(POST_CHUNKED, "1\r\nx\r\n", 413);
    expect_endless("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", "x", 413);
}

static void test_config_when_senseless_then_refused(void **state)
{
    (void)state;
    static const struct ph_config wrong[] = {
        {.target_max = 2000, .head_max = 1000},
        {.head_max = 255},
        {.head_max = 2 << 20},
        {.workers = 257},
        {.blocking_threads = 257},
    };
    struct ph_server *none = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ph_server_new(&none, &wrong[i]), -22);
        assert_null(none);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_when_one_byte_too_long_then_414),
        cmocka_unit_test(test_head_when_one_byte_too_long_then_431),
        cmocka_unit_test(test_fields_when_one_too_many_then_431),
        cmocka_unit_test(test_body_when_one_byte_too_long_then_413),
        cmocka_unit_test(test_chunked_body_when_one_byte_too_long_then_413),
        cmocka_unit_test(test_chunk_size_when_it_has_zeros_in_front_then_served),
        cmocka_unit_test(test_body_when_in_chunks_of_one_byte_then_served),
        cmocka_unit_test(test_endless_input_when_of_any_kind_then_refused),
        cmocka_unit_test(test_config_when_senseless_then_refused),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
