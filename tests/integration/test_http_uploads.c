/* SPDX-License-Identifier: MIT
 *
 * Bodies that are handed over piece by piece: in order, in whatever pieces they come, and refused.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/uploads.h"

#include <stdio.h>
#include <string.h>

/* ---- taken ---- */

static void test_upload_when_sized_then_all_comes_in_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 16384, 65536, 65537, ROUTE_MAX};
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        struct client client = client_open(ph_server_port(server));
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            put_sized_head(&client, targets[i], sizes[j]);
            client_send(&client, big_bytes(), sizes[j]);
            struct reply reply = client_reply(&client, "PUT");
            assert_sum(&reply, sizes[j]);
            reply_done(&reply);
        }
        client_close(&client);
    }
    uploads_end(server);
}

static void test_upload_when_chunked_then_all_comes_in_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 5, 40, 20000, 65536, ROUTE_MAX};
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        struct client client = client_open(ph_server_port(server));
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            put_head(&client, targets[i], "Transfer-Encoding: chunked\r\n");
            send_chunks(&client, sizes[j]);
            struct reply reply = client_reply(&client, "PUT");
            assert_sum(&reply, sizes[j]);
            reply_done(&reply);
        }
        client_close(&client);
    }
    uploads_end(server);
}

static void test_upload_when_there_are_no_threads_then_all_comes_in_order(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){.workers = PH_NO_THREADS});
    for (int i = 0; i < TARGETS; i++) {
        struct client client = client_open(ph_server_port(server));
        put_sized_head(&client, targets[i], 100000);
        client_send(&client, big_bytes(), 100000);
        while (!client_receive(&client, 0)) {
            assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
        }
        struct reply reply = client_reply(&client, "PUT");
        assert_sum(&reply, 100000);
        reply_done(&reply);
        client_close(&client);
    }
    ph_server_free(server);
    assert_int_equal(uploads_open(), 0);
}

/* Whatever comes together: the end of a body and the next head in particular. */
static void test_upload_when_split_anywhere_among_others_then_each_is_answered(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < 2 * TARGETS; i++) {
        bool chunked = i % 2;
        char bytes[500];
        snprintf(bytes, sizeof bytes, "%sPUT %s HTTP/1.1" HOST "%s\r\n%s%s", HELLO, targets[i / 2],
                 chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 5\r\n",
                 chunked ? "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n" : "abcde", HELLO);
        char sum[60];
        sum_text(sum, "abcde", 5);
        size_t size = strlen(bytes);
        for (size_t at = 1; at < size; at++) {
            struct client client = client_open(ph_server_port(server));
            client_send(&client, bytes, at);
            client_wait_sent(&client);
            client_send(&client, bytes + at, size - at);
            for (int reply_number = 0; reply_number < 3; reply_number++) {
                struct reply reply = client_reply(&client, reply_number == 1 ? "PUT" : "GET");
                assert_int_equal(reply.status, 200);
                assert_true(reply_number != 1 || strcmp(reply.body, sum) == 0);
                reply_done(&reply);
            }
            client_close(&client);
        }
    }
    uploads_end(server);
}

static void test_begin_when_it_does_not_receive_then_the_body_is_gathered(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    put_sized_head(&client, "/upload?gather", 5);
    client_puts(&client, "abcde");
    struct reply reply = client_reply(&client, "PUT");
    assert_reply_text(&reply, 200, "gathered 5");
    reply_done(&reply);
    put_sized_head(&client, "/slow-upload?gather", 100000);
    client_send(&client, big_bytes(), 100000);
    reply = client_reply(&client, "PUT");
    assert_reply_text(&reply, 200, "gathered 100000");
    reply_done(&reply);
    reply = client_ask(&client, "GET /upload?gather HTTP/1.1" HOST "\r\n");
    assert_reply_text(&reply, 200, "gathered 0");
    reply_done(&reply);
    reply = client_ask(&client, "GET /upload?twice HTTP/1.1" HOST "\r\n"); /* there is no body */
    assert_sum(&reply, 0);
    reply_done(&reply);
    client_close(&client);
    uploads_end(server);
}

static void test_upload_when_it_waits_for_100_then_told_to_go_on(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        struct client client = client_open(ph_server_port(server));
        put_head(&client, targets[i], "Content-Length: 5\r\nExpect: 100-continue\r\n");
        client_wait_text(&client, "HTTP/1.1 100 Continue\r\n\r\n");
        client_send(&client, big_bytes(), 5);
        struct reply reply = client_reply(&client, "PUT");
        assert_sum(&reply, 5);
        reply_done(&reply);
        client_close(&client);
    }
    uploads_end(server);
}

/* ---- refused ---- */

/* The reply comes though most of the body is still missing, and the connection ends with it. */
static void assert_refused(struct ph_server *server, const char *target, const char *fields,
                           int status)
{
    struct client client = client_open(ph_server_port(server));
    put_head(&client, target, fields);
    if (!strstr(fields, "Expect")) {
        client_puts(&client, strstr(fields, "chunked") ? "5\r\nabcde\r\n" : "abcde");
    }
    struct reply reply = client_reply(&client, "PUT");
    assert_int_equal(reply.status, status);
    assert_reply_field(&reply, "Connection", "close");
    reply_done(&reply);
    client_close(&client);
}

static void test_upload_when_refused_then_the_rest_is_not_waited_for(void **state)
{
    (void)state;
    static const char *const fields[] = {"Content-Length: 2000000\r\n",
                                         "Transfer-Encoding: chunked\r\n"};
    static const char expect[] = "Content-Length: 2000000\r\nExpect: 100-continue\r\n";
    static const struct {
        const char *query;
        int status;
        bool at_once; /* before any of the body */
    } rows[] = {
        {"forbidden", 403, true},
        {"later", 202, true},
        {"full", 507, false},
        {"broken", 500, false},
    };
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int j = 0; j < TARGETS; j++) {
            char target[60];
            snprintf(target, sizeof target, "%s?%s", targets[j], rows[i].query);
            bool on_pool = j == 1 && !rows[i].at_once; /* waits for a piece that is worth it */
            for (int k = 0; k < 2 && !on_pool; k++) {
                assert_refused(server, target, fields[k], rows[i].status);
            }
            if (rows[i].at_once) {
                assert_refused(server, target, expect, rows[i].status);
            }
        }
    }
    assert_served(ph_server_port(server));
    uploads_end(server);
}

static void test_body_when_beyond_the_limit_of_its_route_then_413(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        size_t size;
        int status;
    } rows[] = {
        {"/small", 10, 200},
        {"/small", 11, 413},
        {"/large", 100000, 200},
        {"/large", ROUTE_MAX + 1, 413},
        {"/upload", ROUTE_MAX + 1, 413},
        {"/echo", 1001, 413},
        {"/nowhere", 1001, 413},
    };
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            struct client client = client_open(ph_server_port(server));
            if (chunked) {
                char line[40];
                put_head(&client, rows[i].target, "Transfer-Encoding: chunked\r\n");
                snprintf(line, sizeof line, "1\r\n%c\r\n%zx\r\n", big_bytes()[0], rows[i].size - 1);
                client_puts(&client, line);
            } else {
                put_sized_head(&client, rows[i].target, rows[i].size);
            }
            if (rows[i].status == 200) {
                client_send(&client, big_bytes() + chunked, rows[i].size - (size_t)chunked);
                client_puts(&client, chunked ? "\r\n0\r\n\r\n" : "");
            }
            struct reply reply = client_reply(&client, "PUT");
            assert_int_equal(reply.status, rows[i].status);
            reply_done(&reply);
            client_close(&client);
        }
    }
    uploads_end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_when_sized_then_all_comes_in_order),
        cmocka_unit_test(test_upload_when_chunked_then_all_comes_in_order),
        cmocka_unit_test(test_upload_when_there_are_no_threads_then_all_comes_in_order),
        cmocka_unit_test(test_upload_when_split_anywhere_among_others_then_each_is_answered),
        cmocka_unit_test(test_begin_when_it_does_not_receive_then_the_body_is_gathered),
        cmocka_unit_test(test_upload_when_it_waits_for_100_then_told_to_go_on),
        cmocka_unit_test(test_upload_when_refused_then_the_rest_is_not_waited_for),
        cmocka_unit_test(test_body_when_beyond_the_limit_of_its_route_then_413),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
