/* SPDX-License-Identifier: MIT
 *
 * HTTPS: the files of certificate and key, and reading them again while it serves.
 */
#include "support/certificate.h"
#include "support/cmocka.h"
#include "support/paths.h"
#include "support/server.h"
#include "support/tls_client.h"

#include <porthole/tls.h>

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

static char folder[] = "/tmp/porthole-files-XXXXXX";
static struct ph_server *server;
static uint16_t port;

static const char *path_of(const char *name)
{
    return path_in(folder, name);
}

static void end(void)
{
    gate_open();
    ph_server_free(server);
    gate_close();
    server = NULL;
}

static void assert_serves(void)
{
    struct client client = tls_open(port);
    struct reply reply = client_ask(&client, HELLO);
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);
    client_close(&client);
}

static void assert_refused(const char *certificate, const char *key_file, const char *client_ca,
                           const char *why)
{
    char reason[PH_TLS_REASON];
    const struct ph_tls_config tls = {certificate, key_file, client_ca};
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), PH_ERR_TLS);
    if (!strstr(reason, why)) {
        fail_msg("expected \"%s\" in \"%s\"", why, reason);
    }
}

/* Of another kind than that of the certificates. */
static void write_rsa_key(const char *name)
{
    EVP_PKEY *pair = EVP_RSA_gen(2048);
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(pair);
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(pair);
}

static void test_files_when_they_will_not_do_then_the_reason_names_them(void **state)
{
    (void)state;
    char reason[PH_TLS_REASON];
    const char *certificate = path_of("first.pem");
    const char *key_file = path_of("first.key");
    write_text(path_of("empty"), "");
    const struct ph_tls_config tls = {certificate, key_file, NULL};
    server = server_new(NULL);
    assert_refused("/no/such", key_file, NULL,
                   "cannot use the certificate /no/such: No such file or directory");
    assert_refused(path_of("empty"), key_file, NULL, "/empty: no start line");
    assert_refused(certificate, path_of("empty"), NULL, "cannot use the key");
    assert_refused(certificate, path_of("second.key"), NULL, "second.key: key values mismatch");
    write_rsa_key("rsa.key");
    assert_refused(certificate, path_of("rsa.key"), NULL,
                   "rsa.key: it does not belong to the certificate ");
    assert_refused(certificate, key_file, "/no/such", "cannot use the clients' authority /no/such");
    assert_int_equal(ph_server_tls(server, &(struct ph_tls_config){.key_file = "k"}, reason, 10),
                     -EINVAL);
    assert_int_equal(ph_server_tls_reload(server, reason, sizeof reason), -EINVAL);
    /* None of these has made it speak TLS. */
    assert_int_equal(ph_server_start(server), 0);
    assert_served(ph_server_port(server));
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), PH_ERR_STARTED);
    ph_server_free(server);
}

static void assert_certificate(struct client *client, const char *name)
{
    char found[100];
    X509 *certificate = SSL_get0_peer_certificate(client->transport_user);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, found,
                                          sizeof found) > 0);
    assert_string_equal(found, name);
}

static void copy_pair(const char *from)
{
    char command[600];
    snprintf(command, sizeof command, "cp %s/%s.pem %s/current.pem && cp %s/%s.key %s/current.key",
             folder, from, folder, folder, from, folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): names of our own */
}

static void test_reload_when_renewed_then_new_connections_get_the_new_one(void **state)
{
    (void)state;
    char reason[PH_TLS_REASON];
    copy_pair("first");
    server = server_new(&(struct ph_config){.workers = 2});
    const struct ph_tls_config tls = {path_of("current.pem"), path_of("current.key"), NULL};
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    struct client before = tls_open(port);
    assert_certificate(&before, "first");

    copy_pair("second");
    assert_int_equal(ph_server_tls_reload(server, reason, sizeof reason), 0);
    struct client after = tls_open(port);
    assert_certificate(&after, "second");
    struct reply reply = client_ask(&before, HELLO); /* goes on */
    assert_reply_text(&reply, 200, "hello");
    reply_done(&reply);

    write_text(path_of("current.pem"), "this is no certificate\n");
    assert_int_equal(ph_server_tls_reload(server, reason, sizeof reason), PH_ERR_TLS);
    assert_non_null(strstr(reason, "current.pem"));
    client_close(&after);
    after = tls_open(port);
    assert_certificate(&after, "second");
    client_close(&before);
    client_close(&after);
    end();
}

/* ---- many at once ---- */

static void *connect_often(void *user)
{
    unsigned *served = user;
    for (int i = 0; i < 20; i++) {
        assert_serves();
        ++*served;
    }
    return NULL;
}

static void *reload_often(void *user)
{
    char reason[PH_TLS_REASON];
    int *result = user;
    for (int i = 0; i < 30 && *result == 0; i++) {
        *result = ph_server_tls_reload(server, reason, sizeof reason);
    }
    return NULL;
}

static void test_reload_when_many_connect_then_all_are_served(void **state)
{
    enum { THREADS = 4 };
    (void)state;
    const struct ph_tls_config tls = {path_of("first.pem"), path_of("first.key"), NULL};
    char reason[PH_TLS_REASON];
    server = server_new(&(struct ph_config){.workers = 2});
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
    pthread_t threads[THREADS];
    unsigned served[THREADS] = {0};
    pthread_t reloading[2];
    int results[2] = {0};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &served[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&reloading[i], NULL, reload_often, &results[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(reloading[i], NULL), 0);
        assert_int_equal(results[i], 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(served[i], 20);
    }
    end();
}

static int make_certificates(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    certificate_make(folder, "first", NULL);
    certificate_make(folder, "second", NULL);
    return 0;
}

static int remove_certificates(void **state)
{
    static const char *const names[] = {"first.pem",   "first.key",   "second.pem", "second.key",
                                        "current.pem", "current.key", "empty",      "rsa.key"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(path_of(names[i]));
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_when_they_will_not_do_then_the_reason_names_them),
        cmocka_unit_test(test_reload_when_renewed_then_new_connections_get_the_new_one),
        cmocka_unit_test(test_reload_when_many_connect_then_all_are_served),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
