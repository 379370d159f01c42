/* SPDX-License-Identifier: MIT
 *
 * What a watch tells of real sockets, step by step, in a network namespace of its own.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/server.h"

#include <porthole/watch.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ph_sockets *sockets;
static struct ph_doctor *doctor;
static struct ph_watch *watch;

/* What the last step told. */
enum { TOLD_MAX = 3000 };
static struct {
    enum ph_event_type type;
    char json[1000], text[300];
} told[TOLD_MAX];
static size_t told_count;

static int note(void *user, const struct ph_event *event)
{
    (void)user;
    assert_true(told_count < TOLD_MAX);
    assert_int_equal(strlen(event->json), event->json_size);
    assert_true(event->json_size < sizeof told[0].json && strlen(event->text) > 5);
    assert_int_equal(event->json[0], '{');
    assert_null(strchr(event->json, '\n'));
    told[told_count].type = event->type;
    snprintf(told[told_count].json, sizeof told[0].json, "%s", event->json);
    snprintf(told[told_count++].text, sizeof told[0].text, "%s", event->text);
    return 0;
}

static void step(void)
{
    told_count = 0;
    assert_int_equal(ph_watch_step(watch, 0, note, NULL), 0);
    assert_int_equal(told[told_count - 1].type, PH_EVENT_SUMMARY);
}

static int make_watch(void **state)
{
    (void)state;
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    assert_int_equal(ph_doctor_new(&doctor, sockets), 0);
    assert_int_equal(ph_watch_new(&watch, doctor), 0);
    step();
    return 0;
}

static int free_watch(void **state)
{
    (void)state;
    ph_watch_free(watch);
    ph_doctor_free(doctor);
    ph_sockets_free(sockets);
    return 0;
}

static size_t count_told(enum ph_event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < told_count; i++) {
        count += told[i].type == type;
    }
    return count;
}

/* The event of a type whose JSON has a text in it. */
static size_t find_told(enum ph_event_type type, const char *text)
{
    for (size_t i = 0; i < told_count; i++) {
        if (told[i].type == type && strstr(told[i].json, text)) {
            return i;
        }
    }
    fail_msg("no %s with %s", ph_event_name(type), text);
    return 0;
}

static int open_listener(uint16_t port, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void test_port_when_opened_and_closed_then_told_with_its_owner(void **state)
{
    (void)state;
    char pid[40];
    snprintf(pid, sizeof pid, "\"pid\":%d", getpid());
    step();
    assert_int_equal(told_count, 1); /* nothing but the summary */
    int listener = open_listener(8080, 5);
    step();
    assert_int_equal(count_told(PH_EVENT_PORT_OPENED), 1);
    size_t at = find_told(PH_EVENT_PORT_OPENED, "\"port\":8080");
    assert_non_null(strstr(told[at].json, "\"scope\":\"loopback\""));
    assert_non_null(strstr(told[at].json, pid));
    assert_non_null(strstr(told[at].text, "opened tcp 127.0.0.1:8080"));
    close(listener);
    step();
    at = find_told(PH_EVENT_PORT_CLOSED, "\"port\":8080");
    assert_non_null(strstr(told[at].json, pid)); /* who had it */
    assert_int_equal(count_told(PH_EVENT_PORT_CLOSED), 1);
}

static bool is_gone(void *user)
{
    const char *id = user;
    step();
    for (size_t i = 0; i < told_count; i++) {
        if (told[i].type == PH_EVENT_CONNECTION_CLOSED && strstr(told[i].json, id)) {
            return true;
        }
    }
    return false;
}

static void test_connection_when_opened_and_closed_then_told_at_both_ends(void **state)
{
    (void)state;
    int listener = open_listener(8081, 5);
    struct client client = client_open(8081);
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    client_puts(&client, "hello");
    step();
    assert_int_equal(count_told(PH_EVENT_CONNECTION_OPENED), 2);
    size_t at = find_told(PH_EVENT_CONNECTION_OPENED, "\"direction\":\"inbound\"");
    assert_non_null(strstr(told[at].json, "\"local_port\":8081"));
    assert_non_null(strstr(told[at].text, "connected 127.0.0.1:8081 from 127.0.0.1:"));
    at = find_told(PH_EVENT_CONNECTION_OPENED, "\"direction\":\"outbound\"");
    char id[60];
    assert_int_equal(sscanf(strstr(told[at].json, "\"id\":"), "\"id\":%50[^,]", id), 1);
    step();
    assert_int_equal(count_told(PH_EVENT_CONNECTION_OPENED), 0);
    char bytes[10];
    assert_int_equal(recv(accepted, bytes, sizeof bytes, 0), 5);
    client_close(&client);
    assert_int_equal(recv(accepted, bytes, sizeof bytes, 0), 0);
    close(accepted);
    close(listener);
    wait_until(is_gone, id);
    at = find_told(PH_EVENT_CONNECTION_CLOSED, id);
    /* Where the kernel tells, with what it has carried. */
    assert_true(strstr(told[at].json, "\"bytes_sent\":5") ||
                strstr(told[at].json, "\"bytes_sent\":null"));
}

static void test_connections_when_there_are_too_many_then_counted(void **state)
{
    (void)state;
    enum { PAIRS = 600 };
    static struct client clients[PAIRS];
    static int accepted[PAIRS];
    int listener = open_listener(8082, PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        clients[i] = client_open(8082);
        accepted[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted[i] >= 0);
    }
    step();
    assert_int_equal(count_told(PH_EVENT_CONNECTION_OPENED), 1000);
    size_t at = find_told(PH_EVENT_SUMMARY, "\"connections_opened\":1200");
    assert_non_null(strstr(told[at].json, "\"untold\":200"));
    assert_non_null(strstr(told[at].json, "\"established\":1200"));
    for (int i = 0; i < PAIRS; i++) {
        client_reset(&clients[i]);
        close(accepted[i]);
    }
    close(listener);
}

static void test_finding_when_it_comes_and_goes_then_told(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(6379)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    step();
    size_t at = find_told(PH_EVENT_FINDING_RAISED, "\"id\":\"exposed_service:tcp:6379\"");
    assert_non_null(strstr(told[at].json, "\"severity\":\"warning\""));
    find_told(PH_EVENT_SUMMARY, "\"warning\":1");
    step();
    assert_int_equal(count_told(PH_EVENT_FINDING_RAISED), 0);
    close(fd);
    step();
    find_told(PH_EVENT_FINDING_CLEARED, "\"id\":\"exposed_service:tcp:6379\"");
}

static int refuse(void *user, const struct ph_event *event)
{
    (void)user;
    (void)event;
    return -ECANCELED;
}

static void test_step_when_it_fails_then_said_and_the_next_goes_on(void **state)
{
    (void)state;
    assert_int_equal(ph_watch_step(watch, 0, refuse, NULL), -ECANCELED);
    bool failed = true;
    for (long n = 0; failed; n++) {
        int listener = open_listener(8083, 5);
        told_count = 0;
        fail_allocations(n, true);
        int err = ph_watch_step(watch, 0, note, NULL);
        failed = stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
        close(listener);
        step();
        assert_true(n < 2000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_watch, free_watch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_port_when_opened_and_closed_then_told_with_its_owner),
        TEST(test_connection_when_opened_and_closed_then_told_at_both_ends),
        TEST(test_connections_when_there_are_too_many_then_counted),
        TEST(test_finding_when_it_comes_and_goes_then_told),
        TEST(test_step_when_it_fails_then_said_and_the_next_goes_on),
    };
    if (!enter_namespace()) {
        print_message(
            "skipped: without a network namespace of its own it would be told what others "
            "do\n");
        return EXIT_SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
