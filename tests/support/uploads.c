/* SPDX-License-Identifier: MIT
 *
 * Uploads that are summed up.
 */
#include "support/uploads.h"

#include "support/cmocka.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upload {
    uint64_t size, sum;
    size_t largest; /* piece */
    unsigned held;  /* pieces that were not taken at the first time */
    struct ph_waker *waker;
};

static _Atomic bool hold;
static _Atomic int open_now; /* begun and not released */
static _Atomic int held_now; /* times that a piece was not taken */
static struct upload *_Atomic held_upload;

static uint64_t add_up(uint64_t sum, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + (unsigned char)bytes[i];
    }
    return sum;
}

static int take(struct ph_request *req, struct ph_response *res, const void *data, size_t size,
                void *user)
{
    struct upload *upload = user;
    assert_int_not_equal(size, 0);
    if (hold) {
        upload->held++;
        held_upload = upload;
        held_now++;
        return -EAGAIN;
    }
    if (ph_request_query(req, "full")) {
        return ph_reply_problem(res, 507, "no room");
    }
    if (ph_request_query(req, "broken")) {
        return -EIO;
    }
    upload->largest = size > upload->largest ? size : upload->largest;
    upload->size += size;
    upload->sum = add_up(upload->sum, data, size);
    return 0;
}

static void release(void *user)
{
    struct upload *upload = user;
    ph_waker_free(upload->waker);
    free(upload);
    open_now--;
}

static int begin(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    if (ph_request_query(req, "forbidden")) {
        return ph_reply_problem(res, 403, "not you");
    }
    if (ph_request_query(req, "later")) {
        struct ph_token *token;
        int err = ph_defer(req, res, &token);
        if (err == 0) {
            err = ph_token_reply(token, 202, NULL, NULL, 0);
            ph_token_free(token);
        }
        return err;
    }
    if (ph_request_query(req, "gather")) {
        return 0;
    }
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        return -ENOMEM;
    }
    int err = ph_request_receive(req, take, upload, release, &upload->waker);
    if (err < 0) {
        free(upload);
        return err;
    }
    open_now++;
    if (ph_request_query(req, "twice")) {
        assert_int_equal(ph_request_receive(req, take, upload, release, NULL), PH_ERR_REPLIED);
    }
    return 0;
}

static int reply_sum(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    char text[100];
    size_t gathered;
    ph_request_body(req, &gathered);
    const struct upload *upload = ph_request_receiver(req);
    assert_int_equal(ph_request_receive(req, take, NULL, NULL, NULL), PH_ERR_STARTED);
    if (!upload) {
        snprintf(text, sizeof text, "gathered %zu", gathered);
        return ph_reply_text(res, 200, text);
    }
    assert_int_equal(gathered, 0);
    assert_true(upload->largest <= 128 * 1024); /* what it costs does not grow with the body */
    snprintf(text, sizeof text, "%" PRIu64 " %" PRIx64, upload->size, upload->sum);
    return ph_reply_text(res, 200, text);
}

static const struct ph_route routes[] = {
    {.pattern = "PUT /upload", .handler = reply_sum, .begin = begin, .body_max = ROUTE_MAX},
    {.pattern = "PUT /slow-upload",
     .handler = reply_sum,
     .begin = begin,
     .body_max = ROUTE_MAX,
     .blocking = true},
    {.pattern = "GET /upload", .handler = reply_sum, .begin = begin},
    {.pattern = "PUT /small", .handler = reply_sum, .body_max = 10},
    {.pattern = "PUT /large", .handler = reply_sum, .body_max = ROUTE_MAX},
};

const char *const targets[TARGETS] = {"/upload", "/slow-upload"};

struct ph_server *uploads_start(struct ph_config cfg)
{
    hold = false;
    held_now = 0;
    cfg.body_max = 1000;
    struct ph_server *server = server_new(&cfg);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        assert_int_equal(ph_server_add(server, &routes[i]), 0);
    }
    assert_int_equal(ph_server_start(server), 0);
    return server;
}

static bool none_open(void *user)
{
    (void)user;
    return open_now == 0;
}

void hold_pieces(void)
{
    held_now = 0;
    hold = true;
}

void take_pieces(void)
{
    hold = false;
}

int uploads_open(void)
{
    return open_now;
}

void wait_none_open(void)
{
    wait_until(none_open, NULL);
}

static bool is_held(void *user)
{
    return held_now >= *(const int *)user;
}

void wait_held(int times)
{
    wait_until(is_held, &times);
}

void uploads_end(struct ph_server *server)
{
    wait_none_open();
    ph_server_free(server);
}

void sum_text(char text[60], const char *bytes, size_t size)
{
    snprintf(text, 60, "%zu %" PRIx64, size, add_up(0, bytes, size));
}

void assert_sum(const struct reply *reply, size_t size)
{
    char text[60];
    sum_text(text, big_bytes(), size);
    assert_reply_text(reply, 200, text);
}

void wake_held(void)
{
    ph_waker_wake(held_upload->waker);
}

void put_head(struct client *client, const char *target, const char *fields)
{
    char head[300];
    snprintf(head, sizeof head, "PUT %s HTTP/1.1" HOST "%s\r\n", target, fields);
    client_puts(client, head);
}

void put_sized_head(struct client *client, const char *target, size_t size)
{
    char field[60];
    snprintf(field, sizeof field, "Content-Length: %zu\r\n", size);
    put_head(client, target, field);
}

void send_chunks(struct client *client, size_t size)
{
    size_t length = 1;
    for (size_t at = 0; at < size; at += length, length = length * 3 + 1) {
        length = length < size - at ? length : size - at;
        char line[20];
        snprintf(line, sizeof line, "%zx\r\n", length);
        client_puts(client, line);
        client_send(client, big_bytes() + at, length);
        client_puts(client, "\r\n");
    }
    client_puts(client, "0\r\nTrailer: x\r\n\r\n");
}
