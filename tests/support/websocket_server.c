/* SPDX-License-Identifier: MIT
 *
 * WebSockets under test.
 */
#include "support/websocket_server.h"

#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENDINGS = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ending endings[ENDINGS];
static int ended, asked;
static struct ph_websocket *last;
static _Atomic int opened, drained;

static int open_socket(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                       void *user)
{
    (void)req;
    (void)res;
    (void)user;
    pthread_mutex_lock(&lock);
    ph_websocket_free(last);
    last = ph_websocket_hold(socket);
    pthread_mutex_unlock(&lock);
    opened++;
    return 0;
}

static void note_closed(struct ph_websocket *socket, unsigned code, const char *reason, void *user)
{
    (void)socket;
    (void)user;
    pthread_mutex_lock(&lock);
    struct ending *ending = &endings[ended++ % ENDINGS];
    ending->code = code;
    snprintf(ending->reason, sizeof ending->reason, "%s", reason);
    pthread_mutex_unlock(&lock);
    opened--;
}

/* What cannot be sent shows: the client waits for it. */
static void send_or_close(struct ph_websocket *socket, enum ph_websocket_kind kind,
                          const void *data, size_t size)
{
    int err = ph_websocket_send(socket, kind, data, size);
    if (err < 0) {
        ph_websocket_close(socket, PH_WEBSOCKET_LATER, ph_strerror(err));
    }
}

static void send_text(struct ph_websocket *socket, const char *text)
{
    send_or_close(socket, PH_WEBSOCKET_TEXT, text, strlen(text));
}

static void obey(struct ph_websocket *socket, const char *text)
{
    unsigned number = 0;
    int at = 0;
    if (sscanf(text, "close %u %n", &number, &at) == 1) {
        ph_websocket_close(socket, number, text + at);
    } else if (sscanf(text, "twice %n", &at) == 0 && at > 0) {
        send_text(socket, text + at);
        send_text(socket, text + at);
    } else if (sscanf(text, "big %u", &number) == 1) {
        send_or_close(socket, PH_WEBSOCKET_BINARY, big_bytes(), number);
    } else {
        send_text(socket, text);
    }
}

static void take_message(struct ph_websocket *socket, enum ph_websocket_kind kind, const char *data,
                         size_t size, void *user)
{
    char text[200];
    (void)user;
    if (kind == PH_WEBSOCKET_BINARY || size >= sizeof text) {
        send_or_close(socket, kind, data, size);
        return;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    obey(socket, text);
}

static void note_drained(struct ph_websocket *socket, void *user)
{
    (void)socket;
    (void)user;
    drained++;
}

static int refuse(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                  void *user)
{
    (void)req;
    (void)user;
    int err = ph_websocket_send_text(socket, "nobody hears this");
    return err ? err : ph_reply_text(res, 401, "not you");
}

static int fail_to_open(struct ph_websocket *socket, struct ph_request *req,
                        struct ph_response *res, void *user)
{
    struct ph_token *token;
    (void)socket;
    (void)user;
    if (!ph_request_query(req, "defer")) {
        return -EMFILE;
    }
    if (ph_defer(req, res, &token) == 0) {
        ph_token_free(token);
    }
    return 0;
}

static int greet(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                 void *user)
{
    int err = ph_response_header(res, "X-Seen", ph_request_path(req));
    const char *protocol = ph_websocket_protocol(socket);
    err = err ? err : ph_websocket_send_text(socket, "welcome");
    err = err ? err : ph_websocket_send_text(socket, protocol ? protocol : "no protocol");
    return err ? err : open_socket(socket, req, res, user);
}

void add_websockets(struct ph_server *server)
{
    static const char *const origins[] = {"https://good.example:8443", "http://also.example", NULL};
    static const char *const any[] = {"*", NULL};
    static const char *const protocols[] = {"best", "second", NULL};
    const struct ph_websocket_config usual = {.open = open_socket,
                                              .message = take_message,
                                              .drained = note_drained,
                                              .closed = note_closed};
    struct ph_websocket_config cfg = usual;
    cfg.queue_max = 4 * 1024 * 1024;
    cfg.message_max = 2 * 1024 * 1024;
    cfg.pong_ms = 300;
    assert_int_equal(ph_server_websocket(server, "/ws", &cfg), 0);
    cfg = usual;
    cfg.message_max = 100;
    cfg.queue_max = 4096;
    assert_int_equal(ph_server_websocket(server, "/small", &cfg), 0);
    cfg = usual;
    cfg.ping_ms = 60;
    cfg.pong_ms = 120;
    assert_int_equal(ph_server_websocket(server, "/quick", &cfg), 0);
    cfg = usual;
    cfg.origins = origins;
    assert_int_equal(ph_server_websocket(server, "/listed", &cfg), 0);
    cfg.origins = any;
    assert_int_equal(ph_server_websocket(server, "/any", &cfg), 0);
    cfg = usual;
    cfg.open = refuse;
    assert_int_equal(ph_server_websocket(server, "/closed", &cfg), 0);
    cfg.open = fail_to_open;
    assert_int_equal(ph_server_websocket(server, "/fails", &cfg), 0);
    cfg.open = greet;
    cfg.protocols = protocols;
    assert_int_equal(ph_server_websocket(server, "/greets", &cfg), 0);
}

static bool are_open(void *user)
{
    return opened == *(int *)user;
}

void wait_sockets(int count)
{
    wait_until(are_open, &count);
}

static bool has_ended(void *user)
{
    (void)user;
    return unasked_closed() > 0;
}

struct ending wait_closed(void)
{
    wait_until(has_ended, NULL);
    pthread_mutex_lock(&lock);
    struct ending ending = endings[asked++ % ENDINGS];
    pthread_mutex_unlock(&lock);
    return ending;
}

int unasked_closed(void)
{
    pthread_mutex_lock(&lock);
    int count = ended - asked;
    pthread_mutex_unlock(&lock);
    return count;
}

struct ph_websocket *last_socket(void)
{
    pthread_mutex_lock(&lock);
    struct ph_websocket *socket = last;
    last = NULL;
    pthread_mutex_unlock(&lock);
    assert_non_null(socket);
    return socket;
}

void free_last_socket(void)
{
    pthread_mutex_lock(&lock);
    ph_websocket_free(last);
    last = NULL;
    pthread_mutex_unlock(&lock);
}

int drained_count(void)
{
    return drained;
}

void forget_sockets(void)
{
    free_last_socket();
    while (unasked_closed() > 0) {
        (void)wait_closed();
    }
}
