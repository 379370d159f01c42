/* SPDX-License-Identifier: MIT */
#include <porthole/status.h>

#include "base/buf.h"
#include "status/params.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/sockets/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A machine with one web server, whose name is hostile, and one connection; without UDP. */
#define COMMAND "=w\x1b[3m,\"x"
#define TCP_ROW(number, local, remote, st, inode)                                              \
    "   " number ": " local " " remote " " st " 00000000:00000000 00:00000000 00000000 54321 " \
    "       0 " inode " 1 0000000000000000 100 0 0 10 0\n"

static struct proc_root root;
static struct ph_sockets *sockets;
static char problem[PH__PROBLEM_TEXT];

static int set_up(void **state)
{
    (void)state;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp",
                    TCP_HEADING TCP_ROW("0", "0100007F:0050", "00000000:0000", "0A", "1001")
                        TCP_ROW("1", "0100007F:0050", "0900000A:0FA0", "01", "1002"));
    proc_root_write(&root, "net/unix", UNIX_HEADING);
    proc_root_process(&root, 4242, COMMAND, 54321);
    proc_root_link(&root, "4242/fd/3", "socket:[1001]");
    proc_root_link(&root, "4242/fd/4", "socket:[1001]");
    proc_root_link(&root, "4242/fd/5", "socket:[1002]");
    const struct ph_sockets_config config = {.proc_root = root.path, .procfs_only = true};
    return ph_sockets_new(&sockets, &config);
}

static int tear_down(void **state)
{
    (void)state;
    ph_sockets_free(sockets);
    proc_root_remove(&root);
    return 0;
}

static int append(void *user, const char *text, size_t size)
{
    ph__buf_append(user, text, size);
    return ph__buf_error(user);
}

static int run(const char *list, const struct ph_status_param *params, size_t count,
               struct ph__buf *buf)
{
    problem[0] = '\0';
    return ph_status_list(sockets, list, params, count, append, buf, problem, sizeof problem);
}

#define RUN(list, buf, ...)                                                                     \
    run(list, (const struct ph_status_param[]){__VA_ARGS__},                                    \
        sizeof((const struct ph_status_param[]){__VA_ARGS__}) / sizeof(struct ph_status_param), \
        buf)

static void test_list_when_unknown_then_enoent(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(run("connections", NULL, 0, &buf), -ENOENT); /* needs a server */
    assert_int_equal(run("", NULL, 0, &buf), -ENOENT);
    assert_int_equal(buf.size, 0);
}

static void test_parameter_when_wrong_then_problem_and_nothing_written(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(RUN("ports", &buf, {"colour", "red"}), PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "\"colour\""));
    assert_int_equal(RUN("ports", &buf, {"limit", "1"}, {"state", "asleep"}), PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "asleep"));
    assert_int_equal(buf.size, 0);
}

/* /proc/net tells neither marks nor groups, so that nobody can say what matches. */
static void test_filter_when_the_kernel_does_not_tell_then_problem(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    static const char *const lists[] = {"sockets", "ports", "processes"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(RUN(lists[i], &buf, {"filter", "fwmark = 1 or sport = 80"}),
                         PH_ERR_PARAMETER);
        assert_non_null(strstr(problem, "fwmark needs sock_diag and CAP_NET_ADMIN"));
    }
    assert_int_equal(buf.size, 0);
}

static int refuse(void *user, const char *text, size_t size)
{
    (void)text;
    (void)size;
    (*(int *)user)++;
    return -EPIPE;
}

static void test_write_when_it_fails_then_ends_with_that(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(
        ph_status_list(sockets, "sockets", NULL, 0, refuse, &calls, problem, sizeof problem),
        -EPIPE);
    assert_int_equal(calls, 1);
}

static void test_list_without_format_is_json(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(RUN("ports", &buf, {"limit", "0"}), 0);
    char *text = ph__buf_take(&buf);
    assert_memory_equal(text, "{\"taken_at\":\"", 13);
    assert_non_null(strstr(text, "\"sources\":{\"tcp\":{\"source\":\""));
    assert_non_null(strstr(text, ",\"returned\":0,\"ports\":[\n\n]}\n"));
    free(text);
}

/* What was not asked for is not looked at, and must not look like none. */
static void test_list_of_one_protocol_names_its_source_only(void **state)
{
    (void)state;
    static const char *const lists[] = {"sockets", "ports"};
    for (size_t i = 0; i < 2; i++) {
        struct ph__buf buf;
        ph__buf_init(&buf, 0);
        assert_int_equal(RUN(lists[i], &buf, {"protocol", "tcp"}, {"max_age_ms", "0"}), 0);
        char *text = ph__buf_take(&buf);
        assert_non_null(strstr(text, "\"sources\":{\"tcp\":{\"source\":\"procfs\",\"reason\":"));
        assert_null(strstr(text, "\"udp\":"));
        assert_null(strstr(text, "\"unix\":"));
        free(text);
    }
    struct ph__buf text;
    ph__buf_init(&text, 0);
    assert_int_equal(RUN("sockets", &text, {"protocol", "tcp"}, {"format", "text"}), 0);
    assert_null(memchr(text.data, '#', text.size));
    ph__buf_done(&text);
}

static void assert_list(const char *list, const struct ph_status_param *params, size_t count,
                        const char *expected)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(run(list, params, count, &buf), 0);
    char *text = ph__buf_take(&buf);
    assert_string_equal(text, expected);
    free(text);
}

#define ASSERT_LIST(list, expected, ...)                                \
    assert_list(list, (const struct ph_status_param[]){__VA_ARGS__},    \
                sizeof((const struct ph_status_param[]){__VA_ARGS__}) / \
                    sizeof(struct ph_status_param),                     \
                expected)

#define JSON_COMMAND "\"=w\\u001b[3m,\\\"x\""

static void test_sockets_when_json_then_every_field(void **state)
{
    (void)state;
    ASSERT_LIST(
        "sockets",
        "{\"id\":\"tcp-i1001\",\"protocol\":\"tcp\",\"family\":\"ipv4\",\"state\":\"listen\","
        "\"local_address\":\"127.0.0.1\",\"local_port\":80,\"remote_address\":null,"
        "\"remote_port\":null,\"interface\":null,\"path\":null,\"abstract\":null,"
        "\"peer_id\":null,\"direction\":\"listen\",\"scope\":\"loopback\",\"inode\":1001,"
        "\"uid\":54321,\"user\":null,\"owners\":[{\"pid\":4242,\"command\":" JSON_COMMAND
        ",\"fd\":3},{\"pid\":4242,\"command\":" JSON_COMMAND ",\"fd\":4}],"
        "\"owner_unknown\":null,\"accept_queue\":0,\"backlog\":null,"
        "\"receive_queue_bytes\":null,\"send_queue_bytes\":null,\"drops\":null,"
        "\"timer\":null}\n",
        {"format", "ndjson"}, {"state", "listen"});
}

static void test_sockets_when_text_then_escaped_and_missing_sources_are_told(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(RUN("sockets", &buf, {"format", "text"}), 0);
    char *text = ph__buf_take(&buf);
    static const char table[] =
        "PROTOCOL  STATE        QUEUE  LOCAL         REMOTE         OWNER\n"
        "tcp       listen       0      127.0.0.1:80  -              "
        "=w\\x1B[3m,\"x(4242:3) =w\\x1B[3m,\"x(4242:4)\n"
        "tcp       established  0      127.0.0.1:80  10.0.0.9:4000  =w\\x1B[3m,\"x(4242:5)\n"
        "# udp: unavailable: ";
    assert_memory_equal(text, table, sizeof table - 1);
    free(text);
}

static void test_sockets_when_csv_then_quoted_and_no_formula(void **state)
{
    (void)state;
    ASSERT_LIST("sockets",
                "local_port,remote_port,owners\r\n"
                "80,4000,\"'=w\\x1B[3m,\"\"x(4242:5)\"\r\n",
                {"format", "csv"}, {"fields", "local_port,remote_port,owners"},
                {"state", "established"});
}

static void test_ports_when_json_then_owners_are_merged(void **state)
{
    (void)state;
    ASSERT_LIST("ports",
                "{\"protocol\":\"tcp\",\"port\":80,\"addresses\":[\"127.0.0.1\"],"
                "\"owners\":[{\"pid\":4242,\"command\":" JSON_COMMAND ",\"fd\":3,\"user\":null,"
                "\"unit\":null,\"container\":null}],\"owner_unknown\":null,"
                "\"connections\":{\"syn_recv\":0,\"established\":1,\"fin_wait1\":0,\"fin_wait2\":0,"
                "\"close_wait\":0,\"last_ack\":0,\"closing\":0,\"time_wait\":0,\"unaccepted\":0},"
                "\"socket_ids\":[\"tcp-i1001\"],\"findings\":null,\"unaccepted\":0}\n",
                {"format", "ndjson"},
                {"fields", "protocol,port,addresses,owners,owner_unknown,connections,socket_ids,"
                           "findings,unaccepted"});
    ASSERT_LIST("ports", "", {"format", "ndjson"}, {"local_port", "81"});
    ASSERT_LIST("ports", "{\"port\":80}\n", {"format", "ndjson"}, {"fields", "port"},
                {"pid", "4242"}, {"owners", "false"});
}

/* A /proc without anything: nothing has a source, and that is an error, not an empty list. */
static void test_processes_when_json_then_every_field(void **state)
{
    (void)state;
    proc_root_write(&root, "4242/limits", "Max open files  10  20  files\n");
    proc_root_write(&root, "4242/cgroup", "0::/system.slice/web.service\n");
    const struct ph_status_param params[] = {{"format", "ndjson"}, {"max_age_ms", "0"}};
    assert_list(
        "processes", params, 2,
        "{\"pid\":4242,\"command\":\"=w\\u001b[3m,\\\"x\",\"uid\":54321,\"user\":null,"
        "\"unit\":\"web.service\",\"container\":null,\"sockets\":2,\"protocols\":{\"tcp\":2,"
        "\"udp\":null,\"unix\":0,\"raw\":null,\"packet\":null,"
        "\"netlink\":null,\"mptcp\":null,\"udplite\":null,\"vsock\":null},\"states\":{\"tcp\":{"
        "\"listen\":1,\"established\":1}},"
        "\"fd_count\":3,\"fd_limit\":10,\"fd_ratio\":0.3000,\"findings\":null}\n");
}

/* Which processes are listed is the filter's matter, what they hold is not. */
static void test_processes_when_filtered_then_still_with_all_their_sockets(void **state)
{
    (void)state;
    const struct ph_status_param params[] = {
        {"format", "csv"},        {"max_age_ms", "0"}, {"fields", "pid,sockets,states,fd_ratio"},
        {"state", "established"}, {"owners", "false"}, {"filter", "unit = web"}};
    assert_list("processes", params, 6,
                "pid,sockets,states,fd_ratio\r\n4242,2,listen=1 established=1,0.3000\r\n");
    const struct ph_status_param others[] = {
        {"format", "csv"}, {"max_age_ms", "0"}, {"fields", "pid"}, {"local_port", "81"}};
    assert_list("processes", others, 4, "pid\r\n");
}

static void test_list_when_no_source_at_all_then_error(void **state)
{
    (void)state;
    const struct ph_sockets_config config = {.proc_root = "/nonexistent", .procfs_only = true};
    struct ph_sockets *blind = NULL;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(ph_sockets_new(&blind, &config), 0);
    assert_int_equal(
        ph_status_list(blind, "sockets", NULL, 0, append, &buf, problem, sizeof problem),
        PH_ERR_SOURCE);
    assert_int_equal(buf.size, 0);
    ph_sockets_free(blind);
}

/* Wherever memory runs out, the run ends with -ENOMEM, and never with half a list as success. */
static void sweep(const char *list, const char *format, const char *sort)
{
    for (int left = 0;; left++) {
        assert_true(left < 100000);
        struct ph__buf buf;
        ph__buf_init(&buf, 0);
        assert_non_null(ph__buf_reserve(&buf, 1 << 20)); /* so that the test's own never fails */
        const struct ph_status_param params[] = {
            {"format", format}, {"max_age_ms", "0"}, {"sort", sort}, {"state", "listen"}};
        fail_allocations(left, false);
        int err = run(list, params, 4, &buf);
        bool failed = stop_failing();
        char *text = ph__buf_take(&buf);
        if (!err) {
            assert_non_null(strstr(text, strcmp(format, "json") == 0 ? "]}\n" : "\n"));
        } else {
            assert_int_equal(err, -ENOMEM);
        }
        free(text);
        if (!failed) {
            assert_int_equal(err, 0);
            return;
        }
    }
}

static void test_list_when_out_of_memory_anywhere_then_enomem(void **state)
{
    (void)state;
    sweep("sockets", "json", "-owner");
    sweep("ports", "json", "-owner");
    sweep("ports", "text", "-owner");
    sweep("processes", "json", "-states");
    sweep("processes", "csv", "fd_ratio");
}

/* ---- schemas ---- */

static void assert_rows(const char *schema, const char *fields, const char *state,
                        const char *format, const char *expected)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(RUN("sockets", &buf, {"fields", fields}, {"schema", schema}, {"state", state},
                         {"format", format}),
                     0);
    ph__buf_putc(&buf, '\0');
    assert_string_equal(buf.data, expected);
    ph__buf_done(&buf);
}

static void test_schema_when_otel_then_its_names_and_words(void **state)
{
    (void)state;
    assert_rows("otel", "protocol,family,state,local_address,local_port,remote_address,uid",
                "listen", "ndjson",
                "{\"network.transport\":\"tcp\",\"network.type\":\"ipv4\","
                "\"network.connection.state\":\"listen\","
                "\"network.local.address\":\"127.0.0.1\",\"network.local.port\":80,"
                "\"network.peer.address\":null,\"user.id\":\"54321\"}\n");
    assert_rows("otel", "owners,remote_address,remote_port,backlog", "established", "csv",
                "process.pid,process.executable.name,network.peer.address,network.peer.port,"
                "backlog\r\n4242,\"'=w\\x1B[3m,\"\"x\",10.0.0.9,4000,\r\n");
}

static void test_schema_when_ecs_then_who_called_is_the_source(void **state)
{
    (void)state;
    static const char fields[] = "direction,local_address,local_port,remote_address,remote_port";
    assert_rows("ecs", fields, "established", "ndjson",
                "{\"network.direction\":\"ingress\",\"source.ip\":\"10.0.0.9\","
                "\"source.port\":4000,\"destination.ip\":\"127.0.0.1\","
                "\"destination.port\":80}\n");
    assert_rows("ecs", fields, "listen", "ndjson",
                "{\"network.direction\":null,\"source.ip\":null,\"source.port\":null,"
                "\"destination.ip\":\"127.0.0.1\",\"destination.port\":80}\n");
}

static void test_schema_when_osquery_then_numbers_and_the_first_owner(void **state)
{
    (void)state;
    assert_rows("osquery", "owners,inode,family,protocol,state,local_port", "listen,established",
                "csv",
                "pid,fd,socket,family,protocol,state,local_port\r\n"
                "4242,3,1001,2,6,LISTEN,80\r\n"
                "4242,5,1002,2,6,ESTABLISHED,80\r\n");
}

static void test_schema_when_no_fields_are_named_then_all_that_it_knows(void **state)
{
    (void)state;
    static const char *const firsts[][2] = {
        {"otel", "network.transport,network.type,network.connection.state,"},
        {"ecs", "network.transport,network.type,network.direction,source.ip,"},
        {"osquery", "pid,fd,socket,family,protocol,local_address,remote_address,"},
    };
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        ph__buf_reset(&buf);
        assert_int_equal(RUN("sockets", &buf, {"format", "csv"}, {"schema", firsts[i][0]}), 0);
        assert_memory_equal(buf.data, firsts[i][1], strlen(firsts[i][1]));
        ph__buf_reset(&buf);
        assert_int_equal(RUN("sockets", &buf, {"format", "ndjson"}, {"schema", firsts[i][0]},
                             {"owners", "false"}),
                         0);
        ph__buf_putc(&buf, '\0');
        assert_null(strstr(buf.data, "pid\""));
        assert_null(strstr(buf.data, "null,\"fd\""));
    }
    ph__buf_done(&buf);
}

static void test_schema_when_wrong_or_of_other_lists_then_problem(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(RUN("sockets", &buf, {"schema", "OTEL"}), PH_ERR_PARAMETER);
    assert_string_equal(problem,
                        "schema: \"OTEL\" is not accepted; wanted is otel, ecs or osquery.");
    assert_int_equal(RUN("sockets", &buf, {"schema", "ecs"}, {"schema", "ecs"}), PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "comes more than once"));
    assert_int_equal(RUN("ports", &buf, {"schema", "ecs"}), PH_ERR_PARAMETER);
    assert_non_null(strstr(problem, "There is no parameter \"schema\" here"));
    assert_int_equal(buf.size, 0);
    ph__buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_when_unknown_then_enoent),
        cmocka_unit_test(test_parameter_when_wrong_then_problem_and_nothing_written),
        cmocka_unit_test(test_filter_when_the_kernel_does_not_tell_then_problem),
        cmocka_unit_test(test_write_when_it_fails_then_ends_with_that),
        cmocka_unit_test(test_list_without_format_is_json),
        cmocka_unit_test(test_list_of_one_protocol_names_its_source_only),
        cmocka_unit_test(test_sockets_when_json_then_every_field),
        cmocka_unit_test(test_sockets_when_text_then_escaped_and_missing_sources_are_told),
        cmocka_unit_test(test_sockets_when_csv_then_quoted_and_no_formula),
        cmocka_unit_test(test_ports_when_json_then_owners_are_merged),
        cmocka_unit_test(test_processes_when_json_then_every_field),
        cmocka_unit_test(test_processes_when_filtered_then_still_with_all_their_sockets),
        cmocka_unit_test(test_list_when_no_source_at_all_then_error),
        cmocka_unit_test(test_list_when_out_of_memory_anywhere_then_enomem),
        cmocka_unit_test(test_schema_when_otel_then_its_names_and_words),
        cmocka_unit_test(test_schema_when_ecs_then_who_called_is_the_source),
        cmocka_unit_test(test_schema_when_osquery_then_numbers_and_the_first_owner),
        cmocka_unit_test(test_schema_when_no_fields_are_named_then_all_that_it_knows),
        cmocka_unit_test(test_schema_when_wrong_or_of_other_lists_then_problem),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
