/* SPDX-License-Identifier: MIT */
#include "status/files.h"

#include "status/inflate.h"
#include "support/cmocka.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/porthole-www-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    write_file("index.html", "<p>");
    write_file("app.js", "1;");
    write_file(".hidden", "no");
    write_file("with space", "no");
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    assert_int_equal(mkfifo(path_of("fifo.txt"), 0600), 0);
    assert_int_equal(symlink("/etc/passwd", path_of("link.txt")), 0);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"index.html", "app.js",   ".hidden", "with space",
                                        "sub",        "fifo.txt", "link.txt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (remove(path_of(names[i])) < 0 && errno != ENOENT) {
            return -1;
        }
    }
    return rmdir(folder);
}

static void assert_absent(const struct ph__page *page, const char *name)
{
    struct ph__page_file file;
    assert_int_equal(ph__page_read(page, name, PH__CODING_GZIP, &file), -ENOENT);
}

static void test_new_when_folder_is_missing_then_errno(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    assert_int_equal(ph__page_new(&page, "/nonexistent"), -ENOENT);
    assert_int_equal(ph__page_new(&page, path_of("app.js")), -ENOTDIR);
    assert_null(page);
    ph__page_free(NULL);
}

static void test_folder_shows_only_regular_files_with_plain_names(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    assert_int_equal(ph__page_new(&page, folder), 0);
    assert_true(ph__page_is_folder(page));
    size_t count = 0;
    const char *name = NULL;
    for (; (name = ph__page_name(page, count)) != NULL; count++) {
        assert_true(strcmp(name, "index.html") == 0 || strcmp(name, "app.js") == 0);
    }
    assert_int_equal(count, 2);
    ph__page_free(page);
}

static void test_read_when_not_a_regular_file_inside_then_absent(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    assert_int_equal(ph__page_new(&page, folder), 0);
    assert_absent(page, "missing.js");
    assert_absent(page, "link.txt");
    assert_absent(page, "fifo.txt"); /* and it does not hang */
    assert_absent(page, "sub");
    assert_absent(page, "..");
    assert_absent(page, ".hidden");
    assert_absent(page, "../passwd");
    assert_absent(page, "/etc/passwd");
    assert_absent(page, "sub/../app.js");
    assert_absent(page, "");
    ph__page_free(page);
}

static void test_read_when_replaced_by_a_link_then_absent(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    assert_int_equal(ph__page_new(&page, folder), 0);
    assert_int_equal(unlink(path_of("app.js")), 0);
    assert_int_equal(symlink("/etc/passwd", path_of("app.js")), 0);
    assert_absent(page, "app.js");
    assert_int_equal(unlink(path_of("app.js")), 0);
    write_file("app.js", "1;");
    ph__page_free(page);
}

static void test_read_when_changed_then_new_content_and_etag(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    struct ph__page_file file;
    struct ph__page_file changed;
    assert_int_equal(ph__page_new(&page, folder), 0);
    assert_int_equal(ph__page_read(page, "app.js", PH__CODING_IDENTITY, &file), 0);
    assert_int_equal(file.size, 2);
    assert_memory_equal(file.data, "1;", 2);
    assert_string_equal(file.content_type, "text/javascript; charset=utf-8");
    write_file("app.js", "2;");
    assert_int_equal(ph__page_read(page, "app.js", PH__CODING_IDENTITY, &changed), 0);
    assert_memory_equal(changed.data, "2;", 2);
    assert_string_not_equal(changed.etag, file.etag);
    write_file("app.js", "");
    ph__page_file_done(&changed);
    assert_int_equal(ph__page_read(page, "app.js", PH__CODING_IDENTITY, &changed), 0);
    assert_int_equal(changed.size, 0);
    ph__page_file_done(&file);
    ph__page_file_done(&changed);
    ph__page_free(page);
}

static void test_read_when_too_large_then_efbig(void **state)
{
    (void)state;
    struct ph__page *page = NULL;
    struct ph__page_file file;
    assert_int_equal(ph__page_new(&page, folder), 0);
    assert_int_equal(truncate(path_of("app.js"), PH__PAGE_FILE_MAX + 1), 0);
    assert_int_equal(ph__page_read(page, "app.js", PH__CODING_IDENTITY, &file), -EFBIG);
    write_file("app.js", "1;");
    ph__page_free(page);
}

static void assert_same_content(const struct ph__page_file *one, const struct ph__page_file *other)
{
    assert_int_equal(one->size, other->size);
    assert_memory_equal(one->data, other->data, other->size);
    assert_string_equal(one->etag, other->etag);
    assert_string_equal(one->content_type, other->content_type);
}

/* Calls check() with each file of www/. */
static void for_each_of_www(void (*check)(const struct ph__page *embedded,
                                          const struct ph__page *www, const char *name))
{
    struct ph__page *embedded = NULL;
    struct ph__page *www = NULL;
    assert_int_equal(ph__page_new(&embedded, NULL), 0);
    assert_int_equal(ph__page_new(&www, PORTHOLE_WWW), 0);
    assert_false(ph__page_is_folder(embedded));
    size_t count = 0;
    const char *name = NULL;
    for (; (name = ph__page_name(www, count)) != NULL; count++) {
        check(embedded, www, name);
    }
    assert_true(count > 0);
    assert_non_null(ph__page_name(embedded, count - 1));
    assert_null(ph__page_name(embedded, count));
    ph__page_free(www);
    ph__page_free(embedded);
}

/* Each file of www/ has to be in the list that the build embeds. */
static void check_plain(const struct ph__page *embedded, const struct ph__page *www,
                        const char *name)
{
    struct ph__page_file file;
    struct ph__page_file plain;
    assert_int_equal(ph__page_read(www, name, PH__CODING_IDENTITY, &file), 0);
    if (ph__page_read(embedded, name, PH__CODING_NONE, &plain) < 0) {
        print_error("%s is not in src/status/CMakeLists.txt\n", name);
        fail();
    }
    assert_int_equal(plain.coding, PH__CODING_IDENTITY);
    assert_same_content(&plain, &file);
    ph__page_file_done(&plain);
    ph__page_file_done(&file);
}

static void test_embedded_files_are_those_of_www(void **state)
{
    (void)state;
    for_each_of_www(check_plain);
    struct ph__page *page = NULL;
    assert_int_equal(ph__page_new(&page, NULL), 0);
    assert_absent(page, "missing.js");
    ph__page_free(page);
}

/* As a gzip, an embedded file is where the program has it, and its own version. */
static void check_gzip(const struct ph__page *embedded, const struct ph__page *www,
                       const char *name)
{
    struct ph__page_file file;
    struct ph__page_file gzip;
    struct ph__buf content;
    assert_int_equal(ph__page_read(www, name, PH__CODING_GZIP, &file), 0);
    assert_int_equal(file.coding, PH__CODING_IDENTITY);
    assert_false(file.coded);
    assert_int_equal(ph__page_read(embedded, name, PH__CODING_GZIP, &gzip), 0);
    assert_null(gzip.buf.data);
    if (gzip.coded) {
        assert_int_equal(gzip.coding, PH__CODING_GZIP);
        assert_true(gzip.size < file.size);
        assert_string_not_equal(gzip.etag, file.etag);
        ph__buf_init(&content, 0);
        assert_int_equal(ph__inflate(&content, gzip.data, gzip.size, file.size), 0);
        assert_memory_equal(content.data, file.data, file.size);
        ph__buf_done(&content);
    } else {
        assert_int_equal(gzip.coding, PH__CODING_IDENTITY);
        assert_same_content(&gzip, &file);
    }
    ph__page_file_done(&gzip);
    ph__page_file_done(&file);
}

static void test_embedded_files_when_gzip_is_wanted_then_as_embedded(void **state)
{
    (void)state;
    for_each_of_www(check_gzip);
}

static void test_unchanged_compares_weakly_with_each_of_a_list(void **state)
{
    (void)state;
    static const char etag[] = "\"0123456789abcdef\"";
    assert_false(ph__page_unchanged(NULL, etag));
    assert_false(ph__page_unchanged("", etag));
    assert_false(ph__page_unchanged("\"0123456789abcde\"", etag));
    assert_false(ph__page_unchanged("0123456789abcdef", etag));
    assert_false(ph__page_unchanged("\"x\", \"y\"", etag));
    assert_false(ph__page_unchanged("W/", etag));
    assert_true(ph__page_unchanged(etag, etag));
    assert_true(ph__page_unchanged("W/\"0123456789abcdef\"", etag));
    assert_true(ph__page_unchanged("\"x\" , W/\"0123456789abcdef\" ,\"y\"", etag));
    assert_true(ph__page_unchanged("*", etag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_when_folder_is_missing_then_errno),
        cmocka_unit_test(test_folder_shows_only_regular_files_with_plain_names),
        cmocka_unit_test(test_read_when_not_a_regular_file_inside_then_absent),
        cmocka_unit_test(test_read_when_replaced_by_a_link_then_absent),
        cmocka_unit_test(test_read_when_changed_then_new_content_and_etag),
        cmocka_unit_test(test_read_when_too_large_then_efbig),
        cmocka_unit_test(test_embedded_files_are_those_of_www),
        cmocka_unit_test(test_embedded_files_when_gzip_is_wanted_then_as_embedded),
        cmocka_unit_test(test_unchanged_compares_weakly_with_each_of_a_list),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
