/* SPDX-License-Identifier: MIT
 *
 * Rows of JSON against the plain way to write them: key, colon, ph__value_write_json().
 */
#include "status/render.h"

#include "status/rows.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/sockets/support.h"
#include "unit/status/fruits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All columns, the extra ones too. */
static struct ph__choice choose_all(const struct ph__list_kind *kind)
{
    struct ph__choice choice = {.kind = kind};
    for (size_t i = 0; i < kind->column_count; i++) {
        ph__choice_add(&choice, &kind->columns[i]);
    }
    return choice;
}

static char *write_plainly(const struct ph__choice *choice, const struct ph__view *view, size_t row)
{
    struct ph__buf buf;
    struct ph__buf scratch;
    ph__buf_init(&buf, 0);
    ph__buf_init(&scratch, 0);
    for (size_t i = 0; i < choice->count; i++) {
        const struct ph__column *column = choice->columns[i];
        struct ph__value value;
        ph__buf_printf(&buf, "%s\"%s\":", i ? "," : "{", column->name);
        if (column->json) {
            column->json(view, row, &buf);
        } else {
            ph__render_get(choice, column, view, row, &scratch, &value);
            ph__value_write_json(&value, &buf);
        }
    }
    ph__buf_putc(&buf, '}');
    ph__buf_done(&scratch);
    return ph__buf_take(&buf);
}

static void assert_same(const struct ph__choice *choice, const struct ph__view *view, size_t row)
{
    struct ph__buf buf;
    struct ph__buf scratch;
    ph__buf_init(&buf, 0);
    ph__buf_init(&scratch, 0);
    ph__render_json(choice, view, row, &buf, &scratch);
    char *text = ph__buf_take(&buf);
    char *plain = write_plainly(choice, view, row);
    assert_string_equal(text, plain);
    free(text);
    free(plain);
    ph__buf_done(&scratch);
}

static void test_json_when_out_of_memory_then_error_stays(void **state)
{
    (void)state;
    struct ph__choice choice = choose_all(&fruit_kind);
    struct ph__view view = fruit_view();
    int err = -ENOMEM;
    for (int fails = 0; err != 0; fails++) {
        struct ph__buf buf;
        struct ph__buf scratch;
        ph__buf_init(&buf, 0);
        ph__buf_init(&scratch, 0);
        fail_allocations(fails, true); /* one alone must not be lost among those that succeed */
        ph__render_json(&choice, &view, 3, &buf, &scratch);
        bool failed = stop_failing();
        err = ph__buf_error(&buf);
        assert_int_equal(err, failed ? -ENOMEM : 0);
        ph__buf_done(&buf);
        ph__buf_done(&scratch);
    }
}

static void test_json_of_fruits_is_the_same(void **state)
{
    (void)state;
    struct ph__choice choice = choose_all(&fruit_kind);
    struct ph__view view = fruit_view();
    for (size_t i = 0; i < FRUIT_COUNT; i++) {
        assert_same(&choice, &view, i);
    }
}

/* Each protocol, family and state that the machine has, nulls, and names that are hostile. */
static void test_json_of_sockets_is_the_same(void **state)
{
    (void)state;
    static const char rows[] =
        "0000000000000000: 00000003 00000000 00000000 0001 03 8 /run/\"q\\\x01\xFF,\n"
        "0000000000000000: 00000003 00000000 00000000 0002 03 9 @\x7F\xC2\x85\n";
    struct machine machine;
    machine_make(&machine, rows, "a\"b\\\x1b\xFE");
    struct ph__choice choice = choose_all(&ph__list_sockets);
    for (int owners = 0; owners < 2; owners++) {
        struct ph__view view = {.snapshot = machine.snapshot, .owners = owners};
        for (size_t i = 0; i < ph_snapshot_count(machine.snapshot); i++) {
            assert_same(&choice, &view, i);
        }
    }
    machine_remove(&machine);
}

/* Every number of digits, and the strangest of each field. */
static void test_json_of_made_up_sockets_is_the_same(void **state)
{
    (void)state;
    struct machine machine;
    machine_make(&machine, "", "x");
    struct ph__choice choice = choose_all(&ph__list_sockets);
    uint64_t number = 1;
    for (int i = 0; i < 19; i++, number = number * 10 + 7) {
        struct ph_socket socket = {
            .protocol = (enum ph_protocol)(i % PH_PROTOCOL_COUNT),
            .family = i % 2 ? PH_FAMILY_IPV6 : PH_FAMILY_IPV4,
            .state = (enum ph_state)(i % PH_STATE_COUNT),
            .direction = (enum ph_direction)(i % PH_DIRECTION_COUNT),
            .scope = (enum ph_scope)(i % PH_SCOPE_COUNT),
            .local_address = {(uint8_t)i, 255, (uint8_t)(100 + i), 9, 1},
            .remote_address = {(uint8_t)(99 + i), 0, 0, (uint8_t)i},
            .local_port = (uint16_t)number,
            .remote_port = (uint16_t)(number + 1),
            .has_remote = i % 3 > 0,
            .interface = i % 4 ? 0 : 4000000000U,
            .cookie = i % 5 ? number : 0,
            .inode = i % 7 ? number / 3 : 0,
            .uid = (uint32_t)number,
            .uid_known = i % 2,
            .accept_queue = i % 2 ? -1 : (int64_t)(number / 2),
            .backlog = -1,
            .receive_queue_bytes = (int64_t)(number / 2),
            .send_queue_bytes = INT64_MAX,
            .drops = i - 1,
            .timer = (enum ph_timer)(i % PH_TIMER_COUNT),
            .timer_expires_ms = i - 2,
            .retransmits = (unsigned)number,
            .peer = -1,
            .owner_unknown = (enum ph_owner_unknown)(i % PH_OWNER_UNKNOWN_COUNT),
        };
        const struct ph_socket *only[] = {&socket};
        struct ph__view view = {.snapshot = machine.snapshot, .owners = true, .data = only};
        assert_same(&choice, &view, 0);
    }
    machine_remove(&machine);
}

static void test_keys_of_every_list_have_room(void **state)
{
    (void)state;
    static const struct ph__list_kind *const kinds[] = {&ph__list_sockets, &ph__list_ports,
                                                        &ph__list_connections};
    for (size_t i = 0; i < 3; i++) {
        struct ph__choice choice = choose_all(kinds[i]);
        assert_true(choice.key_end[choice.count - 1] < sizeof choice.keys);
        for (size_t k = 0, from = 0; k < choice.count; from = choice.key_end[k++]) {
            size_t length = strlen(kinds[i]->columns[k].name);
            assert_int_equal(choice.key_end[k] - from, length + 4);
            assert_memory_equal(choice.keys + from + 2, kinds[i]->columns[k].name, length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_when_out_of_memory_then_error_stays),
        cmocka_unit_test(test_json_of_fruits_is_the_same),
        cmocka_unit_test(test_json_of_sockets_is_the_same),
        cmocka_unit_test(test_json_of_made_up_sockets_is_the_same),
        cmocka_unit_test(test_keys_of_every_list_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
