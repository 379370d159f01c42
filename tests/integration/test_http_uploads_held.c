/* SPDX-License-Identifier: MIT
 *
 * Bodies that are handed over piece by piece: held back, broken off by clients, a stop or want of
 * memory, and in front of a full pool.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/uploads.h"

/* ---- held back ---- */

static void go_on(void)
{
    take_pieces();
    wake_held();
}

static void test_piece_when_not_taken_then_nothing_more_is_read_until_woken(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        hold_pieces();
        struct client client = client_open(ph_server_port(server));
        struct ph_server_stats before;
        ph_server_stats(server, &before);
        put_sized_head(&client, targets[i], ROUTE_MAX);
        size_t sent = client_send_until_refused(&client, big_bytes(), ROUTE_MAX);
        wait_held(1);
        wait_connections(server, "handling", 1);
        struct ph_server_stats after;
        ph_server_stats(server, &after);
        assert_in_range(after.bytes_in - before.bytes_in, 1, 200000);
        wake_held(); /* it is offered again, and still not taken */
        wait_held(2);
        go_on();
        client_send(&client, big_bytes() + sent, ROUTE_MAX - sent);
        struct reply reply = client_reply(&client, "PUT");
        assert_sum(&reply, ROUTE_MAX);
        reply_done(&reply);
        client_close(&client);
    }
    uploads_end(server);
}

static void test_client_when_it_goes_while_held_then_released(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        hold_pieces();
        struct client client = client_open(ph_server_port(server));
        put_sized_head(&client, targets[i], ROUTE_MAX);
        client_send(&client, big_bytes(), 20000);
        wait_held(1);
        wait_connections(server, "handling", 1);
        client_reset(&client);
        wait_connections(server, "", 0);
        wait_none_open();
    }
    uploads_end(server);
}

static void test_stop_when_held_then_cut_after_the_drain_time(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){.drain_ms = 1});
    hold_pieces();
    struct client client = client_open(ph_server_port(server));
    put_sized_head(&client, "/upload", ROUTE_MAX);
    client_send(&client, big_bytes(), 100);
    wait_held(1);
    wait_connections(server, "handling", 1);
    ph_server_stop(server);
    assert_int_equal(uploads_open(), 0);
    client_close(&client);
    uploads_end(server);
}

/* ---- broken off ---- */

static void test_client_when_it_goes_in_the_middle_then_released(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){0});
    for (int i = 0; i < TARGETS; i++) {
        for (int how = 0; how < 3; how++) {
            struct client client = client_open(ph_server_port(server));
            put_sized_head(&client, targets[i], ROUTE_MAX);
            client_send(&client, big_bytes(), 70000);
            if (how == 0) {
                client_reset(&client);
            } else if (how == 1) {
                client_close(&client);
            } else {
                client_half_close(&client);
                assert_int_equal(client_wait_end(&client), 0);
                client_close(&client);
            }
            wait_connections(server, "", 0);
            wait_none_open();
        }
    }
    uploads_end(server);
}

static void test_client_when_too_slow_then_408_and_released(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){.body_ms = 1});
    for (int i = 0; i < TARGETS; i++) {
        struct client client = client_open(ph_server_port(server));
        put_sized_head(&client, targets[i], 100);
        client_send(&client, big_bytes(), 50);
        struct reply reply = client_reply(&client, "PUT");
        assert_problem(&reply, 408);
        reply_done(&reply);
        client_close(&client);
        wait_none_open();
    }
    uploads_end(server);
}

/* 503, or cut off; and all is given back. */
static void test_upload_when_out_of_memory_then_refused_and_released(void **state)
{
    (void)state;
    struct ph_server *server = uploads_start((struct ph_config){.workers = 1});
    for (int i = 0; i < 2 * TARGETS; i++) {
        bool failed = true;
        for (long n = 0; failed; n++) {
            struct client client = client_open(ph_server_port(server));
            wait_connections(server, "accepted", 1);
            spare_this_thread(true);
            fail_allocations(n, true);
            put_head(&client, targets[i / 2],
                     i % 2 ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 70000\r\n");
            client_puts(&client, i % 2 ? "11170\r\n" : "");
            client_send_until_refused(&client, big_bytes(), 70000);
            client_send_until_refused(&client, "\r\n0\r\n\r\n", i % 2 ? 7 : 0);
            client_receive(&client, CLIENT_WAIT_MS);
            failed = stop_failing();
            spare_this_thread(false);
            client_reset(&client);
            wait_connections(server, "", 0);
            wait_none_open();
            assert_true(n < 1000);
        }
    }
    uploads_end(server);
}

/* A pool whose queue is full turns new uploads away, not those it has begun with. */
static void test_pool_when_full_then_an_upload_that_has_begun_goes_on(void **state)
{
    (void)state;
    struct ph_server *server =
        uploads_start((struct ph_config){.blocking_threads = 1, .blocking_queue = 1});
    gate_close();
    struct client upload = client_open(ph_server_port(server));
    put_head(&upload, "/slow-upload", "Content-Length: 40000\r\nExpect: 100-continue\r\n");
    client_wait_text(&upload, "100 Continue\r\n\r\n");
    struct client others[2];
    for (int i = 0; i < 2; i++) {
        others[i] = client_open(ph_server_port(server));
        client_puts(&others[i], "GET /wait HTTP/1.1" HOST "\r\n");
        wait_waiting(1); /* the first has left the queue, which has room for one */
    }
    wait_connections(server, "handling", 2);
    client_send(&upload, big_bytes(), 20000);
    wait_connections(server, "handling", 3);
    struct client late = client_open(ph_server_port(server));
    put_sized_head(&late, "/slow-upload", 10);
    struct reply reply = client_reply(&late, "PUT");
    assert_problem(&reply, 503);
    reply_done(&reply);
    client_close(&late);
    gate_open();
    client_send(&upload, big_bytes() + 20000, 20000);
    reply = client_reply(&upload, "PUT");
    assert_sum(&reply, 40000);
    reply_done(&reply);
    for (int i = 0; i < 2; i++) {
        client_close(&others[i]);
    }
    client_close(&upload);
    uploads_end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_piece_when_not_taken_then_nothing_more_is_read_until_woken),
        cmocka_unit_test(test_client_when_it_goes_while_held_then_released),
        cmocka_unit_test(test_stop_when_held_then_cut_after_the_drain_time),
        cmocka_unit_test(test_client_when_it_goes_in_the_middle_then_released),
        cmocka_unit_test(test_client_when_too_slow_then_408_and_released),
        cmocka_unit_test(test_upload_when_out_of_memory_then_refused_and_released),
        cmocka_unit_test(test_pool_when_full_then_an_upload_that_has_begun_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
