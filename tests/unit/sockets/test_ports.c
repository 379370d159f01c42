/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char tcp_table[] = TCP_HEADING
    "   0: 00000000:1F90 00000000:0000 0A 0:2 0:0 0 0 0 10\n" /* 8080, two wait */
    "   1: 0100007F:0016 00000000:0000 0A 0:0 0:0 0 0 0 11\n" /* 22 on loopback */
    "   2: 0100007F:1F90 0100007F:9C40 01 0:0 0:0 0 0 0 0\n"  /* not accepted */
    "   3: 0100007F:1F90 0100007F:9C41 01 0:0 0:0 0 0 0 12\n" /* accepted */
    "   4: 0100007F:9C41 0100007F:1F90 01 0:0 0:0 0 0 0 13\n" /* its client */
    "   5: 0100007F:1F90 0100007F:9C42 06 0:0 3:0 0 0 0 0\n"  /* time_wait, ours */
    "   6: 0100007F:9C43 0100007F:1F90 06 0:0 3:0 0 0 0 0\n"; /* time_wait, the client's */
static const char tcp6_table[] = TCP_HEADING
    "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:5 0:0 "
    "0 0 0 14\n";
static const char udp_table[] =
    TCP_HEADING "   0: 00000000:1F90 00000000:0000 07 0:0 0:0 0 0 0 15 2 0 4\n"
                "   1: 0100007F:0035 00000000:0000 07 0:0 0:0 0 0 0 16 2 0 0\n"
                "   2: 0100007F:0035 0100007F:9C44 01 0:0 0:0 0 0 0 17 2 0 0\n"
                "   3: 00000000:0000 00000000:0000 07 0:0 0:0 0 0 0 18 2 0 0\n";

static struct ph_ports *ports_of(const struct proc_root *root)
{
    struct ph_snapshot *snapshot = take_from(root);
    struct ph_ports *ports = NULL;
    assert_int_equal(ph_ports_new(&ports, snapshot), 0);
    ph_snapshot_unref(snapshot); /* they hold one of their own */
    return ports;
}

static void test_new_when_out_of_memory_then_enomem(void **state)
{
    struct ph_snapshot *snapshot = take_from(*state);
    for (int i = 0; i < 3; i++) {
        struct ph_ports *ports = NULL;
        fail_allocations(i, false);
        int err = ph_ports_new(&ports, snapshot);
        assert_true(stop_failing());
        assert_int_equal(err, -ENOMEM);
        assert_null(ports);
    }
    ph_snapshot_unref(snapshot);
    ph_ports_free(NULL);
}

static void test_ports_when_nothing_listens_then_none(void **state)
{
    proc_root_write(*state, "net/tcp", TCP_HEADING);
    struct ph_ports *ports = ports_of(*state);
    assert_int_equal(ph_ports_count(ports), 0);
    assert_null(ph_ports_at(ports, 0));
    ph_ports_free(ports);
}

static void test_ports_are_grouped_and_ordered(void **state)
{
    proc_root_write(*state, "net/tcp", tcp_table);
    proc_root_write(*state, "net/tcp6", tcp6_table);
    proc_root_write(*state, "net/udp", udp_table);
    struct ph_ports *ports = ports_of(*state);
    static const struct {
        enum ph_protocol protocol;
        unsigned port;
        size_t sockets;
        enum ph_scope scope;
    } expected[] = {
        {PH_PROTOCOL_TCP, 22, 1, PH_SCOPE_LOOPBACK},
        {PH_PROTOCOL_UDP, 53, 1, PH_SCOPE_LOOPBACK},
        {PH_PROTOCOL_TCP, 8080, 2, PH_SCOPE_ALL},
        {PH_PROTOCOL_UDP, 8080, 1, PH_SCOPE_ALL},
    };
    assert_int_equal(ph_ports_count(ports), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct ph_port *port = ph_ports_at(ports, i);
        assert_int_equal(port->protocol, expected[i].protocol);
        assert_int_equal(port->port, expected[i].port);
        assert_int_equal(port->socket_count, expected[i].sockets);
        assert_int_equal(port->scope, expected[i].scope);
        for (size_t k = 0; k < port->socket_count; k++) {
            assert_int_equal(ph_ports_socket(ports, port, k)->local_port, port->port);
        }
        assert_null(ph_ports_socket(ports, port, port->socket_count));
    }
    assert_null(ph_ports_at(ports, 4));
    ph_ports_free(ports);
}

static void test_port_sums_its_listeners_and_counts_its_side(void **state)
{
    proc_root_write(*state, "net/tcp", tcp_table);
    proc_root_write(*state, "net/tcp6", tcp6_table);
    proc_root_write(*state, "net/udp", udp_table);
    struct ph_ports *ports = ports_of(*state);
    const struct ph_port *tcp = ph_ports_at(ports, 2);
    assert_int_equal(tcp->accept_queue, 7);
    assert_int_equal(tcp->backlog, -1); /* /proc/net does not tell */
    assert_int_equal(tcp->drops, -1);
    assert_int_equal(tcp->connections[PH_STATE_ESTABLISHED], 2);
    assert_int_equal(tcp->unaccepted, 1);
    assert_int_equal(tcp->connections[PH_STATE_TIME_WAIT], 1);
    assert_int_equal(tcp->connections[PH_STATE_LISTEN], 0);
    const struct ph_port *udp = ph_ports_at(ports, 3);
    assert_int_equal(udp->accept_queue, -1);
    assert_int_equal(udp->drops, 4);
    const struct ph_port *dns = ph_ports_at(ports, 1);
    assert_int_equal(dns->connections[PH_STATE_CONNECTED], 1);
    ph_ports_free(ports);
}

static void test_port_has_the_name_of_its_service(void **state)
{
    proc_root_write(*state, "net/tcp", tcp_table);
    struct ph_ports *ports = ports_of(*state);
    FILE *services = fopen("/etc/services", "r");
    if (!services) {
        ph_ports_free(ports);
        skip_because("there is no /etc/services");
    }
    fclose(services);
    assert_string_equal(ph_ports_at(ports, 0)->service, "ssh");
    ph_ports_free(ports);
}

/* Real listeners: what the kernel says about queue and backlog is summed. */
static void test_port_of_real_listener_with_waiting_connections(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int listener = open_listener(AF_INET, 6, &address, &size);
    int first = open_connected(&address, size);
    int second = open_connected(&address, size);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    struct ph_ports *ports = NULL;
    assert_int_equal(ph_ports_new(&ports, snapshot), 0);
    const struct ph_port *found = NULL;
    for (size_t i = 0; i < ph_ports_count(ports); i++) {
        const struct ph_port *port = ph_ports_at(ports, i);
        if (port->protocol == PH_PROTOCOL_TCP && port->port == local_port(listener)) {
            found = port;
        }
    }
    assert_non_null(found);
    assert_int_equal(found->accept_queue, 2);
    assert_int_equal(found->backlog, 6);
    assert_int_equal(found->drops, 0);
    assert_int_equal(found->unaccepted, 2);
    assert_int_equal(found->connections[PH_STATE_ESTABLISHED], 2);
    assert_int_equal(found->scope, PH_SCOPE_LOOPBACK);
    ph_ports_free(ports);
    ph_snapshot_unref(snapshot);
    close(first);
    close(second);
    close(listener);
}

static int set_up(void **state)
{
    static struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/tcp", TCP_HEADING);
    *state = &root;
    return 0;
}

static int tear_down(void **state)
{
    proc_root_remove(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_when_out_of_memory_then_enomem),
        TEST(test_ports_when_nothing_listens_then_none),
        TEST(test_ports_are_grouped_and_ordered),
        TEST(test_port_sums_its_listeners_and_counts_its_side),
        TEST(test_port_has_the_name_of_its_service),
        TEST(test_port_of_real_listener_with_waiting_connections),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
