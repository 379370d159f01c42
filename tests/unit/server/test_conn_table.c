/* SPDX-License-Identifier: MIT */
#include "server/conn_table.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ph__sockaddr peer = {
    .family = AF_INET6,
    .port = 0x1234,
    .bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* The table never looks into it. */
static struct ph__worker *worker_number(uintptr_t number)
{
    return (struct ph__worker *)(number * 16); /* NOLINT(performance-no-int-to-ptr) */
}

static struct ph__conn *take(struct ph__conn_table *table, int fd)
{
    return ph__conn_table_take(table, worker_number(1), fd, &peer, 4711, 42);
}

static unsigned count_views(const struct ph__conn_table *table)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ph__conn_table_slots(table); i++) {
        struct ph__conn_view view;
        count += ph__conn_table_view(table, i, &view);
    }
    return count;
}

static void test_init_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    struct ph__conn_table table = {0};
    fail_allocations(0, false);
    assert_int_equal(ph__conn_table_init(&table, 1000), -ENOMEM);
    assert_true(stop_failing());
    ph__conn_table_done(&table); /* half-built */
    assert_int_equal(ph__conn_table_init(&table, 1000), 0);
    ph__conn_table_done(&table);
    ph__conn_table_done(&table);
}

static void test_take_when_out_of_memory_then_null_and_a_retry_works(void **state)
{
    (void)state;
    struct ph__conn_table table = {0};
    assert_int_equal(ph__conn_table_init(&table, 1000), 0);
    fail_allocations(0, false);
    assert_null(take(&table, 3));
    assert_true(stop_failing());
    assert_int_equal(table.used, 0);
    assert_int_equal(ph__conn_table_slots(&table), 0);
    assert_non_null(take(&table, 3));
    ph__conn_table_done(&table);
}

static void test_take_when_all_are_in_use_then_null(void **state)
{
    (void)state;
    static const unsigned maxima[] = {1, 2, 127, 128, 129, 300};
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
        struct ph__conn_table table = {0};
        assert_int_equal(ph__conn_table_init(&table, maxima[i]), 0);
        struct ph__conn *last = NULL;
        for (unsigned n = 0; n < maxima[i]; n++) {
            last = take(&table, (int)n);
            assert_non_null(last);
        }
        assert_null(take(&table, 1));
        assert_int_equal(count_views(&table), maxima[i]);
        ph__conn_table_give(&table, last);
        assert_int_equal(count_views(&table), maxima[i] - 1);
        assert_ptr_equal(take(&table, 1), last);
        assert_null(take(&table, 1));
        ph__conn_table_done(&table);
    }
}

static void test_take_then_fields_are_fresh_and_view_tells_them(void **state)
{
    (void)state;
    struct ph__conn_table table = {0};
    assert_int_equal(ph__conn_table_init(&table, 10), 0);
    for (int round = 0; round < 3; round++) {
        struct ph__conn *conn = take(&table, 99);
        assert_non_null(conn);
        assert_int_equal(conn->fd, 99);
        assert_null(conn->exchange);
        assert_false(ph__deadline_is_set(&conn->deadline));
        assert_false(conn->readable || conn->writable || conn->hangup || conn->in_ready);
        assert_int_equal(ph__conn_state(conn), PH__CONN_ACCEPTED);
        struct ph__sockaddr back = ph__conn_peer(conn);
        assert_memory_equal(&back, &peer, sizeof peer);
        struct ph__conn_view view;
        unsigned slot = 0;
        while (ph__conn_table_slot(&table, slot) != conn) {
            slot++;
        }
        assert_true(ph__conn_table_view(&table, slot, &view));
        assert_int_equal(view.id, round + 1);
        assert_int_equal(view.accepted_us, 4711);
        assert_int_equal(view.accept_wait_ms, 42);
        assert_int_equal(view.requests, 0);
        assert_true(view.first_byte_us == PH__NO_FIRST_BYTE);
        assert_int_equal(view.state, PH__CONN_ACCEPTED);
        assert_int_equal(view.route, PH__NO_ROUTE);
        assert_ptr_equal(view.worker, worker_number(1));
        assert_memory_equal(&view.peer, &peer, sizeof peer);
        /* As a connection leaves them behind. */
        conn->readable = conn->writable = conn->hangup = true;
        atomic_store(&conn->requests, 7);
        atomic_store(&conn->first_byte_us, 7);
        atomic_store(&conn->state, PH__CONN_WRITING);
        ph__conn_table_give(&table, conn);
        assert_int_equal(conn->fd, -1);
        assert_false(ph__conn_table_view(&table, slot, &view));
    }
    ph__conn_table_done(&table);
}

static void test_id_when_slots_and_tables_are_used_again_then_never_twice(void **state)
{
    (void)state;
    struct ph__conn_table table = {0};
    uint64_t last = 0;
    for (int start = 0; start < 3; start++) {
        assert_int_equal(ph__conn_table_init(&table, 3), 0);
        for (int i = 0; i < 10; i++) {
            struct ph__conn *conn = take(&table, 1);
            assert_non_null(conn);
            assert_true(atomic_load(&conn->id) > last);
            last = atomic_load(&conn->id);
            ph__conn_table_give(&table, conn);
        }
        ph__conn_table_done(&table);
    }
}

static void test_slots_when_the_table_grows_then_they_never_move(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct ph__conn_table table = {0};
    assert_int_equal(ph__conn_table_init(&table, COUNT), 0);
    static struct ph__conn *taken[COUNT];
    for (int i = 0; i < COUNT; i++) {
        taken[i] = take(&table, i);
        assert_non_null(taken[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(taken[i]->fd, i);
    }
    assert_true(ph__conn_table_slots(&table) >= COUNT);
    assert_int_equal(count_views(&table), COUNT);
    ph__conn_table_done(&table);
}

/* ---- readers without a lock ---- */

enum { CHURN = 20000, READERS = 2, CHURN_SLOTS = 4 };

struct churn {
    struct ph__conn_table table;
    atomic_bool ended;
    atomic_uint inconsistent;
    atomic_uint seen;
};

/* The accept wait, the time and the port of a connection all follow from its id. */
static struct ph__sockaddr peer_of(uint64_t id)
{
    return (struct ph__sockaddr){.family = AF_INET, .port = (uint16_t)id};
}

static void *read_views(void *user)
{
    struct churn *churn = user;
    while (!atomic_load(&churn->ended)) {
        for (unsigned i = 0; i < ph__conn_table_slots(&churn->table); i++) {
            struct ph__conn_view view;
            if (!ph__conn_table_view(&churn->table, i, &view)) {
                continue;
            }
            atomic_fetch_add(&churn->seen, 1);
            if (view.accepted_us != view.id || view.accept_wait_ms != (int32_t)view.id ||
                view.peer.port != (uint16_t)view.id ||
                view.worker != worker_number((uintptr_t)view.id)) {
                atomic_fetch_add(&churn->inconsistent, 1);
            }
        }
    }
    return NULL;
}

/*
 * One thread takes slots and gives them back, as fast as it can, while others look at them. What
 * a reader is told must belong to one and the same connection.
 */
static void test_view_when_slots_change_hands_then_never_a_mixture(void **state)
{
    (void)state;
    static struct churn churn;
    assert_int_equal(ph__conn_table_init(&churn.table, CHURN_SLOTS), 0);
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_views, &churn), 0);
    }
    struct ph__conn *open[CHURN_SLOTS] = {0};
    for (uint64_t id = 1; id <= CHURN || atomic_load(&churn.seen) == 0; id++) {
        struct ph__conn **slot = &open[id % CHURN_SLOTS];
        if (*slot) {
            ph__conn_table_give(&churn.table, *slot);
        }
        struct ph__sockaddr from = peer_of(id);
        *slot = ph__conn_table_take(&churn.table, worker_number((uintptr_t)id), 1, &from, id,
                                    (int32_t)id);
        if (!*slot || atomic_load(&(*slot)->id) != id) {
            atomic_fetch_add(&churn.inconsistent, 1);
            break;
        }
    }
    atomic_store(&churn.ended, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&churn.inconsistent), 0);
    assert_true(atomic_load(&churn.seen) > 0);
    ph__conn_table_done(&churn.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_when_out_of_memory_then_enomem),
        cmocka_unit_test(test_take_when_out_of_memory_then_null_and_a_retry_works),
        cmocka_unit_test(test_take_when_all_are_in_use_then_null),
        cmocka_unit_test(test_take_then_fields_are_fresh_and_view_tells_them),
        cmocka_unit_test(test_id_when_slots_and_tables_are_used_again_then_never_twice),
        cmocka_unit_test(test_slots_when_the_table_grows_then_they_never_move),
        cmocka_unit_test(test_view_when_slots_change_hands_then_never_a_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
