/* SPDX-License-Identifier: MIT
 *
 * What the status API says over HTTP, against sockets that the test makes.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "support/status_server.h"

#include <porthole/sockets.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A listener with one connection that is not accepted. */
struct waiting {
    int listener;
    struct client client;
    uint16_t port;
};

static void open_waiting(struct waiting *waiting)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    waiting->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(waiting->listener >= 0);
    assert_int_equal(bind(waiting->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(waiting->listener, 7), 0);
    assert_int_equal(getsockname(waiting->listener, (struct sockaddr *)&address, &size), 0);
    waiting->port = ntohs(address.sin_port);
    waiting->client = client_open(waiting->port);
}

static void close_waiting(struct waiting *waiting)
{
    client_close(&waiting->client);
    close(waiting->listener);
}

static ino_t inode_of(int fd)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    return info.st_ino;
}

static const cJSON *find_number(const cJSON *rows, const char *name, double wanted)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
        if (cJSON_IsNumber(item) && item->valuedouble == wanted) {
            return row;
        }
    }
    return NULL;
}

static void check_socket_row(const cJSON *row, const struct waiting *waiting)
{
    assert_string_equal(text(row, "protocol"), "tcp");
    assert_string_equal(text(row, "family"), "ipv4");
    assert_string_equal(text(row, "state"), "listen");
    assert_string_equal(text(row, "local_address"), "127.0.0.1");
    assert_int_equal(number(row, "local_port"), waiting->port);
    assert_null_field(row, "remote_address");
    assert_null_field(row, "remote_port");
    assert_null_field(row, "path");
    assert_null_field(row, "abstract");
    assert_null_field(row, "timer");
    assert_null_field(row, "owner_unknown");
    assert_null_field(row, "receive_queue_bytes");
    assert_string_equal(text(row, "direction"), "listen");
    assert_string_equal(text(row, "scope"), "loopback");
    assert_int_equal(number(row, "uid"), getuid());
    assert_int_equal(number(row, "accept_queue"), 1);
    assert_int_equal(number(row, "backlog"), 7);
    const cJSON *owner = cJSON_GetArrayItem(field(row, "owners"), 0);
    assert_int_equal(number(owner, "pid"), getpid());
    assert_int_equal(number(owner, "fd"), waiting->listener);
    assert_true(strlen(text(owner, "command")) > 0);
}

static void test_sockets_shows_a_listener_and_its_unaccepted_connection(void **state)
{
    (void)state;
    struct waiting waiting;
    open_waiting(&waiting);
    char target[200];
    snprintf(target, sizeof target, "/api/v1/sockets?max_age_ms=0&port=%u", waiting.port);
    cJSON *list = get_json(target, 200);
    const cJSON *rows = field(list, "sockets");
    assert_int_equal(number(list, "matched"), 3);
    assert_int_equal(number(list, "returned"), 3);
    assert_int_equal(cJSON_GetArraySize(rows), 3);
    assert_true(number(list, "age_ms") < 60000);
    assert_int_equal(strlen(text(list, "taken_at")), 24);
    assert_true(cJSON_IsObject(field(field(list, "sources"), "tcp")));
    check_socket_row(find_number(rows, "inode", (double)inode_of(waiting.listener)), &waiting);

    const cJSON *client = find_number(rows, "inode", (double)inode_of(waiting.client.fd));
    const cJSON *unaccepted = NULL;
    cJSON_ArrayForEach(unaccepted, rows)
    {
        if (strcmp(text(unaccepted, "state"), "established") == 0 && unaccepted != client) {
            break;
        }
    }
    assert_non_null(unaccepted);
    assert_null_field(unaccepted, "inode");
    assert_string_equal(text(unaccepted, "owner_unknown"), "not_accepted");
    assert_string_equal(text(unaccepted, "direction"), "inbound");
    assert_string_equal(text(client, "direction"), "outbound");
    assert_string_equal(text(client, "peer_id"), text(unaccepted, "id"));
    assert_string_equal(text(unaccepted, "peer_id"), text(client, "id"));

    snprintf(target, sizeof target, "/api/v1/sockets/%s", text(client, "id"));
    cJSON *one = get_json(target, 200);
    assert_string_equal(text(field(one, "socket"), "id"), text(client, "id"));
    assert_string_equal(text(field(one, "peer"), "id"), text(unaccepted, "id"));
    cJSON_Delete(one);
    cJSON_Delete(list);
    close_waiting(&waiting);
    /* The server's copy is still young enough, so ask for a new one. */
    strncat(target, "?max_age_ms=0", sizeof target - strlen(target) - 1);
    assert_problem_at(target, 404, "no socket");
}

static void test_sockets_when_a_unix_name_is_hostile_then_escaped(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const char name[] = "\0=\x1b[31m\"<b>\",\n\xFF";
    memcpy(address.sun_path, name, sizeof name - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof name - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    cJSON *list = get_json("/api/v1/sockets?max_age_ms=0&protocol=unix&state=listen", 200);
    const cJSON *row = find_number(field(list, "sockets"), "inode", (double)inode_of(fd));
    assert_non_null(row);
    assert_string_equal(text(row, "path"), "@=\\x1B[31m\"<b>\",\\x0A\\xFF");
    assert_true(cJSON_IsTrue(field(row, "abstract")));
    assert_null_field(row, "local_address");
    cJSON_Delete(list);
    struct reply reply = client_get(port, "/api/v1/sockets?protocol=unix&format=text", "");
    assert_null(strchr(reply.body, '\x1b'));
    reply_done(&reply);
    reply = client_get(port, "/api/v1/sockets?protocol=unix&format=csv&fields=path", "");
    assert_null(strchr(reply.body, '\x1b'));
    assert_non_null(strstr(reply.body, "\"'@=\\x1B[31m\"\"<b>\"\",\\x0A\\xFF\"\r\n"));
    reply_done(&reply);
    close(fd);
}

static void test_sockets_when_many_then_all_arrive(void **state)
{
    (void)state;
    enum { PAIRS = 400 };
    static int fds[PAIRS][2];
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[i]), 0);
    }
    char target[200];
    snprintf(target, sizeof target, "/api/v1/sockets?max_age_ms=0&pid=%d&protocol=unix", getpid());
    cJSON *list = get_json(target, 200);
    assert_int_equal(number(list, "matched"), cJSON_GetArraySize(field(list, "sockets")));
    assert_true(number(list, "matched") >= 2 * PAIRS);
    cJSON_Delete(list);
    for (int i = 0; i < PAIRS; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

enum { ASKERS = 6 };

static void test_sockets_when_many_ask_at_once_then_each_gets_all(void **state)
{
    (void)state;
    struct client clients[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        clients[i] = client_open(port);
        client_puts(&clients[i], "GET /api/v1/sockets?max_age_ms=0 HTTP/1.1\r\n"
                                 "Host: localhost\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < ASKERS; i++) {
        struct reply reply = client_reply(&clients[i], "GET");
        assert_int_equal(reply.status, 200);
        assert_reply_field(&reply, "Transfer-Encoding", "chunked");
        assert_true(reply.complete);
        assert_int_equal(client_wait_end(&clients[i]), 0);
        reply_done(&reply);
        client_close(&clients[i]);
    }
}

/* The kernel takes some megabytes of replies off the server's hands, however little the client
 * has room for. So each client asks many times over, and reads nothing. */
static void test_sockets_when_some_never_read_then_others_are_served(void **state)
{
    (void)state;
    enum { PAIRS = 400, TIMES = 16, RECEIVE_BUFFER = 4096 };
    static int pairs[PAIRS][2];
    static const char request[] =
        "GET /api/v1/sockets?max_age_ms=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct client clients[ASKERS];
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        clients[i] = client_open_small(port, RECEIVE_BUFFER);
        for (int k = 0; k < TIMES; k++) {
            client_puts(&clients[i], request);
        }
    }
    double stuck = 0;
    while (stuck < ASKERS) { /* until all of them are in the middle of a reply that nobody reads */
        cJSON *list = get_json("/api/v1/connections?state=writing&limit=0", 200);
        stuck = number(list, "matched");
        cJSON_Delete(list);
    }
    cJSON *list = get_json("/api/v1/sockets?max_age_ms=0&protocol=unix&limit=1", 200);
    assert_true(number(list, "matched") >= 2 * PAIRS);
    cJSON_Delete(list);
    for (int i = 0; i < ASKERS; i++) {
        client_close(&clients[i]);
    }
    for (int i = 0; i < PAIRS; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

static void test_sockets_parameters_shape_the_rows(void **state)
{
    (void)state;
    cJSON *list = get_json("/api/v1/sockets?max_age_ms=0&owners=false&limit=2", 200);
    const cJSON *row = cJSON_GetArrayItem(field(list, "sockets"), 0);
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "owners"));
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "owner_unknown"));
    assert_int_equal(number(list, "returned"), 2);
    assert_true(number(list, "matched") > 2);
    cJSON_Delete(list);
    list = get_json("/api/v1/sockets?protocol=tcp&sort=-local_port&fields=local_port,id", 200);
    double last = 65536;
    cJSON_ArrayForEach(row, field(list, "sockets"))
    {
        assert_int_equal(cJSON_GetArraySize(row), 2);
        assert_string_equal(row->child->string, "local_port");
        assert_true(number(row, "local_port") <= last);
        last = number(row, "local_port");
    }
    cJSON_Delete(list);
}

static void test_ports_merges_the_sockets_of_a_port(void **state)
{
    (void)state;
    struct waiting waiting;
    open_waiting(&waiting);
    char target[200];
    snprintf(target, sizeof target, "/api/v1/ports?max_age_ms=0&local_port=%u", waiting.port);
    cJSON *list = get_json(target, 200);
    assert_int_equal(number(list, "matched"), 1);
    const cJSON *row = cJSON_GetArrayItem(field(list, "ports"), 0);
    assert_string_equal(text(row, "protocol"), "tcp");
    assert_int_equal(number(row, "port"), waiting.port);
    assert_string_equal(cJSON_GetArrayItem(field(row, "addresses"), 0)->valuestring, "127.0.0.1");
    assert_string_equal(text(row, "scope"), "loopback");
    assert_int_equal(number(row, "accept_queue"), 1);
    assert_int_equal(number(row, "backlog"), 7);
    assert_int_equal(number(field(row, "connections"), "established"), 1);
    assert_int_equal(number(field(row, "connections"), "unaccepted"), 1);
    assert_int_equal(cJSON_GetArraySize(field(row, "socket_ids")), 1);
    assert_true(cJSON_IsArray(field(row, "findings")));
    const cJSON *owner = cJSON_GetArrayItem(field(row, "owners"), 0);
    assert_int_equal(cJSON_GetArraySize(field(row, "owners")), 1);
    assert_int_equal(number(owner, "pid"), getpid());
    assert_non_null(field(owner, "user"));
    assert_non_null(field(owner, "unit"));
    assert_non_null(field(owner, "container"));
    cJSON_Delete(list);

    snprintf(target, sizeof target, "/api/v1/ports/%u", waiting.port);
    cJSON *one = get_json(target, 200);
    assert_int_equal(number(one, "port"), waiting.port);
    assert_int_equal(cJSON_GetArraySize(field(one, "ports")), 1);
    assert_int_equal(cJSON_GetArraySize(field(one, "sockets")), 2); /* listener and its end */
    cJSON_Delete(one);
    close_waiting(&waiting);
}

static void test_port_when_nobody_has_it_then_empty_lists(void **state)
{
    (void)state;
    struct waiting waiting;
    open_waiting(&waiting);
    close_waiting(&waiting);
    char target[200];
    snprintf(target, sizeof target, "/api/v1/ports/%u?max_age_ms=0", waiting.port);
    cJSON *one = get_json(target, 200);
    assert_int_equal(number(one, "port"), waiting.port);
    assert_int_equal(cJSON_GetArraySize(field(one, "ports")), 0);
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, field(one, "sockets"))
    {
        assert_string_equal(text(row, "state"), "time_wait"); /* of the connection, if anything */
    }
    cJSON_Delete(one);
}

/* The process of the server, which is this one: what /proc says of it, and its sockets. */
static void test_processes_shows_this_one_as_proc_does(void **state)
{
    (void)state;
    struct waiting waiting;
    char target[200];
    char line[200];
    unsigned long long limit = 0;
    open_waiting(&waiting);
    FILE *limits = fopen("/proc/self/limits", "r");
    assert_non_null(limits);
    while (fgets(line, sizeof line, limits)) {
        sscanf(line, "Max open files %llu", &limit);
    }
    fclose(limits);
    snprintf(target, sizeof target, "/api/v1/processes?max_age_ms=0&filter=sport+=+:%u",
             waiting.port);
    cJSON *list = get_json(target, 200);
    assert_int_equal(number(list, "matched"), 1);
    const cJSON *row = cJSON_GetArrayItem(field(list, "processes"), 0);
    assert_int_equal(number(row, "pid"), getpid());
    assert_int_equal(number(row, "uid"), geteuid());
    assert_int_equal(number(row, "fd_limit"), limit);
    assert_true(number(row, "fd_count") > number(row, "sockets"));
    assert_true(number(row, "fd_ratio") > 0 && number(row, "fd_ratio") < 1);
    assert_true(number(field(field(row, "states"), "tcp"), "listen") >= 2);
    assert_int_equal(number(row, "sockets"), number(field(row, "protocols"), "tcp") +
                                                 number(field(row, "protocols"), "udp") +
                                                 number(field(row, "protocols"), "unix"));
    cJSON_Delete(list);

    /* Each socket in the list of sockets that has this owner, and no other. */
    snprintf(target, sizeof target, "/api/v1/processes?max_age_ms=60000&pid=%d&fields=sockets",
             (int)getpid());
    list = get_json(target, 200);
    double sockets = number(cJSON_GetArrayItem(field(list, "processes"), 0), "sockets");
    cJSON_Delete(list);
    snprintf(target, sizeof target, "/api/v1/sockets?max_age_ms=60000&limit=0&pid=%d",
             (int)getpid());
    list = get_json(target, 200);
    assert_int_equal(number(list, "matched"), sockets);
    cJSON_Delete(list);
    close_waiting(&waiting);
}

static double count_of(const char *protocol, const char *in_state)
{
    char target[200];
    snprintf(target, sizeof target, "/api/v1/sockets?max_age_ms=60000&limit=0&protocol=%s&state=%s",
             protocol, in_state);
    cJSON *list = get_json(target, 200);
    double count = number(list, "matched");
    cJSON_Delete(list);
    return count;
}

/* Both are asked for by one shared snapshot, so they have to agree exactly. */
static void test_summary_agrees_with_the_list(void **state)
{
    (void)state;
    cJSON *summary = get_json("/api/v1/summary?max_age_ms=0", 200);
    const cJSON *protocol = NULL;
    cJSON_ArrayForEach(protocol, field(summary, "protocols"))
    {
        double total = 0;
        const cJSON *count = NULL;
        cJSON_ArrayForEach(count, field(protocol, "states"))
        {
            assert_true(count->valuedouble == count_of(protocol->string, count->string));
            total += count->valuedouble;
        }
        if (cJSON_IsNull(field(protocol, "total"))) { /* a module that this kernel lacks */
            assert_true(cJSON_IsNull(field(protocol, "states")));
            continue;
        }
        assert_true(total == number(protocol, "total"));
    }
    const cJSON *owners = field(summary, "owners");
    assert_true(number(owners, "visible") >= 1);
    double hidden = 0;
    const cJSON *reason = NULL;
    cJSON_ArrayForEach(reason, field(owners, "reasons"))
    {
        hidden += reason->valuedouble;
    }
    assert_true(hidden <= number(owners, "hidden"));
    const cJSON *kernel = field(summary, "kernel");
#define HAS_COUNTER(name) assert_non_null(field(kernel, #name));
    PH_COUNTER_MAP(HAS_COUNTER)
#undef HAS_COUNTER
    cJSON_Delete(summary);
    summary = get_json("/api/v1/summary?owners=false", 200);
    assert_null(cJSON_GetObjectItemCaseSensitive(summary, "owners"));
    cJSON_Delete(summary);
}

static void test_server_tells_of_itself(void **state)
{
    (void)state;
    cJSON *json = get_json("/api/v1/server", 200);
    assert_string_equal(text(json, "version"), ph_version());
    assert_int_equal(number(json, "pid"), getpid());
    assert_int_equal(strlen(text(json, "started_at")), 24);
    assert_true(number(json, "uptime_seconds") < 3600);
    char listener[64];
    snprintf(listener, sizeof listener, "127.0.0.1:%u", port);
    assert_string_equal(cJSON_GetArrayItem(field(json, "listeners"), 0)->valuestring, listener);
    const char *loop = text(json, "loop");
    assert_true(strcmp(loop, "epoll") == 0 || strcmp(loop, "io_uring") == 0);
    assert_int_equal(cJSON_GetArraySize(field(json, "workers")), 2);
    const cJSON *worker = cJSON_GetArrayItem(field(json, "workers"), 0);
    assert_true(number(worker, "busy_ratio") >= 0 && number(worker, "busy_ratio") <= 1);
    assert_true(number(field(json, "connections"), "accepted") >= 1);
    assert_non_null(field(field(json, "requests"), "by_status_class"));
    assert_true(number(field(json, "limits"), "head_max_bytes") == 16384);
    assert_true(number(field(json, "limits"), "idle_ms") == 60000);
    cJSON_Delete(json);
    json = get_json("/api/v1/server", 200);
    assert_true(number(field(json, "requests"), "total") >= 1);
    assert_true(number(field(field(json, "requests"), "by_status_class"), "2xx") >= 1);
    assert_true(number(field(json, "latency_us"), "max") > 0);
    cJSON_Delete(json);
}

static void test_connections_shows_those_of_this_server(void **state)
{
    (void)state;
    struct client client = client_open(port); /* sends nothing */
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(client.fd, (struct sockaddr *)&address, &size), 0);
    char peer[64];
    snprintf(peer, sizeof peer, "127.0.0.1:%u", ntohs(address.sin_port));
    /* Connecting only means that the kernel has it: wait until the server has, too. */
    cJSON *list = NULL;
    const cJSON *row = NULL;
    do {
        cJSON_Delete(list);
        list = get_json("/api/v1/connections?max_age_ms=0&sort=id", 200);
        cJSON_ArrayForEach(row, field(list, "connections"))
        {
            if (strcmp(text(row, "peer"), peer) == 0) {
                break;
            }
        }
    } while (!row);
    assert_string_equal(text(row, "state"), "accepted");
    assert_null_field(row, "route");
    assert_null_field(row, "first_byte_us");
    assert_int_equal(number(row, "requests"), 0);
    assert_int_equal(strlen(text(row, "accepted_at")), 24);
    char target[300];
    snprintf(target, sizeof target, "/api/v1/sockets/%s", text(row, "socket_id"));
    cJSON *one = get_json(target, 200);
    assert_int_equal(number(field(one, "socket"), "remote_port"), ntohs(address.sin_port));
    cJSON_Delete(one);
    cJSON_Delete(list);

    snprintf(target, sizeof target, "/api/v1/connections?max_age_ms=0&remote_port=%u",
             ntohs(address.sin_port));
    list = get_json(target, 200);
    assert_int_equal(number(list, "matched"), 1);
    cJSON_Delete(list);
    list = get_json("/api/v1/connections?state=handling", 200);
    assert_int_equal(number(list, "matched"), 1);
    row = cJSON_GetArrayItem(field(list, "connections"), 0);
    assert_string_equal(text(row, "route"), "GET /api/v1/connections");
    cJSON_Delete(list);
    list = get_json("/api/v1/connections?state=head,body", 200);
    assert_int_equal(number(list, "matched"), 0);
    cJSON_Delete(list);
    client_close(&client);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, start_default, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_sockets_shows_a_listener_and_its_unaccepted_connection),
        SERVER_TEST(test_sockets_when_a_unix_name_is_hostile_then_escaped),
        SERVER_TEST(test_sockets_when_many_then_all_arrive),
        SERVER_TEST(test_sockets_when_many_ask_at_once_then_each_gets_all),
        SERVER_TEST(test_sockets_when_some_never_read_then_others_are_served),
        SERVER_TEST(test_sockets_parameters_shape_the_rows),
        SERVER_TEST(test_ports_merges_the_sockets_of_a_port),
        SERVER_TEST(test_port_when_nobody_has_it_then_empty_lists),
        SERVER_TEST(test_processes_shows_this_one_as_proc_does),
        SERVER_TEST(test_summary_agrees_with_the_list),
        SERVER_TEST(test_server_tells_of_itself),
        SERVER_TEST(test_connections_shows_those_of_this_server),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
