/* SPDX-License-Identifier: MIT
 *
 * A chat: chat [ADDR:PORT] serves a page, and a WebSocket that tells everybody what anybody says.
 * Who is slow, and has more than queue_max bytes to come, is sent away rather than waited for.
 */
#include <porthole/porthole.h>
#include <porthole/websocket.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

enum { GUESTS_MAX = 1000, LINE_MAX_BYTES = 4096 };

/* Who is there. A socket is valid until `closed` has returned, so under this lock, too. */
static struct {
    pthread_mutex_t lock;
    struct ph_websocket *guests[GUESTS_MAX];
    size_t count;
} room = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct ph_server *server;

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>chat</title>"
    "<form><input autofocus size=60></form><pre></pre><script>"
    "const socket = new WebSocket(location.href.replace('http', 'ws') + 'chat', 'lines');"
    "const show = text => document.querySelector('pre').prepend(text + '\\n');"
    "socket.onmessage = event => show(event.data);"
    "socket.onclose = event => show('closed: ' + event.code + ' ' + event.reason);"
    "document.querySelector('form').onsubmit = event => { event.preventDefault();"
    "  const input = document.querySelector('input');"
    "  socket.send(input.value); input.value = ''; };"
    "</script>";

static int show_page(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_static(res, 200, "text/html", page, sizeof page - 1);
}

/* To all, whichever worker has them: none of this waits for anybody. */
static void tell_all(const char *text, size_t size)
{
    pthread_mutex_lock(&room.lock);
    for (size_t i = 0; i < room.count; i++) {
        if (ph_websocket_send(room.guests[i], PH_WEBSOCKET_TEXT, text, size) == -EAGAIN) {
            ph_websocket_close(room.guests[i], PH_WEBSOCKET_LATER, "too slow");
        }
    }
    pthread_mutex_unlock(&room.lock);
}

static int come_in(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                   void *user)
{
    (void)req;
    (void)user;
    if (!ph_websocket_protocol(socket)) {
        return ph_reply_problem(res, 400, "this chat speaks the subprotocol lines");
    }
    pthread_mutex_lock(&room.lock);
    bool full = room.count == GUESTS_MAX;
    if (!full) {
        room.guests[room.count++] = socket;
    }
    pthread_mutex_unlock(&room.lock);
    return full ? ph_reply_problem(res, 503, "there are %d guests already", GUESTS_MAX) : 0;
}

static void go_out(struct ph_websocket *socket, unsigned code, const char *reason, void *user)
{
    (void)code;
    (void)reason;
    (void)user;
    pthread_mutex_lock(&room.lock);
    for (size_t i = 0; i < room.count; i++) {
        if (room.guests[i] == socket) {
            room.guests[i] = room.guests[--room.count];
            break;
        }
    }
    pthread_mutex_unlock(&room.lock);
}

static void speak(struct ph_websocket *socket, enum ph_websocket_kind kind, const char *data,
                  size_t size, void *user)
{
    (void)user;
    if (kind == PH_WEBSOCKET_TEXT) {
        tell_all(data, size);
    } else {
        ph_websocket_close(socket, PH_WEBSOCKET_UNSUPPORTED, "text only");
    }
}

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

int main(int argc, char **argv)
{
    static const char *const protocols[] = {"lines", NULL};
    const struct ph_config config = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080"};
    const struct ph_websocket_config chat = {.open = come_in,
                                             .message = speak,
                                             .closed = go_out,
                                             .protocols = protocols,
                                             .message_max = LINE_MAX_BYTES};
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_route(server, "GET /", show_page, NULL);
    err = err ? err : ph_server_websocket(server, "/chat", &chat);
    err = err ? err : ph_server_start(server);
    if (err) {
        fprintf(stderr, "chat: %s: %s\n", config.listen, ph_strerror(err));
        ph_server_free(server);
        return 2;
    }
    const struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    printf("chat on http://%s/\n", ph_server_listener(server, 0));
    fflush(stdout);
    ph_server_wait(server);
    ph_server_free(server);
    return 0;
}
