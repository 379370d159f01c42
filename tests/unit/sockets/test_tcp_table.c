/* SPDX-License-Identifier: MIT */
#include "sockets/tcp_table.h"

#include "sockets/thread.h"

#include "support.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAIRS = 20 };

static bool without_threads;

bool __real_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user);
bool __wrap_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user);
bool __wrap_ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user)
{
    return !without_threads && __real_ph__thread_start(ret_thread, run, user);
}

/* Connections over both families, in a namespace with nothing else in it. */
struct fixture {
    int fds[4 * PAIRS + 2];
    size_t count;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    static const int families[] = {AF_INET, AF_INET6};
    fixture.count = 0;
    without_threads = false;
    for (size_t i = 0; i < 2; i++) {
        union any_address address;
        socklen_t size;
        int listener = open_listener(families[i], PAIRS, &address, &size);
        fixture.fds[fixture.count++] = listener;
        for (int k = 0; k < PAIRS; k++) {
            fixture.fds[fixture.count++] = open_connected(&address, size);
            int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            assert_true(accepted >= 0);
            fixture.fds[fixture.count++] = accepted;
        }
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    while (fixture->count > 0) {
        close(fixture->fds[--fixture->count]);
    }
    return 0;
}

/* Dumps into an array with room for so many rows, 0: for none yet. */
static int dump_narrowed(struct ph__rows *rows, size_t room, struct ph__cut cut,
                         const struct ph__narrowing *narrowing)
{
    struct ph__netlink netlink = {.fd = -1};
    ph__rows_init(rows, NULL, 100000, 1);
    if (room > 0) {
        assert_int_equal(ph__rows_reserve(rows, room), 0);
    }
    int err = ph__tcp_table_dump(&netlink, rows, cut, narrowing);
    ph__netlink_done(&netlink);
    return err;
}

static int dump(struct ph__rows *rows, size_t room, struct ph__cut cut)
{
    return dump_narrowed(rows, room, cut, NULL);
}

static size_t rows_with(const struct ph__rows *rows, uint64_t inode)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        count += rows->items[i].inode == inode;
    }
    return count;
}

static void assert_complete(const struct fixture *fixture, const struct ph__rows *rows)
{
    for (size_t i = 0; i < fixture->count; i++) {
        assert_int_equal(rows_with(rows, inode_of(fixture->fds[i])), 1);
    }
}

/* Wherever the cut is, each socket is in exactly one half. */
static void test_dump_when_cut_at_any_socket_then_each_comes_once(void **state)
{
    struct fixture *fixture = *state;
    struct ph__rows whole;
    int err = dump(&whole, 0, (struct ph__cut){0});
    if (err < 0) {
        ph__rows_done(&whole);
        skip_because("this kernel does not know the request");
    }
    assert_complete(fixture, &whole);
    for (size_t i = 0; i < whole.count; i++) {
        const struct ph_socket *row = &whole.items[i];
        for (int step = -1; step <= 1; step++) {
            struct ph__cut cut = {row->local_port, (uint16_t)(row->remote_port + step)};
            struct ph__rows halves;
            if (cut.remote_port == UINT16_MAX) {
                continue;
            }
            without_threads = i % 2;
            assert_int_equal(dump(&halves, 400, cut), 0);
            assert_complete(fixture, &halves);
            ph__rows_done(&halves);
        }
    }
    ph__rows_done(&whole);
}

static size_t count_local_port(const struct ph__rows *rows, unsigned port)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        count += rows->items[i].local_port == port;
    }
    return count;
}

/* The first listener's connections, wherever the cut is. */
static void test_dump_when_cut_and_narrowed_then_what_is_wanted_comes_once(void **state)
{
    struct fixture *fixture = *state;
    static struct ph__narrowing narrowing;
    struct ph_filter *filter = NULL;
    char value[32];
    char problem[256];
    unsigned port = local_port(fixture->fds[0]);
    snprintf(value, sizeof value, "sport = %u", port);
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, "filter", value, problem, sizeof problem), 0);
    assert_true(ph__narrow(filter, PH_PROTOCOL_TCP, false, &narrowing));
    ph_filter_free(filter);
    for (int local = -1; local <= 1; local++) {
        for (size_t i = 1; i < fixture->count; i++) {
            struct ph__rows rows;
            struct ph__cut cut = {(uint16_t)((int)port + local),
                                  (uint16_t)local_port(fixture->fds[i])};
            int err = dump_narrowed(&rows, 400, cut, &narrowing);
            if (err == 0) {
                assert_int_equal(rows.count, PAIRS + 1);
                assert_int_equal(count_local_port(&rows, port), PAIRS + 1);
            }
            ph__rows_done(&rows);
            if (err < 0) {
                skip_because("this kernel does not know the request");
            }
        }
    }
}

/* The machine has changed since the cut was chosen: one half is nearly everything. */
static void test_dump_when_a_half_has_no_room_then_read_in_one(void **state)
{
    struct fixture *fixture = *state;
    static const struct ph__cut cuts[] = {{1, 1}, {65534, 1}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t room = 0; room < 200; room += 7) {
            struct ph__rows rows;
            if (dump(&rows, room, cuts[i]) == 0) {
                assert_complete(fixture, &rows);
                assert_int_equal(rows.max, 100000);
            }
            ph__rows_done(&rows);
        }
    }
}

static void add_row(struct ph__rows *rows, enum ph_protocol protocol, unsigned local,
                    unsigned remote)
{
    struct ph_socket row = ph__rows_blank(protocol, PH_FAMILY_IPV4);
    row.local_port = (uint16_t)local;
    row.remote_port = (uint16_t)remote;
    assert_int_equal(ph__rows_add(rows, &row), 0);
}

static void test_cut_when_rows_are_few_or_of_other_kinds_then_none(void **state)
{
    (void)state;
    struct ph__rows rows;
    ph__rows_init(&rows, NULL, 100000, 1);
    assert_int_equal(ph__tcp_table_cut(&rows).local_port, 0);
    for (unsigned i = 0; i < 10000; i++) {
        add_row(&rows, PH_PROTOCOL_UDP, 53, i);
    }
    assert_int_equal(ph__tcp_table_cut(&rows).local_port, 0);
    ph__rows_done(&rows);
}

/* A server's sockets have all the same local port: the other one has to divide them. */
static void test_cut_is_in_the_middle(void **state)
{
    (void)state;
    struct ph__rows rows;
    ph__rows_init(&rows, NULL, 100000, 1);
    for (unsigned i = 0; i < 20000; i++) {
        add_row(&rows, PH_PROTOCOL_TCP, 443, i);
    }
    struct ph__cut cut = ph__tcp_table_cut(&rows);
    assert_int_equal(cut.local_port, 443);
    assert_true(cut.remote_port > 9000 && cut.remote_port < 11000);
    for (size_t i = 0; i < rows.count; i++) {
        rows.items[i].remote_port = UINT16_MAX;
    }
    assert_int_equal(ph__tcp_table_cut(&rows).local_port, 0);
    ph__rows_done(&rows);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dump_when_cut_at_any_socket_then_each_comes_once),
        TEST(test_dump_when_cut_and_narrowed_then_what_is_wanted_comes_once),
        TEST(test_dump_when_a_half_has_no_room_then_read_in_one),
        cmocka_unit_test(test_cut_when_rows_are_few_or_of_other_kinds_then_none),
        cmocka_unit_test(test_cut_is_in_the_middle),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
