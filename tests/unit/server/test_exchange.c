/* SPDX-License-Identifier: MIT */
#include "server/exchange.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ph__limits limits = {
    .target_max = 8000, .head_max = 16384, .headers_max = 7, .body_max = 1000};

static struct ph__exchange *make(void)
{
    struct ph__exchange *exchange = ph__exchange_new(&limits);
    assert_non_null(exchange);
    return exchange;
}

static void receive(struct ph__input *input, const char *text)
{
    size_t size = strlen(text);
    assert_true(input->size + size <= input->capacity);
    memcpy(input->data + input->size, text, size);
    input->size += size;
}

static void assert_input(const struct ph__input *input, const char *text)
{
    assert_int_equal(input->size - input->start, strlen(text));
    assert_memory_equal(input->data + input->start, text, strlen(text));
}

static void test_new_when_out_of_memory_then_null_and_nothing_lost(void **state)
{
    (void)state;
    bool failed = true;
    unsigned failures = 0;
    for (long n = 0; failed; n++) {
        fail_allocations(n, false);
        struct ph__exchange *exchange = ph__exchange_new(&limits);
        failed = stop_failing();
        assert_int_equal(exchange == NULL, failed);
        failures += failed;
        ph__exchange_free(exchange); /* accepts NULL */
    }
    assert_true(failures >= 3);
}

static void test_new_then_room_for_all_fields_and_nothing_received(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    assert_ptr_equal(exchange->request.fields, exchange->fields);
    memset(exchange->fields, 0xA5, limits.headers_max * sizeof exchange->fields[0]);
    assert_int_equal(exchange->in.capacity, PH__INPUT_FIRST);
    assert_input(&exchange->in, "");
    assert_int_equal(exchange->resume, PH__RESUME_NEXT);
    ph__exchange_free(exchange);
}

/* ---- room ---- */

static void test_make_room_when_full_at_the_limit_then_enospc(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    exchange->in.size = exchange->in.capacity;
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST), -ENOSPC);
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST + 1), 0);
    exchange->in.size = exchange->in.capacity;
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST + 1), -ENOSPC);
    ph__exchange_free(exchange);
}

static void test_make_room_when_out_of_memory_then_enomem_and_bytes_stay(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    memset(exchange->in.data, 'x', exchange->in.capacity);
    exchange->in.size = exchange->in.capacity;
    fail_allocations(0, false);
    assert_int_equal(ph__exchange_make_room(exchange, 2 * PH__INPUT_FIRST), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(exchange->in.size, PH__INPUT_FIRST);
    assert_int_equal(ph__exchange_make_room(exchange, 2 * PH__INPUT_FIRST), 0);
    assert_int_equal(exchange->in.capacity, 2 * PH__INPUT_FIRST);
    memset(exchange->in.data + PH__INPUT_FIRST, 'y', PH__INPUT_FIRST);
    for (size_t i = 0; i < PH__INPUT_FIRST; i++) {
        assert_int_equal(exchange->in.data[i], 'x');
    }
    ph__exchange_free(exchange);
}

static void test_make_room_when_bytes_are_used_up_then_moved_without_allocation(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    receive(&exchange->in, "used up, rest");
    exchange->in.start = strlen("used up, ");
    fail_allocations(0, false);
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST), 0);
    assert_false(stop_failing());
    assert_int_equal(exchange->in.start, 0);
    assert_input(&exchange->in, "rest");
    ph__exchange_free(exchange);
}

static void test_need_spare_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    fail_allocations(0, false);
    assert_int_equal(ph__exchange_need_spare(exchange), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(ph__exchange_need_spare(exchange), 0);
    assert_true(exchange->spare.capacity > 0);
    memset(exchange->spare.data, 'x', exchange->spare.capacity);
    exchange->spare.size = 10;
    exchange->spare.start = 10;
    fail_allocations(0, false);
    assert_int_equal(ph__exchange_need_spare(exchange), 0); /* the same memory again */
    assert_false(stop_failing());
    assert_input(&exchange->spare, "");
    ph__exchange_free(exchange);
}

static void test_need_scratch_when_target_grows_then_room_for_it(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    for (size_t size = 1; size <= limits.target_max; size = size * 3 + 1) {
        assert_int_equal(ph__exchange_need_scratch(exchange, size), 0);
        assert_true(exchange->scratch_capacity >= ph__uri_scratch(size));
        memset(exchange->scratch, 'x', ph__uri_scratch(size));
    }
    fail_allocations(0, false);
    assert_int_equal(ph__exchange_need_scratch(exchange, 1), 0);
    size_t capacity = exchange->scratch_capacity;
    assert_int_equal(ph__exchange_need_scratch(exchange, capacity), -ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(exchange->scratch_capacity, capacity);
    memset(exchange->scratch, 'x', capacity);
    ph__exchange_free(exchange);
}

/* ---- from request to request ---- */

static void test_next_request_when_pipelined_then_begins_behind(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    receive(&exchange->in, "first.second.");
    exchange->in_end = strlen("first.");
    exchange->begun = true;
    ph__buf_puts(&exchange->body, "body");
    ph__exchange_next_request(exchange);
    assert_input(&exchange->in, "second.");
    assert_false(exchange->begun);
    assert_int_equal(exchange->body.size, 0);
    exchange->in_end = exchange->in.size;
    ph__exchange_next_request(exchange);
    assert_input(&exchange->in, "");
    assert_int_equal(exchange->in.start, 0); /* all of the buffer is free again */
    ph__exchange_free(exchange);
}

static void test_next_request_when_chunks_ended_in_the_spare_then_inputs_change_places(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    receive(&exchange->in, "head of a chunked request");
    exchange->in_end = exchange->in.size;
    assert_int_equal(ph__exchange_need_spare(exchange), 0);
    receive(&exchange->spare, "chunk.next request");
    exchange->spare.start = strlen("chunk.");
    ph__exchange_next_request(exchange);
    assert_input(&exchange->in, "next request");
    assert_input(&exchange->spare, "");
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST), 0);
    assert_input(&exchange->in, "next request");
    assert_int_equal(ph__exchange_need_spare(exchange), 0);
    assert_ptr_not_equal(exchange->spare.data, exchange->in.data);
    ph__exchange_free(exchange);
}

/* ---- from connection to connection ---- */

static unsigned releases;

static void count_release(void *user)
{
    (void)user;
    releases++;
}

static ssize_t generate(void *user, char *buffer, size_t size)
{
    (void)user;
    memset(buffer, 'g', size);
    return (ssize_t)size;
}

/* A client went away in the middle of everything: of its bytes nothing may reach the next. */
static void test_reset_when_all_is_in_use_then_nothing_is_left_for_the_next_client(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    receive(&exchange->in, "request");
    exchange->in.start = 3;
    assert_int_equal(ph__exchange_need_spare(exchange), 0);
    receive(&exchange->spare, "chunk");
    ph__buf_puts(&exchange->body, "secret");
    ph__response_begin(&exchange->response, "Mon, 23 Nov 2026 17:28:00 GMT");
    releases = 0;
    assert_int_equal(
        ph_reply_generate(&exchange->response, 200, NULL, generate, NULL, count_release), 0);
    exchange->piece = malloc(PH__PIECE_FIRST + 1);
    exchange->piece_size = PH__PIECE_FIRST;
    assert_non_null(exchange->piece);
    exchange->piece_from = 100;
    exchange->piece_to = 200;
    exchange->generated_all = true;
    exchange->begun = true;
    exchange->sent = 50;
    exchange->error_reply = true;
    exchange->answered = 3;
    exchange->resume = PH__RESUME_BLOCKING;
    ph__exchange_reset(exchange);
    assert_int_equal(releases, 1);
    assert_input(&exchange->in, "");
    assert_input(&exchange->spare, "");
    assert_int_equal(exchange->body.size, 0);
    assert_int_equal(exchange->out.size, 0);
    assert_int_equal(exchange->piece_from, exchange->piece_to);
    assert_true(exchange->response.generate == NULL);
    assert_null(exchange->response.tail);
    assert_false(exchange->begun);
    assert_false(exchange->generated_all);
    assert_false(exchange->error_reply);
    assert_int_equal(exchange->sent, 0);
    assert_int_equal(exchange->answered, 0);
    assert_int_equal(exchange->resume, PH__RESUME_NEXT);
    ph__exchange_free(exchange);
    assert_int_equal(releases, 1);
}

static void test_reset_when_buffers_failed_then_they_work_again(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    exchange->body.error = -ENOMEM;
    ph__exchange_reset(exchange);
    ph__buf_puts(&exchange->body, "fine");
    assert_int_equal(ph__buf_error(&exchange->body), 0);
    ph__exchange_free(exchange);
}

static void test_reset_when_buffers_are_large_then_given_back(void **state)
{
    (void)state;
    enum { KEPT = 64 * 1024, BIG = 1 << 20 };
    struct ph__exchange *exchange = make();
    assert_non_null(ph__buf_reserve(&exchange->body, BIG));
    assert_non_null(ph__buf_reserve(&exchange->out, BIG));
    exchange->in.size = exchange->in.capacity;
    assert_int_equal(ph__exchange_make_room(exchange, BIG), 0);
    assert_int_equal(ph__exchange_need_scratch(exchange, BIG), 0);
    ph__exchange_reset(exchange);
    assert_true(exchange->body.capacity <= KEPT);
    assert_true(exchange->out.capacity <= KEPT);
    assert_true(exchange->in.capacity <= KEPT);
    assert_true(exchange->scratch_capacity <= KEPT);
    assert_int_equal(ph__exchange_make_room(exchange, PH__INPUT_FIRST), 0);
    receive(&exchange->in, "works");
    ph__exchange_free(exchange);
}

static void test_reset_when_shrinking_fails_then_the_buffers_stay(void **state)
{
    (void)state;
    enum { BIG = 1 << 20 };
    struct ph__exchange *exchange = make();
    exchange->in.size = exchange->in.capacity;
    assert_int_equal(ph__exchange_make_room(exchange, BIG), 0);
    fail_allocations(0, false);
    ph__exchange_reset(exchange);
    assert_true(stop_failing());
    assert_int_equal(exchange->in.capacity, BIG);
    memset(exchange->in.data, 'x', BIG);
    ph__exchange_free(exchange);
}

static void test_reset_when_buffers_are_small_then_kept(void **state)
{
    (void)state;
    struct ph__exchange *exchange = make();
    ph__buf_puts(&exchange->out, "x");
    ph__buf_puts(&exchange->body, "x");
    ph__exchange_reset(exchange);
    fail_allocations(0, false);
    ph__buf_puts(&exchange->out, "y");
    ph__buf_puts(&exchange->body, "y");
    assert_false(stop_failing()); /* after warm-up a request costs no allocation */
    assert_int_equal(ph__buf_error(&exchange->out), 0);
    ph__exchange_free(exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_when_out_of_memory_then_null_and_nothing_lost),
        cmocka_unit_test(test_new_then_room_for_all_fields_and_nothing_received),
        cmocka_unit_test(test_make_room_when_full_at_the_limit_then_enospc),
        cmocka_unit_test(test_make_room_when_out_of_memory_then_enomem_and_bytes_stay),
        cmocka_unit_test(test_make_room_when_bytes_are_used_up_then_moved_without_allocation),
        cmocka_unit_test(test_need_spare_when_out_of_memory_then_enomem_and_a_retry_works),
        cmocka_unit_test(test_need_scratch_when_target_grows_then_room_for_it),
        cmocka_unit_test(test_next_request_when_pipelined_then_begins_behind),
        cmocka_unit_test(
            test_next_request_when_chunks_ended_in_the_spare_then_inputs_change_places),
        cmocka_unit_test(test_reset_when_all_is_in_use_then_nothing_is_left_for_the_next_client),
        cmocka_unit_test(test_reset_when_buffers_failed_then_they_work_again),
        cmocka_unit_test(test_reset_when_buffers_are_large_then_given_back),
        cmocka_unit_test(test_reset_when_shrinking_fails_then_the_buffers_stay),
        cmocka_unit_test(test_reset_when_buffers_are_small_then_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
