/* SPDX-License-Identifier: MIT
 *
 * The status API over HTTP, against sockets that the test makes.
 */
#include "support/status_server.h"

#include <porthole/sockets.h>

#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A listener with one connection that is not accepted. */
struct waiting {
    int listener;
    int client;
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
    waiting->client = client_connect(waiting->port);
}

static void close_waiting(struct waiting *waiting)
{
    close(waiting->client);
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

/* The target of an endpoint with something real in place of its parameter. */
static void fill_path(const char *path, char *target, size_t size)
{
    const char *brace = strchr(path, '{');
    char id[PH_SOCKET_ID_TEXT] = "";
    if (brace && strcmp(brace, "{port}") == 0) {
        snprintf(id, sizeof id, "%u", port);
    } else if (brace) {
        cJSON *list = get_json("/api/v1/sockets?state=listen&protocol=tcp&max_age_ms=0", 200);
        snprintf(id, sizeof id, "%s", text(cJSON_GetArrayItem(field(list, "sockets"), 0), "id"));
        cJSON_Delete(list);
    }
    snprintf(target, size, "%.*s%s", brace ? (int)(brace - path) : (int)strlen(path), path, id);
}

static void send_method(const char *method, const char *target, const char *host,
                        struct reply *ret_reply)
{
    char head[1024];
    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host);
    *ret_reply = client_send(port, head);
}

static void check_methods(const char *target)
{
    struct reply get = client_get(port, target, "");
    assert_int_equal(get.status, 200);
    assert_string_equal(reply_header(&get, "X-Content-Type-Options"), "nosniff");
    char *type = strdup(reply_header(&get, "Content-Type"));
    struct reply reply;
    send_method("HEAD", target, "localhost", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 0);
    assert_string_equal(reply_header(&reply, "Content-Type"), type);
    assert_int_equal(!reply_header(&reply, "Cache-Control"), !reply_header(&get, "Cache-Control"));
    free(type);
    reply_done(&get);
    reply_done(&reply);
    send_method("OPTIONS", target, "localhost", &reply);
    assert_int_equal(reply.status, 204);
    assert_non_null(strstr(reply_header(&reply, "Allow"), "GET"));
    reply_done(&reply);
    send_method("POST", target, "localhost", &reply);
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply_header(&reply, "Allow"), "GET"));
    reply_done(&reply);
}

static void test_every_endpoint_keeps_the_common_rules(void **state)
{
    (void)state;
    cJSON *index = get_json("/api/v1", 200);
    const cJSON *endpoint = NULL;
    int count = 0;
    cJSON_ArrayForEach(endpoint, field(index, "endpoints"))
    {
        char target[256];
        char wrong[300];
        struct reply reply;
        fill_path(text(endpoint, "path"), target, sizeof target);
        check_methods(target);
        send_method("GET", target, "evil.example", &reply);
        assert_int_equal(reply.status, 421);
        reply_done(&reply);
        if (strcmp(target, "/") != 0) {
            snprintf(wrong, sizeof wrong, "%s?colour=red", target);
            assert_problem(wrong, 400, "\"colour\"");
            reply = client_get(port, target, "");
            assert_string_equal(reply_header(&reply, "Cache-Control"), "no-store");
            reply_done(&reply);
        }
        count++;
    }
    assert_int_equal(count, 12);
    cJSON_Delete(index);
}

static void test_unknown_path_then_404(void **state)
{
    (void)state;
    assert_problem("/api/v1/nothing", 404, "/api/v1/nothing");
    assert_problem("/api/v1/sockets/tcp-0", 404, "tcp-0");
    assert_problem("/api/v1/sockets/%1b%5b31m", 404, "\\x1B[31m");
    assert_problem("/missing.js", 404, "");
}

static void test_wrong_parameters_then_400_with_what_is_accepted(void **state)
{
    (void)state;
    static const char *const lists[] = {"sockets", "ports", "connections"};
    static const char *const wrong[][2] = {
        {"limit=-1", "\"-1\""},
        {"limit=", "whole number"},
        {"sort=colour", "\"colour\""},
        {"fields=colour", "\"colour\""},
        {"format=xml", "ndjson"},
        {"max_age_ms=soon", "\"soon\""},
        {"owners=maybe", "true or false"},
        {"port=http!", "port"},
        {"state=asleep", "asleep"},
        {"protocol=icmp", "tcp"},
        {"address=10.0.0.0/99", "address"},
        {"pid=me", "pid"},
        {"limit=1&limit=2", "more than once"},
        {"filter=((", ""},
    };
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            char target[200];
            snprintf(target, sizeof target, "/api/v1/%s?%s", lists[i], wrong[k][0]);
            assert_problem(target, 400, wrong[k][1]);
        }
    }
    assert_problem("/api/v1/summary?max_age_ms=x", 400, "max_age_ms");
    assert_problem("/api/v1/summary?owners=x", 400, "owners");
    assert_problem("/api/v1/summary?owners=true&owners=false", 400, "more than once");
    assert_problem("/api/v1/ports/0", 400, "1 to 65535");
    assert_problem("/api/v1/ports/65536", 400, "65535");
    assert_problem("/api/v1/ports/http", 400, "port");
    assert_problem("/api/v1/ports/80?port=80", 400, "\"port\"");
    assert_problem("/api/v1/sockets/x?max_age_ms=-1", 400, "max_age_ms");
}

static void test_accept_header_then_that_format(void **state)
{
    (void)state;
    struct reply reply = client_get(port, "/api/v1/ports", "Accept: text/html\r\n");
    assert_int_equal(reply.status, 406);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports", "Accept: text/csv\r\n");
    assert_string_equal(reply_header(&reply, "Content-Type"),
                        "text/csv; charset=utf-8; header=present");
    assert_string_equal(reply_header(&reply, "Vary"), "Accept");
    assert_memory_equal(reply.body, "protocol,port,", 14);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports?format=ndjson", "Accept: text/csv\r\n");
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/x-ndjson");
    cJSON *row = cJSON_ParseWithOpts(reply.body, NULL, false);
    assert_true(cJSON_IsNumber(field(row, "port")));
    cJSON_Delete(row);
    reply_done(&reply);
    reply = client_get(port, "/api/v1/ports", "Accept: */*;q=0.1, text/plain\r\n");
    assert_memory_equal(reply.body, "PROTOCOL  PORT", 14);
    reply_done(&reply);
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

    const cJSON *client = find_number(rows, "inode", (double)inode_of(waiting.client));
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
    assert_problem(target, 404, "no socket");
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
    assert_null_field(row, "findings");
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
    int fd = client_connect(port); /* sends nothing */
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
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
    list = get_json("/api/v1/connections?state=lingering,writing", 200);
    assert_int_equal(number(list, "matched"), 0);
    cJSON_Delete(list);
    close(fd);
}

static void test_openapi_covers_every_endpoint(void **state)
{
    (void)state;
    cJSON *index = get_json("/api/v1", 200);
    cJSON *openapi = get_json("/api/v1/openapi.json", 200);
    assert_string_equal(text(openapi, "openapi"), "3.1.0");
    const cJSON *endpoint = NULL;
    cJSON_ArrayForEach(endpoint, field(index, "endpoints"))
    {
        assert_true(strlen(text(endpoint, "summary")) > 0);
        const cJSON *get = field(field(field(openapi, "paths"), text(endpoint, "path")), "get");
        assert_int_equal(cJSON_GetArraySize(field(get, "parameters")),
                         cJSON_GetArraySize(field(endpoint, "parameters")));
        assert_non_null(field(field(get, "responses"), "200"));
    }
    cJSON *sockets = get_json("/api/v1/sockets?limit=1", 200);
    const cJSON *schema = field(field(field(openapi, "components"), "schemas"), "Socket");
    const cJSON *cell = NULL;
    cJSON_ArrayForEach(cell, cJSON_GetArrayItem(field(sockets, "sockets"), 0))
    {
        assert_true(strlen(text(field(field(schema, "properties"), cell->string), "description")) >
                    0);
    }
    cJSON_Delete(sockets);
    cJSON_Delete(openapi);
    cJSON_Delete(index);
}

static void test_token_when_wanted_then_all_but_the_open_ones_need_it(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1};
    static const char *const hosts[] = {"status.example.org", NULL};
    const struct ph_status_config status = {.token = "s3cret", .allow_hosts = hosts};
    start_server(&config, &status);
    static const char *const open[] = {"/", "/healthz", "/readyz", "/app.js"};
    static const char *const closed[] = {"/api/v1",          "/api/v1/openapi.json",
                                         "/api/v1/server",   "/api/v1/sockets",
                                         "/api/v1/ports/80", "/api/v1/summary?colour=red"};
    struct reply reply;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        reply = client_get(port, open[i], "");
        assert_int_equal(reply.status, 200);
        reply_done(&reply);
    }
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        reply = client_get(port, closed[i], "");
        assert_int_equal(reply.status, 401);
        assert_string_equal(reply_header(&reply, "WWW-Authenticate"), "Bearer");
        reply_done(&reply);
        reply = client_get(port, closed[i], "Authorization: Bearer s3cres\r\n");
        assert_int_equal(reply.status, 401);
        reply_done(&reply);
        reply = client_get(port, closed[i], "Authorization: Bearer s3cret\r\n");
        assert_int_equal(reply.status, i == 5 ? 400 : 200);
        reply_done(&reply);
    }
    send_method("GET", "/healthz", "status.example.org:1", &reply);
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    stop_server(NULL);
}

static void test_readyz_while_draining_then_503(void **state)
{
    (void)state;
    const struct ph_config config = {.listen = "127.0.0.1:0", .workers = 1, .drain_delay_ms = 2000};
    start_server(&config, NULL);
    ph_server_request_stop(server);
    struct reply reply = client_get(port, "/readyz", "");
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/problem+json");
    reply_done(&reply);
    reply = client_get(port, "/healthz", "");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    stop_server(NULL);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, start_default, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_every_endpoint_keeps_the_common_rules),
        SERVER_TEST(test_unknown_path_then_404),
        SERVER_TEST(test_wrong_parameters_then_400_with_what_is_accepted),
        SERVER_TEST(test_accept_header_then_that_format),
        SERVER_TEST(test_sockets_shows_a_listener_and_its_unaccepted_connection),
        SERVER_TEST(test_sockets_when_a_unix_name_is_hostile_then_escaped),
        SERVER_TEST(test_sockets_when_many_then_all_arrive),
        SERVER_TEST(test_sockets_parameters_shape_the_rows),
        SERVER_TEST(test_ports_merges_the_sockets_of_a_port),
        SERVER_TEST(test_port_when_nobody_has_it_then_empty_lists),
        SERVER_TEST(test_summary_agrees_with_the_list),
        SERVER_TEST(test_server_tells_of_itself),
        SERVER_TEST(test_connections_shows_those_of_this_server),
        SERVER_TEST(test_openapi_covers_every_endpoint),
        cmocka_unit_test(test_token_when_wanted_then_all_but_the_open_ones_need_it),
        cmocka_unit_test(test_readyz_while_draining_then_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
