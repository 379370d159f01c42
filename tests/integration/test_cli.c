/* SPDX-License-Identifier: MIT
 *
 * The program porthole, run as its users run it.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/paths.h"
#include "support/spawn.h"

#include "status/params.h"

#include <cjson/cJSON.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUN(...) run((const char *const[]){PORTHOLE_PROGRAM, __VA_ARGS__, NULL})

static struct process run(const char *const *arguments)
{
    return spawn_run(arguments, -1);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += *text == '\n';
    }
    return count;
}

/* Exit status 2, nothing on standard output, and one line on standard error with these words. */
static void assert_wrong(struct process process, const char *word, const char *advice)
{
    if (process.status != 2 || !strstr(process.err_text, word) ||
        !strstr(process.err_text, advice)) {
        print_error("status %d: %s\n", process.status, process.err_text);
    }
    assert_int_equal(process.status, 2);
    assert_string_equal(process.out_text, "");
    assert_int_equal(count_lines(process.err_text), 1);
    assert_memory_equal(process.err_text, "porthole: ", 10);
    assert_non_null(strstr(process.err_text, word));
    assert_non_null(strstr(process.err_text, advice));
    spawn_done(&process);
}

static void test_wrong_arguments_then_one_line_and_status_2(void **state)
{
    (void)state;
    assert_wrong(RUN("--colour"), "'--colour'", "porthole help serve");
    assert_wrong(RUN("serve", "--colour=red"), "'--colour'", "porthole help serve");
    assert_wrong(RUN("serve", "-x"), "'-x'", "porthole help serve");
    assert_wrong(RUN("serve", "word"), "'word'", "porthole help serve");
    assert_wrong(RUN("dance"), "'dance'", "porthole help");
    assert_wrong(RUN("help", "dance"), "'dance'", "porthole help");
    assert_wrong(RUN("help", "serve", "more"), "'more'", "porthole help");
    assert_wrong(RUN("serve", "--workers"), "--workers", "wants a value");
    assert_wrong(RUN("serve", "--public=yes"), "--public", "no value");
    assert_wrong(RUN("serve", "--workers", "0"), "'0'", "1 to 256");
    assert_wrong(RUN("serve", "--workers", "many"), "'many'", "1 to 256");
    assert_wrong(RUN("serve", "--workers=257"), "'257'", "1 to 256");
    assert_wrong(RUN("serve", "--loop", "select"), "'select'", "auto, epoll or io_uring");
    assert_wrong(RUN("serve", "--drain-delay", "-1"), "'-1'", "0 to");
    assert_wrong(RUN("serve", "--listen", "nowhere"), "'nowhere'", "ADDR:PORT");
    assert_wrong(RUN("serve", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:65536"),
                 "'127.0.0.1:65536'", "ADDR:PORT");
    assert_wrong(RUN("serve", "--listen", "systemd"), "no sockets were passed", ".socket unit");
    assert_wrong(RUN("serve", "--listen", "fd:0"), "fd:0", "socket");
    assert_wrong(RUN("serve", "--listen", "fd:x"), "'fd:x'", "fd:N");
    assert_wrong(RUN("serve", "--unix-group", "no-such-group"), "'no-such-group'",
                 "a name or a number");
    assert_wrong(RUN("serve", "--unix-group", "4294967295"), "'4294967295'", "a number");
    assert_wrong(RUN("sockets", "--schema", "sql"), "\"sql\"", "otel, ecs or osquery");
    assert_wrong(RUN("ports", "--schema", "otel"), "\"schema\"", "accepted: filter");
    assert_wrong(RUN("serve", "--unix-mode", "680"), "'680'", "three octal digits");
    assert_wrong(RUN("serve", "--unix-mode", "4755"), "'4755'", "three octal digits");
    assert_wrong(RUN("serve", "--unix-mode", "000"), "'000'", "three octal digits");
    assert_wrong(RUN("serve", "--allow-host", "a:80"), "'a:80'", "without a port");
    assert_wrong(RUN("serve", "--listen", "127.0.0.1:0", "--www", "/nonexistent"), "/nonexistent",
                 "No such file");
}

static void test_lists_when_wrong_then_one_line_and_status_2(void **state)
{
    (void)state;
    assert_wrong(RUN("ports", "word"), "'word'", "porthole help ports");
    assert_wrong(RUN("ports", "--limit", "x"), "limit", "whole number");
    assert_wrong(RUN("ports", "--sort", "colour"), "colour", "protocol, port");
    assert_wrong(RUN("sockets", "--fields", "colour"), "colour", "local_address");
    assert_wrong(RUN("sockets", "--state", "asleep"), "asleep", "established");
    assert_wrong(RUN("sockets", "--port"), "--port", "wants a value");
    assert_wrong(RUN("sockets", "--json=1"), "--json", "no value");
    assert_wrong(RUN("sockets", "sport", "=", ":80", "and"), "filter: column 16", "wanted is");
    assert_wrong(RUN("processes", "--sort", "colour"), "colour", "fd_count");
    assert_wrong(RUN("processes", "dev", "no-such-device"), "filter: column 5", "interface");
    assert_wrong(RUN("ports", "state", "listen"), "'state'", "porthole help ports");
}

static void test_public_address_without_a_token_then_refused(void **state)
{
    (void)state;
    assert_wrong(RUN("--listen", "0.0.0.0:0"), "0.0.0.0:0", "--token-file");
    assert_wrong(RUN("--listen", "127.0.0.1:0", "--listen", "[::]:0"), "[::]:0", "--public");
}

static void test_token_file_when_unusable_then_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/porthole-token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_wrong(RUN("--token-file", path), "empty", "first line");
    write_text(path, "\nsecond line\n");
    assert_wrong(RUN("--token-file", path), "empty", "first line");
    write_text(path, "two words\n");
    assert_wrong(RUN("--token-file", path), "one word", path);
    write_text(path, "caf\xC3\xA9\n");
    assert_wrong(RUN("--token-file", path), "ASCII", path);
    unlink(path);
    assert_wrong(RUN("--token-file", path), "No such file", path);
    assert_wrong(RUN("--token-file", "/tmp"), "directory", "/tmp");
}

static void test_address_in_use_then_says_who_holds_it(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char listen[64];
    char holder[64];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", ntohs(address.sin_port));
    snprintf(holder, sizeof holder, "process %d (test_cli) of user ", getpid());
    assert_wrong(RUN("--listen", listen), listen, holder);
    close(fd);
}

static void test_why_explains_a_port(void **state)
{
    (void)state;
    assert_wrong(RUN("why"), "which port", "porthole why PORT");
    assert_wrong(RUN("why", "80x"), "'80x'", "65535");
    assert_wrong(RUN("why", "0"), "'0'", "65535");
    assert_wrong(RUN("why", "80", "81"), "'81'", "help why");
    assert_wrong(RUN("why", "80", "--address", "here"), "address", "127.0.0.1");
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char port_text[8];
    char holder[64];
    snprintf(port_text, sizeof port_text, "%u", ntohs(address.sin_port));
    snprintf(holder, sizeof holder, "in_use: process %d (test_cli) of user ", getpid());
    struct process process = RUN("why", port_text, "--probe");
    assert_int_equal(process.status, 0);
    assert_non_null(strstr(process.out_text, holder));
    assert_non_null(strstr(process.out_text, "bind: Address already in use"));
    assert_non_null(strstr(process.out_text, "1. "));
    spawn_done(&process);
    process = RUN("why", port_text, "--json", "--address", "::1");
    cJSON *why = cJSON_Parse(process.out_text);
    const cJSON *judged = cJSON_GetObjectItemCaseSensitive(why, "bind");
    const cJSON *verdict = cJSON_GetObjectItemCaseSensitive(judged, "verdict");
    assert_string_equal(cJSON_GetStringValue(verdict), "free");
    cJSON_Delete(why);
    spawn_done(&process);
    close(fd);
}

/* Waits for the line that says where it listens. @return the port. */
static uint16_t wait_until_listening(struct process *process)
{
    while (!strchr(process->out_text, '\n') && spawn_step(process)) {
    }
    unsigned port = 0;
    char version[32];
    int fields = sscanf(process->out_text, "porthole %31s listening on http://127.0.0.1:%u/\n",
                        version, &port);
    if (fields != 2) {
        print_error("said: %s%s\n", process->out_text, process->err_text);
    }
    assert_int_equal(fields, 2);
    assert_true(port > 0 && port <= UINT16_MAX);
    return (uint16_t)port;
}

static void check_serve(const char *const *arguments, int signal_number)
{
    struct process process = spawn_start(arguments, -1);
    uint16_t port = wait_until_listening(&process);
    struct reply reply = client_get(port, "/api/v1/server", "");
    assert_int_equal(reply.status, 200);
    cJSON *json = cJSON_Parse(reply.body);
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(json, "pid");
    assert_int_equal(pid->valuedouble, process.pid);
    cJSON_Delete(json);
    reply_done(&reply);
    assert_int_equal(kill(process.pid, signal_number), 0);
    spawn_wait(&process);
    assert_int_equal(process.status, 0);
    assert_string_equal(process.err_text, "");
    assert_int_equal(count_lines(process.out_text), 1);
    spawn_done(&process);
}

#define ARGUMENTS(...) ((const char *const[]){PORTHOLE_PROGRAM, __VA_ARGS__, NULL})

static void test_serve_answers_and_ends_on_signals(void **state)
{
    (void)state;
    check_serve(ARGUMENTS("serve", "--listen", "127.0.0.1:0", "--workers=1"), SIGTERM);
    check_serve(ARGUMENTS("serve", "--listen", "127.0.0.1:0", "--loop", "epoll"), SIGTERM);
    check_serve(ARGUMENTS("--listen=127.0.0.1:0"), SIGINT);
}

static void test_serve_when_several_listeners_then_a_line_each(void **state)
{
    (void)state;
    char path[] = "/tmp/porthole-socket-XXXXXX";
    char listen[64];
    assert_non_null(mkdtemp(path));
    snprintf(listen, sizeof listen, "unix:%s/s", path);
    struct process process =
        spawn_start(ARGUMENTS("--listen", "127.0.0.1:0", "--listen", listen), -1);
    while (count_lines(process.out_text) < 2 && spawn_step(&process)) {
    }
    assert_non_null(strstr(process.out_text, listen));
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    spawn_wait(&process);
    assert_int_equal(process.status, 0);
    spawn_done(&process);
    unlink(listen + 5); /* should it be left over */
    assert_int_equal(rmdir(path), 0);
}

static void test_serve_when_token_file_then_asked_for(void **state)
{
    (void)state;
    char path[] = "/tmp/porthole-token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_text(path, "s3cret \nrest\n");
    struct process process =
        spawn_start(ARGUMENTS("--listen", "127.0.0.1:0", "--token-file", path), -1);
    uint16_t port = wait_until_listening(&process);
    struct reply reply = client_get(port, "/api/v1", "");
    assert_int_equal(reply.status, 401);
    reply_done(&reply);
    reply = client_get(port, "/api/v1", "Authorization: Bearer s3cret\r\n");
    assert_int_equal(reply.status, 200);
    reply_done(&reply);
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    spawn_wait(&process);
    assert_int_equal(process.status, 0);
    spawn_done(&process);
    unlink(path);
}

static void test_output_when_it_cannot_be_written_then_status_2(void **state)
{
    (void)state;
    static const char *const commands[] = {"ports", "sockets", "help", "--version"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(full >= 0);
        assert_wrong(spawn_run(ARGUMENTS(commands[i]), full), "cannot write", "No space left");
        close(full);
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        close(ends[0]);
        struct process process = spawn_run(ARGUMENTS(commands[i]), ends[1]);
        assert_int_equal(process.status, 2);
        assert_string_equal(process.err_text, "");
        spawn_done(&process);
        close(ends[1]);
    }
}

static void assert_prints(struct process process, const char *word)
{
    assert_int_equal(process.status, 0);
    assert_string_equal(process.err_text, "");
    assert_non_null(strstr(process.out_text, word));
    spawn_done(&process);
}

static void test_help_and_version(void **state)
{
    (void)state;
    assert_prints(RUN("help"), "porthole sockets");
    assert_prints(RUN("--help"), "porthole sockets");
    assert_prints(RUN("-h"), "porthole sockets");
    assert_prints(RUN("help", "serve"), "--token-file FILE");
    assert_prints(RUN("serve", "--help"), "--drain-delay SECONDS");
    assert_prints(RUN("--listen", "x", "--help"), "--drain-delay SECONDS");
    assert_prints(RUN("ports", "-h"), "--json");
    assert_prints(RUN("--version"), "porthole " PH_VERSION "\n");
}

/* What the API takes, the command line takes as well. */
static void test_every_parameter_of_lists_is_an_option(void **state)
{
    (void)state;
    struct process help = RUN("help", "sockets");
    for (const struct ph__param *param = ph__list_params; param->name; param++) {
        char option[40];
        snprintf(option, sizeof option, "--%s ", param->name);
        for (char *c = option; *c; c++) {
            *c = *c == '_' ? '-' : *c;
        }
        if (strcmp(param->name, "filter") == 0 || strcmp(param->name, "owners") == 0 ||
            strcmp(param->name, "max_age_ms") == 0) {
            continue; /* words; --no-owners; a new process has no old snapshot */
        }
        assert_non_null(strstr(help.out_text, option));
    }
    spawn_done(&help);
}

/* Reads the ports that listen from /proc/net/tcp or tcp6 into a table. */
static void read_listening(const char *path, bool listening[65536])
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char line[512];
    while (fgets(line, sizeof line, file)) {
        unsigned port = 0;
        unsigned in_state = 0;
        if (sscanf(line, " %*u: %*[0-9A-F]:%4X %*[0-9A-F]:%*4X %2X", &port, &in_state) == 2 &&
            in_state == 0x0A) {
            listening[port] = true;
        }
    }
    assert_int_equal(fclose(file), 0);
}

static void read_both(bool listening[65536])
{
    memset(listening, 0, 65536 * sizeof listening[0]);
    read_listening("/proc/net/tcp", listening);
    read_listening("/proc/net/tcp6", listening);
}

/* The kernel is read before and after: what listened both times has to be in the list, and the
 * test's own listener makes sure that there is something. */
static void test_ports_agree_with_the_kernel(void **state)
{
    (void)state;
    static bool before[65536];
    static bool after[65536];
    static bool listed[65536];
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    read_both(before);
    struct process process = RUN("ports", "--json", "--protocol", "tcp");
    read_both(after);
    assert_int_equal(process.status, 0);
    cJSON *json = cJSON_Parse(process.out_text);
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "ports"))
    {
        int port = cJSON_GetObjectItemCaseSensitive(row, "port")->valueint;
        assert_true(port > 0 && port < 65536);
        assert_false(listed[port]);
        listed[port] = true;
    }
    size_t count = 0;
    for (int port = 0; port < 65536; port++) {
        assert_true(listed[port] || !(before[port] && after[port]));
        count += before[port] && after[port];
    }
    assert_true(count > 0);
    cJSON_Delete(json);
    spawn_done(&process);
    close(fd);
}

static void test_sockets_prints_a_table_by_default(void **state)
{
    (void)state;
    struct process process = RUN("sockets", "--state", "listen", "--protocol=tcp", "--limit", "1");
    assert_int_equal(process.status, 0);
    assert_memory_equal(process.out_text, "PROTOCOL  STATE", 15);
    spawn_done(&process);
    process =
        RUN("sockets", "--format", "csv", "--fields", "id,local_port", "--no-owners", "--limit=0");
    assert_string_equal(process.out_text, "id,local_port\r\n");
    spawn_done(&process);
}

static void test_processes_prints_a_table_by_default(void **state)
{
    (void)state;
    struct process process = RUN("processes", "--state", "listen", "--limit", "1");
    assert_int_equal(process.status, 0);
    assert_memory_equal(process.out_text, "PID  ", 5);
    spawn_done(&process);
    process = RUN("processes", "--json", "sport", "=", ":1", "and", "dport", "=", ":1");
    assert_int_equal(process.status, 0);
    assert_non_null(
        strstr(process.out_text, "\"matched\":0,\"returned\":0,\"processes\":[\n\n]}\n"));
    spawn_done(&process);
    process = RUN("help", "processes");
    assert_non_null(strstr(process.out_text, "usage: porthole processes"));
    spawn_done(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_arguments_then_one_line_and_status_2),
        cmocka_unit_test(test_lists_when_wrong_then_one_line_and_status_2),
        cmocka_unit_test(test_public_address_without_a_token_then_refused),
        cmocka_unit_test(test_token_file_when_unusable_then_refused),
        cmocka_unit_test(test_address_in_use_then_says_who_holds_it),
        cmocka_unit_test(test_serve_answers_and_ends_on_signals),
        cmocka_unit_test(test_serve_when_several_listeners_then_a_line_each),
        cmocka_unit_test(test_serve_when_token_file_then_asked_for),
        cmocka_unit_test(test_output_when_it_cannot_be_written_then_status_2),
        cmocka_unit_test(test_why_explains_a_port),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_every_parameter_of_lists_is_an_option),
        cmocka_unit_test(test_ports_agree_with_the_kernel),
        cmocka_unit_test(test_sockets_prints_a_table_by_default),
        cmocka_unit_test(test_processes_prints_a_table_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
