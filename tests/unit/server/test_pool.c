/* SPDX-License-Identifier: MIT
 *
 * The pool of blocking handlers, with a worker whose thread is this test's: it waits in the
 * worker's loop and takes back what the pool has done.
 */
#include "server/pool.h"

#include "http/router.h"
#include "server/server.h"
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNS = 32, FAILS_WITH = -7 };

/* ---- threads that cannot be started ---- */

static int threads_left = -1; /* negative: all can */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user)
{
    if (threads_left == 0) {
        return EAGAIN;
    }
    threads_left -= threads_left > 0;
    return __real_pthread_create(thread, attributes, run, user);
}

/* ---- fixtures ---- */

/* Handlers wait at the gate while it is closed. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    unsigned waiting; /* handlers at the gate */
    unsigned calls;
    const void *order[CONNS]; /* the requests in the order in which handlers got them */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int handle(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)res;
    pthread_mutex_lock(&gate.lock);
    gate.order[gate.calls++] = req;
    gate.waiting++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.closed) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    gate.waiting--;
    pthread_mutex_unlock(&gate.lock);
    return *(const int *)user;
}

static void close_gate(void)
{
    gate.closed = true;
    gate.calls = 0;
    gate.waiting = 0;
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.closed = false;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_for_handlers(unsigned count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting < count) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
}

static struct ph_server server;
static struct ph__worker worker;
static struct ph__conn conns[CONNS];
static int result = FAILS_WITH;
static const struct ph__route route = {.handler = handle, .user = &result};
static const struct ph__limits limits = {
    .target_max = 100, .head_max = 1000, .headers_max = 1, .body_max = 1};

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < CONNS; i++) {
        conns[i].exchange = ph__exchange_new(&limits);
        if (!conns[i].exchange) {
            return -1;
        }
        conns[i].exchange->request.route = &route;
        atomic_store(&conns[i].worker, &worker);
    }
    return ph__worker_init(&worker, &server, 0);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < CONNS; i++) {
        ph__exchange_free(conns[i].exchange);
    }
    ph__worker_done(&worker);
    return 0;
}

/* Takes back `count` requests, as a worker does, and notes which. */
static void take_back(struct ph__pool *pool, unsigned count, bool seen[CONNS])
{
    struct ph__event events[PH__LOOP_BATCH];
    while (count > 0) {
        assert_int_equal(loop_wait_uninterrupted(&worker.loop, events, 60000), 1);
        pthread_mutex_lock(&worker.lock);
        struct ph__completion *job = worker.completions;
        worker.completions = NULL;
        pthread_mutex_unlock(&worker.lock);
        while (job) {
            struct ph__completion *next = job->next;
            assert_int_equal(job->result, FAILS_WITH);
            size_t index = (size_t)(job->conn - conns);
            assert_false(seen[index]);
            seen[index] = true;
            ph__pool_end_job(pool);
            assert_true(count > 0);
            count--;
            job = next;
        }
    }
}

/* ---- tests ---- */

static void test_start_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    bool failed = true;
    unsigned failures = 0;
    for (long n = 0; failed; n++) {
        struct ph__pool pool = {0};
        /* The threads' own memory is the C library's affair, and not counted here. */
        fail_allocations(n, true);
        int err = ph__pool_start(&pool, 2, 4);
        failed = stop_failing();
        assert_int_equal(err, failed ? -ENOMEM : 0);
        failures += failed;
        ph__pool_stop(&pool);
        ph__pool_stop(&pool);
    }
    assert_true(failures >= 1);
}

static void test_start_when_a_thread_cannot_be_started_then_errno_and_none_is_left(void **state)
{
    (void)state;
    for (threads_left = 0; threads_left < 3;) {
        int allowed = threads_left;
        struct ph__pool pool = {0};
        assert_int_equal(ph__pool_start(&pool, 3, 4), -EAGAIN);
        assert_int_equal(pool.thread_count, 0);
        assert_false(pool.open);
        ph__pool_stop(&pool);
        threads_left = allowed + 1;
    }
    threads_left = -1;
}

static void test_stop_when_never_started_then_nothing(void **state)
{
    (void)state;
    struct ph__pool pool = {0};
    ph__pool_stop(&pool);
}

static void test_submit_when_queue_is_full_then_eagain_until_a_job_is_taken_back(void **state)
{
    (void)state;
    enum { THREADS = 2, QUEUE = 3 };
    struct ph__pool pool = {0};
    close_gate();
    assert_int_equal(ph__pool_start(&pool, THREADS, QUEUE), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(ph__pool_submit(&pool, &conns[i]), 0);
    }
    wait_for_handlers(THREADS); /* both threads are busy: from now on requests wait */
    for (int i = THREADS; i < THREADS + QUEUE; i++) {
        assert_int_equal(ph__pool_submit(&pool, &conns[i]), 0);
    }
    assert_int_equal(ph__pool_submit(&pool, &conns[THREADS + QUEUE]), -EAGAIN);
    open_gate();
    bool seen[CONNS] = {0};
    take_back(&pool, THREADS + QUEUE, seen);
    for (int i = 0; i < CONNS; i++) {
        assert_int_equal(seen[i], i < THREADS + QUEUE);
    }
    assert_int_equal(ph__pool_submit(&pool, &conns[THREADS + QUEUE]), 0);
    take_back(&pool, 1, seen);
    assert_true(seen[THREADS + QUEUE]);
    ph__pool_stop(&pool);
}

static void test_submit_when_one_thread_then_in_order(void **state)
{
    (void)state;
    struct ph__pool pool = {0};
    close_gate();
    assert_int_equal(ph__pool_start(&pool, 1, CONNS), 0);
    for (int i = 0; i < CONNS; i++) {
        assert_int_equal(ph__pool_submit(&pool, &conns[i]), 0);
    }
    open_gate();
    bool seen[CONNS] = {0};
    take_back(&pool, CONNS, seen);
    ph__pool_stop(&pool);
    assert_int_equal(gate.calls, CONNS);
    for (int i = 0; i < CONNS; i++) {
        assert_ptr_equal(gate.order[i], &conns[i].exchange->request);
    }
}

static void test_submit_when_threads_are_free_then_handlers_run_side_by_side(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct ph__pool pool = {0};
    close_gate();
    assert_int_equal(ph__pool_start(&pool, THREADS, 1), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(ph__pool_submit(&pool, &conns[i]), 0);
    }
    wait_for_handlers(THREADS); /* would wait for ever if one held the others up */
    open_gate();
    bool seen[CONNS] = {0};
    take_back(&pool, THREADS, seen);
    ph__pool_stop(&pool);
}

/* The pool is stopped while requests wait in its queue: they are still done. */
static void *stop(void *pool)
{
    ph__pool_stop(pool);
    return NULL;
}

static void test_stop_when_jobs_wait_then_they_are_done_first(void **state)
{
    (void)state;
    struct ph__pool pool = {0};
    close_gate();
    assert_int_equal(ph__pool_start(&pool, 1, CONNS), 0);
    for (int i = 0; i < CONNS; i++) {
        assert_int_equal(ph__pool_submit(&pool, &conns[i]), 0);
    }
    wait_for_handlers(1);
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop, &pool), 0);
    open_gate();
    pthread_join(stopper, NULL);
    assert_int_equal(gate.calls, CONNS);
    worker.completions = NULL;
    assert_false(pool.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_when_out_of_memory_then_enomem_and_a_retry_works),
        cmocka_unit_test(test_start_when_a_thread_cannot_be_started_then_errno_and_none_is_left),
        cmocka_unit_test(test_stop_when_never_started_then_nothing),
        cmocka_unit_test_setup_teardown(
            test_submit_when_queue_is_full_then_eagain_until_a_job_is_taken_back, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_submit_when_one_thread_then_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_submit_when_threads_are_free_then_handlers_run_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_when_jobs_wait_then_they_are_done_first, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
