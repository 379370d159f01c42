/* SPDX-License-Identifier: MIT
 *
 * The raw client: connections and bytes. Replies are in reply.c.
 */
#include "support/client.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const int on = 1;

struct client client_socket(void)
{
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(client.fd >= 0);
    assert_int_equal(setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return client;
}

void client_connect(struct client *client, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&to, sizeof to), 0);
}

struct client client_open(uint16_t port)
{
    struct client client = client_socket();
    client_connect(&client, port);
    return client;
}

struct client client_open_small(uint16_t port, int receive_buffer)
{
    struct client client = client_socket();
    assert_int_equal(
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer), 0);
    client_connect(&client, port);
    return client;
}

void client_widen(struct client *client)
{
    const int large = 1024 * 1024;
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large), 0);
}

struct client client_open_unix(const char *path)
{
    struct client client = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(client.fd >= 0);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof to.sun_path);
    memcpy(to.sun_path, path, strlen(path));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&to, sizeof to), 0);
    return client;
}

void client_close(struct client *client)
{
    if (client->transport) {
        client->transport->free(client->transport_user);
    }
    if (client->fd >= 0) {
        close(client->fd);
    }
    free(client->data);
    *client = (struct client){.fd = -1};
}

void client_reset(struct client *client)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client_close(client);
}

void client_half_close(struct client *client)
{
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
}

static bool wait_for(int fd, short events, int wait_ms)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int ready;
    do {
        ready = poll(&entry, 1, wait_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static ssize_t send_some(struct client *client, const void *bytes, size_t size)
{
    return client->transport ? client->transport->send(client->transport_user, bytes, size)
                             : send(client->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

size_t client_send_until_refused(struct client *client, const void *bytes, size_t size)
{
    size_t sent = 0;
    while (sent < size) {
        if (!wait_for(client->fd, POLLOUT, CLIENT_WAIT_MS)) {
            fail_msg("the server takes no more after %zu of %zu bytes", sent, size);
        }
        ssize_t result = send_some(client, (const char *)bytes + sent, size - sent);
        if (result > 0) {
            sent += (size_t)result;
        } else if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    return sent;
}

void client_send(struct client *client, const void *bytes, size_t size)
{
    size_t sent = client_send_until_refused(client, bytes, size);
    if (sent != size) {
        fail_msg("the server refused to take more after %zu of %zu bytes: %s", sent, size,
                 strerror(errno));
    }
}

void client_puts(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

void client_wait_sent(struct client *client)
{
    int left = 1;
    for (int waited_ms = 0; left > 0 && waited_ms < CLIENT_WAIT_MS; waited_ms++) {
        assert_int_equal(ioctl(client->fd, SIOCOUTQ, &left), 0);
        if (left > 0) {
            poll(NULL, 0, 1);
        }
    }
    assert_int_equal(left, 0);
}

static void make_room(struct client *client)
{
    enum { LEAST = 64 * 1024 };
    if (client->used == client->size) {
        client->used = client->size = 0;
    }
    if (client->capacity - client->size > LEAST) {
        return;
    }
    client->capacity = client->capacity ? client->capacity * 2 : (size_t)2 * LEAST;
    client->data = realloc(client->data, client->capacity);
    assert_non_null(client->data);
}

static ssize_t receive_some(struct client *client, void *to, size_t room)
{
    return client->transport ? client->transport->receive(client->transport_user, to, room)
                             : recv(client->fd, to, room, MSG_DONTWAIT);
}

bool client_receive(struct client *client, int wait_ms)
{
    if (client->ended) {
        return false;
    }
    make_room(client);
    ssize_t got;
    do {
        got =
            receive_some(client, client->data + client->size, client->capacity - client->size - 1);
    } while (got < 0 &&
             (errno == EINTR || (errno == EAGAIN && wait_for(client->fd, POLLIN, wait_ms))));
    if (got < 0 && errno == EAGAIN) {
        return false;
    }
    if (got <= 0) {
        client->ended = true;
        client->end_error = got < 0 ? errno : 0;
        return false;
    }
    client->size += (size_t)got;
    client->data[client->size] = '\0';
    return true;
}

bool client_hears_nothing(struct client *client, int wait_ms)
{
    return client->used == client->size && !client_receive(client, wait_ms) && !client->ended;
}

int client_wait_end(struct client *client)
{
    if (client->used < client->size || client_receive(client, CLIENT_WAIT_MS)) {
        fail_msg("more came before the end: %.200s", client->data + client->used);
    }
    if (!client->ended) {
        fail_msg("the server does not close the connection");
    }
    return client->end_error;
}

void client_wait_text(struct client *client, const char *text)
{
    size_t size = strlen(text);
    size_t seen = 0; /* bytes behind `used` where it cannot begin */
    for (;;) {
        size_t there = client->size - client->used;
        const char *from = client->data ? client->data + client->used + seen : NULL;
        const char *found = there > seen ? memmem(from, there - seen, text, size) : NULL;
        if (found) {
            client->used = (size_t)(found - client->data) + size;
            return;
        }
        seen = there >= size ? there - size + 1 : 0;
        if (!client_receive(client, CLIENT_WAIT_MS)) {
            fail_msg("waited for \"%s\"", text);
        }
    }
}

size_t client_skip_to_end(struct client *client)
{
    size_t count = client->size - client->used;
    client->used = client->size;
    while (client_receive(client, CLIENT_WAIT_MS)) {
        count += client->size - client->used;
        client->used = client->size;
    }
    if (!client->ended) {
        fail_msg("the server neither sends nor closes, after %zu bytes", count);
    }
    return count;
}
