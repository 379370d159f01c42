/* SPDX-License-Identifier: MIT
 *
 * Kernels that lack a source: opening the netlink socket and each dump are wrapped.
 */
#include "sockets/collect.h"

#include "support.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include "sockets/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>

static int socket_fails;       /* what opening returns, 0: it works */
static int dump_fails;         /* what a dump returns */
static uint8_t failing_family; /* 0: every dump, else only those of this family */
static uint8_t failing_protocol;
static unsigned rows_before_failure;
static bool with_rows;
static int at_once_fails; /* what asking for all of TCP at once returns */
static unsigned at_once;  /* how often that was tried */

int __real_ph__netlink_init(struct ph__netlink *netlink);
int __wrap_ph__netlink_init(struct ph__netlink *netlink);
int __wrap_ph__netlink_init(struct ph__netlink *netlink)
{
    if (socket_fails) {
        *netlink = (struct ph__netlink){.fd = -1};
        return socket_fails;
    }
    return __real_ph__netlink_init(netlink);
}

int __real_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user);
int __wrap_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user);
int __wrap_ph__netlink_dump(struct ph__netlink *netlink, const struct ph__netlink_request *request,
                            ph__netlink_message message, void *user)
{
    if (request->type != SOCK_DIAG_BY_FAMILY && !with_rows) {
        at_once++;
        return at_once_fails;
    }
    const uint8_t *bytes = request->data; /* both requests begin with family and protocol */
    bool fails = dump_fails && (!failing_family || failing_family == bytes[0]) &&
                 (!failing_protocol || failing_protocol == bytes[1]);
    if (!fails) {
        return with_rows ? __real_ph__netlink_dump(netlink, request, message, user) : 0;
    }
    struct recorded recorded;
    if (bytes[1] == IPPROTO_TCP && read_recorded("tcp4.bin", &recorded)) {
        for (size_t i = 0; i < recorded.count; i++) {
            assert_int_equal(message(user, recorded.messages[i].payload, recorded.messages[i].size),
                             0);
        }
        rows_before_failure = (unsigned)recorded.count;
    }
    return dump_fails;
}

static int set_up(void **state)
{
    static struct proc_root root;
    proc_root_make(&root);
    socket_fails = dump_fails = 0;
    failing_family = failing_protocol = 0;
    rows_before_failure = 0;
    with_rows = false;
    at_once_fails = -EOPNOTSUPP;
    at_once = 0;
    *state = &root;
    return 0;
}

static int tear_down(void **state)
{
    proc_root_remove(*state);
    return 0;
}

#define TCP_ROW "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 5\n"

static struct ph_snapshot *take(const struct proc_root *root)
{
    return take_snapshot(&(struct ph_sockets_config){.proc_root = root->path});
}

static int take_failing(const struct proc_root *root)
{
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    struct ph_sockets_config cfg = {.proc_root = root->path};
    assert_int_equal(ph_sockets_new(&sockets, &cfg), 0);
    int err = ph_sockets_snapshot(sockets, 0, &snapshot);
    assert_null(snapshot);
    ph_sockets_free(sockets);
    return err;
}

static void assert_source(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                          enum ph_source source, const char *reason)
{
    const char *found = "not written";
    assert_int_equal(ph_snapshot_source(snapshot, protocol, &found), source);
    if (reason) {
        assert_non_null(found);
        assert_string_equal(found, reason);
    } else {
        assert_null(found);
    }
}

static void test_take_when_no_source_at_all_then_says_so(void **state)
{
    socket_fails = -EPROTONOSUPPORT;
    assert_int_equal(take_failing(*state), PH_ERR_SOURCE);
    struct proc_root nowhere = {"/nowhere/at/all"};
    assert_int_equal(take_failing(&nowhere), PH_ERR_SOURCE);
}

static void test_take_when_out_of_descriptors_then_no_fallback(void **state)
{
    proc_root_write(*state, "net/tcp", TCP_HEADING);
    static const int fatal[] = {-EMFILE, -ENFILE, -ENOMEM};
    for (size_t i = 0; i < 3; i++) {
        socket_fails = fatal[i];
        assert_int_equal(take_failing(*state), fatal[i]);
        socket_fails = 0;
        dump_fails = fatal[i];
        assert_int_equal(take_failing(*state), fatal[i]);
        dump_fails = 0;
    }
}

static void test_take_when_kernel_has_no_sock_diag_then_procfs_with_reason(void **state)
{
    socket_fails = -EPROTONOSUPPORT;
    proc_root_write(*state, "net/tcp", TCP_HEADING TCP_ROW);
    struct ph_snapshot *snapshot = take(*state);
    assert_int_equal(ph_snapshot_count(snapshot), 1);
    assert_source(snapshot, PH_PROTOCOL_TCP, PH_SOURCE_PROCFS, "sock_diag: Protocol not supported");
    assert_source(snapshot, PH_PROTOCOL_UDP, PH_SOURCE_UNAVAILABLE,
                  "sock_diag: Protocol not supported; net/udp: No such file or directory");
    assert_int_equal(ph_snapshot_source(snapshot, PH_PROTOCOL_UNIX, NULL), PH_SOURCE_UNAVAILABLE);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_one_module_is_missing_then_only_that_falls_back(void **state)
{
    dump_fails = -ENOENT;
    failing_protocol = IPPROTO_UDP;
    proc_root_write(*state, "net/udp",
                    TCP_HEADING "   0: 00000000:0035 00000000:0000 07 0:0 0:0 "
                                "0 0 0 7 2 0 3\n");
    struct ph_snapshot *snapshot = take(*state);
    assert_source(snapshot, PH_PROTOCOL_TCP, PH_SOURCE_SOCK_DIAG, NULL);
    assert_source(snapshot, PH_PROTOCOL_UNIX, PH_SOURCE_SOCK_DIAG, NULL);
    assert_source(snapshot, PH_PROTOCOL_UDP, PH_SOURCE_PROCFS,
                  "sock_diag: the kernel lacks the module");
    assert_int_equal(ph_snapshot_count(snapshot), 1);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->drops, 3);
    ph_snapshot_unref(snapshot);
}

/* What only newer or larger kernels have, with the parts of /proc/net that stand in for it. */
static void test_take_when_rare_modules_are_missing_then_procfs_or_unavailable(void **state)
{
    dump_fails = -ENOENT;
    proc_root_write(*state, "net/raw",
                    TCP_HEADING "   1: 0100007F:0001 00000000:0000 07 0:5 0:0 "
                                "0 0 0 7 2 0 3\n");
    proc_root_write(*state, "net/packet",
                    "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
                    "0000000000000000 3      3    0806   1     1 12     33     8\n");
    proc_root_write(*state, "net/netlink",
                    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    "
                    "Drops    Inode\n"
                    "0000000000000000 16  77         00000001 4        0        0     2        "
                    "6        9\n");
    struct ph_snapshot *snapshot = take(*state);
    static const char missing[] = "sock_diag: the kernel lacks the module";
    assert_source(snapshot, PH_PROTOCOL_RAW, PH_SOURCE_PROCFS, missing);
    assert_source(snapshot, PH_PROTOCOL_PACKET, PH_SOURCE_PROCFS, missing);
    assert_source(snapshot, PH_PROTOCOL_NETLINK, PH_SOURCE_PROCFS, missing);
    assert_source(snapshot, PH_PROTOCOL_VSOCK, PH_SOURCE_UNAVAILABLE, missing);
    assert_source(snapshot, PH_PROTOCOL_MPTCP, PH_SOURCE_UNAVAILABLE, missing);
    assert_source(snapshot, PH_PROTOCOL_UDPLITE, PH_SOURCE_UNAVAILABLE,
                  "sock_diag: the kernel lacks the module; net/udplite: No such file or directory");
    assert_int_equal(ph_snapshot_count(snapshot), 3);
    const struct ph_socket *raw = ph_snapshot_at(snapshot, 0);
    assert_int_equal(raw->protocol, PH_PROTOCOL_RAW);
    assert_int_equal(raw->state, PH_STATE_UNCONNECTED);
    assert_int_equal(raw->local_port, 1);
    assert_int_equal(raw->receive_queue_bytes, 5);
    assert_int_equal(raw->drops, 3);
    assert_int_equal(raw->scope, PH_SCOPE_LOOPBACK);
    const struct ph_socket *netlink = ph_snapshot_at(snapshot, 2);
    char text[PH_ADDRESS_TEXT];
    ph_socket_local_address(netlink, text, sizeof text);
    assert_string_equal(text, "genl");
    assert_int_equal(ph_socket_local_port(netlink), 77);
    assert_int_equal(netlink->inode, 9);
    assert_int_equal(netlink->drops, 6);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_kernel_has_no_ipv6_then_nothing_to_say(void **state)
{
    dump_fails = -ENOENT;
    failing_family = AF_INET6;
    struct ph_snapshot *snapshot = take(*state);
    assert_source(snapshot, PH_PROTOCOL_TCP, PH_SOURCE_SOCK_DIAG, NULL);
    assert_source(snapshot, PH_PROTOCOL_UDP, PH_SOURCE_SOCK_DIAG, NULL);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_only_ipv6_falls_back_then_the_weaker_source_is_named(void **state)
{
    dump_fails = -EACCES;
    failing_family = AF_INET6;
    proc_root_write(*state, "net/tcp6", TCP_HEADING);
    struct ph_snapshot *snapshot = take(*state);
    assert_source(snapshot, PH_PROTOCOL_TCP, PH_SOURCE_PROCFS, "sock_diag: Permission denied");
    assert_source(snapshot, PH_PROTOCOL_UDP, PH_SOURCE_SOCK_DIAG, NULL);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_dump_breaks_off_then_its_rows_are_dropped(void **state)
{
    dump_fails = -EBADMSG;
    failing_protocol = IPPROTO_TCP;
    proc_root_write(*state, "net/tcp", TCP_HEADING TCP_ROW);
    struct ph_snapshot *snapshot = take(*state);
    if (rows_before_failure == 0) {
        ph_snapshot_unref(snapshot);
        skip_because("the kernel has no socket to begin with");
    }
    assert_int_equal(ph_snapshot_count(snapshot), 1);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->inode, 5);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_procfs_only_then_reason_says_so(void **state)
{
    socket_fails = -EMFILE; /* is not even tried */
    proc_root_write(*state, "net/unix",
                    UNIX_HEADING
                    "0000000000000000: 00000002 00000000 00010000 0001 01 7 /run/\xFFx\n");
    struct ph_snapshot *snapshot = take_from(*state);
    assert_source(snapshot, PH_PROTOCOL_UNIX, PH_SOURCE_PROCFS,
                  "sock_diag: left alone as configured");
    assert_int_equal(ph_snapshot_count(snapshot), 1);
    assert_memory_equal(ph_snapshot_at(snapshot, 0)->path, "/run/\xFFx", 8);
    ph_snapshot_unref(snapshot);
}

static void test_take_when_tcp_comes_at_once_then_not_table_by_table(void **state)
{
    at_once_fails = 0;
    dump_fails = -EBADMSG;
    failing_protocol = IPPROTO_TCP;
    struct ph_snapshot *snapshot = take(*state);
    assert_source(snapshot, PH_PROTOCOL_TCP, PH_SOURCE_SOCK_DIAG, NULL);
    assert_int_equal(at_once, 1);
    ph_snapshot_unref(snapshot);
    at_once_fails = -EMFILE;
    assert_int_equal(take_failing(*state), -EMFILE);
}

static void test_take_when_this_kernel_then_sock_diag(void **state)
{
    (void)state;
    with_rows = true;
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    for (int i = 0; i <= PH_PROTOCOL_UNIX; i++) {
        assert_source(snapshot, (enum ph_protocol)i, PH_SOURCE_SOCK_DIAG, NULL);
    }
    /* Modules for these are rarer: but what is missing is never silent. */
    for (int i = PH_PROTOCOL_UNIX + 1; i < PH_PROTOCOL_COUNT; i++) {
        const char *reason = NULL;
        enum ph_source source = ph_snapshot_source(snapshot, (enum ph_protocol)i, &reason);
        assert_int_equal(source != PH_SOURCE_SOCK_DIAG, reason != NULL);
    }
    assert_int_equal(ph_snapshot_source(snapshot, (enum ph_protocol)99, NULL),
                     PH_SOURCE_UNAVAILABLE);
    ph_snapshot_unref(snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_take_when_no_source_at_all_then_says_so),
        TEST(test_take_when_out_of_descriptors_then_no_fallback),
        TEST(test_take_when_kernel_has_no_sock_diag_then_procfs_with_reason),
        TEST(test_take_when_one_module_is_missing_then_only_that_falls_back),
        TEST(test_take_when_rare_modules_are_missing_then_procfs_or_unavailable),
        TEST(test_take_when_kernel_has_no_ipv6_then_nothing_to_say),
        TEST(test_take_when_only_ipv6_falls_back_then_the_weaker_source_is_named),
        TEST(test_take_when_dump_breaks_off_then_its_rows_are_dropped),
        TEST(test_take_when_procfs_only_then_reason_says_so),
        TEST(test_take_when_tcp_comes_at_once_then_not_table_by_table),
        TEST(test_take_when_this_kernel_then_sock_diag),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
