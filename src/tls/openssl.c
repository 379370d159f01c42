/* SPDX-License-Identifier: MIT
 *
 * TLS by OpenSSL.
 */
#include "tls/openssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Two parts are joined up to the size of a record (RFC 8446 section 5.1), so that a head and a
 * short body leave in one record and one system call. */
enum { RECORD_MAX = 16 * 1024 };

/* ---- the socket, as OpenSSL sees it ----
 *
 * OpenSSL's own would raise SIGPIPE, and would not tell whether a receive has emptied the socket.
 */

/* In the BIO's data: the descriptor, and in the lowest bit whether the socket had less than it was
 * asked for. */
static uintptr_t data_of(BIO *bio)
{
    return (uintptr_t)BIO_get_data(bio);
}

static void set_data(BIO *bio, int fd, bool dry)
{
    uintptr_t data = (uintptr_t)fd << 1 | dry;
    BIO_set_data(bio, (void *)data); /* NOLINT(performance-no-int-to-ptr): a number it is */
}

static int fd_of(BIO *bio)
{
    return (int)(data_of(bio) >> 1);
}

static bool is_dry(BIO *bio)
{
    return data_of(bio) & 1;
}

static int note_result(BIO *bio, ssize_t result, int retry)
{
    BIO_clear_retry_flags(bio);
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    }
    return (int)result;
}

static int bio_read(BIO *bio, char *to, int size)
{
    ssize_t got;
    do {
        got = recv(fd_of(bio), to, (size_t)size, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    set_data(bio, fd_of(bio), got < size);
    return note_result(bio, got, BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    ssize_t sent;
    do {
        sent = send(fd_of(bio), bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return note_result(bio, sent, BIO_FLAGS_WRITE);
}

/* A flush has nothing to do and succeeds; nothing else is known. */
static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *new_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "porthole socket");
    if (method && BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
        BIO_meth_set_ctrl(method, bio_control)) {
        return method;
    }
    BIO_meth_free(method);
    return NULL;
}

static BIO *new_socket(const BIO_METHOD *method, int fd)
{
    BIO *bio = BIO_new(method);
    if (bio) {
        set_data(bio, fd, false);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- certificate and key ---- */

/* Says what is wrong with a file: the first of OpenSSL's errors tells, those behind it say where it
 * was noticed. */
static int fail(char *reason, size_t size, const char *what, const char *path)
{
    unsigned long code = ERR_peek_error();
    const char *words =
        ERR_SYSTEM_ERROR(code) ? ph_strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    snprintf(reason, size, "%s %s: %s", what, path, words ? words : "it cannot be read");
    ERR_clear_error();
    return PH_ERR_TLS;
}

/* Nobody sits at a server to type one. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

/* HTTP/1.1 is all there is (RFC 7301). A client that names protocols without it is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_size,
                           const unsigned char *offered, unsigned offered_size, void *user)
{
    static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, ret_size, known, sizeof known - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int load(SSL_CTX *context, const struct ph_tls_config *cfg, char *reason, size_t size)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cfg->certificate_file) != 1) {
        return fail(reason, size, "cannot use the certificate", cfg->certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, cfg->key_file, SSL_FILETYPE_PEM) != 1) {
        return fail(reason, size, "cannot use the key", cfg->key_file);
    }
    /* A key of another kind than the certificate's has been taken without a word so far. */
    if (SSL_CTX_check_private_key(context) != 1) {
        snprintf(reason, size, "cannot use the key %s: it does not belong to the certificate %s",
                 cfg->key_file, cfg->certificate_file);
        ERR_clear_error();
        return PH_ERR_TLS;
    }
    if (!cfg->client_ca_file) {
        return 0;
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(cfg->client_ca_file);
    if (!names || SSL_CTX_load_verify_file(context, cfg->client_ca_file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(reason, size, "cannot use the clients' authority", cfg->client_ca_file);
    }
    SSL_CTX_set_client_CA_list(context, names); /* and owns it now */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static void set_rules(SSL_CTX *context)
{
    static const unsigned char session_context[] = "porthole";
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* one system call for all that is there */
    /* Sessions are resumed by tickets (RFC 8446 section 2.2, RFC 5077), which clients keep. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

struct ph__openssl {
    atomic_uint references;
    SSL_CTX *context;
    BIO_METHOD *method; /* OpenSSL does not count who uses it */
};

int ph__openssl_new(struct ph__openssl **ret_openssl, const struct ph_tls_config *cfg, char *reason,
                    size_t reason_size)
{
    struct ph__openssl *openssl = calloc(1, sizeof *openssl);
    if (!openssl) {
        return -ENOMEM;
    }
    atomic_init(&openssl->references, 1);
    openssl->method = new_method();
    openssl->context = SSL_CTX_new(TLS_server_method());
    int err = openssl->method && openssl->context ? 0 : -ENOMEM;
    if (err == 0) {
        set_rules(openssl->context);
        err = load(openssl->context, cfg, reason, reason_size);
    }
    ERR_clear_error();
    if (err < 0) {
        ph__openssl_unref(openssl);
        return err;
    }
    *ret_openssl = openssl;
    return 0;
}

void ph__openssl_unref(struct ph__openssl *openssl)
{
    if (openssl && atomic_fetch_sub_explicit(&openssl->references, 1, memory_order_acq_rel) == 1) {
        SSL_CTX_free(openssl->context);
        BIO_meth_free(openssl->method);
        free(openssl);
    }
}

/* ---- a connection ---- */

struct tls {
    struct ph__transport transport; /* must be first */
    struct ph__openssl *openssl;    /* a hold of it */
    SSL *ssl;
};

static SSL *ssl_of(struct ph__transport *transport)
{
    return ((struct tls *)transport)->ssl;
}

static void free_tls(struct ph__transport *transport)
{
    struct tls *tls = (struct tls *)transport;
    SSL_free(tls->ssl);
    ph__openssl_unref(tls->openssl);
    free(tls);
}

static void say_end(struct ph__transport *transport)
{
    SSL *ssl = ssl_of(transport);
    if (SSL_is_init_finished(ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(ssl);
    }
    ERR_clear_error();
}

/* What a failed call means. The queue of errors is the thread's: it has to be empty before the
 * call (SSL_get_error(3)), whatever a handler has left there, and is left empty. */
static ssize_t error_of(const SSL *ssl, int result)
{
    int system_error = errno;
    int kind = SSL_get_error(ssl, result);
    int why = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
    switch (kind) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL: /* or the end without a word before: HTTP knows by itself whether a
                             * message is complete (RFC 9112 section 9.8) */
        return system_error ? -system_error : 0;
    default:
        return why == SSL_R_HTTP_REQUEST ? -EPROTONOSUPPORT : -EPROTO;
    }
}

static ssize_t receive(struct ph__transport *transport, void *to, size_t room)
{
    SSL *ssl = ssl_of(transport);
    size_t got = 0;
    do {
        size_t more = 0;
        errno = 0;
        ERR_clear_error();
        int result = SSL_read_ex(ssl, (char *)to + got, room - got, &more);
        if (result != 1) {
            ssize_t err = error_of(ssl, result);
            if (got > 0 && err != -EAGAIN) {
                /* The end, or nonsense, right behind the bytes: few bytes mean that there is no
                 * more, so an event has to make the user ask again, and hear of it then. */
                shutdown(fd_of(SSL_get_rbio(ssl)), SHUT_RD);
            }
            return got > 0 ? (ssize_t)got : err;
        }
        got += more;
    } while (got < room && (SSL_has_pending(ssl) || !is_dry(SSL_get_rbio(ssl))));
    return (ssize_t)got;
}

/* The next bytes to send, at most a record of them; those of two parts joined in `joined`. */
static struct iovec next_record(const struct iovec *parts, unsigned part_count, size_t from,
                                char joined[RECORD_MAX])
{
    size_t first = parts[0].iov_len;
    if (from >= first) {
        size_t rest = part_count > 1 ? parts[1].iov_len - (from - first) : 0;
        return (struct iovec){part_count > 1 ? (char *)parts[1].iov_base + (from - first) : NULL,
                              rest < RECORD_MAX ? rest : RECORD_MAX};
    }
    size_t left = first - from;
    if (left >= RECORD_MAX || part_count == 1) {
        return (struct iovec){(char *)parts[0].iov_base + from,
                              left < RECORD_MAX ? left : RECORD_MAX};
    }
    size_t room = RECORD_MAX - left;
    size_t of_second = parts[1].iov_len < room ? parts[1].iov_len : room;
    memcpy(joined, (char *)parts[0].iov_base + from, left);
    memcpy(joined + left, parts[1].iov_base, of_second);
    return (struct iovec){joined, left + of_second};
}

static ssize_t send_parts(struct ph__transport *transport, const struct iovec *parts,
                          unsigned part_count)
{
    SSL *ssl = ssl_of(transport);
    char joined[RECORD_MAX];
    size_t sent = 0;
    for (;;) {
        struct iovec record = next_record(parts, part_count, sent, joined);
        if (record.iov_len == 0) {
            return (ssize_t)sent;
        }
        size_t taken = 0;
        errno = 0;
        ERR_clear_error();
        int result = SSL_write_ex(ssl, record.iov_base, record.iov_len, &taken);
        if (result != 1) {
            ssize_t err = error_of(ssl, result);
            return sent > 0 && err == -EAGAIN ? (ssize_t)sent : err == 0 ? -EPIPE : err;
        }
        sent += taken;
    }
}

static const struct ph__transport_kind tls_kind = {receive, send_parts, say_end, free_tls};

struct ph__transport *ph__openssl_wrap(struct ph__openssl *openssl, int fd)
{
    struct tls *tls = malloc(sizeof *tls);
    SSL *ssl = tls ? SSL_new(openssl->context) : NULL;
    BIO *bio = ssl ? new_socket(openssl->method, fd) : NULL;
    if (!bio) {
        SSL_free(ssl);
        free(tls);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    atomic_fetch_add_explicit(&openssl->references, 1, memory_order_relaxed);
    *tls = (struct tls){.transport = {&tls_kind}, .openssl = openssl, .ssl = ssl};
    return &tls->transport;
}

/* ---- what it can tell ---- */

/* The certificate's subject, if it fits. */
static void describe_client(const SSL *ssl, char *to, size_t size)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    BIO *bio = certificate ? BIO_new(BIO_s_mem()) : NULL;
    if (bio &&
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        char *text = NULL;
        size_t length = (size_t)BIO_get_mem_data(bio, &text);
        if (length < size) {
            memcpy(to, text, length);
            to[length] = '\0';
        }
    }
    BIO_free(bio);
    ERR_clear_error();
}

bool ph__openssl_describe(struct ph__transport *transport, struct ph_tls_info *ret_info)
{
    if (transport->kind != &tls_kind || !SSL_is_init_finished(ssl_of(transport))) {
        return false;
    }
    const SSL *ssl = ssl_of(transport);
    const char *cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
    *ret_info = (struct ph_tls_info){.version = SSL_get_version(ssl),
                                     .cipher = cipher ? cipher : "",
                                     .resumed = SSL_session_reused(ssl) == 1};
    describe_client(ssl, ret_info->client, sizeof ret_info->client);
    return true;
}
