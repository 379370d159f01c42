/* SPDX-License-Identifier: MIT
 *
 * Server-Sent Events for many: order, resume, losses that are told, and silence that costs nothing.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/stream.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define EVENTS "GET /events HTTP/1.1" HOST "\r\n"

static struct ph_channel *channel;
static _Atomic int changes;

static void note_change(struct ph_channel *of, void *user)
{
    (void)of;
    (void)user;
    changes++;
}

static int subscribe(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    return ph_channel_subscribe(channel, req, res, ph_request_query(req, "types"));
}

static struct ph_server *start(struct ph_config cfg, struct ph_channel_config channel_cfg)
{
    changes = 0;
    channel_cfg.changed = note_change;
    assert_int_equal(ph_channel_new(&channel, &channel_cfg), 0);
    struct ph_server *server = server_new(&cfg);
    const struct ph_route slow = {
        .pattern = "GET /slow-events", .handler = subscribe, .blocking = true};
    assert_int_equal(ph_server_route(server, "GET /events", subscribe, NULL), 0);
    assert_int_equal(ph_server_add(server, &slow), 0);
    assert_int_equal(ph_server_start(server), 0);
    return server;
}

static void end(struct ph_server *server)
{
    ph_server_free(server);
    ph_channel_free(channel);
}

static void publish(const char *type, const char *data)
{
    assert_int_equal(ph_channel_publish(channel, type, data, strlen(data)), 0);
}

static bool has_subscribers(void *count)
{
    return ph_channel_subscribers(channel) == *(const size_t *)count;
}

static void wait_subscribers(size_t count)
{
    wait_until(has_subscribers, &count);
}

/* Connects, and waits until it has subscribed. */
static struct client open_events(struct ph_server *server, const char *request)
{
    size_t before = ph_channel_subscribers(channel);
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, request);
    wait_subscribers(before + 1);
    client_wait_text(&client, "retry: 2000\n\n");
    return client;
}

/* ---- refusals ---- */

static void test_new_when_it_makes_no_sense_then_refused(void **state)
{
    (void)state;
    struct ph_channel *none = NULL;
    assert_int_equal(ph_channel_new(&none, (&(struct ph_channel_config){.memory_max = 4095})),
                     -EINVAL);
    assert_int_equal(ph_channel_new(&none, (&(struct ph_channel_config){.events_max = 1 << 30})),
                     -EINVAL);
    for (long n = 0; n < 2; n++) {
        fail_allocations(n, true);
        assert_int_equal(ph_channel_new(&none, NULL), -ENOMEM);
        assert_true(stop_failing());
    }
    assert_null(none);
    ph_channel_free(NULL);
}

static void test_publish_when_it_makes_no_sense_then_refused(void **state)
{
    (void)state;
    static char large[5000];
    assert_int_equal(ph_channel_new(&channel, (&(struct ph_channel_config){.memory_max = 4096})),
                     0);
    const char *bad[] = {
        "",    "a b", "a\nb",
        "a:b", "ä",   "a23456789012345678901234567890123456789012345678901234567890abcd"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ph_channel_publish(channel, bad[i], "x", 1), -EINVAL);
    }
    assert_int_equal(ph_channel_publish(channel, "large", large, sizeof large), -EMSGSIZE);
    memset(large, '\n', sizeof large); /* each gets a field name of its own */
    assert_int_equal(ph_channel_publish(channel, "large", large, 4000), -EMSGSIZE);
    fail_allocations(0, true);
    assert_int_equal(ph_channel_publish(channel, "x", "x", 1), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(ph_channel_publish(channel, NULL, NULL, 0), 0);
    ph_channel_free(channel);
}

static void test_subscribe_when_types_are_too_long_then_the_handler_fails(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    char target[400];
    memset(target, 'a', sizeof target);
    memcpy(target, "/events?types=", 14);
    target[14 + 256] = '\0';
    struct reply reply = client_get(ph_server_port(server), target, "");
    assert_problem(&reply, 500);
    reply_done(&reply);
    assert_int_equal(ph_channel_subscribers(channel), 0);
    end(server);
}

static void test_subscribe_when_memory_runs_out_then_503_and_nothing_leaks(void **state)
{
    (void)state;
    struct ph_server *server =
        start((struct ph_config){.workers = 1}, (struct ph_channel_config){0});
    bool failed = true;
    for (long n = 0; failed; n++) {
        struct client client = client_open(ph_server_port(server));
        wait_connections(server, "accepted", 1);
        spare_this_thread(true);
        fail_allocations(n, true);
        client_puts(&client, EVENTS);
        client_receive(&client, CLIENT_WAIT_MS);
        failed = stop_failing();
        spare_this_thread(false);
        client_reset(&client);
        wait_connections(server, "", 0);
        wait_subscribers(0);
        assert_true(n < 1000);
    }
    end(server);
}

/* ---- events ---- */

static void test_publish_then_all_subscribers_get_it_in_order(void **state)
{
    (void)state;
    enum { CLIENTS = 20 };
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = open_events(server, i % 2 ? "GET /slow-events HTTP/1.1" HOST "\r\n" : EVENTS);
    }
    publish("opened", "one");
    publish(NULL, "two\nlines\r\nand\rmore");
    for (int i = 0; i < CLIENTS; i++) {
        client_wait_text(&clients[i], "-0\nevent: opened\ndata: one\n\n");
        client_wait_text(&clients[i], "-1\nevent: message\ndata: two\ndata: lines\ndata: and\n"
                                      "data: more\n\n");
        client_reset(&clients[i]);
    }
    wait_subscribers(0);
    assert_true(changes >= 2 * CLIENTS);
    end(server);
}

static void test_reply_then_fields_keep_caches_and_proxies_away(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "HEAD /events HTTP/1.1" HOST "\r\n");
    struct reply reply = client_reply(&client, "HEAD");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Content-Type", "text/event-stream");
    assert_reply_field(&reply, "Cache-Control", "no-store");
    assert_reply_field(&reply, "X-Accel-Buffering", "no");
    assert_int_equal(ph_channel_subscribers(channel), 0);
    reply_done(&reply);
    client_close(&client);
    end(server);
}

static void test_types_when_given_then_no_others_come(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client client =
        open_events(server, "GET /events?types=first,third HTTP/1.1" HOST "\r\n");
    publish("first", "1");
    publish("second", "2");
    publish("firs", "3");
    publish("third", "4");
    client_wait_text(&client, "event: first\ndata: 1\n\n");
    size_t from = client.used;
    client_wait_text(&client, "event: third\ndata: 4\n\n");
    assert_null(strstr(client.data + from, "second"));
    assert_null(strstr(client.data + from, "firs\n"));
    client_close(&client);
    end(server);
}

static void test_event_when_larger_than_a_piece_then_it_comes_whole(void **state)
{
    (void)state;
    enum { SIZE = 5000000 }; /* more than any socket takes */
    struct ph_server *server =
        start((struct ph_config){0}, (struct ph_channel_config){.memory_max = 12000000});
    struct client client = client_open_small(ph_server_port(server), 4096);
    client_puts(&client, EVENTS);
    wait_connections(server, "streaming", 1);
    char *large = malloc(SIZE + 1);
    assert_non_null(large);
    memset(large, 'x', SIZE);
    large[SIZE] = '\0';
    publish("large", large);
    wait_connections(server, "writing", 1);
    for (int i = 0; i < 10; i++) {
        publish("pushes", large); /* the ring drops what is being sent: it is sent nevertheless */
    }
    client_widen(&client);
    client_wait_text(&client, "event: large\ndata: ");
    client_wait_text(&client, "event: lost\ndata: {\"lost\":8}\n\n");
    client_wait_text(&client, "-9\nevent: pushes\n");
    free(large);
    client_close(&client);
    end(server);
}

/* ---- resume ---- */

/* The id of the event that comes next. */
static void read_id(struct client *client, char id[64])
{
    client_wait_text(client, "id: ");
    size_t at = client->used;
    client_wait_text(client, "\n");
    size_t size = client->used - 1 - at;
    assert_true(size < 64);
    memcpy(id, client->data + at, size);
    id[size] = '\0';
}

static void test_resume_when_the_event_is_kept_then_all_behind_it_come(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client client = open_events(server, EVENTS);
    publish("a", "0");
    char id[64];
    read_id(&client, id);
    client_reset(&client);
    wait_subscribers(0);
    publish("a", "1");
    publish("a", "2");
    char request[200];
    snprintf(request, sizeof request, "GET /events HTTP/1.1" HOST "Last-Event-ID: %s\r\n\r\n", id);
    client = open_events(server, request);
    client_wait_text(&client, "-1\nevent: a\ndata: 1\n\n");
    client_wait_text(&client, "-2\nevent: a\ndata: 2\n\n");
    assert_null(strstr(client.data, "data: 0"));
    assert_null(strstr(client.data, "lost"));
    client_close(&client);
    end(server);
}

static void test_resume_when_events_are_gone_or_unknown_then_told(void **state)
{
    (void)state;
    struct ph_server *server =
        start((struct ph_config){0}, (struct ph_channel_config){.events_max = 2});
    struct client client = open_events(server, EVENTS);
    publish("a", "0");
    char id[64];
    read_id(&client, id);
    client_reset(&client);
    wait_subscribers(0);
    for (int i = 1; i <= 5; i++) {
        publish("a", "x");
    }
    char request[200];
    snprintf(request, sizeof request, "GET /events HTTP/1.1" HOST "Last-Event-ID: %s\r\n\r\n", id);
    client = open_events(server, request);
    client_wait_text(&client, "event: lost\ndata: {\"lost\":3}\n\n");
    client_wait_text(&client, "-4\nevent: a");
    client_wait_text(&client, "-5\nevent: a");
    client_close(&client);
    const char *unknown[] = {"x", "7", "abc-1", "", "-", "ffffffffffffffffffff-1"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        snprintf(request, sizeof request, "GET /events HTTP/1.1" HOST "Last-Event-ID: %s\r\n\r\n",
                 unknown[i]);
        client = open_events(server, request);
        client_wait_text(&client, "event: lost\ndata: {\"lost\":null}\n\n");
        client_close(&client);
    }
    end(server);
}

/* ---- silence, and the end ---- */

static void test_silence_when_it_lasts_then_a_comment_comes(void **state)
{
    (void)state;
    struct ph_server *server =
        start((struct ph_config){.quiet_ms = 30}, (struct ph_channel_config){0});
    struct client client = open_events(server, EVENTS);
    for (int i = 0; i < 3; i++) {
        client_wait_text(&client, ":\n\n");
    }
    client_close(&client);
    end(server);
}

static void test_stop_when_there_are_subscribers_then_their_streams_end_well(void **state)
{
    (void)state;
    struct ph_server *server =
        start((struct ph_config){.drain_ms = CLIENT_WAIT_MS}, (struct ph_channel_config){0});
    struct client client = open_events(server, EVENTS);
    wait_connections(server, "streaming", 1);
    ph_server_stop(server); /* does not wait for drain_ms */
    client_wait_text(&client, "0\r\n\r\n");
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    end(server);
}

static void test_free_when_there_are_subscribers_then_their_streams_end(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client client = open_events(server, EVENTS);
    ph_channel_free(channel);
    client_wait_text(&client, "0\r\n\r\n");
    client_close(&client);
    wait_connections(server, "", 0);
    ph_server_free(server);
}

static void test_subscribers_when_there_are_a_thousand_then_one_event_reaches_all(void **state)
{
    (void)state;
    enum { CLIENTS = 1000 };
    struct ph_server *server = start((struct ph_config){0}, (struct ph_channel_config){0});
    struct client *clients = calloc(CLIENTS, sizeof *clients);
    assert_non_null(clients);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(ph_server_port(server));
        client_puts(&clients[i], EVENTS);
    }
    wait_subscribers(CLIENTS);
    publish("to-all", "hello");
    for (int i = 0; i < CLIENTS; i++) {
        client_wait_text(&clients[i], "event: to-all\ndata: hello\n\n");
        client_close(&clients[i]);
    }
    free(clients);
    end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_when_it_makes_no_sense_then_refused),
        cmocka_unit_test(test_publish_when_it_makes_no_sense_then_refused),
        cmocka_unit_test(test_subscribe_when_types_are_too_long_then_the_handler_fails),
        cmocka_unit_test(test_subscribe_when_memory_runs_out_then_503_and_nothing_leaks),
        cmocka_unit_test(test_publish_then_all_subscribers_get_it_in_order),
        cmocka_unit_test(test_reply_then_fields_keep_caches_and_proxies_away),
        cmocka_unit_test(test_types_when_given_then_no_others_come),
        cmocka_unit_test(test_event_when_larger_than_a_piece_then_it_comes_whole),
        cmocka_unit_test(test_resume_when_the_event_is_kept_then_all_behind_it_come),
        cmocka_unit_test(test_resume_when_events_are_gone_or_unknown_then_told),
        cmocka_unit_test(test_silence_when_it_lasts_then_a_comment_comes),
        cmocka_unit_test(test_stop_when_there_are_subscribers_then_their_streams_end_well),
        cmocka_unit_test(test_free_when_there_are_subscribers_then_their_streams_end),
        cmocka_unit_test(test_subscribers_when_there_are_a_thousand_then_one_event_reaches_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
