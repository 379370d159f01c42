/* SPDX-License-Identifier: MIT
 *
 * Tokens, passwords, pages of other origins, and how often an address may ask.
 */
#include "base/clock.h"
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/guard.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The limiter's time goes on when the test says so. */
static _Atomic uint64_t skipped_us;
static _Atomic bool stopped;
uint64_t __real_ph__clock_us(void);
uint64_t __wrap_ph__clock_us(void);
uint64_t __wrap_ph__clock_us(void)
{
    return atomic_load(&stopped) ? UINT64_C(1000000000) + atomic_load(&skipped_us)
                                 : __real_ph__clock_us();
}

static char token[] = "secret";
static char accounts[] = "accounts";
static struct ph_server *server;
static uint16_t port;

static void start_with(ph_handler guard, void *user)
{
    server = server_new(&(struct ph_config){.workers = 1});
    assert_int_equal(ph_server_before(server, "/", guard, user), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

static void end(void)
{
    ph_server_free(server);
}

/* What GET /hello is answered with, when it has this field. */
static int status_with(const char *field, const char *value)
{
    char fields[2000] = "";
    if (field) {
        snprintf(fields, sizeof fields, "%s: %s\r\n", field, value);
    }
    struct reply reply = client_get(port, "/hello", fields);
    int status = reply.status;
    reply_done(&reply);
    return status;
}

/* ---- tokens ---- */

static void test_bearer_when_not_the_token_then_401(void **state)
{
    static const char *const wrong[] = {"",
                                        "secret",
                                        "Bearer",
                                        "Bearer ",
                                        "Bearer secre",
                                        "Bearer secrets",
                                        "Bearer secretsecret",
                                        "Bearer Secret",
                                        "Basic secret",
                                        "Bearersecret",
                                        "Bearer secret x"};
    (void)state;
    start_with(ph_guard_bearer, token);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(status_with("Authorization", wrong[i]), 401);
    }
    struct reply reply = client_get(port, "/hello", "");
    assert_problem(&reply, 401);
    assert_reply_field(&reply, "WWW-Authenticate", "Bearer");
    reply_done(&reply);
    end();
}

static void test_bearer_when_the_token_then_let_in(void **state)
{
    static const char *const right[] = {"Bearer secret", "bearer secret", "BEARER  secret"};
    (void)state;
    start_with(ph_guard_bearer, token);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(status_with("Authorization", right[i]), 200);
    }
    end();
}

static void test_same_when_compared_then_only_what_is_the_same(void **state)
{
    (void)state;
    assert_true(ph_guard_same("", ""));
    assert_true(ph_guard_same("abc", "abc"));
    assert_false(ph_guard_same("abc", ""));
    assert_false(ph_guard_same("", "abc"));
    assert_false(ph_guard_same("abd", "abc"));
    assert_false(ph_guard_same("abcabc", "abc"));
}

/* ---- passwords ---- */

static char last_name[PH_GUARD_CREDENTIAL];
static char last_password[PH_GUARD_CREDENTIAL];

static bool check_password(void *user, const char *name, const char *password)
{
    assert_string_equal(user, "accounts");
    snprintf(last_name, sizeof last_name, "%s", name);
    snprintf(last_password, sizeof last_password, "%s", password);
    return (int)ph_guard_same(name, "Aladdin") & (int)ph_guard_same(password, "open sesame");
}

static struct ph_guard_basic basic = {
    .realm = "the \xC3\xBC realm", .check = check_password, .user = accounts};

static void test_basic_when_right_then_let_in(void **state)
{
    (void)state;
    start_with(ph_guard_basic, &basic);
    assert_int_equal(status_with("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), 200);
    assert_int_equal(status_with("Authorization", "basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ"), 200);
    end();
}

static void test_basic_when_wrong_then_401_and_asked_for(void **state)
{
    static const char *const wrong[] = {"Basic QWxhZGRpbjpvcGVuIHNlc2Ft", /* "Aladdin:open sesam" */
                                        "Basic Og==",                     /* ":" */
                                        "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="};
    (void)state;
    start_with(ph_guard_basic, &basic);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(status_with("Authorization", wrong[i]), 401);
    }
    assert_string_equal(last_name, "");
    struct reply reply = client_get(port, "/hello", "");
    assert_problem(&reply, 401);
    assert_reply_field(&reply, "WWW-Authenticate",
                       "Basic realm=\"the \xC3\xBC realm\", charset=\"UTF-8\"");
    reply_done(&reply);
    end();
}

static void test_basic_when_malformed_then_nobody_is_asked(void **state)
{
    static const char *const malformed[] = {
        "Basic",          "Basic ",
        "Basic !!!!",     "Basic YTpi=",
        "Basic YTpi====", "Basic YTp i",
        "Basic Y",        "Basic YWJj",                   /* "abc": no colon */
        "Basic YQA6Yg==", /* "a\0:b" */ "Basic YQo6Yg==", /* "a\n:b" */
        "Basic /zr/",                                     /* no UTF-8 */
    };
    char longer[1000] = "Basic ";
    (void)state;
    start_with(ph_guard_basic, &basic);
    snprintf(last_name, sizeof last_name, "nobody");
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_int_equal(status_with("Authorization", malformed[i]), 401);
    }
    memset(longer + 6, 'Y', 800);
    assert_int_equal(status_with("Authorization", longer), 401);
    memcpy(longer + 6, "OjEy", 4); /* ":12", and then far more than fits */
    memset(longer + 10, 'M', 400);
    assert_int_equal(status_with("Authorization", longer), 401);
    assert_string_equal(last_name, "nobody");
    end();
}

/* ---- pages of other origins ---- */

static const char *const origins[] = {"https://app.example", "http://localhost:3000", NULL};
static const char *const all_origins[] = {"*", NULL};

static const struct ph_guard_cors cors = {.origins = origins,
                                          .methods = "PUT, DELETE",
                                          .headers = "Authorization",
                                          .expose = "X-Total",
                                          .max_age_s = 600,
                                          .credentials = true};

static void *user_of(const struct ph_guard_cors *settings)
{
    return (void *)(uintptr_t)settings;
}

static void test_cors_when_the_origin_is_known_then_it_may_read(void **state)
{
    (void)state;
    start_with(ph_guard_cors, user_of(&cors));
    struct reply reply = client_get(port, "/hello", "Origin: http://localhost:3000\r\n");
    assert_reply_text(&reply, 200, "hello");
    assert_reply_field(&reply, "Access-Control-Allow-Origin", "http://localhost:3000");
    assert_reply_field(&reply, "Access-Control-Allow-Credentials", "true");
    assert_reply_field(&reply, "Access-Control-Expose-Headers", "X-Total");
    assert_reply_field(&reply, "Vary", "Origin");
    assert_no_reply_field(&reply, "Access-Control-Allow-Methods");
    reply_done(&reply);
    reply =
        client_get(port, "/nowhere", "Origin: https://app.example\r\n"); /* to know of the 404 */
    assert_problem(&reply, 404);
    assert_reply_field(&reply, "Access-Control-Allow-Origin", "https://app.example");
    reply_done(&reply);
    end();
}

static void test_cors_when_the_origin_is_strange_then_nothing_is_allowed(void **state)
{
    static const char *const strange[] = {"", "Origin: https://app.example.evil\r\n",
                                          "Origin: http://app.example\r\n", "Origin: null\r\n",
                                          "Origin: https://APP.example\r\n"};
    (void)state;
    start_with(ph_guard_cors, user_of(&cors));
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct reply reply = client_get(port, "/hello", strange[i]);
        assert_reply_text(&reply, 200, "hello");
        assert_no_reply_field(&reply, "Access-Control-Allow-Origin");
        assert_reply_field(&reply, "Vary", "Origin");
        reply_done(&reply);
    }
    end();
}

static struct reply ask_before(const char *origin)
{
    char head[300];
    snprintf(head, sizeof head,
             "OPTIONS /hello HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n"
             "Access-Control-Request-Method: PUT\r\n",
             origin);
    return client_fetch(port, head);
}

static void test_cors_when_browsers_ask_before_then_what_is_allowed(void **state)
{
    (void)state;
    start_with(ph_guard_cors, user_of(&cors));
    struct reply reply = ask_before("https://app.example");
    assert_int_equal(reply.status, 204);
    assert_reply_field(&reply, "Access-Control-Allow-Origin", "https://app.example");
    assert_reply_field(&reply, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE");
    assert_reply_field(&reply, "Access-Control-Allow-Headers", "Authorization");
    assert_reply_field(&reply, "Access-Control-Max-Age", "600");
    assert_no_reply_field(&reply, "Allow");
    reply_done(&reply);
    reply = ask_before("https://evil.example"); /* is told of OPTIONS, as anybody */
    assert_no_reply_field(&reply, "Access-Control-Allow-Origin");
    assert_no_reply_field(&reply, "Access-Control-Allow-Methods");
    assert_reply_field(&reply, "Allow", "GET, HEAD, OPTIONS");
    reply_done(&reply);
    end();
}

static void test_cors_when_the_methods_are_too_many_then_no_half_a_list(void **state)
{
    (void)state;
    static char methods[1200];
    for (size_t i = 0; i + 5 < sizeof methods; i += 5) {
        memcpy(methods + i, "PUT, ", 6);
    }
    struct ph_guard_cors long_list = cors;
    long_list.methods = methods;
    start_with(ph_guard_cors, user_of(&long_list));
    struct reply reply = ask_before("https://app.example");
    assert_problem(&reply, 500);
    assert_no_reply_field(&reply, "Access-Control-Allow-Methods");
    reply_done(&reply);
    end();
    methods[800] = '\0';
    start_with(ph_guard_cors, user_of(&long_list));
    reply = ask_before("https://app.example");
    char value[1000];
    assert_int_equal(reply.status, 204);
    assert_true(reply_field(&reply, "Access-Control-Allow-Methods", value, sizeof value));
    assert_int_equal(strlen(value), 800 + strlen("GET, HEAD, POST, "));
    reply_done(&reply);
    end();
}

static void test_cors_when_all_may_read_then_without_credentials(void **state)
{
    const struct ph_guard_cors everybody = {.origins = all_origins};
    const struct ph_guard_cors too_much = {.origins = all_origins, .credentials = true};
    (void)state;
    start_with(ph_guard_cors, user_of(&everybody));
    struct reply reply = client_get(port, "/hello", "Origin: https://any.example\r\n");
    assert_reply_field(&reply, "Access-Control-Allow-Origin", "*");
    assert_no_reply_field(&reply, "Vary");
    reply_done(&reply);
    reply = ask_before("https://any.example");
    assert_reply_field(&reply, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    assert_no_reply_field(&reply, "Access-Control-Max-Age");
    reply_done(&reply);
    end();
    start_with(ph_guard_cors, user_of(&too_much));
    reply = client_get(port, "/hello", "Origin: https://any.example\r\n");
    assert_no_reply_field(&reply, "Access-Control-Allow-Origin");
    reply_done(&reply);
    end();
}

/* ---- how often ---- */

static void test_rate_when_asked_too_often_then_429_until_there_is_room(void **state)
{
    (void)state;
    struct ph_limiter *limiter;
    const struct ph_limiter_config cfg = {.per_second = 0.5, .burst = 3};
    assert_int_equal(ph_limiter_new(&limiter, &cfg), 0);
    start_with(ph_guard_rate, limiter);
    atomic_store(&stopped, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(status_with(NULL, NULL), 200);
    }
    struct reply reply = client_get(port, "/hello", "");
    assert_problem(&reply, 429);
    assert_reply_field(&reply, "Retry-After", "2");
    reply_done(&reply);
    atomic_fetch_add(&skipped_us, 1999999);
    reply = client_get(port, "/hello", "");
    assert_problem(&reply, 429);
    assert_reply_field(&reply, "Retry-After", "1");
    reply_done(&reply);
    atomic_fetch_add(&skipped_us, 1);
    assert_int_equal(status_with(NULL, NULL), 200); /* refusals have cost nothing */
    assert_int_equal(status_with(NULL, NULL), 429);
    atomic_fetch_add(&skipped_us, 3600 * UINT64_C(1000000)); /* no more than a burst is saved up */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(status_with(NULL, NULL), 200);
    }
    assert_int_equal(status_with(NULL, NULL), 429);
    atomic_store(&stopped, false);
    end();
    ph_limiter_free(limiter);
}

static void test_rate_when_by_unix_socket_then_it_does_not_count(void **state)
{
    (void)state;
    struct ph_limiter *limiter;
    char listen[100];
    snprintf(listen, sizeof listen, "unix:/tmp/porthole-guard-%d", (int)getpid());
    assert_int_equal(ph_limiter_new(&limiter, &(struct ph_limiter_config){.per_second = 0.001}), 0);
    server = server_new(&(struct ph_config){.workers = 1, .listen = listen});
    assert_int_equal(ph_server_before(server, "/", ph_guard_rate, limiter), 0);
    assert_int_equal(ph_server_start(server), 0);
    struct client client = client_open_unix(listen + 5);
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_ask(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
    }
    client_close(&client);
    end();
    ph_limiter_free(limiter);
}

static void test_limiter_when_configured_wrongly_then_why(void **state)
{
    (void)state;
    struct ph_limiter *limiter = NULL;
    const struct ph_limiter_config wrong[] = {{.per_second = 0},
                                              {.per_second = -1},
                                              {.per_second = 1e7},
                                              {.per_second = 0.0 / 0.0},
                                              {.per_second = 1, .burst = 1u << 31},
                                              {.per_second = 1, .addresses_max = 1u << 31}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(ph_limiter_new(&limiter, &wrong[i]), -EINVAL);
    }
    fail_allocations(0, false);
    assert_int_equal(ph_limiter_new(&limiter, &(struct ph_limiter_config){.per_second = 1}),
                     -ENOMEM);
    assert_true(stop_failing());
    assert_null(limiter);
    ph_limiter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bearer_when_not_the_token_then_401),
        cmocka_unit_test(test_bearer_when_the_token_then_let_in),
        cmocka_unit_test(test_same_when_compared_then_only_what_is_the_same),
        cmocka_unit_test(test_basic_when_right_then_let_in),
        cmocka_unit_test(test_basic_when_wrong_then_401_and_asked_for),
        cmocka_unit_test(test_basic_when_malformed_then_nobody_is_asked),
        cmocka_unit_test(test_cors_when_the_origin_is_known_then_it_may_read),
        cmocka_unit_test(test_cors_when_the_origin_is_strange_then_nothing_is_allowed),
        cmocka_unit_test(test_cors_when_browsers_ask_before_then_what_is_allowed),
        cmocka_unit_test(test_cors_when_the_methods_are_too_many_then_no_half_a_list),
        cmocka_unit_test(test_cors_when_all_may_read_then_without_credentials),
        cmocka_unit_test(test_rate_when_asked_too_often_then_429_until_there_is_room),
        cmocka_unit_test(test_rate_when_by_unix_socket_then_it_does_not_count),
        cmocka_unit_test(test_limiter_when_configured_wrongly_then_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
