/* SPDX-License-Identifier: MIT
 *
 * What the program hears of requests, and the log that is made of it.
 */
#include "base/clock.h"
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/access_log.h>
#include <porthole/http.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"

/* One line a request: "GET /hello 200 5", "- 400 120". */
static struct {
    pthread_mutex_t lock;
    char lines[4096];
    unsigned count;
    uint64_t longest_us;
    bool peers_are_right;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(void *user, const struct ph_access *access)
{
    assert_ptr_equal(user, &heard);
    pthread_mutex_lock(&heard.lock);
    size_t at = strlen(heard.lines);
    snprintf(heard.lines + at, sizeof heard.lines - at, "%s%s%s %d %lld\n",
             access->req ? ph_request_method(access->req) : "-", access->req ? " " : "",
             access->req ? ph_request_target(access->req) : "", access->status,
             (long long)access->body_bytes);
    heard.count++;
    heard.longest_us = access->time_us > heard.longest_us ? access->time_us : heard.longest_us;
    heard.peers_are_right &= strncmp(access->peer, "127.0.0.1:", 10) == 0;
    pthread_mutex_unlock(&heard.lock);
}

static struct ph_server *server;

static int start(void **state)
{
    (void)state;
    heard.lines[0] = '\0';
    heard.count = 0;
    heard.peers_are_right = true;
    server = server_start(&(struct ph_config){.workers = 2, .access = hear, .access_user = &heard});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ph_server_free(server);
    return 0;
}

static void assert_heard(const char *lines)
{
    ph_server_stop(server); /* what has been answered has been told by then */
    assert_string_equal(heard.lines, lines);
    assert_true(heard.peers_are_right);
}

static void test_access_when_answered_then_told_once_with_what_was_said(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    static const char *const requests[] = {
        "GET /hello?a=%20b HTTP/1.1" HOST "\r\n",
        "HEAD /hello HTTP/1.1" HOST "\r\n",
        "GET /nowhere HTTP/1.1" HOST "\r\n",
        "POST /echo HTTP/1.1" HOST "Content-Length: 3\r\n\r\nabc",
        "GET /big?kind=generate&size=7 HTTP/1.1" HOST "\r\n",
        "GET /big?kind=static&size=100000 HTTP/1.1" HOST "\r\n",
        "GET /slow HTTP/1.1" HOST "\r\n",
        "GET /fail?code=-5 HTTP/1.1" HOST "\r\n",
    };
    size_t sizes[8];
    for (size_t i = 0; i < 8; i++) {
        client_puts(&client, requests[i]);
        struct reply reply = client_reply(&client, i == 1 ? "HEAD" : "GET");
        sizes[i] = reply.body_size;
        reply_done(&reply);
    }
    client_close(&client);
    char expected[1000];
    snprintf(expected, sizeof expected,
             "GET /hello?a=%%20b 200 5\nHEAD /hello 200 0\nGET /nowhere 404 %zu\n"
             "POST /echo 200 3\nGET /big?kind=generate&size=7 200 -1\n"
             "GET /big?kind=static&size=100000 200 100000\nGET /slow 200 4\n"
             "GET /fail?code=-5 500 %zu\n",
             sizes[2], sizes[7]);
    assert_heard(expected);
}

static void test_access_when_pipelined_then_each_in_order(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /hello?1 HTTP/1.1" HOST "\r\nGET /hello?2 HTTP/1.1" HOST
                         "\r\nGET /hello?3 HTTP/1.1" HOST "Connection: close\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        struct reply reply = client_reply(&client, "GET");
        assert_int_equal(reply.status, 200);
        reply_done(&reply);
    }
    client_close(&client);
    assert_heard("GET /hello?1 200 5\nGET /hello?2 200 5\nGET /hello?3 200 5\n");
}

/* Where a line of the head is wrong there is no request to speak of; else there is. */
static void test_access_when_refused_then_the_request_as_far_as_it_is_whole(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "GARBAGE\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",
        "POST /echo HTTP/1.1" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /echo HTTP/1.1" HOST "Content-Length: 99999999\r\n\r\n",
    };
    static const int statuses[] = {400, 400, 400, 413};
    static const char *const told[] = {"-", "GET /hello", "POST /echo", "POST /echo"};
    char expected[300] = "";
    for (size_t i = 0; i < 4; i++) {
        struct client client = client_open(ph_server_port(server));
        client_puts(&client, refused[i]);
        struct reply reply = client_reply(&client, "GET");
        assert_int_equal(reply.status, statuses[i]);
        size_t at = strlen(expected);
        snprintf(expected + at, sizeof expected - at, "%s %d %zu\n", told[i], statuses[i],
                 reply.body_size);
        reply_done(&reply);
        client_close(&client);
    }
    assert_heard(expected);
}

static void test_access_when_a_handler_takes_its_time_then_it_counts(void **state)
{
    (void)state;
    gate_close();
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "GET /wait HTTP/1.1" HOST "\r\n");
    wait_waiting(1);
    uint64_t held_since_us = ph__clock_us();
    uint64_t held_us = 0;
    while (held_us < 2000) {
        held_us = ph__clock_us() - held_since_us;
    }
    gate_open();
    struct reply reply = client_reply(&client, "GET");
    reply_done(&reply);
    client_close(&client);
    assert_heard("GET /wait 200 6\n");
    assert_true(heard.longest_us >= held_us);
}

/* ---- the log ---- */

struct log_file {
    char path[64];
    struct ph_access_log *log;
};

static struct log_file open_log(enum ph_access_format format)
{
    struct log_file file = {.path = "/tmp/porthole-access-XXXXXX"};
    int fd = mkstemp(file.path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(ph_access_log_new(&file.log, file.path, format), 0);
    return file;
}

static void close_log(struct log_file *file)
{
    ph_access_log_free(file->log);
    unlink(file->path);
}

static void read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, text, size - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    close(fd);
}

/* Has a server write what it hears of some requests. */
static void serve_logged(struct ph_access_log *log, const char *const *requests)
{
    struct ph_server *logged = server_start(
        &(struct ph_config){.workers = 1, .access = ph_access_log_write, .access_user = log});
    for (size_t i = 0; requests[i]; i++) {
        struct client client = client_open(ph_server_port(logged));
        client_puts(&client, requests[i]);
        struct reply reply = client_reply(&client, "GET");
        reply_done(&reply);
        client_close(&client);
    }
    ph_server_free(logged);
}

static const char *const hostile[] = {
    "GET /hello?\"\\ HTTP/1.1" HOST "Referer: \xFF\"x\\\r\nUser-Agent: u\t\xC3\xA9\r\n\r\n",
    "NONSENSE\r\n\r\n",
    NULL,
};

static void test_log_when_combined_then_one_line_each_whatever_strangers_send(void **state)
{
    (void)state;
    struct log_file file = open_log(PH_ACCESS_COMBINED);
    char text[1000];
    char date[60];
    char zone[10];
    char rest[300];
    serve_logged(file.log, hostile);
    read_file(file.path, text, sizeof text);
    char *second = strchr(text, '\n') + 1;
    assert_int_equal(sscanf(text, "127.0.0.1 - - [%59s %9[^]]] %299[^\n]", date, zone, rest), 3);
    assert_int_equal(strlen(date), strlen("27/Nov/2026:02:51:07"));
    assert_string_equal(zone, "+0000");
    assert_true(strncmp(rest, "\"GET /hello?\\x22\\x5C HTTP/1.1\" ", 31) == 0);
    assert_non_null(strstr(rest, " \"\\xFF\\x22x\\x5C\" \"u\\x09\\xC3\\xA9\""));
    assert_int_equal(sscanf(second, "127.0.0.1 - - [%*s %*s %299[^\n]", rest), 1);
    assert_true(strncmp(rest, "\"\" 400 ", 7) == 0);
    assert_non_null(strstr(rest, " \"-\" \"-\""));
    assert_string_equal(strchr(second, '\n'), "\n");
    close_log(&file);
}

static void test_log_when_json_then_an_object_a_line(void **state)
{
    (void)state;
    struct log_file file = open_log(PH_ACCESS_JSON);
    char text[1000];
    serve_logged(file.log, hostile);
    read_file(file.path, text, sizeof text);
    char *second = strchr(text, '\n') + 1;
    assert_true(strncmp(text, "{\"time\":\"20", 11) == 0);
    assert_non_null(strstr(text, "\"method\":\"GET\",\"target\":\"/hello?\\\"\\\\\",\"version\":"
                                 "\"HTTP/1.1\""));
    assert_non_null(
        strstr(text, "\"referer\":\"\xEF\xBF\xBD\\\"x\\\\\",\"user_agent\":\"u\\t\xC3\xA9\"}\n"));
    assert_non_null(
        strstr(second, "\"method\":null,\"target\":null,\"version\":null,\"status\":400"));
    assert_string_equal(strchr(second, '\n'), "\n");
    close_log(&file);
}

static void test_reopen_when_renamed_then_a_new_file_and_nothing_is_lost(void **state)
{
    (void)state;
    static const char *const hello[] = {"GET /hello HTTP/1.1" HOST "\r\n", NULL};
    struct log_file file = open_log(PH_ACCESS_COMBINED);
    char renamed[80];
    char text[500];
    struct stat status;
    snprintf(renamed, sizeof renamed, "%s.1", file.path);
    serve_logged(file.log, hello);
    assert_int_equal(rename(file.path, renamed), 0);
    serve_logged(file.log, hello); /* still to the old one */
    assert_int_equal(ph_access_log_reopen(file.log), 0);
    serve_logged(file.log, hello);
    read_file(renamed, text, sizeof text);
    assert_non_null(strchr(strchr(text, '\n') + 1, '\n'));
    read_file(file.path, text, sizeof text);
    assert_string_equal(strchr(text, '\n'), "\n");
    assert_int_equal(stat(file.path, &status), 0);
    assert_int_equal(status.st_mode & 0137, 0);
    assert_int_equal(ph_access_log_lost(file.log), 0);
    unlink(renamed);
    close_log(&file);
}

static void test_log_when_the_disk_is_full_then_lines_are_counted_as_lost(void **state)
{
    (void)state;
    static const char *const hello[] = {"GET /hello HTTP/1.1" HOST "\r\n",
                                        "GET /hello HTTP/1.1" HOST "\r\n", NULL};
    struct ph_access_log *log = NULL;
    assert_int_equal(ph_access_log_new(&log, "/dev/full", PH_ACCESS_JSON), 0);
    serve_logged(log, hello);
    assert_int_equal(ph_access_log_lost(log), 2);
    ph_access_log_free(log);
}

/* ---- pipes, and lines that are cut ---- */

enum { LINES = 40, LINE = 12000 }; /* far beyond what a pipe keeps together */

struct writer {
    struct ph_access_log *log;
    char peer[LINE + 1];
};

static void *write_lines(void *user)
{
    struct writer *writer = user;
    for (int i = 0; i < LINES; i++) {
        ph_access_log_write(writer->log, &(struct ph_access){.peer = writer->peer});
    }
    return NULL;
}

/* Whether a line has letters of one writer only, as many as there have to be. */
static bool is_whole(const char *line)
{
    const char *from = strstr(line, "\"peer\":\"");
    return from && line[0] == '{' && line[strlen(line) - 2] == '}' &&
           strspn(from + 8, from[8] == 'a' ? "a" : "b") == LINE;
}

static void test_log_when_a_pipe_is_slow_then_lines_are_whole(void **state)
{
    (void)state;
    static struct writer writers[2];
    static char line[LINE + 1000];
    char path[] = "/tmp/porthole-pipe-XXXXXX";
    assert_non_null(mkdtemp(path));
    char fifo[sizeof path + 8];
    snprintf(fifo, sizeof fifo, "%s/fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(fcntl(reader, F_SETFL, 0), 0);
    struct ph_access_log *log = NULL;
    assert_int_equal(ph_access_log_new(&log, fifo, PH_ACCESS_JSON), 0);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        writers[i].log = log;
        memset(writers[i].peer, 'a' + i, LINE);
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &writers[i]), 0);
    }
    FILE *file = fdopen(reader, "r");
    assert_non_null(file);
    for (int i = 0; i < 2 * LINES; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        assert_true(is_whole(line));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    /* The reader goes away: no signal, and the lines are counted. */
    assert_int_equal(fclose(file), 0);
    ph_access_log_write(log, &(struct ph_access){.peer = "a"});
    assert_int_equal(ph_access_log_lost(log), 1);
    ph_access_log_free(log);
    assert_int_equal(unlink(fifo), 0);
    assert_int_equal(rmdir(path), 0);
}

static void test_log_when_a_line_is_cut_then_the_next_is_whole(void **state)
{
    (void)state;
    char path[] = "/tmp/porthole-log-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    struct rlimit before;
    struct ph_access_log *log = NULL;
    assert_int_equal(ph_access_log_new(&log, path, PH_ACCESS_JSON), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*signal_before)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {30, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ph_access_log_write(log, &(struct ph_access){.peer = "a"});
    ph_access_log_write(log, &(struct ph_access){.peer = "b"}); /* not even a line end fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, signal_before);
    assert_int_equal(ph_access_log_lost(log), 2);
    ph_access_log_write(log, &(struct ph_access){.peer = "c"});
    ph_access_log_write(log, &(struct ph_access){.peer = "d"});
    ph_access_log_free(log);
    char text[2000];
    ssize_t size = read(fd, text, sizeof text - 1);
    assert_true(size > 32);
    text[size] = '\0';
    assert_memory_equal(text + 30, "\n{\"time\"", 8);
    assert_null(strstr(text, "\"peer\":\"b\""));
    const char *second = strchr(text + 31, '\n');
    assert_non_null(second);
    assert_non_null(strstr(second, "\"peer\":\"d\""));
    assert_int_equal(text[size - 1], '\n');
    close(fd);
    unlink(path);
}

static void test_log_when_it_cannot_be_opened_then_why(void **state)
{
    (void)state;
    struct ph_access_log *log = NULL;
    struct rlimit before;
    assert_int_equal(ph_access_log_new(&log, "/no/such/folder/x", PH_ACCESS_JSON), -ENOENT);
    assert_null(log);
    struct log_file file = open_log(PH_ACCESS_COMBINED);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int err = ph_access_log_reopen(file.log);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, -EMFILE);
    close_log(&file);
    ph_access_log_free(NULL);
}

static void test_log_when_out_of_memory_then_enomem_or_lost(void **state)
{
    (void)state;
    struct ph_access_log *log = NULL;
    for (int left = 0; left < 2; left++) {
        fail_allocations(left, false);
        int err = ph_access_log_new(&log, "/dev/null", PH_ACCESS_JSON);
        stop_failing();
        assert_int_equal(err, -ENOMEM);
        assert_null(log);
    }
    assert_int_equal(ph_access_log_new(&log, "/dev/null", PH_ACCESS_JSON), 0);
    const struct ph_access access = {.peer = "unix", .status = 408};
    fail_allocations(0, false);
    ph_access_log_write(log, &access);
    assert_true(stop_failing());
    assert_int_equal(ph_access_log_lost(log), 1);
    ph_access_log_write(log, &access);
    assert_int_equal(ph_access_log_lost(log), 1);
    ph_access_log_free(log);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(test_access_when_answered_then_told_once_with_what_was_said),
        SERVED(test_access_when_pipelined_then_each_in_order),
        SERVED(test_access_when_refused_then_the_request_as_far_as_it_is_whole),
        SERVED(test_access_when_a_handler_takes_its_time_then_it_counts),
        cmocka_unit_test(test_log_when_combined_then_one_line_each_whatever_strangers_send),
        cmocka_unit_test(test_log_when_json_then_an_object_a_line),
        cmocka_unit_test(test_reopen_when_renamed_then_a_new_file_and_nothing_is_lost),
        cmocka_unit_test(test_log_when_the_disk_is_full_then_lines_are_counted_as_lost),
        cmocka_unit_test(test_log_when_a_pipe_is_slow_then_lines_are_whole),
        cmocka_unit_test(test_log_when_a_line_is_cut_then_the_next_is_whole),
        cmocka_unit_test(test_log_when_it_cannot_be_opened_then_why),
        cmocka_unit_test(test_log_when_out_of_memory_then_enomem_or_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
