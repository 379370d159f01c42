/* SPDX-License-Identifier: MIT */
#include "status/inflate.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 40 times "socket ". */
enum { CONTENT_SIZE = 280, HEADER_SIZE = 10 };
static const unsigned char gzip[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xce, 0x4f, 0xce, 0x4e, 0x2d,
    0x51, 0x28, 0x1e, 0xa5, 0x50, 0x29, 0x00, 0xcb, 0xce, 0x15, 0xad, 0x18, 0x01, 0x00, 0x00,
};

/* A copy that ends where the gzip ends, so that AddressSanitizer sees a step beyond. */
static int inflate_copy(struct ph__buf *buf, const void *bytes, size_t size, size_t inflated_size)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int err = ph__inflate(buf, copy, size, inflated_size);
    free(copy);
    return err;
}

static void assert_refused(const void *bytes, size_t size, size_t inflated_size)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    assert_int_equal(inflate_copy(&buf, bytes, size, inflated_size), -EBADMSG);
    assert_int_equal(buf.size, 0);
    ph__buf_done(&buf);
}

static void test_inflate_when_cut_off_or_followed_by_more_then_ebadmsg(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof gzip; size++) {
        assert_refused(gzip, size, CONTENT_SIZE);
    }
    unsigned char longer[sizeof gzip + 1] = {0};
    memcpy(longer, gzip, sizeof gzip);
    assert_refused(longer, sizeof longer, CONTENT_SIZE);
}

static void assert_content(const char *content)
{
    for (size_t i = 0; i < CONTENT_SIZE; i += 7) {
        assert_memory_equal(content + i, "socket ", 7);
    }
}

/* Every bit behind the header counts, except those that fill up the last byte before the
 * checksum. */
static void test_inflate_when_damaged_then_ebadmsg(void **state)
{
    (void)state;
    int harmless = 0;
    for (size_t bit = 8 * (size_t)HEADER_SIZE; bit < 8 * sizeof gzip; bit++) {
        unsigned char damaged[sizeof gzip];
        struct ph__buf buf;
        memcpy(damaged, gzip, sizeof gzip);
        damaged[bit / 8] ^= (unsigned char)(1U << bit % 8);
        ph__buf_init(&buf, 0);
        int err = inflate_copy(&buf, damaged, sizeof damaged, CONTENT_SIZE);
        if (err) {
            assert_int_equal(err, -EBADMSG);
            assert_int_equal(buf.size, 0);
        } else {
            assert_content(buf.data);
            harmless++;
        }
        ph__buf_done(&buf);
    }
    assert_true(harmless < 8);
    assert_refused("plain text, no gzip", 19, 19);
}

static void test_inflate_when_content_is_of_another_size_then_ebadmsg(void **state)
{
    (void)state;
    assert_refused(gzip, sizeof gzip, 1);
    assert_refused(gzip, sizeof gzip, CONTENT_SIZE - 1);
    assert_refused(gzip, sizeof gzip, CONTENT_SIZE + 1);
    assert_refused(gzip, sizeof gzip, 100 * (size_t)CONTENT_SIZE);
    assert_refused(gzip, sizeof gzip, (size_t)1 << 40);
}

static void test_inflate_when_over_the_limit_of_the_buffer_then_that(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, CONTENT_SIZE - 1);
    assert_int_equal(inflate_copy(&buf, gzip, sizeof gzip, CONTENT_SIZE), PH_ERR_LIMIT);
    assert_int_equal(buf.size, 0);
    ph__buf_done(&buf);
}

static void test_inflate_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    struct ph__buf buf;
    int err = -ENOMEM;
    long allocations = 0;
    for (; err == -ENOMEM; allocations++) {
        ph__buf_init(&buf, 0);
        fail_allocations(allocations, true);
        err = ph__inflate(&buf, gzip, sizeof gzip, CONTENT_SIZE);
        bool failed = stop_failing();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        assert_int_equal(buf.size, failed ? 0 : CONTENT_SIZE);
        ph__buf_done(&buf);
    }
    assert_true(allocations >= 3); /* the buffer, zlib, and the one that succeeded */
}

static void test_inflate_then_content_behind_what_is_there(void **state)
{
    (void)state;
    struct ph__buf buf;
    ph__buf_init(&buf, 1 + CONTENT_SIZE);
    ph__buf_putc(&buf, '>');
    assert_int_equal(inflate_copy(&buf, gzip, sizeof gzip, CONTENT_SIZE), 0);
    assert_int_equal(buf.size, 1 + CONTENT_SIZE);
    assert_int_equal(buf.data[0], '>');
    assert_content(buf.data + 1);
    ph__buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inflate_when_cut_off_or_followed_by_more_then_ebadmsg),
        cmocka_unit_test(test_inflate_when_damaged_then_ebadmsg),
        cmocka_unit_test(test_inflate_when_content_is_of_another_size_then_ebadmsg),
        cmocka_unit_test(test_inflate_when_over_the_limit_of_the_buffer_then_that),
        cmocka_unit_test(test_inflate_when_out_of_memory_then_enomem),
        cmocka_unit_test(test_inflate_then_content_behind_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
