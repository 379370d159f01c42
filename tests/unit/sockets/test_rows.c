/* SPDX-License-Identifier: MIT */
#include "sockets/rows.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ph_socket row_with(uint64_t cookie, uint64_t inode, uint16_t port)
{
    struct ph_socket row = ph__rows_blank(PH_PROTOCOL_TCP, PH_FAMILY_IPV4);
    row.cookie = cookie;
    row.inode = inode;
    row.local_port = port;
    return row;
}

struct fixture {
    struct ph__arena arena;
    struct ph__rows rows;
};

static void begin(struct fixture *fixture, size_t max)
{
    *fixture = (struct fixture){{0}, {0}};
    ph__rows_init(&fixture->rows, &fixture->arena, max, 1);
}

static void end(struct fixture *fixture)
{
    ph__rows_done(&fixture->rows);
    ph__arena_done(&fixture->arena);
}

/* Adds a row and sorts it out. */
static int add(struct fixture *fixture, struct ph_socket row)
{
    int err = ph__rows_add(&fixture->rows, &row);
    return err < 0 ? err : ph__rows_settle(&fixture->rows);
}

static void test_add_when_full_then_limit(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 2);
    assert_int_equal(add(&fixture, row_with(1, 0, 1)), 0);
    assert_int_equal(add(&fixture, row_with(2, 0, 2)), 0);
    assert_int_equal(add(&fixture, row_with(3, 0, 3)), PH_ERR_LIMIT);
    assert_int_equal(add(&fixture, row_with(2, 0, 4)), 0); /* seen before: no more room needed */
    assert_int_equal(fixture.rows.count, 2);
    end(&fixture);
}

static void test_add_when_out_of_memory_then_enomem_everywhere(void **state)
{
    (void)state;
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        struct fixture fixture;
        begin(&fixture, 10);
        struct ph_socket row = row_with(1, 0, 1);
        row.path = "name";
        row.path_size = 4;
        fail_allocations(fails, false);
        err = add(&fixture, row);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
        assert_int_equal(fixture.rows.settled, err == 0);
        end(&fixture);
    }
    assert_int_equal(fails, 4); /* path, rows, index; then success */
}

static void test_add_when_same_socket_then_newest_row_stays(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 100);
    assert_int_equal(add(&fixture, row_with(7, 1, 80)), 0);
    assert_int_equal(add(&fixture, row_with(7, 0, 81)), 0); /* by cookie */
    assert_int_equal(add(&fixture, row_with(0, 9, 82)), 0);
    assert_int_equal(add(&fixture, row_with(0, 9, 83)), 0); /* by inode */
    assert_int_equal(add(&fixture, row_with(0, 0, 84)), 0);
    assert_int_equal(add(&fixture, row_with(0, 0, 84)), 0); /* by address */
    assert_int_equal(fixture.rows.count, 3);
    assert_int_equal(fixture.rows.items[0].local_port, 81);
    assert_int_equal(fixture.rows.items[1].local_port, 83);
    end(&fixture);
}

static void test_add_when_numbers_are_alike_but_sockets_differ_then_both_stay(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 100);
    struct ph_socket udp = row_with(7, 0, 80);
    udp.protocol = PH_PROTOCOL_UDP;
    struct ph_socket bound = row_with(0, 0, 80);
    bound.interface = 2;
    assert_int_equal(add(&fixture, row_with(7, 0, 80)), 0);
    assert_int_equal(add(&fixture, udp), 0);
    assert_int_equal(add(&fixture, row_with(0, 7, 80)), 0);
    assert_int_equal(add(&fixture, row_with(0, 0, 80)), 0);
    assert_int_equal(add(&fixture, bound), 0);
    assert_int_equal(fixture.rows.count, 5);
    struct ph_socket waiting = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    assert_int_equal(add(&fixture, waiting), 0);
    assert_int_equal(add(&fixture, waiting), 0);
    assert_int_equal(fixture.rows.count, 7);
    end(&fixture);
}

static void test_truncate_forgets_what_was_seen(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1000);
    for (uint64_t i = 1; i <= 500; i++) {
        assert_int_equal(add(&fixture, row_with(i, 0, 1)), 0);
    }
    ph__rows_truncate(&fixture.rows, 600);
    assert_int_equal(fixture.rows.count, 500);
    ph__rows_truncate(&fixture.rows, 10);
    assert_int_equal(add(&fixture, row_with(10, 0, 2)), 0);
    assert_int_equal(fixture.rows.count, 10);
    assert_int_equal(add(&fixture, row_with(11, 0, 2)), 0);
    assert_int_equal(fixture.rows.count, 11);
    end(&fixture);
}

static void test_lend_when_no_room_then_false(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ph__rows upper;
    begin(&fixture, 10);
    assert_false(ph__rows_lend(&fixture.rows, &upper));
    assert_int_equal(ph__rows_reserve(&fixture.rows, 1), 0);
    assert_false(ph__rows_lend(&fixture.rows, &upper));
    end(&fixture);
}

static void test_lend_and_take_back_joins_the_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ph__rows upper;
    struct ph_socket row = row_with(1, 0, 1);
    begin(&fixture, 100);
    assert_int_equal(ph__rows_reserve(&fixture.rows, 8), 0);
    assert_int_equal(add(&fixture, row), 0);
    assert_true(ph__rows_lend(&fixture.rows, &upper));
    for (uint64_t i = 2; i <= 5; i++) { /* 4 of 8 are free for each, 1 of the first has gone */
        row.cookie = i;
        assert_int_equal(ph__rows_add(&upper, &row), 0);
        row.cookie = i + 10;
        assert_int_equal(ph__rows_add(&fixture.rows, &row), i < 5 ? 0 : PH_ERR_LIMIT);
    }
    row.cookie = 99;
    assert_int_equal(ph__rows_add(&upper, &row), PH_ERR_LIMIT);
    ph__rows_take_back(&fixture.rows, &upper);
    assert_int_equal(fixture.rows.count, 8);
    assert_int_equal(fixture.rows.max, 100);
    assert_int_equal(ph__rows_settle(&fixture.rows), 0);
    assert_int_equal(fixture.rows.count, 8);
    assert_int_equal(fixture.rows.items[7].cookie, 5);
    assert_int_equal(add(&fixture, row), 0);
    end(&fixture);
}

static void test_recycle_takes_the_memory_and_not_the_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ph__rows rows;
    begin(&fixture, 100);
    assert_int_equal(add(&fixture, row_with(1, 0, 1)), 0);
    const void *items = fixture.rows.items;
    ph__rows_init(&rows, &fixture.arena, 100, 1);
    ph__rows_recycle(&rows, &fixture.rows);
    assert_ptr_equal(rows.items, items);
    assert_int_equal(rows.count, 0);
    assert_int_equal(fixture.rows.count, 0);
    struct ph_socket row = row_with(1, 0, 1);
    assert_int_equal(ph__rows_add(&rows, &row), 0);
    assert_int_equal(ph__rows_settle(&rows), 0);
    assert_int_equal(rows.count, 1);
    ph__rows_done(&rows);
    end(&fixture);
}

static void test_add_copies_the_path(void **state)
{
    (void)state;
    struct fixture fixture;
    char path[] = "a\0b";
    begin(&fixture, 10);
    struct ph_socket row = row_with(1, 0, 1);
    row.path = path;
    row.path_size = 3;
    assert_int_equal(add(&fixture, row), 0);
    path[0] = 'x';
    assert_memory_equal(fixture.rows.items[0].path, "a\0b", 4);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_when_full_then_limit),
        cmocka_unit_test(test_add_when_out_of_memory_then_enomem_everywhere),
        cmocka_unit_test(test_add_when_same_socket_then_newest_row_stays),
        cmocka_unit_test(test_add_when_numbers_are_alike_but_sockets_differ_then_both_stay),
        cmocka_unit_test(test_truncate_forgets_what_was_seen),
        cmocka_unit_test(test_lend_when_no_room_then_false),
        cmocka_unit_test(test_lend_and_take_back_joins_the_rows),
        cmocka_unit_test(test_recycle_takes_the_memory_and_not_the_rows),
        cmocka_unit_test(test_add_copies_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
