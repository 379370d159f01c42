/* SPDX-License-Identifier: MIT
 *
 * ss as a witness, in a network namespace that holds only the sockets of this test. Left out, and
 * counted as skipped, where either is missing.
 */
#include "support.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 200, LINE_MAX_HERE = 200, CONNECTIONS = 20 };

/* Lines in order, to be compared as a set. */
struct lines {
    char text[LINES_MAX][LINE_MAX_HERE];
    size_t count;
};

static bool has_ss(void)
{
    return system("ss -V >/dev/null 2>&1") == 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct lines *lines)
{
    qsort(lines->text, lines->count, sizeof lines->text[0], compare_lines);
}

/* "tcp LISTEN 1 9 127.0.0.1:80 0.0.0.0:*", single blanks, from ss. */
static void read_ss(struct lines *lines)
{
    char line[1024];
    FILE *output = popen("ss -tuanH 2>/dev/null", "r");
    assert_non_null(output);
    memset(lines, 0, sizeof *lines);
    while (fgets(line, sizeof line, output)) {
        char words[6][64];
        assert_int_equal(sscanf(line, "%63s %63s %63s %63s %63s %63s", words[0], words[1], words[2],
                                words[3], words[4], words[5]),
                         6);
        assert_true(lines->count < LINES_MAX);
        snprintf(lines->text[lines->count++], LINE_MAX_HERE, "%.20s %.20s %.20s %.20s %.50s %.50s",
                 words[0], words[1], words[2], words[3], words[4], words[5]);
    }
    assert_int_equal(pclose(output), 0);
    sort(lines);
}

static const char *name_in_ss(enum ph_state state)
{
    switch (state) {
    case PH_STATE_LISTEN:
        return "LISTEN";
    case PH_STATE_ESTABLISHED:
    case PH_STATE_CONNECTED:
        return "ESTAB";
    case PH_STATE_TIME_WAIT:
        return "TIME-WAIT";
    case PH_STATE_FIN_WAIT2:
        return "FIN-WAIT-2";
    case PH_STATE_CLOSE_WAIT:
        return "CLOSE-WAIT";
    default:
        return "UNCONN";
    }
}

static void format_end(const struct ph_socket *row, bool remote, char text[64])
{
    char address[PH_ADDRESS_TEXT];
    bool ipv6 = row->family == PH_FAMILY_IPV6;
    if (remote && !row->has_remote) {
        snprintf(text, 64, "%s:*", ipv6 ? "[::]" : "0.0.0.0");
        return;
    }
    if (remote) {
        ph_socket_remote_address(row, address, sizeof address);
    } else {
        ph_socket_local_address(row, address, sizeof address);
    }
    snprintf(text, 64, ipv6 ? "[%s]:%u" : "%s:%u", address,
             (unsigned)(remote ? row->remote_port : row->local_port));
}

static void read_snapshot(struct lines *lines)
{
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    memset(lines, 0, sizeof *lines);
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        char local[64];
        char remote[64];
        if (row->protocol > PH_PROTOCOL_UDP || row->state == PH_STATE_CLOSED) {
            continue; /* ss shows no sockets that are only bound */
        }
        format_end(row, false, local);
        format_end(row, true, remote);
        bool listens = row->state == PH_STATE_LISTEN;
        assert_true(lines->count < LINES_MAX);
        snprintf(lines->text[lines->count++], LINE_MAX_HERE, "%s %s %lld %lld %s %s",
                 ph_protocol_name(row->protocol), name_in_ss(row->state),
                 (long long)(listens ? row->accept_queue : row->receive_queue_bytes),
                 (long long)(listens ? row->backlog : row->send_queue_bytes), local, remote);
    }
    ph_snapshot_unref(snapshot);
    sort(lines);
}

static void open_sockets(void)
{
    union any_address address;
    socklen_t size;
    for (int i = 0; i < 2; i++) {
        int listener = open_listener(i ? AF_INET6 : AF_INET, 50, &address, &size);
        for (int k = 0; k < CONNECTIONS; k++) {
            int client = open_connected(&address, size);
            if (k % 3 == 0) {
                continue; /* waits to be accepted */
            }
            int server = accept(listener, NULL, NULL);
            assert_true(server >= 0);
            if (k % 3 == 1) {
                assert_int_equal(write(client, "waiting", 7), 7);
            }
        }
        int datagrams = open_bound(i ? AF_INET6 : AF_INET, SOCK_DGRAM, &address, &size);
        int sender = socket(i ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_true(datagrams >= 0);
        assert_int_equal(connect(sender, &address.plain, size), 0);
    }
    int closing = open_listener(AF_INET, 5, &address, &size);
    int first = open_connected(&address, size);
    int second = accept(closing, NULL, NULL);
    close(first);
    await_readable(second);
    close(second);
}

static void test_snapshot_shows_what_ss_shows(void **state)
{
    (void)state;
    if (!has_ss() || !enter_namespace()) {
        skip_because("ss is missing, or namespaces are not allowed");
    }
    open_sockets();
    static struct lines ours;
    static struct lines theirs;
    /* Both look a moment apart, and the kernel may still be finishing a handshake. */
    for (int attempt = 0; attempt < 50; attempt++) {
        read_ss(&theirs);
        read_snapshot(&ours);
        if (ours.count == theirs.count && memcmp(ours.text, theirs.text, sizeof ours.text) == 0) {
            break;
        }
    }
    assert_int_equal(ours.count, theirs.count);
    for (size_t i = 0; i < ours.count; i++) {
        assert_string_equal(ours.text[i], theirs.text[i]);
    }
    assert_true(ours.count > 2 * CONNECTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_shows_what_ss_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
