/* SPDX-License-Identifier: MIT
 *
 * Forms and JSON by way of a server: gathered, and part by part while they come.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/form.h>
#include <porthole/json.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "\r\nHost: a\r\n"
#define URLENCODED "application/x-www-form-urlencoded"

static struct ph_server *server;
static uint16_t port;

/* ---- what the routes do ---- */

/* "name=value;" for each field; then what "a" is, by its name. */
static int list_fields(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    char text[4 * PH_FORM_FIELDS_MAX] = "";
    struct ph_form *form = NULL;
    int err = ph_form_new(&form, req);
    if (err == -EINVAL || err == PH_ERR_FORM || err == PH_ERR_LIMIT) {
        return ph_reply_problem(res, err == -EINVAL ? 415 : 400, "%s", ph_strerror(err));
    }
    if (err < 0) {
        return err;
    }
    size_t at = 0;
    for (size_t i = 0; i < ph_form_count(form) && at < sizeof text; i++) {
        const char *name = NULL;
        const char *value = NULL;
        assert_int_equal(ph_form_at(form, i, &name, &value), 0);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s=%s;", name, value);
    }
    const char *name;
    const char *value;
    assert_int_equal(ph_form_at(form, ph_form_count(form), &name, &value), -ERANGE);
    const char *a = ph_form_value(form, "a");
    snprintf(text + at, sizeof text - at, "%s", a ? a : "-");
    ph_form_free(form);
    return ph_reply_text(res, 200, text);
}

static int take_json(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    int is_json = ph_request_json(req, res, 4);
    return is_json > 0 ? ph_reply_text(res, 200, "json") : is_json;
}

/* Counts the bytes of each part. */
struct upload {
    struct ph_multipart *multipart;
    char text[1000];
    size_t at;
    size_t bytes;
};

static int begin_part(void *user, const struct ph_part *part)
{
    struct upload *upload = user;
    upload->bytes = 0;
    upload->at += (size_t)snprintf(upload->text + upload->at, sizeof upload->text - upload->at,
                                   "%s,%s", part->name, part->filename ? part->filename : "-");
    return upload->at < sizeof upload->text ? 0 : PH_ERR_LIMIT;
}

static int take_data(void *user, const void *bytes, size_t size)
{
    struct upload *upload = user;
    const char *expected = big_bytes() + upload->bytes;
    upload->bytes += size;
    return memcmp(bytes, expected, size) == 0 ? 0 : -EIO;
}

static int end_part(void *user)
{
    struct upload *upload = user;
    upload->at += (size_t)snprintf(upload->text + upload->at, sizeof upload->text - upload->at,
                                   ",%zu;", upload->bytes);
    return upload->at < sizeof upload->text ? 0 : PH_ERR_LIMIT;
}

static void free_upload(void *user)
{
    struct upload *upload = user;
    ph_multipart_free(upload->multipart);
    free(upload);
}

static int tell_error(struct ph_response *res, const struct upload *upload, int err)
{
    return err == PH_ERR_FORM || err == PH_ERR_LIMIT
               ? ph_reply_problem(res, 400, "%s", ph_multipart_wrong(upload->multipart))
               : err;
}

static int take_piece(struct ph_request *req, struct ph_response *res, const void *bytes,
                      size_t size, void *user)
{
    struct upload *upload = user;
    (void)req;
    return tell_error(res, upload, ph_multipart_feed(upload->multipart, bytes, size));
}

static int begin_upload(struct ph_request *req, struct ph_response *res, void *user)
{
    static const struct ph_multipart_handler handler = {begin_part, take_data, end_part};
    (void)user;
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        return -ENOMEM;
    }
    int err = ph_multipart_new(&upload->multipart, ph_request_header(req, "Content-Type"), &handler,
                               upload);
    err = err ? err : ph_request_receive(req, take_piece, upload, free_upload, NULL);
    if (err < 0) {
        free_upload(upload);
        return err == -EINVAL || err == PH_ERR_FORM
                   ? ph_reply_problem(res, 415, "want multipart/form-data with a boundary")
                   : err;
    }
    return 0;
}

static int finish_upload(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    struct upload *upload = ph_request_receiver(req);
    int err = ph_multipart_finish(upload->multipart);
    return err < 0 ? tell_error(res, upload, err) : ph_reply_text(res, 200, upload->text);
}

static int start(void **state)
{
    (void)state;
    server = server_new(&(struct ph_config){.workers = 1});
    assert_int_equal(ph_server_route(server, "POST /form", list_fields, NULL), 0);
    assert_int_equal(ph_server_route(server, "POST /json", take_json, NULL), 0);
    struct ph_route route = {.pattern = "POST /upload",
                             .handler = finish_upload,
                             .begin = begin_upload,
                             .body_max = BIG_MAX + 1000};
    assert_int_equal(ph_server_add(server, &route), 0);
    route.pattern = "POST /upload/slow";
    route.blocking = true;
    assert_int_equal(ph_server_add(server, &route), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

/* ---- gathered ---- */

static struct reply post(const char *target, const char *type, const char *body, size_t size)
{
    char head[500];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1" HOST "%s%s%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
             target, type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", size);
    struct client client = client_open(port);
    client_puts(&client, head);
    client_send_until_refused(&client, body, size);
    struct reply reply = client_reply(&client, "POST");
    client_close(&client);
    return reply;
}

static void check_form(const char *body, const char *expected)
{
    struct reply reply = post("/form", URLENCODED, body, strlen(body));
    assert_reply_text(&reply, 200, expected);
    reply_done(&reply);
}

static void test_form_when_urlencoded_then_its_fields(void **state)
{
    (void)state;
    check_form("", "-");
    check_form("a", "a=;");
    check_form("a=1&b=2&a=3", "a=1;b=2;a=3;1");
    check_form("&&a=1&&", "a=1;1");
    check_form("=x&=", "=x;=;-");
    check_form("a=1=2", "a=1=2;1=2");
    check_form("%61+b=c%2Bd+e%20f%c3%BC", "a b=c+d e f\xC3\xBC;-");
}

static void test_form_when_malformed_then_refused(void **state)
{
    static const char *const malformed[] = {"a=%", "a=%4", "a=%4g", "%zz=1", "a=%00", "a=1&b=%"};
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct reply reply = post("/form", URLENCODED, malformed[i], strlen(malformed[i]));
        assert_problem(&reply, 400);
        reply_done(&reply);
    }
    struct reply reply = post("/form", URLENCODED, "a=\0b", 4);
    assert_problem(&reply, 400);
    reply_done(&reply);
    static char many[2 * (PH_FORM_FIELDS_MAX + 1)];
    for (size_t i = 0; i < sizeof many; i += 2) {
        memcpy(many + i, "a&", 2);
    }
    reply = post("/form", URLENCODED, many, sizeof many);
    assert_problem(&reply, 400);
    reply_done(&reply);
    reply = post("/form", URLENCODED, many, sizeof many - 2);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
}

static void test_form_when_of_another_type_then_415(void **state)
{
    static const char *const others[] = {NULL, "text/plain", URLENCODED "x"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct reply reply = post("/form", others[i], "a=1", 3);
        assert_problem(&reply, 415);
        reply_done(&reply);
    }
    struct reply reply =
        post("/form", "Application/X-www-form-urlencoded ; charset=UTF-8", "a=1", 3);
    assert_reply_text(&reply, 200, "a=1;1");
    reply_done(&reply);
}

static void test_json_when_posted_then_taken_or_told_where_it_is_wrong(void **state)
{
    static const char *const types[] = {"application/json", "Application/JSON; charset=utf-8",
                                        "application/merge-patch+json"};
    static const char *const others[] = {NULL, "text/plain", "+json", "application/jsonx"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct reply reply = post("/json", types[i], "{\"a\":1}", 7);
        assert_reply_text(&reply, 200, "json");
        reply_done(&reply);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct reply reply = post("/json", others[i], "{\"a\":1}", 7);
        assert_problem(&reply, 415);
        reply_done(&reply);
    }
    struct reply reply = post("/json", types[0], "{\n\"a\":,}", 9);
    assert_problem(&reply, 400);
    assert_non_null(strstr(reply.body, "line 2, column 5: a value should stand here"));
    reply_done(&reply);
    reply = post("/json", types[0], "[[[[[]]]]]", 10);
    assert_problem(&reply, 400);
    assert_non_null(strstr(reply.body, "column 5: arrays and objects are nested deeper"));
    reply_done(&reply);
    reply = post("/json", types[0], "", 0);
    assert_problem(&reply, 400);
    reply_done(&reply);
}

/* ---- part by part ---- */

static const char tail[] = "\r\n--boundary--\r\n";

/* A file of this size behind a field. */
static char *make_upload(size_t file_size, size_t *ret_size)
{
    static const char head[] =
        "--boundary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\r\n"
        "--boundary\r\nContent-Disposition: form-data; name=\"image\"; filename=\"../../x.bin\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n";
    char *body = malloc(sizeof head + file_size + sizeof tail);
    assert_non_null(body);
    memcpy(body, head, sizeof head - 1);
    memcpy(body + sizeof head - 1, big_bytes(), file_size);
    memcpy(body + sizeof head - 1 + file_size, tail, sizeof tail - 1);
    *ret_size = sizeof head - 1 + file_size + sizeof tail - 1;
    return body;
}

static void check_upload(const char *target, size_t file_size)
{
    char expected[100];
    size_t size;
    char *body = make_upload(file_size, &size);
    snprintf(expected, sizeof expected, "title,-,0;image,../../x.bin,%zu;", file_size);
    struct reply reply = post(target, "multipart/form-data; boundary=boundary", body, size);
    assert_reply_text(&reply, 200, expected);
    reply_done(&reply);
    free(body);
}

static void test_upload_when_of_any_size_then_each_byte_comes(void **state)
{
    (void)state;
    check_upload("/upload", 0);
    check_upload("/upload", 1);
    check_upload("/upload", 65536);
    check_upload("/upload", 10000000);
    check_upload("/upload/slow", 3000000);
}

static void test_upload_when_it_will_not_do_then_why(void **state)
{
    (void)state;
    struct reply reply = post("/upload", URLENCODED, "a=1", 3);
    assert_problem(&reply, 415);
    reply_done(&reply);
    reply = post("/upload", "multipart/form-data; boundary=boundary", "--boundaryx\r\n", 13);
    assert_problem(&reply, 400);
    assert_non_null(strstr(reply.body, "a boundary goes on where its line should end"));
    reply_done(&reply);
    size_t size;
    char *body = make_upload(1000, &size);
    reply = post("/upload", "multipart/form-data; boundary=boundary", body, size - sizeof tail);
    assert_problem(&reply, 400);
    assert_non_null(strstr(reply.body, "the body ends before its last boundary"));
    reply_done(&reply);
    free(body);
}

static void test_form_when_out_of_memory_then_others_are_served(void **state)
{
    static const char request[] = "POST /form HTTP/1.1" HOST "Content-Type: " URLENCODED
                                  "\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=1";
    (void)state;
    bool failed = true;
    for (long i = 0; failed; i++) {
        struct client client = client_open(port);
        fail_allocations(i, true);
        client_send_until_refused(&client, request, sizeof request - 1);
        spare_this_thread(true);
        client_skip_to_end(&client);
        client_close(&client);
        wait_connections(server, "", 0);
        spare_this_thread(false);
        failed = stop_failing();
    }
    check_form("a=1", "a=1;1");
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_form_when_urlencoded_then_its_fields),
        SERVED(test_form_when_malformed_then_refused),
        SERVED(test_form_when_of_another_type_then_415),
        SERVED(test_json_when_posted_then_taken_or_told_where_it_is_wrong),
        SERVED(test_upload_when_of_any_size_then_each_byte_comes),
        SERVED(test_upload_when_it_will_not_do_then_why),
        SERVED(test_form_when_out_of_memory_then_others_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
