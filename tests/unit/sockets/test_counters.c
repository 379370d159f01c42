/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <unistd.h>

static struct ph_counters read_counters(const char *proc_root)
{
    struct ph_sockets *sockets = NULL;
    struct ph_counters counters;
    struct ph_sockets_config cfg = {.proc_root = proc_root};
    assert_int_equal(ph_sockets_new(&sockets, &cfg), 0);
    ph_sockets_counters(sockets, &counters);
    ph_sockets_free(sockets);
    return counters;
}

static void assert_all_unknown(const struct ph_counters *counters)
{
#define ASSERT_UNKNOWN(name) assert_int_equal(counters->name, -1);
    PH_COUNTER_MAP(ASSERT_UNKNOWN)
#undef ASSERT_UNKNOWN
}

static void test_counters_when_nothing_can_be_read_then_unknown(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    struct ph_counters counters = read_counters(root.path);
    assert_all_unknown(&counters);
    proc_root_remove(&root);
    counters = read_counters("/nowhere/at/all");
    assert_all_unknown(&counters);
}

static void test_counters_when_out_of_memory_then_unknown(void **state)
{
    (void)state;
    struct ph_sockets *sockets = NULL;
    struct ph_counters counters;
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    fail_allocations(0, false);
    ph_sockets_counters(sockets, &counters);
    assert_true(stop_failing());
    assert_all_unknown(&counters);
    ph_sockets_free(sockets);
}

static void test_counters_when_malformed_then_unknown(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "net/sockstat", "TCP: inuse\nUDP: inuse x mem 9223372036854775807\n");
    proc_root_write(&root, "net/snmp", "Tcp: ActiveOpens InSegs\nTcp: 5\nUdp: NoPorts");
    proc_root_write(&root, "net/netstat", "TcpExt: ListenOverflows ListenDrops\n");
    proc_root_write(&root, "sys/net/ipv4/tcp_mem", "1\n");
    proc_root_write(&root, "sys/net/ipv4/tcp_max_orphans", "-5\n");
    struct ph_counters counters = read_counters(root.path);
    assert_int_equal(counters.tcp_active_opens, 5);
    counters.tcp_active_opens = -1;
    assert_all_unknown(&counters);
    proc_root_remove(&root);
}

static void test_counters_each_from_its_place(void **state)
{
    (void)state;
    struct proc_root root;
    long page = sysconf(_SC_PAGESIZE);
    proc_root_make(&root);
    proc_root_write(&root, "net/sockstat",
                    "sockets: used 300\nTCP: inuse 11 orphan 12 tw 13 alloc 14 mem 15\n"
                    "UDP: inuse 21 mem 22\nUDPLITE: inuse 0\n");
    proc_root_write(&root, "net/snmp",
                    "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
                    "Tcp: RtoMin MaxConn ActiveOpens PassiveOpens InSegs OutSegs RetransSegs\n"
                    "Tcp: 200 -1 31 32 33 34 35\n"
                    "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n"
                    "Udp: 41 42 43 44 45 46\n"
                    "UdpLite: InDatagrams NoPorts\nUdpLite: 0 0\n");
    proc_root_write(&root, "net/netstat",
                    "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 51 52\n"
                    "IpExt: InNoRoutes\nIpExt: 0\n");
    proc_root_write(&root, "sys/net/ipv4/tcp_mem", "61\t62\t63\n");
    proc_root_write(&root, "sys/net/ipv4/tcp_max_orphans", "64\n");
    struct ph_counters counters = read_counters(root.path);
    assert_int_equal(counters.tcp_in_use, 11);
    assert_int_equal(counters.tcp_orphans, 12);
    assert_int_equal(counters.tcp_time_wait, 13);
    assert_int_equal(counters.tcp_allocated, 14);
    assert_int_equal(counters.tcp_memory_bytes, 15 * page);
    assert_int_equal(counters.udp_in_use, 21);
    assert_int_equal(counters.udp_memory_bytes, 22 * page);
    assert_int_equal(counters.tcp_active_opens, 31);
    assert_int_equal(counters.tcp_passive_opens, 32);
    assert_int_equal(counters.tcp_segments_in, 33);
    assert_int_equal(counters.tcp_segments_out, 34);
    assert_int_equal(counters.tcp_retransmitted_segments, 35);
    assert_int_equal(counters.udp_datagrams_in, 41);
    assert_int_equal(counters.udp_no_ports, 42);
    assert_int_equal(counters.udp_in_errors, 43);
    assert_int_equal(counters.udp_datagrams_out, 44);
    assert_int_equal(counters.udp_receive_buffer_errors, 45);
    assert_int_equal(counters.udp_send_buffer_errors, 46);
    assert_int_equal(counters.tcp_listen_overflows, 51);
    assert_int_equal(counters.tcp_listen_drops, 52);
    assert_int_equal(counters.tcp_memory_pressure_bytes, 62 * page);
    assert_int_equal(counters.tcp_memory_limit_bytes, 63 * page);
    assert_int_equal(counters.tcp_orphans_limit, 64);
    proc_root_remove(&root);
}

static void test_counters_of_this_machine_are_all_there(void **state)
{
    (void)state;
    struct ph_counters counters = read_counters(NULL);
#define ASSERT_KNOWN(name) assert_true(counters.name >= 0);
    PH_COUNTER_MAP(ASSERT_KNOWN)
#undef ASSERT_KNOWN
    assert_true(counters.tcp_memory_limit_bytes >= counters.tcp_memory_pressure_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_when_nothing_can_be_read_then_unknown),
        cmocka_unit_test(test_counters_when_out_of_memory_then_unknown),
        cmocka_unit_test(test_counters_when_malformed_then_unknown),
        cmocka_unit_test(test_counters_each_from_its_place),
        cmocka_unit_test(test_counters_of_this_machine_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
