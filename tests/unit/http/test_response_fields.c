/* SPDX-License-Identifier: MIT
 *
 * Header fields that handlers add to replies.
 */
#include "http/response.h"

#include "replies.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_header_when_name_is_no_token_then_err_header(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",      " ",      "X ",          " X",   "X Y", "X:",  "X: y\r\nZ",
        "X\r\n", "X\n",    "X\ty",        "X(y)", "X/Y", "X\"", "X@",
        "X\x7f", "X\x80y", "caf\xc3\xa9", "X=y",  "X,Y", "X;",  "[X]",
    };
    struct reply f;
    begin_reply(&f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ph_response_header(&f.res, names[i], "v") != PH_ERR_HEADER) {
            fail_msg("name \"%s\" is not refused", names[i]);
        }
    }
    assert_int_equal(f.res.fields.size, 0);
    end_reply(&f);
}

static void test_header_when_value_has_a_control_character_then_err_header(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    for (int c = 1; c < 256; c++) {
        const char value[] = {'a', (char)c, 'b', '\0'};
        bool control = (c < 0x20 && c != '\t') || c == 0x7F;
        assert_int_equal(ph_response_header(&f.res, "X", value), control ? PH_ERR_HEADER : 0);
        f.res.fields.size = 0;
    }
    assert_int_equal(ph_response_header(&f.res, "X", "a\r\nSet-Cookie: b"), PH_ERR_HEADER);
    assert_int_equal(ph_response_header(&f.res, "X", "\r\n\r\n<script>"), PH_ERR_HEADER);
    assert_int_equal(f.res.fields.size, 0);
    end_reply(&f);
}

static void test_header_when_reserved_in_any_case_then_err_header(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Connection", "Content-Length", "Content-Type", "Date", "Transfer-Encoding",
        "connection", "CONTENT-LENGTH", "content-Type", "dATE", "transfer-encoding"};
    static const char *const near[] = {"Connections", "Content-Lengt", "Content", "Datum", "TE"};
    struct reply f;
    begin_reply(&f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(ph_response_header(&f.res, names[i], "v"), PH_ERR_HEADER);
    }
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        assert_int_equal(ph_response_header(&f.res, near[i], "v"), 0);
    }
    end_reply(&f);
}

static void test_header_when_4096_bytes_exceeded_then_enospc_and_the_others_stay(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    char value[4097];
    size_t size = 4096 - strlen("A: 1\r\n") - strlen("X: \r\n");
    memset(value, 'v', sizeof value);
    value[size + 1] = '\0';
    assert_int_equal(ph_response_header(&f.res, "A", "1"), 0);
    assert_int_equal(ph_response_header(&f.res, "X", value), -ENOSPC);
    value[size] = '\0';
    assert_int_equal(ph_response_header(&f.res, "X", value), 0);
    assert_int_equal(ph_response_header(&f.res, "B", ""), -ENOSPC);
    assert_int_equal(f.res.fields.size, 4096);
    assert_int_equal(ph_reply_empty(&f.res, 200), 0);
    assert_non_null(memmem(f.out.data, f.out.size, "A: 1\r\nX: vvv", 12));
    end_reply(&f);
}

static void test_header_when_added_then_in_the_reply_in_order(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_response_header(&f.res, "X-One", "1"), 0);
    assert_int_equal(ph_response_header(&f.res, "Empty", ""), 0);
    assert_int_equal(ph_response_header(&f.res, "x-one", "\t2 caf\xc3\xa9 \""), 0);
    assert_int_equal(ph_reply_text(&f.res, 200, "hi"), 0);
    assert_out(&f, "HTTP/1.1 200 OK\r\n" DATE_LINE
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n"
                   "X-One: 1\r\nEmpty: \r\nx-one: \t2 caf\xc3\xa9 \"\r\n\r\nhi");
    end_reply(&f);
}

static void test_header_when_replied_then_err_replied(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    assert_int_equal(ph_reply_empty(&f.res, 204), 0);
    size_t size = f.out.size;
    assert_int_equal(ph_response_header(&f.res, "X", "y"), PH_ERR_REPLIED);
    assert_int_equal(f.out.size, size);
    end_reply(&f);
}

static void test_header_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    struct reply f;
    begin_reply(&f);
    fail_allocations(0, true);
    assert_int_equal(ph_response_header(&f.res, "X", "y"), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(ph_response_header(&f.res, "X", "y"), 0);
    assert_int_equal(f.res.fields.size, strlen("X: y\r\n"));
    end_reply(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_when_name_is_no_token_then_err_header),
        cmocka_unit_test(test_header_when_value_has_a_control_character_then_err_header),
        cmocka_unit_test(test_header_when_reserved_in_any_case_then_err_header),
        cmocka_unit_test(test_header_when_4096_bytes_exceeded_then_enospc_and_the_others_stay),
        cmocka_unit_test(test_header_when_added_then_in_the_reply_in_order),
        cmocka_unit_test(test_header_when_replied_then_err_replied),
        cmocka_unit_test(test_header_when_out_of_memory_then_enomem_and_a_retry_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
