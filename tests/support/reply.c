/* SPDX-License-Identifier: MIT
 *
 * The raw client: replies.
 */
#include "support/client.h"
#include "support/cmocka.h"

#include <porthole/http.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *copy_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    if (size > 0) {
        memcpy(copy, text, size);
    }
    copy[size] = '\0';
    return copy;
}

/* Waits until `size` bytes are there; false at the end of the connection. */
static bool need(struct client *client, size_t size)
{
    while (client->size - client->used < size) {
        if (!client_receive(client, CLIENT_WAIT_MS)) {
            if (!client->ended) {
                fail_msg("waited in vain for %zu bytes, have %zu: %.300s", size,
                         client->size - client->used, client->data ? client->data : "");
            }
            return false;
        }
    }
    return true;
}

/* Waits for a line; returns its length with CR LF, 0 at the end of the connection. */
static size_t need_line(struct client *client)
{
    for (;;) {
        size_t size = client->size - client->used;
        const char *start = client->data + client->used;
        const char *feed = size > 0 ? memchr(start, '\n', size) : NULL;
        if (feed) {
            assert_true(feed > start && feed[-1] == '\r');
            return (size_t)(feed + 1 - start);
        }
        if (!need(client, size + 1)) {
            return 0;
        }
    }
}

static void read_head(struct client *client, struct reply *reply)
{
    size_t head = 0;
    for (;;) {
        /* need_line() counts from `used`: move it over the lines seen, and back at the end. */
        client->used += head;
        size_t line = need_line(client);
        client->used -= head;
        if (line == 0) {
            fail_msg("the connection ended (error %d) before a reply did: \"%.300s\"",
                     client->end_error, client->data ? client->data + client->used : "");
        }
        head += line;
        if (line == 2) {
            break;
        }
    }
    reply->head = copy_text(client->data + client->used, head - 2);
    client->used += head;
    if (strncmp(reply->head, "HTTP/1.1 ", 9) != 0 || !isdigit((unsigned char)reply->head[9])) {
        fail_msg("this is no reply: %.300s", reply->head);
    }
    reply->status = (int)strtol(reply->head + 9, NULL, 10);
    const char *reason = reply->status == 100 ? "Continue" : ph_status_text(reply->status);
    if (strncmp(reply->head + 13, reason, strlen(reason)) != 0) {
        fail_msg("the reason phrase is wrong: %.60s", reply->head);
    }
}

static void append_body(struct client *client, struct reply *reply, size_t size)
{
    if (reply->body_size + size + 1 > reply->body_capacity) {
        reply->body_capacity = 2 * (reply->body_size + size + 1);
        reply->body = realloc(reply->body, reply->body_capacity);
        assert_non_null(reply->body);
    }
    memcpy(reply->body + reply->body_size, client->data + client->used, size);
    reply->body_size += size;
    reply->body[reply->body_size] = '\0';
    client->used += size;
}

/* Takes up to `size` bytes; returns whether all came. */
static bool read_bytes(struct client *client, struct reply *reply, size_t size)
{
    while (size > 0 && need(client, 1)) {
        size_t here = client->size - client->used;
        size_t part = here < size ? here : size;
        append_body(client, reply, part);
        size -= part;
    }
    return size == 0;
}

static bool read_chunks(struct client *client, struct reply *reply)
{
    for (;;) {
        size_t line = need_line(client);
        if (line == 0) {
            return false;
        }
        char *end;
        unsigned long size = strtoul(client->data + client->used, &end, 16);
        assert_ptr_equal(end, client->data + client->used + line - 2);
        client->used += line;
        if (!read_bytes(client, reply, size) || !need(client, 2)) {
            return false;
        }
        assert_memory_equal(client->data + client->used, "\r\n", 2);
        client->used += 2;
        if (size == 0) {
            return true;
        }
    }
}

static void read_to_end(struct client *client, struct reply *reply)
{
    while (need(client, 1)) {
        append_body(client, reply, client->size - client->used);
    }
}

struct reply client_reply(struct client *client, const char *method)
{
    struct reply reply = {.complete = true};
    char value[100];
    read_head(client, &reply);
    reply.body = copy_text("", 0);
    bool chunked = reply_field(&reply, "Transfer-Encoding", value, sizeof value);
    assert_true(!chunked || strcmp(value, "chunked") == 0);
    bool sized = reply_field(&reply, "Content-Length", value, sizeof value);
    assert_false(chunked && sized);
    bool none = reply.status < 200 || reply.status == 204 || reply.status == 304;
    assert_false(none && (chunked || sized));
    if (none || strcmp(method, "HEAD") == 0) {
        return reply;
    }
    if (sized) {
        reply.complete = read_bytes(client, &reply, strtoul(value, NULL, 10));
    } else if (chunked) {
        reply.complete = read_chunks(client, &reply);
    } else {
        read_to_end(client, &reply);
        reply.complete = client->end_error == 0;
    }
    return reply;
}

struct reply client_ask(struct client *client, const char *request)
{
    client_puts(client, request);
    return client_reply(client, strncmp(request, "HEAD ", 5) == 0 ? "HEAD" : "");
}

struct reply client_fetch(uint16_t port, const char *head)
{
    char request[4096];
    int size = snprintf(request, sizeof request, "%sConnection: close\r\n\r\n", head);
    assert_true(size > 0 && (size_t)size < sizeof request);
    struct client client = client_open(port);
    struct reply reply = client_ask(&client, request);
    assert_true(reply.complete);
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    return reply;
}

struct reply client_get(uint16_t port, const char *target, const char *fields)
{
    char head[3000];
    int size =
        snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s", target, fields);
    assert_true(size > 0 && (size_t)size < sizeof head);
    return client_fetch(port, head);
}

void reply_done(struct reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct reply){0};
}

bool reply_field(const struct reply *reply, const char *name, char *value, size_t size)
{
    size_t name_size = strlen(name);
    bool found = false;
    for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':') {
            continue;
        }
        assert_false(found);
        const char *from = line + name_size + 1;
        from += strspn(from, " ");
        snprintf(value, size, "%.*s", (int)strcspn(from, "\r"), from);
        found = true;
    }
    return found;
}

void assert_reply_field(const struct reply *reply, const char *name, const char *value)
{
    char found[500];
    if (!reply_field(reply, name, found, sizeof found)) {
        fail_msg("no field %s in %s", name, reply->head);
    }
    assert_string_equal(found, value);
}

void assert_no_reply_field(const struct reply *reply, const char *name)
{
    char found[500];
    if (reply_field(reply, name, found, sizeof found)) {
        fail_msg("field %s is \"%s\" in %s", name, found, reply->head);
    }
}

void assert_reply_text(const struct reply *reply, int status, const char *body)
{
    if (reply->status != status || strcmp(reply->body, body) != 0 || !reply->complete) {
        fail_msg("expected %d \"%s\", got %s\n%.300s", status, body, reply->head, reply->body);
    }
}

void assert_problem(const struct reply *reply, int status)
{
    char begin[200];
    if (reply->status != status) {
        fail_msg("expected %d, got %s\n%.300s", status, reply->head, reply->body);
    }
    assert_reply_field(reply, "Content-Type", "application/problem+json");
    snprintf(begin, sizeof begin,
             "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"",
             ph_status_text(status), status);
    size_t size = strlen(begin);
    if (strncmp(reply->body, begin, size) != 0 || reply->body_size < size + 12 ||
        strcmp(reply->body + reply->body_size - 2, "\"}") != 0 || !reply->complete) {
        fail_msg("the problem document is wrong: %s", reply->body);
    }
    if (status == 503) {
        assert_reply_field(reply, "Retry-After", "1");
    }
}

void assert_served(uint16_t port)
{
    struct client client = client_open(port);
    struct reply reply = client_ask(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}
