/* SPDX-License-Identifier: MIT
 *
 * WebSocket by way of TLS, whose records know nothing of frames; and in the loop of a program
 * without threads.
 */
#include "support/certificate.h"
#include "support/cmocka.h"
#include "support/group.h"
#include "support/server.h"
#include "support/tls_client.h"
#include "support/websocket_client.h"
#include "support/websocket_server.h"

#include <porthole/tls.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/porthole-websocket-XXXXXX";
static uint16_t port;

static const char *path_of(const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void start_with(const struct ph_config *cfg)
{
    char reason[PH_TLS_REASON];
    const struct ph_tls_config tls = {.certificate_file = path_of("one.pem"),
                                      .key_file = path_of("one.key")};
    server = server_new(cfg);
    add_websockets(server);
    assert_int_equal(ph_server_tls(server, &tls, reason, sizeof reason), 0);
    assert_int_equal(ph_server_start(server), 0);
    port = ph_server_port(server);
}

static int start(void **state)
{
    (void)state;
    start_with(&(struct ph_config){.workers = 2});
    return 0;
}

static int stop(void **state)
{
    int err = stop_server(state);
    forget_sockets();
    return err;
}

static struct client open_secure(const char *path)
{
    struct client client = tls_open(port);
    ws_upgrade(&client, path, "");
    return client;
}

static void test_messages_when_of_any_size_then_echoed(void **state)
{
    static const size_t sizes[] = {0, 125, 126, 16383, 16384, 16385, 65536, 1500000};
    (void)state;
    struct client client = open_secure("/ws");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ws_send(&client, WS_FIN | WS_BINARY, big_bytes(), sizes[i]);
        ws_expect(&client, WS_FIN | WS_BINARY, big_bytes(), sizes[i]);
    }
    ws_send_close(&client, 1000, "");
    ws_expect_close(&client, 1000, "");
    assert_int_equal(client_wait_end(&client), 0); /* said by TLS */
    client_close(&client);
    assert_int_equal(wait_closed().code, 1000);
}

/* Both directions are full at times, each in the middle of a record. */
static void test_messages_when_the_client_reads_slowly_then_whole(void **state)
{
    (void)state;
    struct client client = client_open_small(port, 4096);
    SSL_CTX *settings = tls_settings();
    tls_begin(&client, settings);
    SSL_CTX_free(settings);
    assert_true(tls_handshake(&client));
    ws_upgrade(&client, "/ws", "");
    ws_say_all_then_listen(&client, big_bytes(), 20, 150000);
    client_close(&client);
}

static void test_send_when_from_another_thread_then_arrives(void **state)
{
    (void)state;
    struct client client = open_secure("/ws");
    struct ph_websocket *socket = last_socket();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ph_websocket_send_text(socket, "pushed"), 0);
        ws_expect_text(&client, "pushed");
    }
    assert_int_equal(ph_websocket_close(socket, 4001, "enough"), 0);
    ws_expect_close(&client, 4001, "enough");
    ph_websocket_free(socket);
    client_close(&client);
}

static void test_peer_when_it_is_silent_then_asked_and_cut(void **state)
{
    (void)state;
    struct client client = open_secure("/quick");
    ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
    ws_send(&client, WS_FIN | WS_PONG, NULL, 0);
    ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
    assert_int_not_equal(client_wait_end(&client), 0);
    assert_int_equal(wait_closed().code, 1006);
    client_close(&client);
}

static void test_frames_when_malformed_then_the_code_arrives(void **state)
{
    (void)state;
    struct client client = open_secure("/ws");
    client_send(&client,
                "\x81\x01"
                "a",
                3);
    ws_expect_close(&client, 1002, "");
    assert_int_equal(client_wait_end(&client), 0);
    client_close(&client);
    assert_int_equal(wait_closed().code, 1002);
}

/* The program's own loop. */
static void *serve(void *user)
{
    while (ph_server_poll(user, -1) > 0) {
    }
    return NULL;
}

static void test_server_when_without_threads_then_the_same(void **state)
{
    pthread_t loop;
    (void)state;
    start_with(&(struct ph_config){.workers = PH_NO_THREADS});
    assert_int_equal(pthread_create(&loop, NULL, serve, server), 0);
    struct client client = open_secure("/quick");
    ws_puts(&client, "twice here");
    ws_expect_text(&client, "here");
    ws_expect_text(&client, "here");
    ws_expect(&client, WS_FIN | WS_PING, NULL, 0);
    ph_server_request_stop(server);
    ws_expect_close(&client, 1001, "");
    ws_send_close(&client, 1001, "");
    assert_int_equal(client_wait_end(&client), 0);
    assert_int_equal(pthread_join(loop, NULL), 0);
    client_close(&client);
    (void)stop(state);
}

static int make_certificate(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    certificate_make(folder, "one", NULL);
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    unlink(path_of("one.pem"));
    unlink(path_of("one.key"));
    return rmdir(folder);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_messages_when_of_any_size_then_echoed),
        SERVED(test_messages_when_the_client_reads_slowly_then_whole),
        SERVED(test_send_when_from_another_thread_then_arrives),
        SERVED(test_peer_when_it_is_silent_then_asked_and_cut),
        SERVED(test_frames_when_malformed_then_the_code_arrives),
        cmocka_unit_test(test_server_when_without_threads_then_the_same),
    };
    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
