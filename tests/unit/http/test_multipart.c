/* SPDX-License-Identifier: MIT
 *
 * multipart/form-data: each body in every split, and what is refused.
 */
#include <porthole/form.h>

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=b0undary"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

/* "[name|filename|type]data;" for each part; the filename of a field is "-". */
static struct {
    char text[4096];
    size_t size;
    int failing; /* the call that fails: 'b', 'd', 'e', or 0 */
} heard;

static int note(const char *text, size_t size, int call)
{
    assert_true(heard.size + size < sizeof heard.text);
    memcpy(heard.text + heard.size, text, size);
    heard.size += size;
    heard.text[heard.size] = '\0';
    return heard.failing == call ? -EIO : 0;
}

static int begin(void *user, const struct ph_part *part)
{
    char text[300];
    assert_ptr_equal(user, &heard);
    int size = snprintf(text, sizeof text, "[%s|%s|%s]", part->name,
                        part->filename ? part->filename : "-", part->content_type);
    return note(text, (size_t)size, 'b');
}

static int data(void *user, const void *bytes, size_t size)
{
    assert_ptr_equal(user, &heard);
    assert_true(size > 0);
    return note(bytes, size, 'd');
}

static int end(void *user)
{
    assert_ptr_equal(user, &heard);
    return note(";", 1, 'e');
}

static const struct ph_multipart_handler handler = {begin, data, end};

static struct ph_multipart *start(const char *type)
{
    struct ph_multipart *multipart = NULL;
    heard.size = 0;
    heard.text[0] = '\0';
    assert_int_equal(ph_multipart_new(&multipart, type, &handler, &heard), 0);
    assert_string_equal(ph_multipart_wrong(multipart), "");
    return multipart;
}

/* Feeds a copy of just these bytes, so that sanitizers see what is read beyond. */
static int feed(struct ph_multipart *multipart, const char *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int err = ph_multipart_feed(multipart, copy, size);
    free(copy);
    return err;
}

static void check_split(const char *type, const char *body, size_t size, size_t first,
                        const char *expected)
{
    struct ph_multipart *multipart = start(type);
    assert_int_equal(feed(multipart, body, first), 0);
    assert_int_equal(feed(multipart, body + first, size - first), 0);
    assert_int_equal(ph_multipart_finish(multipart), 0);
    assert_string_equal(heard.text, expected);
    ph_multipart_free(multipart);
}

static void check(const char *type, const char *body, const char *expected)
{
    size_t size = strlen(body);
    for (size_t first = 0; first <= size; first++) {
        check_split(type, body, size, first, expected);
    }
    struct ph_multipart *multipart = start(type);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(feed(multipart, body + i, 1), 0);
    }
    assert_int_equal(ph_multipart_finish(multipart), 0);
    assert_string_equal(heard.text, expected);
    ph_multipart_free(multipart);
}

static void test_body_when_fields_and_files_then_each_part_however_it_comes(void **state)
{
    (void)state;
    check(
        TYPE,
        "--b0undary\r\n" FIELD(
            "title") "\r\nA title\r\n"
                     "--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a "
                     "b.txt\"\r\n"
                     "Content-Type: text/markdown; charset=utf-8\r\n\r\nline\r\nline\r\n\r\n"
                     "--b0undary--\r\n",
        "[title|-|text/plain]A title;[file|a b.txt|text/markdown; charset=utf-8]line\r\nline\r\n;");
}

static void test_body_when_empty_parts_then_without_data(void **state)
{
    (void)state;
    check(TYPE,
          "--b0undary\r\n" FIELD(
              "a") "\r\n\r\n"
                   "--b0undary\r\nContent-Disposition: form-data; name=b; filename=\"\"\r\n\r\n\r\n"
                   "--b0undary\r\n" FIELD("c") "\r\n"
                                               "--b0undary--",
          "[a|-|text/plain];[b||text/plain];[c|-|text/plain];");
    check(TYPE, "--b0undary--\r\n", "");
}

/* What looks like a delimiter and is none is data, to the byte. */
static void test_data_when_nearly_a_boundary_then_data(void **state)
{
    (void)state;
    check(TYPE,
          "--b0undary\r\n" FIELD(
              "a") "\r\n"
                   "--b0undar\r\n--b0undarx\r\r\n\r\n-\r\n--\r\n--b0\r\r\n--b0undar\n--b0undary\r\n"
                   "--b0undary--",
          "[a|-|text/plain]--b0undar\r\n--b0undarx\r\r\n\r\n-\r\n--\r\n--b0\r\r\n--b0undar\n"
          "--b0undary;");
    check(TYPE, "--b0undary\r\n" FIELD("a") "\r\n\r\r\n--b0undary--", "[a|-|text/plain]\r;");
    check(TYPE, "--b0undary\r\n" FIELD("a") "\r\n\r\n\r\n--b0undary--", "[a|-|text/plain]\r\n;");
}

static void test_body_when_text_around_it_then_left_out(void **state)
{
    (void)state;
    check(TYPE,
          "For old readers.\r\n--b0undar\r\n--b0undary \t\r\n" FIELD(
              "a") "\r\nx\r\n--b0undary--"
                   " and more\r\n--b0undary\r\n",
          "[a|-|text/plain]x;");
    static char body[100 + 2 * PH_PART_HEAD_MAX];
    int size = snprintf(body, sizeof body, "--b0undary\r\n" FIELD("a") "\r\nx\r\n--b0undary--");
    memset(body + size, 'y', 2 * PH_PART_HEAD_MAX); /* longer than a line may be elsewhere */
    size_t whole = (size_t)size + 2 * PH_PART_HEAD_MAX;
    check_split(TYPE, body, whole, whole, "[a|-|text/plain]x;");
    check_split(TYPE, body, whole, (size_t)size - 1, "[a|-|text/plain]x;");
    check_split(TYPE, body, whole, (size_t)size, "[a|-|text/plain]x;");
}

static void test_type_when_written_otherwise_then_the_same(void **state)
{
    (void)state;
    check("Multipart/Form-Data ; charset=utf-8; BOUNDARY=\"a b:c\"",
          "--a b:c\r\nCONTENT-disposition:form-data;name=a\r\n\r\nx\r\n--a b:c--",
          "[a|-|text/plain]x;");
}

static void test_name_when_quoted_then_as_browsers_and_curl_mean_it(void **state)
{
    (void)state;
    check(TYPE,
          "--b0undary\r\nContent-Disposition: form-data; filename=\"C:\\tmp\\\\a\\\"b;c\"; "
          "name=\"n\\\"%22\"\r\n\r\nx\r\n--b0undary--",
          "[n\"%22|C:\\tmp\\a\"b;c|text/plain]x;");
}

static void refuse(const char *body, int expected, const char *wrong)
{
    size_t size = strlen(body);
    for (size_t first = 0; first <= size; first++) {
        struct ph_multipart *multipart = start(TYPE);
        int err = feed(multipart, body, first);
        err = err ? err : feed(multipart, body + first, size - first);
        err = err ? err : ph_multipart_finish(multipart);
        assert_int_equal(err, expected);
        assert_string_equal(ph_multipart_wrong(multipart), wrong);
        assert_int_equal(feed(multipart, "x", 1), expected); /* and again */
        assert_int_equal(ph_multipart_finish(multipart), expected);
        ph_multipart_free(multipart);
    }
}

static void test_body_when_malformed_then_what_is_wrong(void **state)
{
    static const char early[] = "the body ends before its last boundary";
    static const char field[] = "a header field of a part is malformed";
    static const char disposition[] = "a part is without Content-Disposition: form-data";
    static const char malformed[] = "the Content-Disposition of a part is malformed";
    (void)state;
    refuse("", PH_ERR_FORM, early);
    refuse("--b0undary", PH_ERR_FORM, early);
    refuse("--b0undary\r\n" FIELD("a"), PH_ERR_FORM, early);
    refuse("--b0undary\r\n" FIELD("a") "\r\nx\r\n--b0undary", PH_ERR_FORM, early);
    refuse("--b0undary\r\n" FIELD("a") "\r\nx\r\n--b0undary-", PH_ERR_FORM, early);
    refuse("--b0undaryx\r\n", PH_ERR_FORM, "a boundary goes on where its line should end");
    refuse("--b0undary\n", PH_ERR_FORM, "a boundary goes on where its line should end");
    refuse("--b0undary\r\n\r\n", PH_ERR_FORM, disposition);
    refuse("--b0undary\r\nContent-Disposition: attachment; name=a\r\n\r\n", PH_ERR_FORM,
           disposition);
    refuse("--b0undary\r\nContent-Disposition: form-data\r\n\r\n", PH_ERR_FORM,
           "a part is without a name");
    refuse("--b0undary\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", PH_ERR_FORM,
           malformed);
    refuse("--b0undary\r\nContent-Disposition: form-data; name=a; filename=\r\n\r\n", PH_ERR_FORM,
           malformed);
    refuse("--b0undary\r\nContent-Disposition: form-data; name=a b\r\n\r\n", PH_ERR_FORM,
           malformed);
    refuse("--b0undary\r\n" FIELD("a") " folded\r\n\r\n", PH_ERR_FORM, field);
    refuse("--b0undary\r\n" FIELD("a") "X: bare\n\r\n", PH_ERR_FORM, field);
    refuse("--b0undary\r\n" FIELD("a") "X: a\rb\r\n\r\n", PH_ERR_FORM, field);
}

static void test_head_when_it_has_a_nul_then_malformed(void **state)
{
    static const char body[] =
        "--b0undary\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\n";
    (void)state;
    struct ph_multipart *multipart = start(TYPE);
    assert_int_equal(feed(multipart, body, sizeof body - 1), PH_ERR_FORM);
    ph_multipart_free(multipart);
}

/* Heads around the limit: each is taken, or refused with the reason. */
static void test_head_when_about_as_long_as_can_be_then_taken_or_why(void **state)
{
    (void)state;
    static char body[PH_PART_HEAD_MAX + 200];
    for (int head = PH_PART_HEAD_MAX - 2; head <= PH_PART_HEAD_MAX + 4; head++) {
        int size = snprintf(body, sizeof body, "--b0undary\r\n");
        int from = size;
        size += snprintf(body + size, sizeof body - (size_t)size, FIELD("a") "X: ");
        int fill = head - (size - from) - 4;
        memset(body + size, 'x', (size_t)fill);
        size += fill;
        memcpy(body + size, "\r\n\r\n", 4);
        struct ph_multipart *multipart = start(TYPE);
        int err = feed(multipart, body, (size_t)size + 4);
        assert_int_equal(err, head <= PH_PART_HEAD_MAX ? 0 : PH_ERR_LIMIT);
        assert_string_equal(ph_multipart_wrong(multipart),
                            err ? "the header fields of a part are longer than is accepted" : "");
        ph_multipart_free(multipart);
    }
}

static void test_limits_when_exceeded_then_which(void **state)
{
    (void)state;
    static char body[PH_PART_HEAD_MAX + 200];
    int size = snprintf(body, sizeof body, "--b0undary\r\n" FIELD("a") "X: ");
    memset(body + size, 'x', PH_PART_HEAD_MAX);
    body[size + PH_PART_HEAD_MAX] = '\0';
    struct ph_multipart *multipart = start(TYPE);
    assert_int_equal(feed(multipart, body, strlen(body)), PH_ERR_LIMIT);
    assert_string_equal(ph_multipart_wrong(multipart),
                        "the header fields of a part are longer than is accepted");
    ph_multipart_free(multipart);

    static const char part[] = "\r\n--b0undary\r\n" FIELD("a") "\r\n";
    const struct ph_multipart_handler nobody = {NULL, NULL, NULL};
    assert_int_equal(ph_multipart_new(&multipart, TYPE, &nobody, NULL), 0);
    for (int i = 0; i < PH_FORM_FIELDS_MAX; i++) {
        assert_int_equal(feed(multipart, part, sizeof part - 1), 0);
    }
    assert_int_equal(feed(multipart, part, sizeof part - 1), PH_ERR_LIMIT);
    assert_string_equal(ph_multipart_wrong(multipart), "there are more parts than is accepted");
    ph_multipart_free(multipart);
}

static void test_new_when_the_type_is_wrong_then_why(void **state)
{
    static const char *const others[] = {NULL, "", "multipart/mixed; boundary=a",
                                         "multipart/form-datax; boundary=a", "text/plain"};
    static const char *const malformed[] = {"multipart/form-data",
                                            "multipart/form-data; boundary",
                                            "multipart/form-data; boundary=",
                                            "multipart/form-data; boundary=\"\"",
                                            "multipart/form-data; boundary=\"a",
                                            "multipart/form-data; boundary=\"a \"",
                                            "multipart/form-data; boundary=\"a\tb\"",
                                            "multipart/form-data; boundary=a b",
                                            "multipart/form-data; boundary=\"a\xC3\xBC\""};
    struct ph_multipart *multipart = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(ph_multipart_new(&multipart, others[i], &handler, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_int_equal(ph_multipart_new(&multipart, malformed[i], &handler, NULL), PH_ERR_FORM);
    }
    char type[150];
    for (int size = 70; size <= 71; size++) { /* RFC 2046 allows 70 */
        snprintf(type, sizeof type, "multipart/form-data; boundary=%0*d", size, 0);
        int err = ph_multipart_new(&multipart, type, &handler, NULL);
        assert_int_equal(err, size == 70 ? 0 : PH_ERR_FORM);
        ph_multipart_free(multipart);
        multipart = NULL;
    }
    ph_multipart_free(NULL);
}

static void test_handler_when_it_fails_then_nothing_more_is_told(void **state)
{
    static const char body[] = "--b0undary\r\n" FIELD("a") "\r\nx\r\n--b0undary--";
    static const char *const told[] = {"[a|-|text/plain]", "[a|-|text/plain]x",
                                       "[a|-|text/plain]x;"};
    (void)state;
    static const int calls[] = {'b', 'd', 'e'};
    for (size_t i = 0; i < 3; i++) {
        heard.failing = calls[i];
        struct ph_multipart *multipart = start(TYPE);
        assert_int_equal(feed(multipart, body, sizeof body - 1), -EIO);
        assert_int_equal(feed(multipart, body, sizeof body - 1), -EIO);
        assert_int_equal(ph_multipart_finish(multipart), -EIO);
        assert_string_equal(heard.text, told[i]);
        ph_multipart_free(multipart);
    }
    heard.failing = 0;
}

static void test_memory_when_there_is_none_then_enomem(void **state)
{
    static const char body[] = "--b0undary\r\n" FIELD("a") "\r\nx\r\n--b0undary--";
    (void)state;
    bool failed = true;
    for (long i = 0; failed; i++) {
        struct ph_multipart *multipart = NULL;
        heard.size = 0;
        fail_allocations(i, false);
        int err = ph_multipart_new(&multipart, TYPE, &handler, &heard);
        err = err ? err : ph_multipart_feed(multipart, body, sizeof body - 1);
        failed = stop_failing();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        ph_multipart_free(multipart);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_when_fields_and_files_then_each_part_however_it_comes),
        cmocka_unit_test(test_body_when_empty_parts_then_without_data),
        cmocka_unit_test(test_data_when_nearly_a_boundary_then_data),
        cmocka_unit_test(test_body_when_text_around_it_then_left_out),
        cmocka_unit_test(test_type_when_written_otherwise_then_the_same),
        cmocka_unit_test(test_name_when_quoted_then_as_browsers_and_curl_mean_it),
        cmocka_unit_test(test_body_when_malformed_then_what_is_wrong),
        cmocka_unit_test(test_head_when_it_has_a_nul_then_malformed),
        cmocka_unit_test(test_head_when_about_as_long_as_can_be_then_taken_or_why),
        cmocka_unit_test(test_limits_when_exceeded_then_which),
        cmocka_unit_test(test_new_when_the_type_is_wrong_then_why),
        cmocka_unit_test(test_handler_when_it_fails_then_nothing_more_is_told),
        cmocka_unit_test(test_memory_when_there_is_none_then_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
