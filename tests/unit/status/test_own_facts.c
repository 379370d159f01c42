/* SPDX-License-Identifier: MIT
 *
 * Sections and metrics of the embedding program: what is taken, what is refused, and no memory.
 */
#include "status/own_facts.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seven(void *user)
{
    (void)user;
    return 7;
}

static void describe(void *user, struct ph_status_object *object)
{
    ph_status_put_text(object, "name", user);
    ph_status_put_text(object, "none", NULL);
    ph_status_put_bool(object, "runs", true);
    ph_status_put_number(object, "speed", 1.5);
    ph_status_put_number(object, "lost", (double)NAN);
}

static struct ph_server *make_server(void)
{
    struct ph_server *server;
    assert_int_equal(ph_server_new(&server, &(struct ph_config){.listen = "127.0.0.1:0"}), 0);
    return server;
}

static struct ph_server *make_mounted(void)
{
    struct ph_server *server = make_server();
    assert_int_equal(ph_status_mount(server, NULL), 0);
    return server;
}

static void test_add_when_not_mounted_or_started_then_refused(void **state)
{
    (void)state;
    struct ph_server *server = make_server();
    assert_int_equal(ph_status_section(server, "a", describe, NULL), -ENOENT);
    assert_int_equal(ph_status_gauge(server, "a", "A.", seven, NULL), -ENOENT);
    assert_int_equal(ph_status_mount(server, NULL), 0);
    assert_int_equal(ph_server_start(server), 0);
    assert_int_equal(ph_status_section(server, "a", describe, NULL), PH_ERR_STARTED);
    assert_int_equal(ph_status_counter(server, "a_total", "A.", seven, NULL), PH_ERR_STARTED);
    ph_server_free(server);
}

static void test_add_when_the_name_is_none_then_refused(void **state)
{
    (void)state;
    char longest[102];
    memset(longest, 'a', sizeof longest);
    longest[101] = '\0';
    struct ph_server *server = make_mounted();
    const char *const sections[] = {"", "A", "a b", "a-b", "\xC3\xA4", longest};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        assert_int_equal(ph_status_section(server, sections[i], describe, NULL), -EINVAL);
    }
    const char *const gauges[] = {"", "9", "a-b", "porthole_mine", "a_total", longest};
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        assert_int_equal(ph_status_gauge(server, gauges[i], "A.", seven, NULL), -EINVAL);
    }
    assert_int_equal(ph_status_counter(server, "a", "A.", seven, NULL), -EINVAL);
    assert_int_equal(ph_status_counter(server, "_total", "A.", seven, NULL), -EINVAL);
    assert_int_equal(ph_status_gauge(server, "a", "", seven, NULL), -EINVAL);
    ph_server_free(server);
}

static void test_add_when_out_of_memory_then_refused_and_a_retry_works(void **state)
{
    (void)state;
    struct ph_server *server = make_mounted();
    for (long n = 0; n < 5; n++) {
        fail_allocations(n, true);
        int section = n < 2 ? ph_status_section(server, "a", describe, NULL) : -ENOMEM;
        int gauge = n >= 2 ? ph_status_gauge(server, "a", "A.", seven, NULL) : -ENOMEM;
        bool failed = stop_failing();
        assert_int_equal(section, -ENOMEM);
        assert_int_equal(gauge, failed ? -ENOMEM : 0);
        if (n >= 2 && !failed) {
            break;
        }
    }
    assert_int_equal(ph_status_section(server, "a", describe, NULL), 0);
    assert_int_equal(ph_status_section(server, "a", describe, NULL), -EEXIST);
    ph_server_free(server);
}

static void test_write_then_all_in_order(void **state)
{
    (void)state;
    struct ph_server *server = make_mounted();
    char name[] = "P\xFF";
    assert_int_equal(ph_status_section(server, "pump_2", describe, name), 0);
    assert_int_equal(ph_status_gauge(server, "pump_heat_celsius", "Heat.", seven, NULL), 0);
    assert_int_equal(ph_status_counter(server, "pump_turns_total", "Turns.", seven, NULL), 0);
    assert_int_equal(ph_status_counter(server, "pump_turns_total", "Turns.", seven, NULL), -EEXIST);
    const struct ph__facts *facts = ph_server_get(server, &ph__facts_key);
    struct ph__json json;
    ph__json_init(&json);
    ph__facts_write_sections(facts, &json);
    char *text = ph__json_print(&json);
    assert_string_equal(text, "{\"sections\":{\"pump_2\":{\"name\":\"P\xEF\xBF\xBD\",\"none\":null,"
                              "\"runs\":true,\"speed\":1.5,\"lost\":null}}}");
    free(text);
    ph__json_done(&json);
    struct ph__exposition exposition;
    ph__exposition_init(&exposition, false);
    ph__facts_write_metrics(facts, &exposition);
    ph__buf_putc(&exposition.buf, '\0');
    assert_string_equal(exposition.buf.data, "# HELP pump_heat_celsius Heat.\n"
                                             "# TYPE pump_heat_celsius gauge\n"
                                             "pump_heat_celsius 7\n"
                                             "# HELP pump_turns_total Turns.\n"
                                             "# TYPE pump_turns_total counter\n"
                                             "pump_turns_total 7\n");
    ph__buf_done(&exposition.buf);
    ph_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_when_not_mounted_or_started_then_refused),
        cmocka_unit_test(test_add_when_the_name_is_none_then_refused),
        cmocka_unit_test(test_add_when_out_of_memory_then_refused_and_a_retry_works),
        cmocka_unit_test(test_write_then_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
