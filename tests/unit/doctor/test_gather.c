/* SPDX-License-Identifier: MIT
 *
 * Settings of a folder that stands for /proc: what is there, malformed, and missing.
 */
#include "doctor/gather.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/sockets/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RESERVED "sys/net/ipv4/ip_local_reserved_ports"

static struct ph__settings settings_of(const struct proc_root *root)
{
    struct ph__settings settings;
    int proc = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(proc >= 0);
    ph__gather_settings(proc, &settings);
    close(proc);
    return settings;
}

static void test_settings_when_there_then_read(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_write(&root, "sys/net/core/somaxconn", "4096\n");
    proc_root_write(&root, "sys/net/ipv4/tcp_max_syn_backlog", "512\n");
    proc_root_write(&root, "sys/net/netfilter/nf_conntrack_count", "7\n");
    proc_root_write(&root, "sys/net/netfilter/nf_conntrack_max", "100\n");
    proc_root_write(&root, "sys/net/ipv4/ip_local_port_range", "40000\t40009\n");
    proc_root_write(&root, RESERVED, "8080,9148-9150,65535\n");
    struct ph__settings settings = settings_of(&root);
    assert_int_equal(settings.somaxconn, 4096);
    assert_int_equal(settings.tcp_max_syn_backlog, 512);
    assert_int_equal(settings.conntrack_count, 7);
    assert_int_equal(settings.conntrack_max, 100);
    assert_int_equal(settings.ephemeral_first, 40000);
    assert_int_equal(settings.ephemeral_last, 40009);
    assert_true(settings.reserved_known);
    static const struct {
        uint16_t port;
        bool reserved;
    } rows[] = {{8080, true}, {8081, false}, {9147, false}, {9148, true},
                {9150, true}, {9151, false}, {65535, true}, {0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ph__is_reserved(&settings, rows[i].port), rows[i].reserved);
    }
    proc_root_remove(&root);
}

static void test_settings_when_missing_or_malformed_then_unknown(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    struct ph__settings settings = settings_of(&root);
    assert_int_equal(settings.somaxconn, -1);
    assert_int_equal(settings.conntrack_max, -1);
    assert_false(settings.reserved_known);
    assert_int_equal(settings.ephemeral_first, 32768);
    static const char *const malformed[] = {"\n", "-",     "70000", "80-70000",
                                            "x",  "80;90", ",",     "9-"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        proc_root_write(&root, RESERVED, malformed[i]);
        settings = settings_of(&root);
        assert_true(settings.reserved_known);
        assert_false(ph__is_reserved(&settings, 90));
    }
    fail_allocations(0, true);
    settings = settings_of(&root);
    stop_failing();
    assert_false(settings.reserved_known);
    ph__gather_settings(-1, &settings);
    assert_int_equal(settings.somaxconn, -1);
    proc_root_remove(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_when_there_then_read),
        cmocka_unit_test(test_settings_when_missing_or_malformed_then_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
