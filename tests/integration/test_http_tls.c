/* SPDX-License-Identifier: MIT
 *
 * HTTPS: that all of HTTP works by way of it, and what goes wrong before there is any.
 */
#include "support/allocations.h"
#include "support/certificate.h"
#include "support/cmocka.h"
#include "support/paths.h"
#include "support/server.h"
#include "support/tls_client.h"

#include <porthole/files.h>
#include <porthole/tls.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

enum { FILE_SIZE = 1000000 };

static char folder[] = "/tmp/porthole-tls-XXXXXX";
static struct ph_server *server;
static uint16_t port;

static const char *path_of(const char *name)
{
    return path_in(folder, name);
}

static int reply_tls(struct ph_request *req, struct ph_response *res, void *user)
{
    struct ph_tls_info info;
    char text[500];
    (void)user;
    if (!ph_request_tls(req, &info)) {
        return ph_reply_text(res, 200, "none");
    }
    snprintf(text, sizeof text, "%s|%s|%d|%s", info.version, info.cipher, info.resumed,
             info.client);
    return ph_reply_text(res, 200, text);
}

static int reply_file(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    int fd = open(path_of("big"), O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : ph_reply_file(res, 200, "text/plain", fd, 0, FILE_SIZE);
}

static void start_with(const struct ph_config *config, const char *client_ca)
{
    char reason[PH_TLS_REASON];
    struct ph_config cfg = config ? *config : (struct ph_config){.workers = 2};
    cfg.body_max = BIG_MAX;
    const struct ph_tls_config tls = {.certificate_file = path_of("first.pem"),
                                      .key_file = path_of("first.key"),
                                      .client_ca_file = client_ca};
    server = server_new(&cfg);
    assert_int_equal(ph_server_route(server, "GET /tls", reply_tls, NULL), 0);
    assert_int_equal(ph_server_route(server, "GET /file", reply_file, NULL), 0);
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    assert_string_equal(reason, "");
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

static void end(void)
{
    gate_open();
    ph_server_free(server);
    gate_close();
    server = NULL;
}

static int start(void **state)
{
    (void)state;
    start_with(NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    end();
    return 0;
}

/* Connects with settings, which are freed. */
static bool shakes_hands(struct client *client, SSL_CTX *settings)
{
    *client = client_open(port);
    tls_begin(client, settings);
    SSL_CTX_free(settings);
    return tls_handshake(client);
}

static void assert_serves(void)
{
    struct client client = tls_open(port);
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}

/* ---- HTTP, by way of it ---- */

static void test_requests_when_on_one_connection_then_all_are_answered(void **state)
{
    (void)state;
    struct client client = tls_open(port);
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_ask(&client, HELLO);
        assert_reply_text(&reply, 200, "hello");
        reply_done(&reply);
    }
    client_puts(&client, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" HELLO); /* one is blocking */
    struct reply slow = client_reply(&client, "GET");
    struct reply last =
        client_ask(&client, "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_reply_text(&slow, 200, "slow");
    assert_reply_text(&last, 200, "hello");
    reply_done(&last);
    last = client_reply(&client, "GET");
    assert_problem(&last, 404);
    assert_int_equal(client_wait_end(&client), 0); /* said by TLS */
    reply_done(&slow);
    reply_done(&last);
    client_close(&client);
}

static void test_request_when_a_byte_a_record_then_answered(void **state)
{
    (void)state;
    struct client client = tls_open(port);
    for (const char *at = HELLO; *at; at++) {
        client_send(&client, at, 1);
    }
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}

/* Bytes, and right behind them in the same packet the end of what the client says; its socket stays
 * open. */
static void test_request_when_the_end_is_said_behind_it_then_answered_and_closed(void **state)
{
    (void)state;
    const int on = 1;
    const int off = 0;
    struct client client = tls_open(port);
    assert_int_equal(setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof off), 0);
    assert_int_equal(setsockopt(client.fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    client_puts(&client, HELLO);
    assert_int_equal(SSL_shutdown(client.transport_user), 0);
    assert_int_equal(setsockopt(client.fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off), 0);
    struct reply reply = client_reply(&client, "GET");
    assert_reply_text(&reply, 200, "hello");
    assert_int_equal(client_wait_end(&client), 0);
    reply_done(&reply);
    client_close(&client);
}

static void check_big(struct client *client, const char *kind, size_t size)
{
    char request[200];
    snprintf(request, sizeof request, "GET /big?kind=%s&size=%zu HTTP/1.1\r\nHost: a\r\n\r\n", kind,
             size);
    struct reply reply = client_ask(client, request);
    assert_int_equal(reply.status, 200);
    assert_true(reply.complete);
    assert_int_equal(reply.body_size, size);
    assert_memory_equal(reply.body, big_bytes(), size);
    reply_done(&reply);
}

static void test_bodies_when_of_any_size_and_kind_then_whole(void **state)
{
    static const char *const kinds[] = {"copy", "take", "static", "generate"};
    static const size_t sizes[] = {1, 16000, 16383, 16384, 16385, 40000, 3000000};
    (void)state;
    struct client client = tls_open(port);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            check_big(&client, kinds[k], sizes[s]);
        }
    }
    client_close(&client);
}

/* The socket is full again and again, in the middle of records. */
static void test_bodies_when_the_client_reads_slowly_then_whole(void **state)
{
    static const char *const kinds[] = {"copy", "static", "generate"};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct client client = client_open_small(port, 4096);
        SSL_CTX *settings = tls_settings();
        tls_begin(&client, settings);
        SSL_CTX_free(settings);
        assert_true(tls_handshake(&client));
        check_big(&client, kinds[k], 700001);
        client_close(&client);
    }
}

static void test_file_when_asked_for_then_it_goes_through_memory(void **state)
{
    (void)state;
    FILE *file = fopen(path_of("big"), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(big_bytes(), 1, FILE_SIZE, file), FILE_SIZE);
    assert_int_equal(fclose(file), 0);
    struct client client = tls_open(port);
    struct reply reply = client_ask(&client, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, FILE_SIZE);
    assert_memory_equal(reply.body, big_bytes(), FILE_SIZE);
    reply_done(&reply);
    client_close(&client);
}

static void test_upload_when_large_then_whole(void **state)
{
    enum { SIZE = 3000000 };
    (void)state;
    char head[200];
    struct client client = tls_open(port);
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
             SIZE);
    client_puts(&client, head);
    client_send(&client, big_bytes(), SIZE);
    struct reply reply = client_reply(&client, "POST");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, SIZE);
    assert_memory_equal(reply.body, big_bytes(), SIZE);
    reply_done(&reply);
    client_close(&client);
}

/* A body that breaks off must not look like one that is complete. */
static void test_body_when_it_fails_then_the_end_is_not_said(void **state)
{
    (void)state;
    struct client client = tls_open(port);
    client_puts(&client, "GET /big?size=5000000&fail_at=900000 HTTP/1.1\r\nHost: a\r\n\r\n");
    struct reply reply = client_reply(&client, "GET");
    assert_false(reply.complete);
    assert_int_not_equal(client.end_error, 0);
    reply_done(&reply);
    client_close(&client);
}

static void test_info_when_asked_then_what_was_agreed_on(void **state)
{
    (void)state;
    struct client client;
    SSL_CTX *settings = tls_settings();
    SSL_CTX_set_max_proto_version(settings, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(settings, "ECDHE-ECDSA-AES128-GCM-SHA256");
    assert_true(shakes_hands(&client, settings));
    struct reply reply = client_ask(&client, "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_reply_text(&reply, 200, "TLSv1.2|TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256|0|");
    reply_done(&reply);
    client_close(&client);

    client = tls_open(port);
    reply = client_ask(&client, "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(strncmp(reply.body, "TLSv1.3|TLS_", 12), 0);
    reply_done(&reply);
    client_close(&client);
}

static void test_session_when_offered_again_then_resumed(void **state)
{
    (void)state;
    struct client client = client_open(port);
    SSL_CTX *settings = tls_settings();
    SSL *ssl = tls_begin(&client, settings);
    assert_true(tls_handshake(&client));
    struct reply reply = client_ask(&client, HELLO); /* the session comes behind the handshake */
    reply_done(&reply);
    SSL_SESSION *session = SSL_get1_session(ssl);
    SSL_shutdown(ssl); /* else it does not count as good any more */
    client_close(&client);

    client = client_open(port);
    assert_int_equal(SSL_set_session(tls_begin(&client, settings), session), 1);
    assert_true(tls_handshake(&client));
    reply = client_ask(&client, "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(reply.body, "|1|"));
    reply_done(&reply);
    client_close(&client);
    SSL_SESSION_free(session);
    SSL_CTX_free(settings);
}

static void test_unix_socket_when_beside_then_without_tls(void **state)
{
    (void)state;
    char listen[300];
    snprintf(listen, sizeof listen, "unix:%s", path_of("socket"));
    start_with(&(struct ph_config){.workers = 1, .listen = listen}, NULL);
    struct client client = client_open_unix(path_of("socket"));
    struct reply reply = client_ask(&client, "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_reply_text(&reply, 200, "none");
    reply_done(&reply);
    client_close(&client);
    end();
}

/* ---- before there is any HTTP ---- */

static void test_connection_when_it_speaks_plain_http_then_told_so(void **state)
{
    (void)state;
    struct client client = client_open(port);
    struct reply reply = client_ask(&client, HELLO);
    assert_problem(&reply, 400);
    assert_non_null(strstr(reply.body, "https://"));
    assert_int_equal(client_wait_end(&client), 0);
    reply_done(&reply);
    client_close(&client);
    assert_serves();
}

static void test_connection_when_it_speaks_something_else_then_closed(void **state)
{
    static const char *const others[] = {"\x16\x03\x01\xff\xff nonsense", "SSH-2.0-client\r\n",
                                         "\x80\x2e\x01\x03\x01"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct client client = client_open(port);
        client_puts(&client, others[i]);
        client_half_close(&client);
        client_skip_to_end(&client);
        client_close(&client);
    }
    assert_serves();
}

static void test_handshake_when_the_peer_breaks_off_anywhere_then_others_are_served(void **state)
{
    (void)state;
    char hello[2000];
    SSL_CTX *settings = tls_settings();
    SSL *ssl = SSL_new(settings);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int size = BIO_read(SSL_get_wbio(ssl), hello, sizeof hello);
    assert_true(size > 100);
    for (int cut = 1; cut < size; cut += 13) {
        struct client client = client_open(port);
        client_send(&client, hello, (size_t)cut);
        cut % 2 ? client_reset(&client) : client_close(&client);
    }
    SSL_free(ssl);
    SSL_CTX_free(settings);
    assert_serves();
    wait_connections(server, "", 0);
}

static void test_handshake_when_it_does_not_come_in_time_then_closed(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .head_ms = 200}, NULL);
    struct client silent = client_open(port);
    struct client begun = client_open(port);
    client_send(&begun, "\x16\x03\x01\x02", 4);
    struct client idle = tls_open(port); /* without a request */
    client_skip_to_end(&silent);
    client_skip_to_end(&begun);
    assert_int_equal(client_wait_end(&idle), 0);
    client_close(&silent);
    client_close(&begun);
    client_close(&idle);
    end();
}

/* What TLS says for itself is no beginning of a request. */
static void test_connection_when_only_tls_speaks_then_it_stays_idle(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .head_ms = 200}, NULL);
    struct client client = tls_open(port);
    struct reply reply = client_ask(&client, HELLO);
    reply_done(&reply);
    assert_int_equal(SSL_key_update(client.transport_user, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_true(tls_handshake(&client));
    assert_true(client_hears_nothing(&client, 500)); /* longer than a head may take */
    wait_connections(server, "idle", 1);
    reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
    end();
}

/* Nor does it put off the end of an idle connection. */
static void test_connection_when_only_tls_goes_on_speaking_then_closed_in_time(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .idle_ms = 300}, NULL);
    struct client client = tls_open(port);
    struct reply reply = client_ask(&client, HELLO);
    reply_done(&reply);
    unsigned rounds = 0;
    while (rounds < 100 && SSL_key_update(client.transport_user, SSL_KEY_UPDATE_NOT_REQUESTED) &&
           tls_handshake(&client) && client_hears_nothing(&client, 50)) {
        rounds++;
    }
    assert_true(rounds < 100); /* 5 seconds */
    client_close(&client);
    end();
}

static int leave_error(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    ERR_raise(ERR_LIB_USER, 1);
    return ph_reply_text(res, 200, "left");
}

/* A handler that uses OpenSSL, and does not take its errors away. */
static void test_error_when_a_handler_leaves_one_then_nobody_elses(void **state)
{
    (void)state;
    char reason[PH_TLS_REASON];
    const struct ph_tls_config tls = {path_of("first.pem"), path_of("first.key"), NULL};
    server = server_new(&(struct ph_config){.workers = 1});
    assert_int_equal(ph_server_route(server, "GET /leave", leave_error, NULL), 0);
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    struct client client = tls_open(port);
    struct client other = tls_open(port);
    client_puts(&client, "GET /big?size=8000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_connections(server, "writing", 1); /* until it is read, no more of it can be sent */
    struct reply reply = client_ask(&other, "GET /leave HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_reply_text(&reply, 200, "left");
    reply_done(&reply);
    reply = client_reply(&client, "GET");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 8000000);
    reply_done(&reply);
    client_close(&client);
    client_close(&other);
    end();
}

static void test_handshake_when_old_or_not_for_http_then_refused(void **state)
{
    (void)state;
    struct client client;
    SSL_CTX *settings = tls_settings();
    SSL_CTX_set_security_level(settings, 0);
    SSL_CTX_set_min_proto_version(settings, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(settings, TLS1_1_VERSION);
    assert_false(shakes_hands(&client, settings));
    client_close(&client);

    settings = tls_settings();
    SSL_CTX_set_alpn_protos(settings, (const unsigned char *)"\x02h2", 3);
    assert_false(shakes_hands(&client, settings));
    client_close(&client);

    settings = tls_settings();
    SSL_CTX_set_alpn_protos(settings, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_true(shakes_hands(&client, settings));
    const unsigned char *chosen;
    unsigned size;
    SSL_get0_alpn_selected(client.transport_user, &chosen, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    client_close(&client);
    assert_serves();
}

static void test_connection_when_there_are_too_many_then_closed_without_a_word(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 1, .connections_max = 1}, NULL);
    struct client first = tls_open(port);
    struct client second = client_open(port);
    assert_int_equal(client_skip_to_end(&second), 0);
    struct reply reply = client_ask(&first, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&second);
    client_close(&first);
    end();
}

/* ---- clients with certificates ---- */

static SSL_CTX *settings_with(const char *certificate, const char *key)
{
    SSL_CTX *settings = tls_settings();
    assert_int_equal(SSL_CTX_use_certificate_file(settings, path_of(certificate), SSL_FILETYPE_PEM),
                     1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(settings, path_of(key), SSL_FILETYPE_PEM), 1);
    return settings;
}

/* In TLS 1.3 the client is done before the server has looked at its certificate. */
static bool is_let_in(SSL_CTX *settings, char *name, size_t size)
{
    struct client client;
    bool in = shakes_hands(&client, settings);
    if (in) {
        client_puts(&client, "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n");
        in = client_receive(&client, CLIENT_WAIT_MS);
    }
    if (in) {
        struct reply reply = client_reply(&client, "GET");
        snprintf(name, size, "%s", strrchr(reply.body, '|') + 1);
        reply_done(&reply);
    }
    client_close(&client);
    return in;
}

static void test_client_when_certificates_are_asked_for_then_only_those_come_in(void **state)
{
    (void)state;
    char name[100] = "";
    start_with(NULL, path_of("authority.pem"));
    assert_true(is_let_in(settings_with("gateway.pem", "gateway.key"), name, sizeof name));
    assert_string_equal(name, "CN=gateway");
    assert_false(is_let_in(tls_settings(), name, sizeof name));
    assert_false(is_let_in(settings_with("second.pem", "second.key"), name, sizeof name));
    assert_true(is_let_in(settings_with("gateway.pem", "gateway.key"), name, sizeof name));
    end();
}

/* ---- no memory ---- */

/* OpenSSL's own, so that they fail with those of the program. */
static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(memory, size);
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

static void test_server_when_out_of_memory_then_an_error_and_nothing_lost(void **state)
{
    (void)state;
    char reason[PH_TLS_REASON];
    const struct ph_tls_config tls = {path_of("first.pem"), path_of("first.key"),
                                      path_of("authority.pem")};
    server = server_new(NULL);
    bool failed = true;
    for (long i = 0; failed; i += i < 20 ? 1 : 37) {
        fail_allocations(i, true);
        int err = ph_server_tls(server, &tls, reason, sizeof reason);
        failed = stop_failing();
        assert_true(err == 0 || err == -ENOMEM || err == PH_ERR_TLS);
    }
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    ph_server_free(server);
}

static void test_connection_when_out_of_memory_then_others_are_served(void **state)
{
    (void)state;
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    start_with(&(struct ph_config){.workers = 1}, NULL);
    spare_this_thread(true);
    assert_serves();
    bool failed = true;
    for (long i = 0; failed; i += i < 20 ? 1 : 17) {
        struct client client = client_open(port);
        SSL_CTX *settings = tls_settings();
        tls_begin(&client, settings);
        SSL_CTX_free(settings);
        fail_allocations(i, true);
        if (tls_handshake(&client)) {
            client_send_until_refused(&client, request, sizeof request - 1);
            client_skip_to_end(&client);
        }
        client_close(&client);
        wait_connections(server, "", 0);
        failed = stop_failing();
    }
    assert_serves();
    spare_this_thread(false);
    end();
}

static int make_certificates(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    certificate_make(folder, "first", NULL);
    certificate_make(folder, "second", NULL);
    certificate_make(folder, "authority", NULL);
    certificate_make(folder, "gateway", "authority");
    return 0;
}

static int remove_certificates(void **state)
{
    static const char *const names[] = {"first.pem",   "first.key",     "second.pem",
                                        "second.key",  "authority.pem", "authority.key",
                                        "gateway.pem", "gateway.key",   "big"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(path_of(names[i]));
    }
    return rmdir(folder);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_requests_when_on_one_connection_then_all_are_answered),
        SERVED(test_request_when_a_byte_a_record_then_answered),
        SERVED(test_request_when_the_end_is_said_behind_it_then_answered_and_closed),
        SERVED(test_bodies_when_of_any_size_and_kind_then_whole),
        SERVED(test_bodies_when_the_client_reads_slowly_then_whole),
        SERVED(test_file_when_asked_for_then_it_goes_through_memory),
        SERVED(test_upload_when_large_then_whole),
        SERVED(test_body_when_it_fails_then_the_end_is_not_said),
        SERVED(test_info_when_asked_then_what_was_agreed_on),
        SERVED(test_session_when_offered_again_then_resumed),
        cmocka_unit_test(test_unix_socket_when_beside_then_without_tls),
        SERVED(test_connection_when_it_speaks_plain_http_then_told_so),
        SERVED(test_connection_when_it_speaks_something_else_then_closed),
        SERVED(test_handshake_when_the_peer_breaks_off_anywhere_then_others_are_served),
        cmocka_unit_test(test_handshake_when_it_does_not_come_in_time_then_closed),
        cmocka_unit_test(test_connection_when_only_tls_speaks_then_it_stays_idle),
        cmocka_unit_test(test_connection_when_only_tls_goes_on_speaking_then_closed_in_time),
        cmocka_unit_test(test_error_when_a_handler_leaves_one_then_nobody_elses),
        SERVED(test_handshake_when_old_or_not_for_http_then_refused),
        cmocka_unit_test(test_connection_when_there_are_too_many_then_closed_without_a_word),
        cmocka_unit_test(test_client_when_certificates_are_asked_for_then_only_those_come_in),
        cmocka_unit_test(test_server_when_out_of_memory_then_an_error_and_nothing_lost),
        cmocka_unit_test(test_connection_when_out_of_memory_then_others_are_served),
    };
    if (CRYPTO_set_mem_functions(allocate, reallocate, give_back) != 1) {
        fputs("OpenSSL has allocated before\n", stderr);
        return 1;
    }
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
