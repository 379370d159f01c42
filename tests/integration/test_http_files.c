/* SPDX-License-Identifier: MIT
 *
 * A folder that is served: what is found, what is not, and no way out of it; with the kernel that
 * keeps paths below the root, and without. Names are made in a folder of the test's own.
 */
#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/server.h"

#include <porthole/files.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_openat2; /* an errno; 0: works */

long __real_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d)
{
    if (number == SYS_openat2 && refuse_openat2) {
        errno = refuse_openat2;
        return -1;
    }
    return __real_syscall(number, a, b, c, d);
}

static char base[] = "/tmp/porthole-files-XXXXXX";
static char root[sizeof base + 10];
static int at; /* the root */
static struct ph_server *server;
static struct ph_server *stepping; /* without openat2(2) */

static void put(const char *name, const char *text)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static struct ph_server *serve(void)
{
    static const struct ph_file_type types[] = {{"xyz", "text/x-own"}, {"TXT", "text/x-txt"}, {0}};
    const struct ph_files_config plain = {.root = root, .types = types};
    const struct ph_files_config more = {
        .root = root,
        .index = "",
        .cache_control = "max-age=60",
        .default_type = "text/x-unknown",
        .dotfiles = true,
        .precompressed = true,
    };
    struct ph_server *made = server_new(&(struct ph_config){.workers = 1});
    assert_int_equal(ph_server_files(made, "/s/", &plain), 0);
    assert_int_equal(ph_server_files(made, "/more/", &more), 0);
    assert_int_equal(ph_server_start(made), 0);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(base));
    snprintf(root, sizeof root, "%s/root", base);
    assert_int_equal(mkdir(root, 0755), 0);
    at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    put("index.html", "<p>root");
    put("a.txt", "0123456789");
    put("own.xyz", "own");
    put("unknown", "unknown");
    put("..dots", "dots");
    put(".hidden", "hidden");
    put("empty", "");
    put("../secret", "secret");
    assert_int_equal(mkdirat(at, "dir", 0755), 0);
    assert_int_equal(mkdirat(at, "dir/deep", 0755), 0);
    assert_int_equal(mkdirat(at, ".git", 0755), 0);
    put(".git/config", "config");
    put("dir/index.html", "<p>dir");
    put("dir/a b", "space");
    assert_int_equal(mkfifoat(at, "fifo", 0644), 0);
    assert_int_equal(symlinkat("a.txt", at, "inside"), 0);
    assert_int_equal(symlinkat("../secret", at, "outside"), 0);
    assert_int_equal(symlinkat("/etc/passwd", at, "passwd"), 0);
    assert_int_equal(symlinkat("..", at, "up"), 0);
    assert_int_equal(symlinkat("loop", at, "loop"), 0);
    assert_int_equal(symlinkat("/proc/self/root", at, "magic"), 0);
    put("c.js", "plain");
    put("c.js.gz", "gzipped");
    put("c.js.br", "brotli");
    put("old.js.gz", "gzipped");
    put("old.js", "plain");
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(at, "old.js.gz", times, 0), 0);
    const struct timespec known[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    assert_int_equal(utimensat(at, "a.txt", known, 0), 0);
    server = serve();
    refuse_openat2 = ENOSYS;
    stepping = serve();
    refuse_openat2 = 0;
    return 0;
}

static void empty(int folder)
{
    DIR *entries = fdopendir(folder);
    assert_non_null(entries);
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!self && unlinkat(folder, entry->d_name, 0) < 0) {
            empty(openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(entries);
}

static int tear_down(void **state)
{
    (void)state;
    ph_server_free(server);
    ph_server_free(stepping);
    close(at);
    empty(open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    rmdir(base);
    return 0;
}

static struct reply get(const char *target, const char *fields)
{
    return client_get(ph_server_port(server), target, fields);
}

static void assert_text(const char *target, const char *fields, int status, const char *text)
{
    struct reply reply = get(target, fields);
    assert_reply_text(&reply, status, text);
    reply_done(&reply);
}

static void assert_status(const struct ph_server *asked, const char *target, int status)
{
    struct reply reply = client_get(ph_server_port(asked), target, "");
    if (reply.status != status) {
        print_error("%s\n", target);
    }
    assert_problem(&reply, status);
    reply_done(&reply);
}

/* ---- refusals ---- */

static void test_files_when_not_there_or_not_to_be_had_then_404(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/s/none",
        "/s/a.txt/",
        "/s/a.txt/x",
        "/s/fifo",
        "/s/.hidden",
        "/s/..dots",
        "/s/.git/config",
        "/s/.git",
        "/s/.git/",
        "/s//a.txt",
        "/s/dir//index.html",
        "/s/dir%2findex.html",
        "/s/dir%2Fdeep",
        "/s/%2fetc/passwd",
        "/s//etc/passwd",
        "/s/outside",
        "/s/passwd",
        "/s/up/secret",
        "/s/up/root/a.txt",
        "/s/up",
        "/s/loop",
        "/s/magic/etc/passwd",
        "/s/dir/deep/",
        "/more/",
        "/more/dir/",
        "/more/up/secret",

        "/s/%2e%2e%5csecret",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_status(server, targets[i], 404);
        assert_status(stepping, targets[i], 404);
    }
    assert_status(stepping, "/s/inside", 404); /* where nobody sees to it that links stay below */
    char target[6000] = "/s/";
    memset(target + 3, 'a', 300);
    assert_status(server, target, 404);
    assert_status(stepping, target, 404);
    char head[6100];
    memset(target + 3, 'a', 5000);
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    struct client client = client_open(ph_server_port(server));
    struct reply reply = client_ask(&client, head);
    assert_problem(&reply, 404);
    reply_done(&reply);
    client_close(&client);
}

static void test_files_when_leaving_by_dots_then_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/s/../../secret",
        "/../secret",
        "/s/%2e%2e/%2e%2e/secret",
        "/s/..%2fsecret",
        "/s/dir/..%2f..%2fsecret",
        "/s/a%00.txt",
        "/s/%",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_status(server, targets[i], 400);
    }
    assert_status(server, "/s/../secret", 404); /* no route */
}

static void test_files_when_set_up_wrongly_then_said(void **state)
{
    (void)state;
    struct ph_server *made = server_new(NULL);
    const struct ph_files_config good = {.root = root};
    static const char *const prefixes[] = {"", "s", "s/", "/s"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        assert_int_equal(ph_server_files(made, prefixes[i], &good), -EINVAL);
    }
    assert_int_equal(ph_server_files(made, "/", &(struct ph_files_config){0}), -EINVAL);
    static const char *const indexes[] = {"a/b", "..", "."};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        const struct ph_files_config bad = {.root = root, .index = indexes[i]};
        assert_int_equal(ph_server_files(made, "/", &bad), -EINVAL);
    }
    assert_int_equal(ph_server_files(made, "/", &(struct ph_files_config){.root = "/none"}),
                     -ENOENT);
    assert_int_equal(ph_server_files(made, "/", &(struct ph_files_config){.root = "/etc/passwd"}),
                     -ENOTDIR);
    assert_int_equal(ph_server_files(made, "/x/", &good), 0);
    assert_int_equal(ph_server_files(made, "/x/", &good), PH_ERR_ROUTE_TAKEN);
    ph_server_free(made);
}

static void test_files_when_out_of_memory_then_nothing_leaks(void **state)
{
    (void)state;
    const struct ph_files_config cfg = {.root = root, .cache_control = "no-cache"};
    int err = -ENOMEM;
    for (long count = 0; err == -ENOMEM; count++) {
        struct ph_server *made = server_new(NULL);
        fail_allocations(count, false);
        err = ph_server_files(made, "/x/", &cfg);
        assert_int_equal(stop_failing(), err != 0);
        ph_server_free(made);
    }
    assert_int_equal(err, 0);
}

/* ---- successes ---- */

static void test_files_when_there_then_sent_with_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *type;
        const char *text;
    } rows[] = {
        {"/s/", "text/html; charset=utf-8", "<p>root"},
        {"/s/index.html", "text/html; charset=utf-8", "<p>root"},
        {"/s/a.txt", "text/x-txt", "0123456789"},
        {"/s/a.txt?x=/../y", "text/x-txt", "0123456789"},
        {"/s/./dir/../a.txt", "text/x-txt", "0123456789"},
        {"/more/a.txt", "text/plain; charset=utf-8", "0123456789"},
        {"/s/own.xyz", "text/x-own", "own"},
        {"/s/unknown", "application/octet-stream", "unknown"},
        {"/more/unknown", "text/x-unknown", "unknown"},
        {"/s/dir/", "text/html; charset=utf-8", "<p>dir"},
        {"/s/dir/a%20b", "application/octet-stream", "space"},
        {"/s/empty", "application/octet-stream", ""},
        {"/more/.hidden", "text/x-unknown", "hidden"},
        {"/more/..dots", "text/x-unknown", "dots"},
        {"/more/c.js.gz", "application/gzip", "gzipped"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 2; k++) {
            struct reply reply =
                client_get(ph_server_port(k ? stepping : server), rows[i].target, "");
            assert_reply_text(&reply, 200, rows[i].text);
            assert_reply_field(&reply, "Content-Type", rows[i].type);
            assert_reply_field(&reply, "Accept-Ranges", "bytes");
            reply_done(&reply);
        }
    }
    assert_text("/s/inside", "", 200, "0123456789"); /* a link that stays below */
}

static void test_files_when_a_folder_without_slash_then_redirected(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/s", "./s/"},           {"/s/dir", "./dir/"},       {"/s/dir?a=b/c", "./dir/?a=b/c"},
        {"/s/%64ir", "./%64ir/"}, {"/s/dir/deep", "./deep/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = get(rows[i][0], "");
        assert_int_equal(reply.status, 301);
        assert_reply_field(&reply, "Location", rows[i][1]);
        reply_done(&reply);
    }
    char target[3000] = "/s/dir?";
    memset(target + 7, 'q', 2500);
    assert_status(server, target, 414);
}

static void test_files_when_conditional_then_304_or_412(void **state)
{
    (void)state;
    struct reply reply = get("/more/a.txt", "");
    char etag[100];
    char fields[200];
    assert_true(reply_field(&reply, "ETag", etag, sizeof etag));
    assert_reply_field(&reply, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_reply_field(&reply, "Cache-Control", "max-age=60");
    reply_done(&reply);
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
    reply = get("/more/a.txt", fields);
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.body_size, 0);
    assert_reply_field(&reply, "ETag", etag);
    assert_reply_field(&reply, "Cache-Control", "max-age=60");
    assert_reply_field(&reply, "Vary", "Accept-Encoding");
    reply_done(&reply);
    assert_text("/s/a.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304, "");
    assert_text("/s/a.txt", "If-Match: \"x\"\r\n", 412, "");
    assert_text("/s/a.txt", "If-None-Match: \"x\"\r\n", 200, "0123456789");
}

static void test_files_when_replaced_then_the_new_one_with_another_etag(void **state)
{
    (void)state;
    char etags[3][100];
    const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
    for (int i = 0; i < 3; i++) {
        char text[] = "one0";
        text[3] = (char)('0' + i);
        put("new", text);
        assert_int_equal(utimensat(at, "new", times, 0), 0); /* not to be told by time and size */
        assert_int_equal(renameat(at, "new", at, "replaced"), 0);
        struct reply reply = get("/s/replaced", "");
        assert_reply_text(&reply, 200, text);
        assert_true(reply_field(&reply, "ETag", etags[i], sizeof etags[i]));
        reply_done(&reply);
    }
    assert_string_not_equal(etags[0], etags[1]);
    assert_string_not_equal(etags[1], etags[2]);
}

static void test_files_when_ranges_then_206_or_416(void **state)
{
    (void)state;
    struct reply reply = get("/s/a.txt", "Range: bytes=2-4\r\n");
    assert_reply_text(&reply, 206, "234");
    assert_reply_field(&reply, "Content-Range", "bytes 2-4/10");
    assert_reply_field(&reply, "Content-Length", "3");
    reply_done(&reply);
    reply = get("/s/a.txt", "Range: bytes=10-\r\n");
    assert_problem(&reply, 416);
    assert_reply_field(&reply, "Content-Range", "bytes */10");
    reply_done(&reply);
    assert_text("/s/a.txt", "Range: bytes=0-5,5-6\r\n", 200, "0123456789");
    assert_text("/s/a.txt", "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", 200, "0123456789");
    assert_text("/s/a.txt", "Range: bytes=2-4\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 206,
                "234");
}

static void test_files_when_several_ranges_then_multipart(void **state)
{
    (void)state;
    struct reply reply = get("/s/a.txt", "Range: bytes=-1,0-0, 4-6\r\n");
    assert_int_equal(reply.status, 206);
    char type[200];
    assert_true(reply_field(&reply, "Content-Type", type, sizeof type));
    const char *boundary = strstr(type, "boundary=");
    assert_non_null(boundary);
    boundary += strlen("boundary=");
    char expected[1000];
    snprintf(expected, sizeof expected,
             "\r\n--%s\r\nContent-Type: text/x-txt\r\nContent-Range: bytes 9-9/10\r\n\r\n9"
             "\r\n--%s\r\nContent-Type: text/x-txt\r\nContent-Range: bytes 0-0/10\r\n\r\n0"
             "\r\n--%s\r\nContent-Type: text/x-txt\r\nContent-Range: bytes 4-6/10\r\n\r\n456"
             "\r\n--%s--\r\n",
             boundary, boundary, boundary, boundary);
    assert_string_equal(reply.body, expected);
    reply_done(&reply);
}

static void test_files_when_head_then_no_body_and_no_range(void **state)
{
    (void)state;
    struct client client = client_open(ph_server_port(server));
    client_puts(&client, "HEAD /s/a.txt HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\n\r\n");
    struct reply reply = client_reply(&client, "HEAD");
    assert_int_equal(reply.status, 200);
    assert_reply_field(&reply, "Content-Length", "10");
    reply_done(&reply);
    client_close(&client);
}

static void test_files_when_precompressed_then_as_the_client_likes(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        const char *coding; /* NULL: none */
        const char *text;
    } rows[] = {
        {"", NULL, "plain"},
        {"Accept-Encoding: gzip\r\n", "gzip", "gzipped"},
        {"Accept-Encoding: br\r\n", "br", "brotli"},
        {"Accept-Encoding: gzip, deflate, br\r\n", "br", "brotli"},
        {"Accept-Encoding: gzip, br;q=0.9\r\n", "gzip", "gzipped"},
        {"Accept-Encoding: gzip;q=0, *\r\n", "br", "brotli"},
        {"Accept-Encoding: gzip;q=0.5, identity\r\n", NULL, "plain"},
        {"Accept-Encoding: gzip;q=0\r\n", NULL, "plain"},
        {"Accept-Encoding: identity;q=0\r\n", NULL, "plain"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = get("/more/c.js", rows[i].accept);
        assert_reply_text(&reply, 200, rows[i].text);
        assert_reply_field(&reply, "Content-Type", "text/javascript; charset=utf-8");
        assert_reply_field(&reply, "Vary", "Accept-Encoding");
        if (rows[i].coding) {
            assert_reply_field(&reply, "Content-Encoding", rows[i].coding);
        } else {
            assert_no_reply_field(&reply, "Content-Encoding");
        }
        reply_done(&reply);
    }
    assert_text("/more/old.js", "Accept-Encoding: gzip\r\n", 200, "plain"); /* the copy is older */
    assert_text("/s/c.js", "Accept-Encoding: gzip\r\n", 200, "plain");      /* nobody wants it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_when_not_there_or_not_to_be_had_then_404),
        cmocka_unit_test(test_files_when_leaving_by_dots_then_refused),
        cmocka_unit_test(test_files_when_set_up_wrongly_then_said),
        cmocka_unit_test(test_files_when_out_of_memory_then_nothing_leaks),
        cmocka_unit_test(test_files_when_there_then_sent_with_their_type),
        cmocka_unit_test(test_files_when_a_folder_without_slash_then_redirected),
        cmocka_unit_test(test_files_when_conditional_then_304_or_412),
        cmocka_unit_test(test_files_when_replaced_then_the_new_one_with_another_etag),
        cmocka_unit_test(test_files_when_ranges_then_206_or_416),
        cmocka_unit_test(test_files_when_several_ranges_then_multipart),
        cmocka_unit_test(test_files_when_head_then_no_body_and_no_range),
        cmocka_unit_test(test_files_when_precompressed_then_as_the_client_likes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
