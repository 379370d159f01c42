/* SPDX-License-Identifier: MIT
 *
 * The embedded page as it is and as a gzip: which of them, and what tells them apart.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/status_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { FILE_MAX = 1 << 20 };

static void assert_is_file(const char *content, size_t size, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", PORTHOLE_WWW, name);
    FILE *file = fopen(path, "re");
    char *expected = malloc(FILE_MAX);
    assert_non_null(file);
    assert_non_null(expected);
    assert_int_equal(fread(expected, 1, FILE_MAX, file), size);
    assert_memory_equal(content, expected, size);
    assert_int_equal(fclose(file), 0);
    free(expected);
}

static void assert_is_gzip_of_file(const struct reply *reply, const char *name)
{
    char *content = malloc(FILE_MAX);
    assert_non_null(content);
    z_stream stream = {
        .next_in = (Bytef *)reply->body,
        .avail_in = (uInt)reply->body_size,
        .next_out = (Bytef *)content,
        .avail_out = FILE_MAX,
    };
    assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_is_file(content, FILE_MAX - stream.avail_out, name);
    inflateEnd(&stream);
    free(content);
}

static void get_etag(const struct reply *reply, char *etag, size_t size)
{
    assert_true(reply_field(reply, "ETag", etag, size));
    assert_int_equal(etag[0], '"'); /* strong */
}

static void assert_same_field(const struct reply *one, const struct reply *other, const char *name)
{
    char value[200];
    if (reply_field(one, name, value, sizeof value)) {
        assert_reply_field(other, name, value);
    } else {
        assert_no_reply_field(other, name);
    }
}

static void assert_same_head(const char *target, const char *fields, const struct reply *get)
{
    static const char *const names[] = {"Content-Length", "Content-Type",  "Content-Encoding",
                                        "ETag",           "Cache-Control", "Vary"};
    char request[300];
    snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n%s", target, fields);
    struct reply head = client_fetch(port, request);
    assert_int_equal(head.status, get->status);
    assert_int_equal(head.body_size, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_same_field(get, &head, names[i]);
    }
    reply_done(&head);
}

static void test_page_when_no_coding_is_accepted_then_406(void **state)
{
    (void)state;
    struct reply reply = client_get(port, "/style.css", "Accept-Encoding: br, *;q=0\r\n");
    assert_problem(&reply, 406);
    assert_reply_field(&reply, "Vary", "Accept-Encoding");
    assert_no_reply_field(&reply, "Content-Encoding");
    reply_done(&reply);
}

static const char *const pages[][2] = {
    {"/", "index.html"},
    {"/style.css", "style.css"},
    {"/app.js", "app.js"},
};

static void test_page_when_gzip_is_not_accepted_then_as_in_www(void **state)
{
    (void)state;
    static const char *const fields[] = {"", "Accept-Encoding: br\r\n",
                                         "Accept-Encoding: gzip;q=0\r\n"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof pages / sizeof pages[0]; k++) {
            struct reply reply = client_get(port, pages[k][0], fields[i]);
            assert_int_equal(reply.status, 200);
            assert_reply_field(&reply, "Vary", "Accept-Encoding");
            assert_no_reply_field(&reply, "Content-Encoding");
            assert_is_file(reply.body, reply.body_size, pages[k][1]);
            assert_same_head(pages[k][0], fields[i], &reply);
            reply_done(&reply);
        }
    }
}

static void test_page_when_gzip_is_accepted_then_gzip(void **state)
{
    (void)state;
    static const char *const fields[] = {"Accept-Encoding: gzip, deflate, br\r\n",
                                         "Accept-Encoding: X-GZIP;q=0.1, identity;q=0\r\n",
                                         "Accept-Encoding: *\r\n"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof pages / sizeof pages[0]; k++) {
            struct reply reply = client_get(port, pages[k][0], fields[i]);
            assert_int_equal(reply.status, 200);
            assert_reply_field(&reply, "Vary", "Accept-Encoding");
            assert_reply_field(&reply, "Content-Encoding", "gzip");
            assert_is_gzip_of_file(&reply, pages[k][1]);
            assert_same_head(pages[k][0], fields[i], &reply);
            reply_done(&reply);
        }
    }
}

/* Who has one of the two, and asks for the other, gets that: they are different bytes. */
static void test_page_when_etag_is_known_then_304_for_that_coding_only(void **state)
{
    (void)state;
    static const char *const accept[] = {"identity", "gzip"};
    char etags[2][100];
    char fields[300];
    for (size_t i = 0; i < 2; i++) {
        snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", accept[i]);
        struct reply reply = client_get(port, "/", fields);
        get_etag(&reply, etags[i], sizeof etags[i]);
        reply_done(&reply);
    }
    assert_string_not_equal(etags[0], etags[1]);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 2; k++) {
            snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\nIf-None-Match: %s\r\n",
                     accept[i], etags[k]);
            struct reply reply = client_get(port, "/", fields);
            assert_int_equal(reply.status, i == k ? 304 : 200);
            assert_reply_field(&reply, "ETag", etags[i]);
            assert_reply_field(&reply, "Vary", "Accept-Encoding");
            if (i == k) {
                assert_no_reply_field(&reply, "Content-Encoding");
                assert_int_equal(reply.body_size, 0);
            }
            assert_same_head("/", fields, &reply);
            reply_done(&reply);
        }
    }
}

/* A folder's files are what they are, whatever the client would take. */
static void test_page_when_from_a_folder_then_never_coded(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    const struct ph_status_config status = {.www = PORTHOLE_WWW};
    start_server(&config, &status);
    struct reply reply = client_get(port, "/app.js", "Accept-Encoding: gzip\r\n");
    assert_no_reply_field(&reply, "Content-Encoding");
    assert_no_reply_field(&reply, "Vary");
    assert_is_file(reply.body, reply.body_size, "app.js");
    reply_done(&reply);
    stop_server(NULL);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, start_default, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_page_when_no_coding_is_accepted_then_406),
        SERVER_TEST(test_page_when_gzip_is_not_accepted_then_as_in_www),
        SERVER_TEST(test_page_when_gzip_is_accepted_then_gzip),
        SERVER_TEST(test_page_when_etag_is_known_then_304_for_that_coding_only),
        cmocka_unit_test(test_page_when_from_a_folder_then_never_coded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
