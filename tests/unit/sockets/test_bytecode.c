/* SPDX-License-Identifier: MIT
 *
 * The steps themselves; that the kernel takes them, and in this sense, is shown by
 * test_filter_witness.c and the fuzz target of filters.
 */
#include "sockets/bytecode.h"

#include "support/cmocka.h"

#include <linux/inet_diag.h>
#include <stdlib.h>
#include <string.h>

static struct ph__bytecode code;
static unsigned char steps[PH__BYTECODE_SIZE];

static unsigned port(unsigned char test_code, int number)
{
    return ph__bytecode_test(&code, &(struct ph__bytecode_test){.code = test_code, .port = number});
}

static struct inet_diag_bc_op step_at(size_t number)
{
    struct inet_diag_bc_op step;
    memcpy(&step, steps + number * sizeof step, sizeof step);
    return step;
}

static void assert_step(size_t number, unsigned step_code, unsigned yes, unsigned no)
{
    struct inet_diag_bc_op step = step_at(number);
    assert_int_equal(step.code, step_code);
    assert_int_equal(step.yes, yes);
    assert_int_equal(step.no, no);
}

static void test_joints_when_one_is_constant_then_simplified(void **state)
{
    (void)state;
    ph__bytecode_init(&code);
    unsigned test = port(INET_DIAG_BC_S_GE, 1);
    assert_int_equal(ph__bytecode_and(&code, test, PH__NODE_TRUE), test);
    assert_int_equal(ph__bytecode_and(&code, PH__NODE_FALSE, test), PH__NODE_FALSE);
    assert_int_equal(ph__bytecode_or(&code, PH__NODE_FALSE, test), test);
    assert_int_equal(ph__bytecode_or(&code, test, PH__NODE_TRUE), PH__NODE_TRUE);
    assert_int_equal(ph__bytecode_not(&code, PH__NODE_TRUE), PH__NODE_FALSE);
    assert_int_equal(ph__bytecode_mirror(&code, PH__NODE_FALSE), PH__NODE_FALSE);
}

static void test_write_jumps_to_the_next_test_or_one_step_behind_the_end(void **state)
{
    (void)state;
    ph__bytecode_init(&code);
    unsigned both = ph__bytecode_and(&code, port(INET_DIAG_BC_S_GE, 5), port(INET_DIAG_BC_S_LE, 6));
    unsigned other = ph__bytecode_not(&code, port(INET_DIAG_BC_D_GE, 7));
    unsigned node = ph__bytecode_or(&code, both, other);
    assert_int_equal(ph__bytecode_write(&code, node, steps), 8 * 4);
    assert_step(0, INET_DIAG_BC_S_GE, 8, 5 * 4);
    assert_int_equal(step_at(1).no, 5);
    assert_step(2, INET_DIAG_BC_S_LE, 8, 3 * 4);
    assert_int_equal(step_at(3).no, 6);
    assert_step(4, INET_DIAG_BC_JMP, 4, 4 * 4); /* taken */
    assert_step(5, INET_DIAG_BC_D_GE, 8, 3 * 4);
    assert_int_equal(step_at(6).no, 7);
    assert_step(7, INET_DIAG_BC_JMP, 4, 2 * 4); /* refused */
}

static void test_write_when_mirrored_then_ends_are_exchanged(void **state)
{
    (void)state;
    static const unsigned char pairs[][2] = {{INET_DIAG_BC_S_GE, INET_DIAG_BC_D_GE},
                                             {INET_DIAG_BC_S_LE, INET_DIAG_BC_D_LE},
                                             {INET_DIAG_BC_S_COND, INET_DIAG_BC_D_COND},
                                             {INET_DIAG_BC_DEV_COND, INET_DIAG_BC_DEV_COND},
                                             {PH__BYTECODE_CGROUP, PH__BYTECODE_CGROUP}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            ph__bytecode_init(&code);
            unsigned node = ph__bytecode_mirror(&code, port(pairs[i][k], 9));
            assert_true(ph__bytecode_write(&code, node, steps) > 0);
            assert_int_equal(step_at(0).code, pairs[i][1 - k]);
            node = ph__bytecode_mirror(&code, node);
            assert_true(ph__bytecode_write(&code, node, steps) > 0);
            assert_int_equal(step_at(0).code, pairs[i][k]);
            assert_true(ph__bytecode_has(&code, node, pairs[i][k]));
            assert_false(ph__bytecode_has(&code, node, INET_DIAG_BC_AUTO));
        }
    }
}

static void test_write_when_too_large_then_nothing(void **state)
{
    (void)state;
    ph__bytecode_init(&code);
    unsigned node = PH__NODE_FALSE;
    const struct ph__bytecode_test host = {
        .code = INET_DIAG_BC_S_COND, .family = 10, .prefix_bits = 128, .port = -1};
    for (int i = 0; i < PH__BYTECODE_SIZE / 28 + 1; i++) {
        node = ph__bytecode_or(&code, node, ph__bytecode_test(&code, &host));
    }
    assert_false(code.full);
    assert_int_equal(ph__bytecode_write(&code, node, steps), 0);
    while (!code.full) {
        node = ph__bytecode_or(&code, node, port(INET_DIAG_BC_S_GE, 1));
    }
    assert_int_equal(node, PH__NODE_TRUE); /* too wide, never too narrow */
    assert_true(code.count <= PH__BYTECODE_NODES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joints_when_one_is_constant_then_simplified),
        cmocka_unit_test(test_write_jumps_to_the_next_test_or_one_step_behind_the_end),
        cmocka_unit_test(test_write_when_mirrored_then_ends_are_exchanged),
        cmocka_unit_test(test_write_when_too_large_then_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
