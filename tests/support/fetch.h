/* SPDX-License-Identifier: MIT
 *
 * A small HTTP client for integration tests: one request a connection, the whole reply in memory.
 * It fails the test when a reply is malformed; call it on the test's own thread only.
 */
#ifndef PORTHOLE_TESTS_FETCH_H
#define PORTHOLE_TESTS_FETCH_H

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct reply {
    int status;
    char *text; /* the whole reply, NUL-terminated */
    char *head; /* header fields, "\r\nName: value\r\n..."; inside text */
    char *body; /* NUL-terminated, chunks joined; inside text */
    size_t body_size;
};

static inline void reply_done(struct reply *reply)
{
    free(reply->text);
    *reply = (struct reply){.status = 0};
}

/* A header field of a reply in a static buffer, or NULL. */
static inline const char *reply_header(const struct reply *reply, const char *name)
{
    static char value[1024];
    for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        size_t size = strlen(name);
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':') {
            const char *begin = line + 3 + size;
            begin += strspn(begin, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(begin, "\r"), begin);
            return value;
        }
    }
    return NULL;
}

/* `receive_buffer`: about how many bytes may wait to be read; 0: what the system gives. */
static inline int client_connect_small(uint16_t port, int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_buffer) {
        assert_int_equal(
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer), 0);
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline int client_connect(uint16_t port)
{
    return client_connect_small(port, 0);
}

static inline char *client_read_all(int fd, size_t *ret_size)
{
    size_t size = 0;
    size_t capacity = 65536;
    char *text = malloc(capacity);
    for (;;) {
        assert_non_null(text);
        ssize_t got = read(fd, text + size, capacity - size - 1);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        size += (size_t)got;
        if (capacity - size < 32768) {
            capacity *= 2;
            text = realloc(text, capacity);
        }
    }
    text[size] = '\0';
    *ret_size = size;
    return text;
}

/* Joins the chunks of a body in place. */
static inline void client_join_chunks(struct reply *reply)
{
    char *from = reply->body;
    char *to = reply->body;
    for (;;) {
        char *line_end = NULL;
        size_t size = strtoul(from, &line_end, 16);
        assert_memory_equal(line_end, "\r\n", 2);
        from = line_end + 2;
        if (size == 0) {
            assert_string_equal(from, "\r\n");
            break;
        }
        memmove(to, from, size);
        to += size;
        assert_memory_equal(from + size, "\r\n", 2);
        from += size + 2;
    }
    *to = '\0';
    reply->body_size = (size_t)(to - reply->body);
}

/* Sends one request, given without its last empty line, and reads the reply to its end. */
static inline struct reply client_send(uint16_t port, const char *head)
{
    char request[4096];
    int length = snprintf(request, sizeof request, "%sConnection: close\r\n\r\n", head);
    assert_true(length > 0 && (size_t)length < sizeof request);
    int fd = client_connect(port);
    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    struct reply reply = {.status = 0};
    size_t size = 0;
    reply.text = client_read_all(fd, &size);
    close(fd);
    assert_int_equal(sscanf(reply.text, "HTTP/1.1 %d", &reply.status), 1);
    reply.head = strstr(reply.text, "\r\n");
    assert_non_null(reply.head);
    char *end = strstr(reply.text, "\r\n\r\n");
    assert_non_null(end);
    reply.body = end + 4;
    reply.body_size = size - (size_t)(reply.body - reply.text);
    end[2] = '\0';
    const char *encoding = reply_header(&reply, "Transfer-Encoding");
    if (encoding && strncmp(head, "HEAD ", 5) != 0) {
        assert_string_equal(encoding, "chunked");
        client_join_chunks(&reply);
    }
    return reply;
}

/* GETs a target, with further header fields ("Name: value\r\n") or "". */
static inline struct reply client_get(uint16_t port, const char *target, const char *fields)
{
    char head[3000];
    int length =
        snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s", target, fields);
    assert_true(length > 0 && (size_t)length < sizeof head);
    return client_send(port, head);
}

#endif
