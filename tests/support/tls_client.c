/* SPDX-License-Identifier: MIT
 *
 * TLS for the raw client, by OpenSSL.
 */
#include "support/tls_client.h"

#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>

SSL_CTX *tls_settings(void)
{
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
    assert_non_null(settings);
    SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return settings;
}

/* -1 and errno for what a call has come to, 0 for the end. */
static ssize_t result_of(SSL *ssl, int result)
{
    int kind = SSL_get_error(ssl, result);
    ERR_clear_error();
    if (kind == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
    } else if (kind != SSL_ERROR_SYSCALL || errno == 0) {
        errno = EPIPE;
    }
    return -1;
}

static ssize_t receive(void *user, void *to, size_t room)
{
    size_t got = 0;
    errno = 0;
    int result = SSL_read_ex(user, to, room, &got);
    return result == 1 ? (ssize_t)got : result_of(user, result);
}

static ssize_t send_some(void *user, const void *bytes, size_t size)
{
    size_t sent = 0;
    errno = 0;
    int result = SSL_write_ex(user, bytes, size, &sent);
    return result == 1 ? (ssize_t)sent : result_of(user, result);
}

static void free_ssl(void *user)
{
    SSL_free(user);
}

SSL *tls_begin(struct client *client, SSL_CTX *settings)
{
    static const struct client_transport transport = {receive, send_some, free_ssl};
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL's own socket raises it */
    SSL *ssl = SSL_new(settings);
    assert_non_null(ssl);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(SSL_set_fd(ssl, client->fd), 1);
    SSL_set_connect_state(ssl);
    client->transport = &transport;
    client->transport_user = ssl;
    return ssl;
}

bool tls_handshake(struct client *client)
{
    struct pollfd entry = {.fd = client->fd};
    for (;;) {
        int result = SSL_do_handshake(client->transport_user);
        if (result == 1) {
            return true;
        }
        int kind = SSL_get_error(client->transport_user, result);
        ERR_clear_error();
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE) {
            return false;
        }
        entry.events = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        if (poll(&entry, 1, CLIENT_WAIT_MS) == 0) {
            fail_msg("the handshake does not go on");
        }
    }
}

struct client tls_open(uint16_t port)
{
    struct client client = client_open(port);
    SSL_CTX *settings = tls_settings();
    tls_begin(&client, settings);
    SSL_CTX_free(settings); /* the connection keeps it */
    assert_true(tls_handshake(&client));
    return client;
}
