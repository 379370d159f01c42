/* SPDX-License-Identifier: MIT
 *
 * What all endpoints of the status API have in common: methods, parameters, formats, guards.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/status_server.h"

#include <porthole/sockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The target of an endpoint with something real in place of its parameter. */
static void fill_path(const char *path, char *target, size_t size)
{
    const char *brace = strchr(path, '{');
    char id[PH_SOCKET_ID_TEXT] = "";
    if (brace && strcmp(brace, "{port}") == 0) {
        snprintf(id, sizeof id, "%u", port);
    } else if (brace) {
        cJSON *list = get_json("/api/v1/sockets?state=listen&protocol=tcp&max_age_ms=0", 200);
        snprintf(id, sizeof id, "%s", text(cJSON_GetArrayItem(field(list, "sockets"), 0), "id"));
        cJSON_Delete(list);
    }
    snprintf(target, size, "%.*s%s", brace ? (int)(brace - path) : (int)strlen(path), path, id);
}

static void send_method(const char *method, const char *target, const char *host,
                        struct reply *ret_reply)
{
    char head[1024];
    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host);
    *ret_reply = client_fetch(port, head);
}

/* Both have the field with the same value, or neither has it. */
static void assert_same_field(const struct reply *one, const struct reply *other, const char *name)
{
    char value[200];
    if (reply_field(one, name, value, sizeof value)) {
        assert_reply_field(other, name, value);
    } else {
        assert_no_reply_field(other, name);
    }
}

/* The answer to a method other than GET says that there is GET. */
static void check_allow(const char *method, const char *target, int status)
{
    struct reply reply;
    char allow[200] = "";
    send_method(method, target, "localhost", &reply);
    assert_int_equal(reply.status, status);
    assert_true(reply_field(&reply, "Allow", allow, sizeof allow));
    assert_non_null(strstr(allow, "GET"));
    reply_done(&reply);
}

/* By GET; by HEAD where the reply would not end. */
static struct reply fetch(const char *target)
{
    struct reply reply;
    send_method(strcmp(target, "/api/v1/events") == 0 ? "HEAD" : "GET", target, "localhost",
                &reply);
    return reply;
}

static void check_methods(const char *target)
{
    struct reply get = fetch(target);
    struct reply head;
    char type[200];
    assert_int_equal(get.status, 200);
    assert_reply_field(&get, "X-Content-Type-Options", "nosniff");
    send_method("HEAD", target, "localhost", &head);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body_size, 0);
    assert_true(reply_field(&get, "Content-Type", type, sizeof type));
    assert_reply_field(&head, "Content-Type", type);
    assert_same_field(&get, &head, "Cache-Control");
    reply_done(&get);
    reply_done(&head);
    check_allow("OPTIONS", target, 204);
    check_allow("POST", target, 405);
}

static void test_every_endpoint_keeps_the_common_rules(void **state)
{
    (void)state;
    cJSON *index = get_json("/api/v1", 200);
    const cJSON *endpoint = NULL;
    int count = 0;
    cJSON_ArrayForEach(endpoint, field(index, "endpoints"))
    {
        char target[256];
        char wrong[300];
        struct reply reply;
        fill_path(text(endpoint, "path"), target, sizeof target);
        if (strcmp(target, "/api/v1/why") == 0) {
            strncat(target, "?port=80", sizeof target - strlen(target) - 1); /* has to be given */
        }
        check_methods(target);
        send_method("GET", target, "evil.example", &reply);
        assert_int_equal(reply.status, 421);
        reply_done(&reply);
        if (strcmp(target, "/") != 0) {
            snprintf(wrong, sizeof wrong, "%s%ccolour=red", target,
                     strchr(target, '?') ? '&' : '?');
            assert_problem_at(wrong, 400, "\"colour\"");
            reply = fetch(target);
            assert_reply_field(&reply, "Cache-Control", "no-store");
            reply_done(&reply);
        }
        count++;
    }
    assert_int_equal(count, 17);
    cJSON_Delete(index);
}

static void test_unknown_path_then_404(void **state)
{
    (void)state;
    assert_problem_at("/api/v1/nothing", 404, "/api/v1/nothing");
    assert_problem_at("/api/v1/sockets/tcp-0", 404, "tcp-0");
    assert_problem_at("/api/v1/sockets/%1b%5b31m", 404, "\\x1B[31m");
    assert_problem_at("/missing.js", 404, "");
}

static void test_wrong_parameters_then_400_with_what_is_accepted(void **state)
{
    (void)state;
    static const char *const lists[] = {"sockets", "ports", "processes", "connections"};
    static const char *const wrong[][2] = {
        {"limit=-1", "\"-1\""},
        {"limit=", "whole number"},
        {"sort=colour", "\"colour\""},
        {"fields=colour", "\"colour\""},
        {"format=xml", "ndjson"},
        {"max_age_ms=soon", "\"soon\""},
        {"owners=maybe", "true or false"},
        {"port=http!", "port"},
        {"state=asleep", "asleep"},
        {"protocol=icmp", "tcp"},
        {"address=10.0.0.0/99", "address"},
        {"pid=me", "pid"},
        {"limit=1&limit=2", "more than once"},
        {"filter=((", "column 3"},
        {"filter=sport+%3D", "column 8"},
    };
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            char target[200];
            snprintf(target, sizeof target, "/api/v1/%s?%s", lists[i], wrong[k][0]);
            assert_problem_at(target, 400, wrong[k][1]);
        }
    }
    assert_problem_at("/api/v1/summary?max_age_ms=x", 400, "max_age_ms");
    assert_problem_at("/api/v1/summary?owners=x", 400, "owners");
    assert_problem_at("/api/v1/summary?owners=true&owners=false", 400, "more than once");
    assert_problem_at("/api/v1/ports/0", 400, "1 to 65535");
    assert_problem_at("/api/v1/ports/65536", 400, "65535");
    assert_problem_at("/api/v1/ports/http", 400, "port");
    assert_problem_at("/api/v1/ports/80?port=80", 400, "\"port\"");
    assert_problem_at("/api/v1/sockets/x?max_age_ms=-1", 400, "max_age_ms");
}

static void test_accept_header_then_that_format(void **state)
{
    (void)state;
    struct reply reply = client_get(port, "/api/v1/ports", "Accept: text/html\r\n");
    assert_int_equal(reply.status, 406);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports", "Accept: text/csv\r\n");
    assert_reply_field(&reply, "Content-Type", "text/csv; charset=utf-8; header=present");
    assert_reply_field(&reply, "Vary", "Accept");
    assert_memory_equal(reply.body, "protocol,port,", 14);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports?format=ndjson", "Accept: text/csv\r\n");
    assert_reply_field(&reply, "Content-Type", "application/x-ndjson");
    cJSON *row = cJSON_ParseWithOpts(reply.body, NULL, false);
    assert_true(cJSON_IsNumber(field(row, "port")));
    cJSON_Delete(row);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports", "Accept: */*;q=0.1, text/plain\r\n");
    assert_memory_equal(reply.body, "PROTOCOL  PORT", 14);
    reply_done(&reply);
}

static void test_openapi_covers_every_endpoint(void **state)
{
    (void)state;
    cJSON *index = get_json("/api/v1", 200);
    cJSON *openapi = get_json("/api/v1/openapi.json", 200);
    assert_string_equal(text(openapi, "openapi"), "3.1.0");
    const cJSON *endpoint = NULL;
    cJSON_ArrayForEach(endpoint, field(index, "endpoints"))
    {
        assert_true(strlen(text(endpoint, "summary")) > 0);
        const cJSON *get = field(field(field(openapi, "paths"), text(endpoint, "path")), "get");
        assert_int_equal(cJSON_GetArraySize(field(get, "parameters")),
                         cJSON_GetArraySize(field(endpoint, "parameters")));
        assert_non_null(field(field(get, "responses"), "200"));
    }
    cJSON *sockets = get_json("/api/v1/sockets?limit=1", 200);
    const cJSON *schema = field(field(field(openapi, "components"), "schemas"), "Socket");
    const cJSON *cell = NULL;
    cJSON_ArrayForEach(cell, cJSON_GetArrayItem(field(sockets, "sockets"), 0))
    {
        assert_true(strlen(text(field(field(schema, "properties"), cell->string), "description")) >
                    0);
    }
    cJSON_Delete(sockets);
    cJSON_Delete(openapi);
    cJSON_Delete(index);
}

static void test_token_when_wanted_then_all_but_the_open_ones_need_it(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    static const char *const hosts[] = {"status.example.org", NULL};
    const struct ph_status_config status = {.token = "s3cret", .allow_hosts = hosts};
    start_server(&config, &status);
    static const char *const open[] = {"/", "/healthz", "/readyz", "/app.js"};
    static const char *const closed[] = {"/api/v1",          "/api/v1/openapi.json",
                                         "/api/v1/server",   "/api/v1/sockets",
                                         "/api/v1/ports/80", "/api/v1/summary?colour=red"};
    struct reply reply;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        reply = client_get(port, open[i], "");
        assert_int_equal(reply.status, 200);
        reply_done(&reply);
    }
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        reply = client_get(port, closed[i], "");
        assert_int_equal(reply.status, 401);
        assert_reply_field(&reply, "WWW-Authenticate", "Bearer");
        reply_done(&reply);
        reply = client_get(port, closed[i], "Authorization: Bearer s3cres\r\n");
        assert_int_equal(reply.status, 401);
        reply_done(&reply);
        reply = client_get(port, closed[i], "Authorization: Bearer s3cret\r\n");
        assert_int_equal(reply.status, i == 5 ? 400 : 200);
        reply_done(&reply);
    }
    send_method("GET", "/healthz", "status.example.org:1", &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    stop_server(NULL);
}

/* A machine that tells nothing of its sockets: that is said, not shown as "no sockets". */
static void test_lists_when_the_kernel_has_no_source_then_503(void **state)
{
    (void)state;
    const struct ph_sockets_config blind = {.proc_root = "/nonexistent", .procfs_only = true};
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    struct ph_status_config status = {.www = NULL};
    assert_int_equal(ph_sockets_new(&status.sockets, &blind), 0);
    start_server(&config, &status);
    static const char *const targets[] = {"/api/v1/sockets",   "/api/v1/sockets/tcp-1",
                                          "/api/v1/ports",     "/api/v1/ports/80",
                                          "/api/v1/processes", "/api/v1/summary"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_problem_at(targets[i], 503, "sock_diag");
    }
    cJSON *list = get_json("/api/v1/connections", 200);
    assert_null_field(list, "sources");
    assert_int_equal(number(list, "matched"), 1);
    assert_null_field(cJSON_GetArrayItem(field(list, "connections"), 0), "socket_id");
    cJSON_Delete(list);
    list = get_json("/api/v1/connections?port=80", 200); /* nothing is known to match */
    assert_int_equal(number(list, "matched"), 0);
    cJSON_Delete(list);
    stop_server(NULL);
    ph_sockets_free(status.sockets);
}

/* /proc/net has no marks: an empty list would say that no socket has this one. */
static void test_lists_when_the_filter_cannot_be_answered_then_403(void **state)
{
    (void)state;
    const struct ph_sockets_config procfs = {.procfs_only = true};
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    struct ph_status_config status = {.www = NULL};
    assert_int_equal(ph_sockets_new(&status.sockets, &procfs), 0);
    start_server(&config, &status);
    assert_problem_at("/api/v1/sockets?filter=fwmark+1", 403, "CAP_NET_ADMIN");
    assert_problem_at("/api/v1/ports?filter=fwmark+1", 403, "CAP_NET_ADMIN");
    assert_problem_at("/api/v1/processes?filter=fwmark+1", 403, "CAP_NET_ADMIN");
    cJSON_Delete(get_json("/api/v1/sockets?filter=dev+lo", 200));
    stop_server(NULL);
    ph_sockets_free(status.sockets);
}

static void test_page_is_open_strict_and_revalidated(void **state)
{
    (void)state;
    struct reply reply = client_get(port, "/?anything=goes", "");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Content-Type", "text/html; charset=utf-8");
    assert_reply_field(&reply, "Cache-Control", "no-cache");
    assert_reply_field(&reply, "Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; "
                       "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'");
    char tag[200];
    char fields[300];
    assert_true(reply_field(&reply, "ETag", tag, sizeof tag));
    snprintf(fields, sizeof fields, "If-None-Match: \"x\", W/%s\r\n", tag);
    reply_done(&reply);
    reply = client_get(port, "/", fields);
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.body_size, 0);
    assert_reply_field(&reply, "ETag", tag);
    reply_done(&reply);
    reply = client_get(port, "/style.css", "");
    assert_reply_field(&reply, "Content-Type", "text/css; charset=utf-8");
    assert_reply_field(&reply, "X-Content-Type-Options", "nosniff");
    reply_done(&reply);
    reply = client_get(port, "/index.html", "");
    assert_int_equal(reply.status, 404); /* one address for one thing */
    reply_done(&reply);
}

static void write_page(const char *folder, const char *name, const char *content)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_page(const char *target, int status, const char *content)
{
    struct reply reply = client_get(port, target, "");
    assert_int_equal(reply.status, status);
    if (content) {
        assert_string_equal(reply.body, content);
    }
    reply_done(&reply);
}

static void test_page_when_from_a_folder_then_read_each_time(void **state)
{
    (void)state;
    char folder[] = "/tmp/porthole-www-XXXXXX";
    char path[300];
    assert_non_null(mkdtemp(folder));
    write_page(folder, "index.html", "one");
    write_page(folder, "own.js", "1;");
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    const struct ph_status_config status = {.www = folder};
    start_server(&config, &status);
    assert_page("/", 200, "one");
    assert_page("/own.js", 200, "1;");
    assert_page("/app.js", 404, NULL); /* the embedded copy does not shine through */
    assert_page("/..%2f..%2fetc%2fpasswd", 400, NULL); /* the server itself refuses these */
    assert_page("/.%2fown.js", 404, NULL);
    write_page(folder, "index.html", "two");
    assert_page("/", 200, "two");
    snprintf(path, sizeof path, "%s/own.js", folder);
    assert_int_equal(unlink(path), 0);
    assert_page("/own.js", 404, NULL);
    stop_server(NULL);
    snprintf(path, sizeof path, "%s/index.html", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_readyz_while_draining_then_503(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1, .drain_delay_ms = 2000};
    start_server(&config, NULL);
    ph_server_request_stop(server);
    struct reply reply = client_get(port, "/readyz", "");
    assert_int_equal(reply.status, 503);
    assert_reply_field(&reply, "Content-Type", "application/problem+json");
    reply_done(&reply);
    reply = client_get(port, "/healthz", "");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    stop_server(NULL);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, start_default, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_every_endpoint_keeps_the_common_rules),
        SERVER_TEST(test_unknown_path_then_404),
        SERVER_TEST(test_wrong_parameters_then_400_with_what_is_accepted),
        SERVER_TEST(test_accept_header_then_that_format),
        SERVER_TEST(test_openapi_covers_every_endpoint),
        cmocka_unit_test(test_token_when_wanted_then_all_but_the_open_ones_need_it),
        cmocka_unit_test(test_lists_when_the_kernel_has_no_source_then_503),
        cmocka_unit_test(test_lists_when_the_filter_cannot_be_answered_then_403),
        SERVER_TEST(test_page_is_open_strict_and_revalidated),
        cmocka_unit_test(test_page_when_from_a_folder_then_read_each_time),
        cmocka_unit_test(test_readyz_while_draining_then_503),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
