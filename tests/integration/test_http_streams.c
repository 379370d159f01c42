/* SPDX-License-Identifier: MIT
 *
 * Bodies that are written later, by any thread: in order, bounded, and with clients and servers
 * that are gone by then.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/stream.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define STREAM "GET /stream HTTP/1.1" HOST "\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

enum { BUFFER_MAX = 5000 };

/* ---- the server: streams are put where the test finds them ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct ph_stream *opened;
static int drained_calls;
static size_t written_when_drained; /* bytes that `drained` still has to write by itself */

static void note_drained(struct ph_stream *stream, void *user)
{
    (void)user;
    pthread_mutex_lock(&lock);
    drained_calls++;
    size_t left = written_when_drained;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (left == 0 || !ph_stream_is_wanted(stream)) {
        return;
    }
    static const char bytes[BUFFER_MAX];
    size_t size = left < sizeof bytes ? left : sizeof bytes;
    if (ph_stream_write(stream, bytes, size) == 0) {
        pthread_mutex_lock(&lock);
        written_when_drained -= size;
        left = written_when_drained;
        pthread_mutex_unlock(&lock);
    }
    if (left == 0) {
        ph_stream_end(stream);
    }
}

static int open_stream(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    const struct ph_stream_config cfg = {.buffer_max = BUFFER_MAX, .drained = note_drained};
    struct ph_stream *stream;
    int err = ph_stream_open(req, res, 200, "text/plain", &cfg, &stream);
    if (err < 0) {
        return err;
    }
    if (ph_request_query(req, "fail")) { /* the reply is taken back, and the stream with it */
        ph_stream_free(stream);
        return -EIO;
    }
    pthread_mutex_lock(&lock);
    opened = stream;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 0;
}

static struct ph_stream *wait_stream(void)
{
    pthread_mutex_lock(&lock);
    while (!opened) {
        pthread_cond_wait(&changed, &lock);
    }
    struct ph_stream *stream = opened;
    opened = NULL;
    pthread_mutex_unlock(&lock);
    return stream;
}

static void wait_drained(int calls)
{
    pthread_mutex_lock(&lock);
    while (drained_calls < calls) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static struct ph_server *start(struct ph_config cfg)
{
    drained_calls = 0;
    written_when_drained = 0;
    struct ph_server *server = server_new(&cfg);
    const struct ph_route slow = {
        .pattern = "GET /slow-stream", .handler = open_stream, .blocking = true};
    assert_int_equal(ph_server_route(server, "GET /stream", open_stream, NULL), 0);
    assert_int_equal(ph_server_add(server, &slow), 0);
    assert_int_equal(ph_server_start(server), 0);
    return server;
}

static int puts_stream(struct ph_stream *stream, const char *text)
{
    return ph_stream_write(stream, text, strlen(text));
}

static bool is_unwanted(void *stream)
{
    return !ph_stream_is_wanted(stream);
}

/* ---- refusals ---- */

static void test_write_when_there_is_no_room_then_refused_and_nothing_is_taken(void **state)
{
    (void)state;
    static const char bytes[BUFFER_MAX + 1];
    struct ph_server *server = start((struct ph_config){.workers = PH_NO_THREADS});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, STREAM);
    while (!opened) {
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
    struct ph_stream *stream = wait_stream();
    assert_int_equal(ph_stream_write(stream, bytes, sizeof bytes), -EMSGSIZE);
    assert_int_equal(ph_stream_room(stream), BUFFER_MAX);
    fail_allocations(0, true);
    assert_int_equal(ph_stream_write(stream, bytes, 1), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(ph_stream_write(stream, bytes, 3000), 0);
    assert_int_equal(ph_stream_write(stream, bytes, 2001), -EAGAIN);
    assert_int_equal(ph_stream_room(stream), 2000);
    assert_int_equal(ph_stream_write(stream, bytes, 2000), 0);
    assert_int_equal(ph_stream_write(stream, bytes, 1), -EAGAIN);
    assert_int_equal(ph_stream_write(stream, bytes, 0), 0);
    while (ph_stream_room(stream) < BUFFER_MAX) { /* nobody takes anything but this */
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
    assert_int_equal(drained_calls, 1);
    ph_stream_end(stream);
    assert_int_equal(ph_stream_write(stream, bytes, 1), -EPIPE);
    assert_int_equal(ph_stream_room(stream), 0);
    while (ph_stream_is_wanted(stream)) {
        assert_int_equal(ph_server_poll(server, CLIENT_WAIT_MS), 1);
    }
    struct reply reply = client_reply(&client, "GET");
    assert_true(reply.complete);
    assert_int_equal(reply.body_size, 5000);
    reply_done(&reply);
    assert_int_equal(ph_stream_write(stream, bytes, 1), -ECANCELED);
    ph_stream_free(stream);
    ph_stream_free(NULL);
    client_close(&client);
    ph_server_free(server);
}

static void test_handler_when_it_fails_behind_the_opening_then_500_and_the_next_works(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /stream?fail=1 HTTP/1.1" HOST "\r\n");
    struct reply reply = client_reply(&client, "GET");
    assert_problem(&reply, 500);
    reply_done(&reply);
    reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
}

static void test_open_when_memory_runs_out_then_503_and_a_retry_works(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.workers = 1});
    bool failed = true;
    for (long n = 0; failed; n++) {
        struct client client = client_open(ph_server_port(server));
        wait_connections(server, "accepted", 1);
        spare_this_thread(true);
        fail_allocations(n, true);
        client_puts(&client, STREAM);
        bool heard = client_receive(&client, CLIENT_WAIT_MS);
        failed = stop_failing();
        spare_this_thread(false);
        if (heard && strncmp(client.data, "HTTP/1.1 200", 12) == 0) {
            struct ph_stream *stream = wait_stream();
            ph_stream_end(stream);
            struct reply reply = client_reply(&client, "GET");
            assert_true(reply.complete);
            reply_done(&reply);
            ph_stream_free(stream);
        }
        client_close(&client);
        assert_true(n < 1000);
    }
    assert_served(ph_server_port(server));
    ph_server_free(server);
}

/* ---- bodies ---- */

static void test_write_then_each_part_comes_at_once_and_the_end_last(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    for (int i = 0; i < 2; i++) {
        client_puts(&client, i ? "GET /slow-stream HTTP/1.1" HOST "\r\n" : STREAM);
        struct ph_stream *stream = wait_stream();
        client_wait_text(&client, "\r\n\r\n"); /* the head does not wait for the body */
        wait_connections(server, "streaming", 1);
        assert_int_equal(puts_stream(stream, "one"), 0);
        client_wait_text(&client, "one");
        wait_connections(server, "streaming", 1);
        assert_int_equal(puts_stream(stream, "two"), 0);
        client_wait_text(&client, "two");
        ph_stream_end(stream);
        client_wait_text(&client, "0\r\n\r\n");
        wait_until(is_unwanted, stream);
        ph_stream_free(stream);
    }
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
}

static void test_pipeline_when_a_stream_is_in_it_then_the_rest_comes_behind_its_end(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, HELLO STREAM HELLO);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "streamed"), 0);
    ph_stream_end(stream);
    reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "streamed");
    reply_done(&reply);
    reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    ph_stream_free(stream);
    client_close(&client);
    ph_server_free(server);
}

/* The client reads slowly; what `drained` writes never exceeds the buffer, and all of it comes. */
static void test_drained_when_it_writes_megabytes_then_all_come_to_a_slow_reader(void **state)
{
    (void)state;
    enum { MEGABYTES = 4 * 1024 * 1024 };
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open_small(ph_server_port(server), 4096);
    pthread_mutex_lock(&lock);
    written_when_drained = MEGABYTES;
    pthread_mutex_unlock(&lock);
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "begin"), 0);
    wait_connections(server, "writing", 1);
    client_widen(&client);
    struct reply reply = client_reply(&client, "GET");
    assert_true(reply.complete);
    assert_int_equal(reply.body_size, MEGABYTES + 5);
    reply_done(&reply);
    ph_stream_free(stream);
    client_close(&client);
    ph_server_free(server);
}

static void test_free_when_the_body_is_incomplete_then_cut(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "half"), 0);
    client_wait_text(&client, "half");
    ph_stream_free(stream);
    while (client_receive(&client, CLIENT_WAIT_MS)) {
    }
    assert_true(client.ended);
    assert_int_equal(client.end_error, ECONNRESET);
    client_close(&client);
    wait_connections(server, "", 0);
    ph_server_free(server);
}

static void test_head_when_the_route_streams_then_no_body_and_the_stream_has_ended(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "HEAD /stream HTTP/1.1" HOST "\r\n");
    struct reply reply = client_reply(&client, "HEAD");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Transfer-Encoding", "chunked");
    reply_done(&reply);
    struct ph_stream *stream = wait_stream();
    assert_false(ph_stream_is_wanted(stream));
    assert_int_equal(puts_stream(stream, "x"), -ECANCELED);
    ph_stream_free(stream);
    reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
}

static void test_http_1_0_when_the_route_streams_then_the_close_ends_it(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /stream HTTP/1.0\r\n\r\n");
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "old"), 0);
    client_wait_text(&client, "\r\n\r\nold");
    ph_stream_end(stream);
    assert_int_equal(client_wait_end(&client), 0);
    ph_stream_free(stream);
    client_close(&client);
    ph_server_free(server);
}

/* ---- nobody is there any more ---- */

static void test_reset_when_the_stream_is_quiet_then_canceled_and_told(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    wait_connections(server, "streaming", 1);
    client_reset(&client);
    wait_drained(1);
    assert_false(ph_stream_is_wanted(stream));
    assert_int_equal(puts_stream(stream, "nobody"), -ECANCELED);
    wait_connections(server, "", 0);
    ph_stream_free(stream);
    ph_server_free(server);
}

static void test_reader_when_it_takes_nothing_then_cut_after_the_write_deadline(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.write_ms = 50});
    struct client client = client_open_small(ph_server_port(server), 4096);
    pthread_mutex_lock(&lock);
    written_when_drained = 64 * 1024 * 1024;
    pthread_mutex_unlock(&lock);
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "begin"), 0);
    wait_until(is_unwanted, stream);
    ph_stream_free(stream);
    client_close(&client);
    wait_connections(server, "", 0);
    ph_server_free(server);
}

static void test_stop_when_a_stream_is_open_then_cut_and_its_functions_say_so(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){.drain_ms = 30});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    assert_int_equal(puts_stream(stream, "half"), 0);
    client_wait_text(&client, "half");
    ph_server_stop(server);
    assert_false(ph_stream_is_wanted(stream));
    assert_int_equal(puts_stream(stream, "stopped"), -ECANCELED);
    ph_server_free(server);
    assert_int_equal(puts_stream(stream, "gone"), -ECANCELED);
    ph_stream_end(stream);
    ph_stream_free(stream);
    client_close(&client);
}

/* ---- many ---- */

enum { WRITERS = 8, LINES = 200 };

static void *write_lines(void *user)
{
    struct ph_stream *stream = user;
    for (int i = 0; i < LINES;) {
        int err = puts_stream(stream, "line\n");
        if (err == 0) {
            i++;
        } else if (err != -EAGAIN) {
            return NULL;
        }
    }
    return user;
}

static void test_write_when_many_threads_do_then_every_line_comes_whole(void **state)
{
    (void)state;
    struct ph_server *server = start((struct ph_config){0});
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, STREAM);
    struct ph_stream *stream = wait_stream();
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, stream), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    ph_stream_end(stream);
    ph_stream_free(stream);
    struct reply reply = client_reply(&client, "GET");
    assert_true(reply.complete);
    assert_int_equal(reply.body_size, WRITERS * LINES * 5);
    for (size_t i = 0; i < reply.body_size; i += 5) {
        assert_memory_equal(reply.body + i, "line\n", 5);
    }
    reply_done(&reply);
    client_close(&client);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_when_there_is_no_room_then_refused_and_nothing_is_taken),
        cmocka_unit_test(test_handler_when_it_fails_behind_the_opening_then_500_and_the_next_works),
        cmocka_unit_test(test_open_when_memory_runs_out_then_503_and_a_retry_works),
        cmocka_unit_test(test_write_then_each_part_comes_at_once_and_the_end_last),
        cmocka_unit_test(test_pipeline_when_a_stream_is_in_it_then_the_rest_comes_behind_its_end),
        cmocka_unit_test(test_drained_when_it_writes_megabytes_then_all_come_to_a_slow_reader),
        cmocka_unit_test(test_free_when_the_body_is_incomplete_then_cut),
        cmocka_unit_test(test_head_when_the_route_streams_then_no_body_and_the_stream_has_ended),
        cmocka_unit_test(test_http_1_0_when_the_route_streams_then_the_close_ends_it),
        cmocka_unit_test(test_reset_when_the_stream_is_quiet_then_canceled_and_told),
        cmocka_unit_test(test_reader_when_it_takes_nothing_then_cut_after_the_write_deadline),
        cmocka_unit_test(test_stop_when_a_stream_is_open_then_cut_and_its_functions_say_so),
        cmocka_unit_test(test_write_when_many_threads_do_then_every_line_comes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
