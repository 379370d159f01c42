/* SPDX-License-Identifier: MIT
 *
 * Operations one by one, and in batches with and without a ring: what comes of them is the same.
 * Where the kernel gives no ring, the tests that need one say so.
 */
#include "net/batch.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

/* ---- a ring that fails ---- */

static int failing_init;    /* an errno; 0: works */
static int failing_submits; /* so many calls in a row fail with submit_error */
static int submit_error;
static unsigned left_behind; /* operations at the end that a failing call does not take */
static bool takes_others;    /* a failing call takes all the rest */
static int submits;          /* calls so far */

int __real_io_uring_queue_init(unsigned entries, struct io_uring *uring, unsigned flags);
int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *uring, unsigned flags);
int __real_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait);
int __wrap_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait);

int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *uring, unsigned flags)
{
    return failing_init ? -failing_init : __real_io_uring_queue_init(entries, uring, flags);
}

int __wrap_io_uring_submit_and_wait(struct io_uring *uring, unsigned wait)
{
    submits++;
    if (failing_submits == 0) {
        return __real_io_uring_submit_and_wait(uring, wait);
    }
    failing_submits--;
    if (takes_others) {
        uring->sq.sqe_tail -= left_behind;
        int taken = __real_io_uring_submit_and_wait(uring, 0);
        uring->sq.sqe_tail += left_behind;
        assert_true(taken > 0);
    }
    return -submit_error;
}

/* ---- fixtures ---- */

enum { PAIRS = 40 };

static struct ph__batch batch;
static int ends[PAIRS][2]; /* stream sockets; [0] are the ones operated on */
static struct ph__io ios[PAIRS];
static char received[PAIRS][16];

static int set_up(void **state)
{
    (void)state;
    failing_init = failing_submits = submit_error = submits = 0;
    left_behind = 0;
    takes_others = false;
    memset(received, 0, sizeof received);
    for (int i = 0; i < PAIRS; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[i]) < 0) {
            return -1;
        }
    }
    ph__batch_init(&batch, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ph__batch_done(&batch);
    for (int i = 0; i < PAIRS; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
    return 0;
}

/* Opens a ring, or skips the test. */
static void need_ring(void)
{
    int err = ph__batch_open_ring(&batch);
    if (err == -ENOSYS || err == -EPERM || err == -ENOMEM) {
        skip_because("no io_uring here");
    }
    assert_int_equal(err, 0);
}

static void write_bytes(int fd, const char *bytes)
{
    assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
}

static void prepare_receive(int i)
{
    ph__io_receive(&ios[i], ends[i][0], received[i], sizeof received[i]);
    assert_true(ph__batch_add(&batch, &ios[i]));
}

static void prepare_send(int i, const char *first, const char *second)
{
    struct iovec parts[PH__IO_PARTS] = {
        {(char *)(uintptr_t)first, strlen(first)},
        {(char *)(uintptr_t)second, second ? strlen(second) : 0},
    };
    ph__io_send(&ios[i], ends[i][0], parts, second ? 2 : 1);
    assert_true(ph__batch_add(&batch, &ios[i]));
}

static void run(void)
{
    ph__batch_run(&batch);
    batch.count = 0;
}

/* ---- refusals ---- */

static void test_open_ring_when_the_kernel_refuses_then_its_errno_and_no_ring(void **state)
{
    (void)state;
    static const int errors[] = {EPERM, ENOSYS, ENOMEM};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        failing_init = errors[i];
        assert_int_equal(ph__batch_open_ring(&batch), -errors[i]);
        assert_false(ph__batch_has_ring(&batch));
    }
    write_bytes(ends[0][1], "still");
    write_bytes(ends[1][1], "works");
    prepare_receive(0);
    prepare_receive(1);
    run();
    assert_string_equal(received[0], "still");
    assert_string_equal(received[1], "works");
    assert_int_equal(submits, 0);
}

static void test_open_ring_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    fail_allocations(0, false);
    assert_int_equal(ph__batch_open_ring(&batch), -ENOMEM);
    assert_true(stop_failing());
    assert_false(ph__batch_has_ring(&batch));
}

static void test_add_when_full_then_false(void **state)
{
    (void)state;
    for (int i = 0; i < PH__BATCH_MAX; i++) {
        assert_true(ph__batch_add(&batch, &ios[0]));
    }
    assert_false(ph__batch_add(&batch, &ios[0]));
    assert_int_equal(batch.count, PH__BATCH_MAX);
}

/* ---- what comes of operations ---- */

/* Everything that may come of one, all in a batch. */
static void check_results(void)
{
    static const char large[1 << 20] = {0};
    write_bytes(ends[0][1], "bytes");
    assert_int_equal(shutdown(ends[1][1], SHUT_WR), 0);
    prepare_receive(0);
    prepare_receive(1); /* the end */
    prepare_receive(2); /* nothing there */
    prepare_send(3, "one part", NULL);
    prepare_send(4, "two ", "parts");
    close(ends[5][1]);
    prepare_send(5, "nobody listens", NULL);
    ends[5][1] = -1;
    struct iovec much = {(char *)(uintptr_t)large, sizeof large};
    ph__io_send(&ios[6], ends[6][0], &much, 1);
    assert_true(ph__batch_add(&batch, &ios[6]));
    ph__io_receive(&ios[7], -1, received[7], sizeof received[7]);
    assert_true(ph__batch_add(&batch, &ios[7]));
    run();
    assert_int_equal(ios[0].result, 5);
    assert_string_equal(received[0], "bytes");
    assert_int_equal(ios[1].result, 0);
    assert_int_equal(ios[2].result, -EAGAIN);
    assert_int_equal(ios[3].result, 8);
    assert_int_equal(ios[4].result, 9);
    char got[16] = "";
    assert_int_equal(recv(ends[4][1], got, sizeof got - 1, 0), 9);
    assert_string_equal(got, "two parts");
    assert_int_equal(ios[5].result, -EPIPE); /* and no SIGPIPE */
    assert_true(ios[6].result > 0 && (size_t)ios[6].result < sizeof large);
    assert_int_equal(ios[7].result, -EBADF);
    assert_true(ph__batch_add(&batch, &ios[6])); /* full now */
    assert_true(ph__batch_add(&batch, &ios[2]));
    run();
    assert_int_equal(ios[6].result, -EAGAIN);
    assert_int_equal(ios[2].result, -EAGAIN);
}

static void test_run_without_a_ring_then_each_operation_has_its_result(void **state)
{
    (void)state;
    check_results();
    assert_int_equal(submits, 0);
}

static void test_run_with_a_ring_then_the_same_results_in_one_call(void **state)
{
    (void)state;
    need_ring();
    check_results();
    assert_int_equal(submits, 2);
    assert_true(ph__batch_has_ring(&batch));
}

static void test_run_when_fewer_than_pay_then_without_the_ring(void **state)
{
    (void)state;
    need_ring();
    write_bytes(ends[0][1], "alone");
    prepare_receive(0);
    run();
    assert_int_equal(ios[0].result, 5);
    assert_int_equal(submits, 0);
    ph__batch_done(&batch);
    ph__batch_init(&batch, 1);
    assert_int_equal(ph__batch_open_ring(&batch), 0);
    write_bytes(ends[0][1], "alone");
    prepare_receive(0);
    run();
    assert_int_equal(ios[0].result, 5);
    assert_int_equal(submits, 1);
}

static void test_run_when_full_then_all_are_done(void **state)
{
    (void)state;
    need_ring();
    static struct ph__io many[PH__BATCH_MAX];
    static char bytes[PH__BATCH_MAX];
    for (int i = 0; i < PH__BATCH_MAX; i++) {
        write_bytes(ends[i % PAIRS][1], "x");
        ph__io_receive(&many[i], ends[i % PAIRS][0], &bytes[i], 1);
        assert_true(ph__batch_add(&batch, &many[i]));
    }
    run();
    for (int i = 0; i < PH__BATCH_MAX; i++) {
        assert_int_equal(many[i].result, 1);
        assert_int_equal(bytes[i], 'x');
    }
    assert_int_equal(submits, 1);
}

/* ---- a ring that fails while it runs ---- */

/* Receives on all pairs, and checks that each byte came where it belongs, and once. */
static void receive_everywhere(void)
{
    for (int i = 0; i < PAIRS; i++) {
        char text[] = {(char)('A' + i), '\0'};
        write_bytes(ends[i][1], text);
        prepare_receive(i);
    }
    run();
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(ios[i].result, 1);
        assert_int_equal(received[i][0], 'A' + i);
        assert_int_equal(recv(ends[i][0], received[i], 1, MSG_DONTWAIT), -1);
    }
}

static void test_run_when_interrupted_then_it_goes_on(void **state)
{
    (void)state;
    need_ring();
    failing_submits = 3;
    submit_error = EINTR;
    receive_everywhere();
    assert_int_equal(submits, 4);
    assert_true(ph__batch_has_ring(&batch));
}

static void test_run_when_the_ring_fails_then_the_rest_is_done_without_it(void **state)
{
    (void)state;
    static const unsigned behind[] = {0, 1, PAIRS / 2, PAIRS - 1};
    for (size_t i = 0; i <= sizeof behind / sizeof *behind; i++) {
        need_ring();
        failing_submits = 1;
        submit_error = EBUSY;
        takes_others = i > 0; /* the first time it takes nothing */
        left_behind = takes_others ? behind[i - 1] : 0;
        receive_everywhere();
        /* An error with all done is none. */
        assert_int_equal(ph__batch_has_ring(&batch), takes_others && left_behind == 0);
        receive_everywhere();
        ph__batch_done(&batch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_open_ring_when_the_kernel_refuses_then_its_errno_and_no_ring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_ring_when_out_of_memory_then_enomem, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_add_when_full_then_false, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_run_without_a_ring_then_each_operation_has_its_result,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_run_with_a_ring_then_the_same_results_in_one_call,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_run_when_fewer_than_pay_then_without_the_ring, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_run_when_full_then_all_are_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_run_when_interrupted_then_it_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_run_when_the_ring_fails_then_the_rest_is_done_without_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
