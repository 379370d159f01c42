/* SPDX-License-Identifier: MIT */
#include "sockets/join.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct ph__port_range ephemeral = {32768, 60999};

struct fixture {
    struct ph__arena arena;
    struct ph__rows rows;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){{0}, {0}};
    ph__rows_init(&fixture->rows, &fixture->arena, 1000000, 1);
}

static void end(struct fixture *fixture)
{
    ph__rows_done(&fixture->rows);
    ph__arena_done(&fixture->arena);
}

static void set_address(const char *text, enum ph_family *ret_family, uint8_t bytes[16])
{
    *ret_family = strchr(text, ':') ? PH_FAMILY_IPV6 : PH_FAMILY_IPV4;
    int family = *ret_family == PH_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(family, text, bytes), 1);
}

/* Adds a socket, its remote end too when `remote` is not NULL. @return its number. */
static size_t add(struct fixture *fixture, enum ph_protocol protocol, enum ph_state state,
                  const char *local, unsigned local_port, const char *remote, unsigned remote_port)
{
    struct ph_socket row = ph__rows_blank(protocol, PH_FAMILY_IPV4);
    row.cookie = fixture->rows.count + 1;
    row.state = state;
    set_address(local, &row.family, row.local_address);
    row.local_port = (uint16_t)local_port;
    if (remote) {
        row.has_remote = true;
        set_address(remote, &row.family, row.remote_address);
        row.remote_port = (uint16_t)remote_port;
    }
    assert_int_equal(ph__rows_add(&fixture->rows, &row), 0);
    return fixture->rows.count - 1;
}

static size_t listen_on(struct fixture *fixture, const char *address, unsigned port)
{
    return add(fixture, PH_PROTOCOL_TCP, PH_STATE_LISTEN, address, port, NULL, 0);
}

static size_t connect_to(struct fixture *fixture, const char *local, unsigned local_port,
                         const char *remote, unsigned remote_port)
{
    return add(fixture, PH_PROTOCOL_TCP, PH_STATE_ESTABLISHED, local, local_port, remote,
               remote_port);
}

static void join(struct fixture *fixture)
{
    assert_int_equal(ph__join(&fixture->rows, ephemeral), 0);
}

static enum ph_direction direction(const struct fixture *fixture, size_t row)
{
    return fixture->rows.items[row].direction;
}

/* Joins one connection, and tells which way it goes. */
static enum ph_direction direction_alone(const char *local, unsigned local_port, const char *remote,
                                         unsigned remote_port)
{
    struct fixture fixture;
    begin(&fixture);
    size_t row = connect_to(&fixture, local, local_port, remote, remote_port);
    join(&fixture);
    enum ph_direction found = direction(&fixture, row);
    end(&fixture);
    return found;
}

static void test_join_when_out_of_memory_then_enomem_everywhere(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    listen_on(&fixture, "127.0.0.1", 80);
    connect_to(&fixture, "127.0.0.1", 80, "127.0.0.1", 40000);
    struct ph_socket row = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    row.inode = 5;
    row.state = PH_STATE_LISTEN;
    row.path = "/run/x";
    row.path_size = 6;
    assert_int_equal(ph__rows_add(&fixture.rows, &row), 0);
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        fail_allocations(fails, false);
        err = ph__join(&fixture.rows, ephemeral);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
    }
    assert_int_equal(fails, 6); /* itself and four indexes; then success */
    end(&fixture);
}

static void test_direction_when_listener_is_there_then_it_decides(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t listener = listen_on(&fixture, "0.0.0.0", 50000); /* in the ephemeral range */
    size_t server = connect_to(&fixture, "127.0.0.1", 50000, "127.0.0.1", 40000);
    size_t client = connect_to(&fixture, "127.0.0.1", 40000, "127.0.0.1", 50000);
    size_t away = connect_to(&fixture, "10.0.0.1", 50000, "10.0.0.2", 1000);
    join(&fixture);
    assert_int_equal(direction(&fixture, listener), PH_DIRECTION_LISTEN);
    assert_int_equal(direction(&fixture, server), PH_DIRECTION_INBOUND);
    assert_int_equal(direction(&fixture, client), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, away), PH_DIRECTION_INBOUND);
    assert_int_equal(fixture.rows.items[server].peer, client);
    assert_int_equal(fixture.rows.items[client].peer, server);
    assert_int_equal(fixture.rows.items[away].peer, -1);
    end(&fixture);
}

static void test_direction_when_no_listener_then_ephemeral_port_decides(void **state)
{
    (void)state;
    assert_int_equal(direction_alone("10.0.0.1", 40000, "10.0.0.2", 443), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 443, "10.0.0.2", 40000), PH_DIRECTION_INBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 32768, "10.0.0.2", 443), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 60999, "10.0.0.2", 443), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 61000, "10.0.0.2", 40000), PH_DIRECTION_INBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 40000, "10.0.0.2", 50000), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 443, "10.0.0.2", 1000), PH_DIRECTION_INBOUND);
    assert_int_equal(direction_alone("10.0.0.1", 700, "10.0.0.2", 2049), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("127.0.0.1", 40000, "127.0.0.1", 50000), PH_DIRECTION_LOCAL);
    assert_int_equal(direction_alone("10.0.0.1", 40000, "10.0.0.1", 50000), PH_DIRECTION_LOCAL);
    assert_int_equal(direction_alone("127.0.0.1", 40000, "127.0.0.1", 8080), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction_alone("127.0.0.1", 40000, "127.0.0.1", 40000), PH_DIRECTION_LOCAL);
}

static void test_direction_when_both_ends_have_listeners_then_ports_decide(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    listen_on(&fixture, "127.0.0.1", 80);
    listen_on(&fixture, "127.0.0.1", 40000);
    listen_on(&fixture, "127.0.0.1", 81);
    size_t server = connect_to(&fixture, "127.0.0.1", 80, "127.0.0.1", 40000);
    size_t client = connect_to(&fixture, "127.0.0.1", 40000, "127.0.0.1", 80);
    size_t odd = connect_to(&fixture, "127.0.0.1", 81, "127.0.0.1", 80);
    join(&fixture);
    assert_int_equal(direction(&fixture, server), PH_DIRECTION_INBOUND);
    assert_int_equal(direction(&fixture, client), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, odd), PH_DIRECTION_LOCAL);
    end(&fixture);
}

static void test_direction_of_handshakes_needs_no_listener(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t out =
        add(&fixture, PH_PROTOCOL_TCP, PH_STATE_SYN_SENT, "10.0.0.1", 80, "10.0.0.2", 40000);
    size_t in =
        add(&fixture, PH_PROTOCOL_TCP, PH_STATE_SYN_RECV, "10.0.0.1", 40000, "10.0.0.2", 80);
    size_t bound = add(&fixture, PH_PROTOCOL_TCP, PH_STATE_CLOSED, "10.0.0.1", 80, NULL, 0);
    join(&fixture);
    assert_int_equal(direction(&fixture, out), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, in), PH_DIRECTION_INBOUND);
    assert_int_equal(direction(&fixture, bound), PH_DIRECTION_NONE);
    end(&fixture);
}

static void test_listener_on_ipv6_covers_ipv4_unless_v6only(void **state)
{
    (void)state;
    struct fixture fixture;
    for (int v6only = 0; v6only < 2; v6only++) {
        begin(&fixture);
        size_t listener = listen_on(&fixture, "::", 50000);
        fixture.rows.items[listener].v6only = v6only != 0;
        size_t ipv4 = connect_to(&fixture, "10.0.0.1", 50000, "10.0.0.2", 40000);
        size_t mapped = connect_to(&fixture, "::ffff:10.0.0.1", 50000, "::ffff:10.0.0.3", 40000);
        size_t ipv6 = connect_to(&fixture, "2001:db8::1", 50000, "2001:db8::2", 40000);
        join(&fixture);
        enum ph_direction over_ipv4 = v6only ? PH_DIRECTION_OUTBOUND : PH_DIRECTION_INBOUND;
        assert_int_equal(direction(&fixture, ipv4), over_ipv4);
        assert_int_equal(direction(&fixture, mapped), over_ipv4);
        assert_int_equal(direction(&fixture, ipv6), PH_DIRECTION_INBOUND);
        end(&fixture);
    }
}

static void test_listener_that_is_not_v6only_counts_beside_one_that_is(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t first = listen_on(&fixture, "::", 50000);
    fixture.rows.items[first].v6only = true;
    listen_on(&fixture, "::", 50000);
    size_t ipv4 = connect_to(&fixture, "10.0.0.1", 50000, "10.0.0.2", 40000);
    join(&fixture);
    assert_int_equal(direction(&fixture, ipv4), PH_DIRECTION_INBOUND);
    end(&fixture);
}

static void test_listener_does_not_cover_other_addresses_ports_interfaces(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    listen_on(&fixture, "127.0.0.1", 50000);
    size_t elsewhere = listen_on(&fixture, "0.0.0.0", 50001);
    fixture.rows.items[elsewhere].interface = 7;
    add(&fixture, PH_PROTOCOL_UDP, PH_STATE_UNCONNECTED, "0.0.0.0", 50002, NULL, 0);
    listen_on(&fixture, "0.0.0.0", 50003);
    size_t address = connect_to(&fixture, "10.0.0.1", 50000, "10.0.0.2", 40000);
    size_t interface = connect_to(&fixture, "10.0.0.1", 50001, "10.0.0.2", 40000);
    size_t protocol = connect_to(&fixture, "10.0.0.1", 50002, "10.0.0.2", 40000);
    size_t family = connect_to(&fixture, "2001:db8::1", 50003, "2001:db8::2", 40000);
    size_t inside = connect_to(&fixture, "10.0.0.1", 50001, "10.0.0.3", 40000);
    fixture.rows.items[inside].interface = 7;
    join(&fixture);
    assert_int_equal(direction(&fixture, address), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, interface), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, protocol), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, family), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, inside), PH_DIRECTION_INBOUND);
    end(&fixture);
}

static void test_peer_is_found_across_mapped_addresses(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t client = connect_to(&fixture, "127.0.0.1", 40000, "127.0.0.1", 8080);
    size_t server = connect_to(&fixture, "::ffff:127.0.0.1", 8080, "::ffff:127.0.0.1", 40000);
    size_t udp =
        add(&fixture, PH_PROTOCOL_UDP, PH_STATE_CONNECTED, "127.0.0.1", 40000, "127.0.0.1", 8080);
    size_t self = connect_to(&fixture, "127.0.0.1", 33333, "127.0.0.1", 33333);
    join(&fixture);
    assert_int_equal(fixture.rows.items[client].peer, server);
    assert_int_equal(fixture.rows.items[server].peer, client);
    assert_int_equal(fixture.rows.items[udp].peer, -1);
    assert_int_equal(fixture.rows.items[self].peer, -1);
    end(&fixture);
}

static void test_scope_only_of_listening_and_bound(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t all = listen_on(&fixture, "::", 80);
    size_t loopback =
        add(&fixture, PH_PROTOCOL_UDP, PH_STATE_UNCONNECTED, "127.0.0.1", 53, NULL, 0);
    size_t bound = add(&fixture, PH_PROTOCOL_TCP, PH_STATE_CLOSED, "192.168.0.1", 81, NULL, 0);
    size_t unbound = add(&fixture, PH_PROTOCOL_UDP, PH_STATE_UNCONNECTED, "0.0.0.0", 0, NULL, 0);
    size_t connected = connect_to(&fixture, "8.8.8.8", 80, "10.0.0.1", 40000);
    size_t on_lo = listen_on(&fixture, "0.0.0.0", 82);
    fixture.rows.items[on_lo].interface = 1;
    join(&fixture);
    assert_int_equal(fixture.rows.items[all].scope, PH_SCOPE_ALL);
    assert_int_equal(fixture.rows.items[loopback].scope, PH_SCOPE_LOOPBACK);
    assert_int_equal(fixture.rows.items[bound].scope, PH_SCOPE_PRIVATE);
    assert_int_equal(fixture.rows.items[unbound].scope, PH_SCOPE_NONE);
    assert_int_equal(fixture.rows.items[connected].scope, PH_SCOPE_NONE);
    assert_int_equal(fixture.rows.items[on_lo].scope, PH_SCOPE_LOOPBACK);
    end(&fixture);
}

static size_t add_unix(struct fixture *fixture, enum ph_state state, uint64_t inode,
                       uint32_t peer_inode, const char *path)
{
    struct ph_socket row = ph__rows_blank(PH_PROTOCOL_UNIX, PH_FAMILY_UNIX);
    row.state = state;
    row.inode = inode;
    row.peer_inode = peer_inode;
    row.path = path;
    row.path_size = path ? strlen(path) : 0;
    row.type = state == PH_STATE_CONNECTED ? SOCK_DGRAM : SOCK_STREAM;
    assert_int_equal(ph__rows_add(&fixture->rows, &row), 0);
    return fixture->rows.count - 1;
}

static void test_unix_streams_are_told_by_the_listeners_name(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t listener = add_unix(&fixture, PH_STATE_LISTEN, 1, 0, "/run/x");
    size_t server = add_unix(&fixture, PH_STATE_ESTABLISHED, 2, 3, "/run/x");
    size_t client = add_unix(&fixture, PH_STATE_ESTABLISHED, 3, 2, NULL);
    size_t named_server = add_unix(&fixture, PH_STATE_ESTABLISHED, 4, 5, "/run/x");
    size_t named_client = add_unix(&fixture, PH_STATE_ESTABLISHED, 5, 4, "/run/me");
    size_t pair = add_unix(&fixture, PH_STATE_ESTABLISHED, 6, 7, NULL);
    size_t other = add_unix(&fixture, PH_STATE_ESTABLISHED, 7, 6, NULL);
    size_t lonely = add_unix(&fixture, PH_STATE_ESTABLISHED, 8, 999, NULL);
    join(&fixture);
    assert_int_equal(direction(&fixture, listener), PH_DIRECTION_LISTEN);
    assert_int_equal(direction(&fixture, server), PH_DIRECTION_INBOUND);
    assert_int_equal(direction(&fixture, client), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, named_server), PH_DIRECTION_INBOUND);
    assert_int_equal(direction(&fixture, named_client), PH_DIRECTION_OUTBOUND);
    assert_int_equal(direction(&fixture, pair), PH_DIRECTION_LOCAL);
    assert_int_equal(fixture.rows.items[pair].peer, other);
    assert_int_equal(fixture.rows.items[client].peer, server);
    assert_int_equal(fixture.rows.items[lonely].peer, -1);
    assert_int_equal(fixture.rows.items[listener].scope, PH_SCOPE_NONE);
    end(&fixture);
}

static void test_unix_datagrams_point_at_who_they_are_connected_to(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t server = add_unix(&fixture, PH_STATE_UNCONNECTED, 1, 0, "/dev/log");
    size_t client = add_unix(&fixture, PH_STATE_CONNECTED, 2, 1, NULL);
    size_t left = add_unix(&fixture, PH_STATE_CONNECTED, 3, 4, NULL);
    size_t right = add_unix(&fixture, PH_STATE_CONNECTED, 4, 3, NULL);
    join(&fixture);
    assert_int_equal(direction(&fixture, server), PH_DIRECTION_NONE);
    assert_int_equal(fixture.rows.items[server].peer, -1);
    assert_int_equal(direction(&fixture, client), PH_DIRECTION_OUTBOUND);
    assert_int_equal(fixture.rows.items[client].peer, server);
    assert_int_equal(direction(&fixture, left), PH_DIRECTION_LOCAL);
    assert_int_equal(direction(&fixture, right), PH_DIRECTION_LOCAL);
    end(&fixture);
}

/* Sockets that share an end must not make one long chain: this would take minutes. */
static void test_join_when_very_many_share_a_port_then_still_linear(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct fixture fixture;
    begin(&fixture);
    for (unsigned i = 0; i < COUNT; i++) {
        listen_on(&fixture, i % 2 ? "::" : "0.0.0.0", 443);
        add(&fixture, PH_PROTOCOL_UDP, PH_STATE_CONNECTED, "10.0.0.1", 443, "10.0.0.2", 443);
    }
    add_unix(&fixture, PH_STATE_LISTEN, 1, 0, "/run/x");
    join(&fixture);
    assert_int_equal(fixture.rows.count, 2 * COUNT + 1);
    end(&fixture);
}

/* Both ends twice, as when a port is used again while its last connection still closes: the first
 * of each stands for the others. A socket may also have called itself. */
static void test_peer_when_ends_are_there_several_times_then_the_first(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    size_t near_first = connect_to(&fixture, "10.0.0.1", 40000, "10.0.0.1", 80);
    size_t near_again = connect_to(&fixture, "10.0.0.1", 40000, "10.0.0.1", 80);
    size_t far_first = connect_to(&fixture, "::ffff:10.0.0.1", 80, "::ffff:10.0.0.1", 40000);
    size_t far_again = connect_to(&fixture, "10.0.0.1", 80, "10.0.0.1", 40000);
    size_t self = connect_to(&fixture, "10.0.0.1", 41000, "10.0.0.1", 41000);
    join(&fixture);
    assert_int_equal(fixture.rows.items[near_first].peer, far_first);
    assert_int_equal(fixture.rows.items[near_again].peer, far_first);
    assert_int_equal(fixture.rows.items[far_first].peer, near_first);
    assert_int_equal(fixture.rows.items[far_again].peer, near_first);
    assert_int_equal(fixture.rows.items[self].peer, -1);
    assert_int_equal(direction(&fixture, self), PH_DIRECTION_LOCAL);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_when_out_of_memory_then_enomem_everywhere),
        cmocka_unit_test(test_direction_when_listener_is_there_then_it_decides),
        cmocka_unit_test(test_direction_when_no_listener_then_ephemeral_port_decides),
        cmocka_unit_test(test_direction_when_both_ends_have_listeners_then_ports_decide),
        cmocka_unit_test(test_direction_of_handshakes_needs_no_listener),
        cmocka_unit_test(test_listener_on_ipv6_covers_ipv4_unless_v6only),
        cmocka_unit_test(test_listener_that_is_not_v6only_counts_beside_one_that_is),
        cmocka_unit_test(test_listener_does_not_cover_other_addresses_ports_interfaces),
        cmocka_unit_test(test_peer_is_found_across_mapped_addresses),
        cmocka_unit_test(test_scope_only_of_listening_and_bound),
        cmocka_unit_test(test_unix_streams_are_told_by_the_listeners_name),
        cmocka_unit_test(test_unix_datagrams_point_at_who_they_are_connected_to),
        cmocka_unit_test(test_join_when_very_many_share_a_port_then_still_linear),
        cmocka_unit_test(test_peer_when_ends_are_there_several_times_then_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
