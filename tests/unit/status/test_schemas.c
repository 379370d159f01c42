/* SPDX-License-Identifier: MIT */
#include "status/schemas.h"

#include "status/render.h"

#include "support/cmocka.h"

#include <string.h>

static const char *const names[] = {"otel", "ecs", "osquery"};
enum { SCHEMAS = sizeof names / sizeof names[0] };

static const struct ph__column *column_of(const char *schema, const char *name)
{
    const struct ph__schema *found = ph__schema_find(schema);
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->fields[i].name, name) == 0) {
            return found->fields[i].own;
        }
    }
    fail_msg("%s has no %s", schema, name);
    return NULL;
}

/* The text of a column for a socket; "" for null. Valid until the next call. */
static const char *text_of(const struct ph__column *column, const struct ph_socket *socket)
{
    static char text[PH_SOCKET_PATH_TEXT];
    struct ph__buf scratch;
    ph__buf_init(&scratch, 0);
    struct ph__value value = {.item = socket, .which = column->which, .scratch = &scratch};
    column->get(&(struct ph__view){.snapshot = NULL}, 0, &value);
    struct ph__buf buf;
    ph__buf_init(&buf, sizeof text - 1);
    ph__value_write_json(&value, &buf);
    assert_int_equal(ph__buf_error(&buf), 0);
    memcpy(text, buf.data, buf.size);
    text[buf.size] = '\0';
    ph__buf_done(&buf);
    ph__buf_done(&scratch);
    return text;
}

static void test_find_when_unknown_then_null(void **state)
{
    (void)state;
    assert_null(ph__schema_find(""));
    assert_null(ph__schema_find("otel "));
    for (size_t i = 0; i < SCHEMAS; i++) {
        assert_string_equal(ph__schema_find(names[i])->name, names[i]);
    }
}

/* Whatever is asked for has a place: each field comes from a column, and all of them, with all
 * columns besides, fit into a choice. */
static void test_fields_then_all_come_from_columns_and_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCHEMAS; i++) {
        const struct ph__schema *schema = ph__schema_find(names[i]);
        size_t columns = ph__list_sockets.column_count;
        size_t keys = 0;
        for (size_t j = 0; j < ph__list_sockets.column_count; j++) {
            keys += strlen(ph__list_sockets.columns[j].name) + strlen(",\"\":");
        }
        for (size_t j = 0; j < schema->count; j++) {
            const struct ph__schema_field *field = &schema->fields[j];
            bool found = false;
            for (size_t k = 0; k < ph__list_sockets.column_count; k++) {
                found |= strcmp(ph__list_sockets.columns[k].name, field->of) == 0;
            }
            assert_true(found);
            keys += strlen(field->name) + strlen(",\"\":");
            columns += j > 0 && strcmp(schema->fields[j - 1].of, field->of) == 0;
        }
        assert_true(keys < PH__KEYS_TEXT);
        assert_true(columns <= PH__CHOICE_MAX);
    }
}

static void test_states_then_in_the_words_of_each(void **state)
{
    (void)state;
    static const struct {
        enum ph_state state;
        const char *otel;
        const char *osquery;
    } cases[] = {
        {PH_STATE_LISTEN, "\"listen\"", "\"LISTEN\""},
        {PH_STATE_SYN_SENT, "\"syn_sent\"", "\"SYN_SENT\""},
        {PH_STATE_SYN_RECV, "\"syn_received\"", "\"SYN_RECV\""},
        {PH_STATE_ESTABLISHED, "\"established\"", "\"ESTABLISHED\""},
        {PH_STATE_FIN_WAIT1, "\"fin_wait_1\"", "\"FIN_WAIT1\""},
        {PH_STATE_FIN_WAIT2, "\"fin_wait_2\"", "\"FIN_WAIT2\""},
        {PH_STATE_CLOSE_WAIT, "\"close_wait\"", "\"CLOSE_WAIT\""},
        {PH_STATE_LAST_ACK, "\"last_ack\"", "\"LAST_ACK\""},
        {PH_STATE_CLOSING, "\"closing\"", "\"CLOSING\""},
        {PH_STATE_TIME_WAIT, "\"time_wait\"", "\"TIME_WAIT\""},
        {PH_STATE_CLOSED, "\"closed\"", "\"CLOSED\""},
    };
    const struct ph__column *otel = column_of("otel", "network.connection.state");
    const struct ph__column *osquery = column_of("osquery", "state");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph_socket socket = {.protocol = PH_PROTOCOL_TCP, .state = cases[i].state};
        assert_string_equal(text_of(otel, &socket), cases[i].otel);
        assert_string_equal(text_of(osquery, &socket), cases[i].osquery);
    }
    const struct ph_socket udp = {.protocol = PH_PROTOCOL_UDP, .state = PH_STATE_UNCONNECTED};
    assert_string_equal(text_of(otel, &udp), "null");
    assert_string_equal(text_of(osquery, &udp), "null");
}

static void test_ends_when_directions_differ_then_who_asked_is_the_source(void **state)
{
    (void)state;
    static const struct {
        enum ph_direction direction;
        bool has_remote;
        const char *texts[4]; /* source.ip, source.port, destination.ip, destination.port */
    } cases[] = {
        {PH_DIRECTION_INBOUND, true, {"\"10.0.0.9\"", "4000", "\"127.0.0.1\"", "80"}},
        {PH_DIRECTION_OUTBOUND, true, {"\"127.0.0.1\"", "80", "\"10.0.0.9\"", "4000"}},
        {PH_DIRECTION_LOCAL, true, {"\"127.0.0.1\"", "80", "\"10.0.0.9\"", "4000"}},
        {PH_DIRECTION_LISTEN, false, {"null", "null", "\"127.0.0.1\"", "80"}},
        {PH_DIRECTION_NONE, false, {"\"127.0.0.1\"", "80", "null", "null"}},
    };
    static const char *const fields[] = {"source.ip", "source.port", "destination.ip",
                                         "destination.port"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ph_socket socket = {.family = PH_FAMILY_IPV4,
                                         .direction = cases[i].direction,
                                         .has_remote = cases[i].has_remote,
                                         .local_address = {127, 0, 0, 1},
                                         .local_port = 80,
                                         .remote_address = {10, 0, 0, 9},
                                         .remote_port = 4000};
        for (size_t j = 0; j < 4; j++) {
            assert_string_equal(text_of(column_of("ecs", fields[j]), &socket), cases[i].texts[j]);
        }
    }
    const struct ph_socket unix_socket = {.family = PH_FAMILY_UNIX, .protocol = PH_PROTOCOL_UNIX};
    for (size_t j = 0; j < 4; j++) {
        assert_string_equal(text_of(column_of("ecs", fields[j]), &unix_socket), "null");
    }
}

static void test_unix_socket_then_its_name_is_its_address(void **state)
{
    (void)state;
    const struct ph_socket socket = {.family = PH_FAMILY_UNIX,
                                     .protocol = PH_PROTOCOL_UNIX,
                                     .path = "/run/a\"b",
                                     .path_size = 8};
    assert_string_equal(text_of(column_of("otel", "network.local.address"), &socket),
                        "\"/run/a\\\"b\"");
    assert_string_equal(text_of(column_of("otel", "network.peer.address"), &socket), "null");
    assert_string_equal(text_of(column_of("otel", "network.type"), &socket), "null");
    assert_string_equal(text_of(column_of("osquery", "family"), &socket), "1");
    assert_string_equal(text_of(column_of("osquery", "protocol"), &socket), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_when_unknown_then_null),
        cmocka_unit_test(test_fields_then_all_come_from_columns_and_fit),
        cmocka_unit_test(test_states_then_in_the_words_of_each),
        cmocka_unit_test(test_ends_when_directions_differ_then_who_asked_is_the_source),
        cmocka_unit_test(test_unix_socket_then_its_name_is_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
