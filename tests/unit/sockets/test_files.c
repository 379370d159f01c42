/* SPDX-License-Identifier: MIT */
#include "sockets/files.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int interruptions;
static int read_fails;   /* errno for the next read, 0 none */
static size_t read_most; /* a read gives no more, 0 no limit */

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    if (read_fails) {
        errno = read_fails;
        return -1;
    }
    return __real_read(fd, buffer, read_most && read_most < size ? read_most : size);
}

struct seen {
    char text[4096];
    size_t used;
    unsigned count;
    size_t longest;
    int refuse;
};

static int on_line(void *user, char *line, size_t size)
{
    struct seen *seen = user;
    assert_int_equal(strlen(line), size);
    seen->count++;
    seen->longest = size > seen->longest ? size : seen->longest;
    if (seen->used + size + 1 < sizeof seen->text) {
        memcpy(seen->text + seen->used, line, size);
        seen->used += size;
        seen->text[seen->used++] = '|';
    }
    return seen->refuse;
}

struct fixture {
    struct proc_root root;
    int folder;
};

static void begin(struct fixture *fixture, const char *text)
{
    proc_root_make(&fixture->root);
    fixture->folder = ph__files_open_folder(AT_FDCWD, fixture->root.path);
    assert_true(fixture->folder >= 0);
    proc_root_write(&fixture->root, "f", text);
}

static void end(struct fixture *fixture)
{
    close(fixture->folder);
    proc_root_remove(&fixture->root);
}

static void test_reading_when_it_fails_then_its_error(void **state)
{
    (void)state;
    struct fixture fixture;
    struct seen seen = {.count = 0};
    char text[8];
    begin(&fixture, "text\n");
    assert_int_equal(ph__files_read(fixture.folder, "none", text, sizeof text), -ENOENT);
    assert_int_equal(ph__files_lines(fixture.folder, "none", on_line, &seen), -ENOENT);
    assert_int_equal(ph__files_open_folder(fixture.folder, "f"), -ENOTDIR);
    read_fails = EIO;
    assert_int_equal(ph__files_read(fixture.folder, "f", text, sizeof text), -EIO);
    assert_int_equal(ph__files_lines(fixture.folder, "f", on_line, &seen), -EIO);
    read_fails = 0;
    fail_allocations(0, false);
    assert_int_equal(ph__files_lines(fixture.folder, "f", on_line, &seen), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(seen.count, 0);
    end(&fixture);
}

static void test_lines_when_receiver_refuses_then_its_error(void **state)
{
    (void)state;
    struct fixture fixture;
    struct seen seen = {.refuse = PH_ERR_LIMIT};
    begin(&fixture, "a\nb\n");
    assert_int_equal(ph__files_lines(fixture.folder, "f", on_line, &seen), PH_ERR_LIMIT);
    assert_int_equal(seen.count, 1);
    end(&fixture);
}

static void test_read_when_file_is_longer_then_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    char text[4];
    begin(&fixture, "abcdefgh");
    interruptions = 2;
    assert_int_equal(ph__files_read(fixture.folder, "f", text, sizeof text), 3);
    assert_string_equal(text, "abc");
    end(&fixture);
}

static void test_lines_when_split_at_every_byte_then_the_same(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, "one\n\nthree\nlast");
    for (size_t most = 1; most < 20; most++) {
        struct seen seen = {.count = 0};
        read_most = most;
        interruptions = 1;
        assert_int_equal(ph__files_lines(fixture.folder, "f", on_line, &seen), 0);
        assert_int_equal(seen.count, 4);
        assert_string_equal(seen.text, "one||three|last|");
    }
    read_most = 0;
    end(&fixture);
}

static void test_lines_when_one_is_overlong_then_left_out(void **state)
{
    (void)state;
    enum { LONG = 200000 };
    struct fixture fixture;
    char *text = malloc(LONG + 16);
    assert_non_null(text);
    memcpy(text, "first\n", 6);
    memset(text + 6, 'x', LONG);
    memcpy(text + 6 + LONG, "\nlast\n", 7);
    begin(&fixture, text);
    struct seen seen = {.count = 0};
    assert_int_equal(ph__files_lines(fixture.folder, "f", on_line, &seen), 0);
    assert_string_equal(seen.text, "first|last|");
    free(text);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_when_it_fails_then_its_error),
        cmocka_unit_test(test_lines_when_receiver_refuses_then_its_error),
        cmocka_unit_test(test_read_when_file_is_longer_then_cut),
        cmocka_unit_test(test_lines_when_split_at_every_byte_then_the_same),
        cmocka_unit_test(test_lines_when_one_is_overlong_then_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
