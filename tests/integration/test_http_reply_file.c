/* SPDX-License-Identifier: MIT
 *
 * Replies whose body is a file: whole and in parts, to slow clients and to those that leave, with a
 * kernel that sends less than asked or nothing at all, and files that shrink meanwhile.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/files.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define HOST "\r\nHost: a\r\n"

enum { FILE_SIZE = 12000000, SMALL = 1000, MIDDLE = 100000 };

static struct ph_server *server;
static pthread_t test_thread;
static int file;                   /* FILE_SIZE bytes of big_bytes() */
static _Atomic int given;          /* the last descriptor that was given to a reply */
static _Atomic int sendfile_error; /* an errno; 0: none */
static _Atomic long sendfile_most; /* bytes in one call; 0: as many as asked for */
static _Atomic int sendfiles;
static _Atomic int pread_error;

ssize_t __real_sendfile(int to, int from, off_t *offset, size_t size);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t size);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t size)
{
    sendfiles++;
    if (sendfile_error) {
        errno = sendfile_error;
        return -1;
    }
    size_t most = sendfile_most ? (size_t)sendfile_most : size;
    return __real_sendfile(to, from, offset, size < most ? size : most);
}

ssize_t __real_pread(int fd, void *to, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t offset)
{
    if (pread_error && !pthread_equal(pthread_self(), test_thread)) {
        errno = pread_error;
        return -1;
    }
    return __real_pread(fd, to, size, offset);
}

/* ---- the route: GET /file?offset=&size=&status= ---- */

static uint64_t number(const struct ph_request *req, const char *name, uint64_t otherwise)
{
    const char *text = ph_request_query(req, name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static int reply(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    int fd = fcntl(file, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    given = fd;
    int err = ph_reply_file(res, (int)number(req, "status", 200), "text/plain", fd,
                            number(req, "offset", 0), number(req, "size", FILE_SIZE));
    if (err < 0) {
        close(fd);
    }
    return err;
}

static int start_with(unsigned write_ms)
{
    sendfile_error = pread_error = sendfiles = 0;
    sendfile_most = 0;
    char path[] = "/tmp/porthole-file-XXXXXX";
    file = mkstemp(path);
    unlink(path);
    const struct ph_config cfg = {.workers = 1, .write_ms = write_ms};
    server = server_new(&cfg);
    for (size_t at = 0; at < FILE_SIZE;) {
        ssize_t put = write(file, big_bytes() + at, FILE_SIZE - at);
        assert_true(put > 0);
        at += (size_t)put;
    }
    const struct ph_route slow = {.pattern = "GET /file/slow", .handler = reply, .blocking = true};
    assert_int_equal(ph_server_route(server, "GET /file", reply, NULL), 0);
    assert_int_equal(ph_server_add(server, &slow), 0);
    assert_int_equal(ph_server_start(server), 0);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return start_with(0);
}

/* For what is about that deadline. Others would be about how busy the machine is. */
static int set_up_impatient(void **state)
{
    (void)state;
    return start_with(1000);
}

/* Whatever became of a reply, its descriptor is closed: by its worker, before it can be joined. */
static int tear_down(void **state)
{
    (void)state;
    ph_server_free(server);
    errno = 0;
    assert_true(given < 0 || (fcntl(given, F_GETFD) < 0 && errno == EBADF));
    given = -1;
    close(file);
    return 0;
}

static void check_part(const char *path, size_t offset, size_t size)
{
    char target[200];
    snprintf(target, sizeof target, "%s?offset=%zu&size=%zu", path, offset, size);
    struct reply got = client_get(ph_server_port(server), target, "");
    assert_int_equal(got.status, 200);
    assert_true(got.complete);
    assert_int_equal(got.body_size, size);
    assert_memory_equal(got.body, big_bytes() + offset, size);
    reply_done(&got);
}

static void check_parts(const char *path)
{
    static const size_t sizes[] = {0,     1,     SMALL,  16383,   16384,
                                   16385, 65537, MIDDLE, 3000001, FILE_SIZE - 77};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_part(path, 0, sizes[i]);
        check_part(path, 77, sizes[i]);
    }
}

/* ---- refusals ---- */

static void test_reply_file_when_it_cannot_be_replied_then_500_and_still_the_callers(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/file?size=9223372036854775808",
        "/file?size=9223372036854775807&offset=1",
        "/file?size=100&offset=11999901", /* small, and ends before */
        "/file?status=600",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct reply got = client_get(ph_server_port(server), targets[i], "");
        assert_problem(&got, 500);
        reply_done(&got);
    }
    pread_error = EIO;
    struct reply got = client_get(ph_server_port(server), "/file?size=100", "");
    assert_problem(&got, 500);
    reply_done(&got);
}

/* The head may go down with the rest: it waits for the first bytes of the file. */
static void assert_cut(const char *target)
{
    struct client client = client_open(ph_server_port(server));
    char head[200];
    snprintf(head, sizeof head, "GET %s HTTP/1.1" HOST "\r\n", target);
    client_puts(&client, head);
    assert_true(client_skip_to_end(&client) < 200000);
    assert_int_equal(client.end_error, ECONNRESET);
    client_close(&client);
    assert_served(ph_server_port(server));
}

static void test_reply_file_when_it_is_shorter_than_told_then_cut(void **state)
{
    (void)state;
    assert_cut("/file?size=200000&offset=11900000");
    sendfile_error = EINVAL; /* and the same where it is read */
    assert_cut("/file?size=200000&offset=11900000");
}

static void test_reply_file_when_it_cannot_be_read_then_cut(void **state)
{
    (void)state;
    sendfile_error = EIO;
    assert_cut("/file?size=200000");
    sendfile_error = ENOSYS;
    pread_error = EIO;
    assert_cut("/file?size=200000");
    pread_error = EAGAIN; /* which would never be over */
    assert_cut("/file?size=200000");
}

static void test_reply_file_when_it_shrinks_while_it_is_sent_then_cut(void **state)
{
    (void)state;
    struct client client = client_open_small(ph_server_port(server), 4096);
    client_puts(&client, "GET /file HTTP/1.1" HOST "\r\n");
    client_wait_text(&client, "Content-Length: 12000000\r\n");
    assert_int_equal(ftruncate(file, 8192), 0);
    client_widen(&client);
    assert_true(client_skip_to_end(&client) < FILE_SIZE);
    assert_int_equal(client.end_error, ECONNRESET);
    client_close(&client);
    assert_served(ph_server_port(server));
}

static void test_reply_file_when_the_client_takes_nothing_then_cut_after_write_ms(void **state)
{
    (void)state;
    struct client client = client_open_small(ph_server_port(server), 4096);
    client_puts(&client, "GET /file HTTP/1.1" HOST "\r\n");
    client_wait_text(&client, "Content-Length: 12000000\r\n");
    wait_connections(server, "writing", 1);
    wait_connections(server, "", 0);
    client_close(&client);
}

static _Atomic int pipes;

static void count_pipe(int signal)
{
    (void)signal;
    pipes++;
}

/* A library that had the kernel send SIGPIPE would end most programs. */
static void test_reply_file_when_the_client_leaves_then_freed_without_a_signal(void **state)
{
    (void)state;
    struct sigaction before;
    const struct sigaction counting = {.sa_handler = count_pipe};
    assert_int_equal(sigaction(SIGPIPE, &counting, &before), 0);
    void (*const leave[])(struct client *) = {client_close, client_reset};
    for (int i = 0; i < 20; i++) {
        struct client client = client_open_small(ph_server_port(server), 4096);
        client_puts(&client, "GET /file HTTP/1.1" HOST "\r\n");
        client_wait_text(&client, "Content-Length: 12000000\r\n");
        leave[i % 2](&client);
        wait_connections(server, "", 0);
    }
    sendfile_error = EPIPE;
    assert_cut("/file?size=200000");
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    assert_int_equal(pipes, 0);
}

/* ---- successes ---- */

static void test_reply_file_when_asked_for_parts_then_exactly_these(void **state)
{
    (void)state;
    check_parts("/file");
    assert_true(sendfiles > 0);
}

static void test_reply_file_when_on_the_pool_then_the_same(void **state)
{
    (void)state;
    check_parts("/file/slow");
}

static void test_reply_file_when_sendfile_is_refused_then_read(void **state)
{
    (void)state;
    static const int errors[] = {EINVAL, ENOSYS};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        sendfile_error = errors[i];
        check_parts("/file");
    }
}

static void test_reply_file_when_sent_little_by_little_then_complete(void **state)
{
    (void)state;
    static const long most[] = {1009, 4096, 70001};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        sendfile_most = most[i];
        check_part("/file", 5, 500001);
    }
}

static void test_reply_file_when_the_client_is_slow_then_complete(void **state)
{
    (void)state;
    struct client client = client_open_small(ph_server_port(server), 4096);
    client_puts(&client, "GET /file?size=3000000 HTTP/1.1" HOST "\r\n");
    wait_connections(server, "writing", 1);
    client_widen(&client);
    struct reply got = client_reply(&client, "GET");
    assert_int_equal(got.body_size, 3000000);
    assert_memory_equal(got.body, big_bytes(), got.body_size);
    reply_done(&got);
    client_close(&client);
}

static void test_reply_file_when_head_then_length_and_no_body(void **state)
{
    (void)state;
    static const char *const sizes[] = {"0", "1000", "12000000"};
    struct client client = client_open(ph_server_port(server));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char head[200];
        snprintf(head, sizeof head, "HEAD /file?size=%s HTTP/1.1" HOST "\r\n", sizes[i]);
        client_puts(&client, head);
        struct reply got = client_reply(&client, "HEAD");
        assert_reply_field(&got, "Content-Length", sizes[i]);
        assert_int_equal(got.body_size, 0);
        reply_done(&got);
    }
    client_close(&client);
    assert_int_equal(sendfiles, 0);
}

static void test_reply_file_when_pipelined_then_in_order(void **state)
{
    (void)state;
    static const size_t sizes[] = {SMALL, MIDDLE, SMALL, 1, 1000000, 0, SMALL};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct client client = client_open(ph_server_port(server));
    for (size_t i = 0; i < COUNT; i++) {
        char head[200];
        snprintf(head, sizeof head, "GET /file?size=%zu&offset=%zu HTTP/1.1" HOST "\r\n", sizes[i],
                 i);
        client_puts(&client, head);
        client_puts(&client, "GET /hello HTTP/1.1" HOST "\r\n");
    }
    for (size_t i = 0; i < COUNT; i++) {
        struct reply got = client_reply(&client, "GET");
        assert_int_equal(got.body_size, sizes[i]);
        assert_memory_equal(got.body, big_bytes() + i, sizes[i]);
        reply_done(&got);
        got = client_reply(&client, "GET");
        assert_reply_text(&got, 200, "hello");
        reply_done(&got);
    }
    client_close(&client);
}

int main(void)
{
    test_thread = pthread_self();
    given = -1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_reply_file_when_it_cannot_be_replied_then_500_and_still_the_callers),
        TEST(test_reply_file_when_it_is_shorter_than_told_then_cut),
        TEST(test_reply_file_when_it_cannot_be_read_then_cut),
        TEST(test_reply_file_when_it_shrinks_while_it_is_sent_then_cut),
        cmocka_unit_test_setup_teardown(
            test_reply_file_when_the_client_takes_nothing_then_cut_after_write_ms, set_up_impatient,
            tear_down),
        TEST(test_reply_file_when_the_client_leaves_then_freed_without_a_signal),
        TEST(test_reply_file_when_asked_for_parts_then_exactly_these),
        TEST(test_reply_file_when_on_the_pool_then_the_same),
        TEST(test_reply_file_when_sendfile_is_refused_then_read),
        TEST(test_reply_file_when_sent_little_by_little_then_complete),
        TEST(test_reply_file_when_the_client_is_slow_then_complete),
        TEST(test_reply_file_when_head_then_length_and_no_body),
        TEST(test_reply_file_when_pipelined_then_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
