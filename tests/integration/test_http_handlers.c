/* SPDX-License-Identifier: MIT
 *
 * Handlers that fail, or reply in ways they should not: the client always gets one well-formed
 * reply, and the connection goes on.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n\r\n"

static struct ph_server *server;
static _Atomic int warnings;

/* What calls made from inside a handler returned; read once the reply is there. */
static _Atomic int results[32];
static _Atomic int result_count;

static void note_result(int result)
{
    results[result_count++] = result;
}

static int reply_twice(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    note_result(ph_reply_text(res, 200, "first"));
    note_result(ph_reply_text(res, 200, "second"));
    note_result(ph_reply_problem(res, 500, "third"));
    note_result(ph_reply_generate(res, 200, NULL, NULL, NULL, NULL));
    note_result(ph_response_header(res, "X-Late", "y"));
    return 0;
}

static int inject(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    static const char *const wrong[][2] = {
        {"X", "a\r\nY: b"},
        {"X", "a\nY: b"},
        {"X", "a\rY: b"},
        {"X", "a\x01"},
        {"X", "a\x7F"},
        {"X\r\nY", "a"},
        {"X:", "a"},
        {"X Y", "a"},
        {"", "a"},
        {"X\xE4", "a"},
        {"Content-Length", "5"},
        {"content-type", "a/b"},
        {"DATE", "now"},
        {"Connection", "close"},
        {"Transfer-Encoding", "chunked"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        note_result(ph_response_header(res, wrong[i][0], wrong[i][1]));
    }
    note_result(ph_reply_copy(res, 200, "text/plain\r\nY: b", "x", 1));
    int err = ph_response_header(res, "X-Fine", "a\tb \xE4,\"c\"");
    return err < 0 ? err : ph_reply_text(res, 200, "unharmed");
}

static int add_too_much(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    char value[1001];
    memset(value, 'v', 1000);
    value[1000] = '\0';
    for (int i = 0; i < 6; i++) {
        note_result(ph_response_header(res, "X-Large", value));
    }
    note_result(ph_response_header(res, "X-Small", "fits"));
    return ph_reply_text(res, 200, "ok");
}

static int reply_badly(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    static const int statuses[] = {0, 99, 100, 101, 199, 600, 999, -200};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        note_result(ph_reply_text(res, statuses[i], "x"));
    }
    return ph_reply_text(res, 599, "unusual");
}

static int give_number(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    return ph_request_query(req, "reply") ? ph_reply_text(res, 200, "ok") + 7 : 7;
}

static int reply_nothing(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    const int *status = user;
    return ph_reply_text(res, *status, "not to be sent");
}

static void count_warning(void *user, enum ph_log_level level, const char *message)
{
    (void)user;
    warnings += level == PH_LOG_WARNING && strstr(message, "failed: ");
}

static int start_server(void **state)
{
    (void)state;
    static int no_content = 204;
    static int not_modified = 304;
    static const struct ph_route routes[] = {
        {.pattern = "GET /twice", .handler = reply_twice},
        {.pattern = "GET /inject", .handler = inject},
        {.pattern = "GET /too-much", .handler = add_too_much},
        {.pattern = "GET /badly", .handler = reply_badly},
        {.pattern = "GET /number", .handler = give_number},
        {.pattern = "GET /number/slow", .handler = give_number, .blocking = true},
        {.pattern = "GET /204", .handler = reply_nothing, .user = &no_content},
        {.pattern = "GET /304", .handler = reply_nothing, .user = &not_modified},
    };
    const struct ph_config cfg = {.workers = 1, .log = count_warning};
    server = server_new(&cfg);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        assert_int_equal(ph_server_add(server, &routes[i]), 0);
    }
    assert_int_equal(ph_server_start(server), 0);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

/* Asks, and then something harmless on the same connection. */
static struct reply ask(const char *request)
{
    result_count = 0;
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, request);
    struct reply next = client_ask(&client, "GET /hello HTTP/1.1" HOST);
    assert_reply_text(&next, 200, "hello");
    reply_done(&next);
    client_close(&client);
    return reply;
}

static void test_handler_when_it_fails_then_500_or_503(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int status;
    } rows[] = {
        {"code=5", 500},
        {"code=12", 503},
        {"code=24", 503},
        {"code=23", 503},
        {"code=4103", 500},
        {"code=5&first&size=10", 500},
        {"code=12&first&size=10", 503},
        {"code=5&first&size=100000&kind=copy", 500},
    };
    static const char *const paths[] = {"/fail", "/fail/slow"};
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        char request[200];
        snprintf(request, sizeof request, "GET %s?%s HTTP/1.1" HOST, paths[i % 2],
                 rows[i / 2].query);
        int before = warnings;
        struct reply reply = ask(request);
        assert_problem(&reply, rows[i / 2].status);
        assert_no_reply_field(&reply, "Transfer-Encoding");
        assert_int_equal(warnings, before + 1);
        reply_done(&reply);
    }
}

static void test_handler_when_it_gives_no_reply_then_500(void **state)
{
    (void)state;
    static const char *const requests[] = {"GET /nothing HTTP/1.1" HOST,
                                           "GET /number HTTP/1.1" HOST,
                                           "GET /number/slow HTTP/1.1" HOST};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct reply reply = ask(requests[i]);
        assert_problem(&reply, 500);
        reply_done(&reply);
    }
    struct reply reply = ask("GET /number?reply HTTP/1.1" HOST);
    assert_reply_text(&reply, 200, "ok");
    reply_done(&reply);
}

static void test_handler_when_it_replies_twice_then_the_first_counts(void **state)
{
    (void)state;
    struct reply reply = ask("GET /twice HTTP/1.1" HOST);
    assert_reply_text(&reply, 200, "first");
    assert_no_reply_field(&reply, "X-Late");
    reply_done(&reply);
    assert_int_equal(result_count, 5);
    assert_int_equal(results[0], 0);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(results[i], PH_ERR_REPLIED);
    }
}

static void test_header_when_hostile_or_reserved_then_refused(void **state)
{
    (void)state;
    struct reply reply = ask("GET /inject HTTP/1.1" HOST);
    assert_reply_text(&reply, 200, "unharmed");
    assert_no_reply_field(&reply, "X");
    assert_no_reply_field(&reply, "Y");
    assert_reply_field(&reply, "X-Fine", "a\tb \xE4,\"c\"");
    assert_reply_field(&reply, "Content-Type", "text/plain; charset=utf-8");
    reply_done(&reply);
    assert_int_equal(result_count, 16);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(results[i], PH_ERR_HEADER);
    }
}

static void test_header_when_there_is_no_room_then_refused(void **state)
{
    (void)state;
    struct reply reply = ask("GET /too-much HTTP/1.1" HOST);
    assert_reply_text(&reply, 200, "ok");
    assert_reply_field(&reply, "X-Small", "fits");
    reply_done(&reply);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(results[i], i < 4 ? 0 : -ENOSPC);
    }
}

static void test_status_when_out_of_range_then_refused(void **state)
{
    (void)state;
    struct reply reply = ask("GET /badly HTTP/1.1" HOST);
    assert_reply_text(&reply, 599, "unusual");
    reply_done(&reply);
    assert_int_equal(result_count, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(results[i], -EINVAL);
    }
}

static void test_status_when_it_has_no_body_then_none_is_sent(void **state)
{
    (void)state;
    struct reply reply = ask("GET /204 HTTP/1.1" HOST);
    assert_reply_text(&reply, 204, "");
    reply_done(&reply);
    reply = ask("GET /304 HTTP/1.1" HOST);
    assert_reply_text(&reply, 304, "");
    reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handler_when_it_fails_then_500_or_503),
        cmocka_unit_test(test_handler_when_it_gives_no_reply_then_500),
        cmocka_unit_test(test_handler_when_it_replies_twice_then_the_first_counts),
        cmocka_unit_test(test_header_when_hostile_or_reserved_then_refused),
        cmocka_unit_test(test_header_when_there_is_no_room_then_refused),
        cmocka_unit_test(test_status_when_out_of_range_then_refused),
        cmocka_unit_test(test_status_when_it_has_no_body_then_none_is_sent),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
