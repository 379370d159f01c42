/* SPDX-License-Identifier: MIT
 *
 * A client that sends exactly the bytes it is told to, and takes replies apart by itself, so that
 * nothing of what is tested tests itself. Whatever goes wrong fails the test; every wait is for
 * something to happen, and gives up after CLIENT_WAIT_MS. For the test's own thread only.
 */
#ifndef PORTHOLE_TESTS_CLIENT_H
#define PORTHOLE_TESTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLIENT_WAIT_MS = 20000 };

/* What stands between a client and its socket. As recv(2) and send(2) without waiting. */
struct client_transport {
    ssize_t (*receive)(void *user, void *to, size_t room);
    ssize_t (*send)(void *user, const void *bytes, size_t size);
    void (*free)(void *user);
};

struct client {
    int fd;
    const struct client_transport *transport; /* NULL: none */
    void *transport_user;
    char *data; /* [used, size) has been received and not been looked at; a NUL follows */
    size_t used, size, capacity;
    bool ended;    /* no more will come */
    int end_error; /* 0: the server closed; ECONNRESET: it broke off */
};

struct reply {
    int status;
    char *head; /* status line and fields, without the empty line */
    char *body; /* without its framing; a NUL follows */
    size_t body_size, body_capacity;
    bool complete; /* false: the connection ended before the body did */
};

/* ---- connections ---- */

/* Connects to a port of 127.0.0.1. */
struct client client_open(uint16_t port);

/* With a receive buffer of about this size, so that the server soon cannot send any more. */
struct client client_open_small(uint16_t port, int receive_buffer);

/* Gives it a large receive buffer after all, so that the rest comes quickly. */
void client_widen(struct client *client);

struct client client_open_unix(const char *path);

/* A socket that is not connected yet, for those who count descriptors. */
struct client client_socket(void);
void client_connect(struct client *client, uint16_t port);

void client_close(struct client *client);

/* Ends the connection with a reset. */
void client_reset(struct client *client);

/* Says that nothing more will be sent. */
void client_half_close(struct client *client);

/* ---- bytes ---- */

void client_send(struct client *client, const void *bytes, size_t size);
void client_puts(struct client *client, const char *text);

/* Waits until the server's kernel has received all that was sent. */
void client_wait_sent(struct client *client);

/* Sends until all has gone or the server takes no more for good; returns how much went. */
size_t client_send_until_refused(struct client *client, const void *bytes, size_t size);

/* Receives once, waiting up to `wait_ms`; false when nothing came, at the end too. */
bool client_receive(struct client *client, int wait_ms);

/* True when the server has sent nothing, nor closed, within so many milliseconds. */
bool client_hears_nothing(struct client *client, int wait_ms);

/* Waits for the end, before which nothing may come; returns end_error. */
int client_wait_end(struct client *client);

/* Waits until the text has come, and uses up all before it and itself. */
void client_wait_text(struct client *client, const char *text);

/* Receives all until the end, keeping nothing; returns how many bytes came. */
size_t client_skip_to_end(struct client *client);

/* ---- replies ---- */

/* Waits for a whole reply; `method` is that of the request. */
struct reply client_reply(struct client *client, const char *method);

/* Sends and waits for the reply. */
struct reply client_ask(struct client *client, const char *request);

/* One request on a connection of its own, to the end of it. The request is given without its last
 * field, "Connection: close", and the empty line. */
struct reply client_fetch(uint16_t port, const char *head);

/* GETs a target of localhost so, with further fields ("Name: value\r\n") or "". */
struct reply client_get(uint16_t port, const char *target, const char *fields);

void reply_done(struct reply *reply);

/* Copies the value of a field; false when there is none. It must not come twice. */
bool reply_field(const struct reply *reply, const char *name, char *value, size_t size);

void assert_reply_field(const struct reply *reply, const char *name, const char *value);
void assert_no_reply_field(const struct reply *reply, const char *name);
void assert_reply_text(const struct reply *reply, int status, const char *body);

/* A problem document with the right members, all of them, and a detail that says something. */
void assert_problem(const struct reply *reply, int status);

/* One request on a connection of its own: the server serves others. */
void assert_served(uint16_t port);

#endif
