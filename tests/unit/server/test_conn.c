/* SPDX-License-Identifier: MIT
 *
 * The state table of connections, edge by edge. The diagram stands in conn.h.
 */
#include "server/conn.h"

#include "support/cmocka.h"

#include <string.h>

/* A row for each state, a column for each that may follow, in the order of the rows. */
/* clang-format off */
static const struct {
    enum ph__conn_state state;
    const char *name;
    bool next[PH__CONN_STATES];
} table[] = {
    /*                                 closed accepted idle head body handling writing streaming
     *                                                                                 upgraded
     *                                                                                    lingering */
    {PH__CONN_CLOSED,    "closed",    {1,     1,       0,   0,   0,   0,       0,      0, 0, 0}},
    {PH__CONN_ACCEPTED,  "accepted",  {1,     0,       0,   1,   0,   0,       0,      0, 0, 0}},
    {PH__CONN_IDLE,      "idle",      {1,     0,       0,   1,   0,   0,       0,      0, 0, 0}},
    {PH__CONN_HEAD,      "head",      {1,     0,       1,   1,   1,   0,       1,      0, 0, 0}},
    {PH__CONN_BODY,      "body",      {1,     0,       0,   1,   0,   1,       1,      0, 0, 0}},
    {PH__CONN_HANDLING,  "handling",  {1,     0,       0,   1,   1,   0,       1,      0, 0, 0}},
    {PH__CONN_WRITING,   "writing",   {1,     0,       1,   1,   1,   1,       0,      1, 1, 1}},
    {PH__CONN_STREAMING, "streaming", {1,     0,       0,   0,   0,   0,       1,      0, 0, 0}},
    {PH__CONN_UPGRADED,  "upgraded",  {1,     0,       0,   0,   0,   0,       0,      0, 0, 1}},
    {PH__CONN_LINGERING, "lingering", {1,     0,       0,   0,   0,   0,       0,      0, 0, 0}},
};
/* clang-format on */
enum { STATES = sizeof table / sizeof *table };

static void test_may_follow_when_any_two_states_then_as_in_the_table(void **state)
{
    (void)state;
    assert_int_equal(STATES, PH__CONN_STATES);
    for (int from = 0; from < STATES; from++) {
        for (int to = 0; to < STATES; to++) {
            bool allowed = table[from].next[to];
            if (ph__conn_may_follow(table[from].state, table[to].state) != allowed) {
                fail_msg("%s to %s is not %s", table[from].name, table[to].name,
                         allowed ? "allowed" : "refused");
            }
        }
    }
}

static void test_may_follow_when_any_state_then_it_can_be_closed(void **state)
{
    (void)state;
    for (int from = 0; from < PH__CONN_STATES; from++) {
        assert_true(ph__conn_may_follow((enum ph__conn_state)from, PH__CONN_CLOSED));
    }
}

static void test_may_follow_then_every_state_can_be_reached(void **state)
{
    (void)state;
    bool reached[PH__CONN_STATES] = {[PH__CONN_CLOSED] = true};
    for (int round = 0; round < PH__CONN_STATES; round++) {
        for (int from = 0; from < PH__CONN_STATES; from++) {
            for (int to = 0; reached[from] && to < PH__CONN_STATES; to++) {
                reached[to] |=
                    ph__conn_may_follow((enum ph__conn_state)from, (enum ph__conn_state)to);
            }
        }
    }
    for (int i = 0; i < PH__CONN_STATES; i++) {
        assert_true(reached[i]);
    }
}

static void test_state_name_when_any_state_then_as_documented(void **state)
{
    (void)state;
    for (int i = 0; i < STATES; i++) {
        assert_string_equal(ph__conn_state_name(table[i].state), table[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_follow_when_any_two_states_then_as_in_the_table),
        cmocka_unit_test(test_may_follow_when_any_state_then_it_can_be_closed),
        cmocka_unit_test(test_may_follow_then_every_state_can_be_reached),
        cmocka_unit_test(test_state_name_when_any_state_then_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
