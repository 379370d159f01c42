/* SPDX-License-Identifier: MIT
 *
 * The load client counts replies exactly, in pieces of any size, and notices wrong ones.
 */
#include "bench/load.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

static const char two_alike_and_others[] =
    HEAD "Content-Length: 5\r\n\r\nhello" HEAD "Content-Length: 5\r\n\r\n\r\n\r\n." HEAD
         "content-length:  11\r\nX: y\r\n\r\nhello world" HEAD "Content-Length: 0\r\n\r\n" HEAD
         "Content-Length: 5\r\n\r\nhello";

enum { REPLIES = 5, SIZE = sizeof two_alike_and_others - 1 };

static void test_reply_when_split_at_every_byte_then_all_are_counted(void **state)
{
    (void)state;
    for (size_t first = 0; first <= SIZE; first++) {
        for (size_t second = first; second <= SIZE; second += 7) {
            struct reply_reader reader = {0};
            struct reply_shape shape = {0};
            unsigned done = 0;
            const char *data = two_alike_and_others;
            assert_null(reply_feed(&reader, &shape, data, first, &done));
            assert_null(reply_feed(&reader, &shape, data + first, second - first, &done));
            assert_null(reply_feed(&reader, &shape, data + second, SIZE - second, &done));
            assert_int_equal(done, REPLIES);
            free(reader.head);
        }
    }
}

static void test_reply_when_cut_anywhere_then_it_is_not_counted(void **state)
{
    (void)state;
    static const char reply[] = HEAD "Content-Length: 5\r\n\r\nhello";
    for (size_t size = 0; size < sizeof reply - 1; size++) {
        struct reply_reader reader = {0};
        struct reply_shape shape = {0};
        unsigned done = 0;
        assert_null(reply_feed(&reader, &shape, reply, sizeof reply - 1, &done));
        assert_null(reply_feed(&reader, &shape, reply, size, &done));
        assert_int_equal(done, 1);
        free(reader.head);
    }
}

static void test_reply_when_wrong_then_refused(void **state)
{
    (void)state;
    static const char good[] = HEAD "Content-Length: 5\r\n\r\nhello";
    static const char *const wrong[] = {
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "surplus\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct reply_reader reader = {0};
        struct reply_shape shape = {0};
        unsigned done = 0;
        assert_null(reply_feed(&reader, &shape, good, sizeof good - 1, &done));
        assert_non_null(reply_feed(&reader, &shape, wrong[i], strlen(wrong[i]), &done));
        assert_int_equal(done, 1);
        free(reader.head);
    }
}

static void test_head_when_it_does_not_end_then_refused(void **state)
{
    (void)state;
    static char head[REPLY_HEAD_MAX];
    struct reply_reader reader = {0};
    struct reply_shape shape = {0};
    unsigned done = 0;
    memset(head, 'x', sizeof head);
    assert_non_null(reply_feed(&reader, &shape, head, sizeof head, &done));
    assert_int_equal(done, 0);
    free(reader.head);
}

static void test_latency_when_added_then_quantiles_are_within_two_percent(void **state)
{
    (void)state;
    static struct load_latency latency;
    for (uint64_t us = 1; us <= 10000; us++) {
        latency_add(&latency, us * 1000, 1);
    }
    assert_true(latency_quantile_us(&latency, 0.5) > 4900);
    assert_true(latency_quantile_us(&latency, 0.5) < 5100);
    assert_true(latency_quantile_us(&latency, 0.99) > 9700);
    assert_true(latency_quantile_us(&latency, 0.99) < 10100);
    assert_int_equal(latency.max_ns, 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_when_wrong_then_refused),
        cmocka_unit_test(test_head_when_it_does_not_end_then_refused),
        cmocka_unit_test(test_reply_when_cut_anywhere_then_it_is_not_counted),
        cmocka_unit_test(test_reply_when_split_at_every_byte_then_all_are_counted),
        cmocka_unit_test(test_latency_when_added_then_quantiles_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
