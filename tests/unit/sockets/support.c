/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_MAX_HERE = 256, WAIT_MS = 10000 };

void proc_root_make(struct proc_root *root)
{
    snprintf(root->path, sizeof root->path, "/tmp/porthole-test-XXXXXX");
    assert_non_null(mkdtemp(root->path));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void proc_root_remove(struct proc_root *root)
{
    assert_int_equal(nftw(root->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void full_path(const struct proc_root *root, const char *path, char full[PATH_MAX_HERE])
{
    snprintf(full, PATH_MAX_HERE, "%s/%s", root->path, path);
    for (char *at = full + strlen(root->path) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
}

void proc_root_write(const struct proc_root *root, const char *path, const char *text)
{
    char full[PATH_MAX_HERE];
    full_path(root, path, full);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

void proc_root_link(const struct proc_root *root, const char *path, const char *target)
{
    char full[PATH_MAX_HERE];
    full_path(root, path, full);
    assert_int_equal(symlink(target, full), 0);
}

void proc_root_process(const struct proc_root *root, int pid, const char *command, unsigned uid)
{
    char path[PATH_MAX_HERE];
    char text[512];
    snprintf(path, sizeof path, "%d/fd/.", pid);
    full_path(root, path, (char[PATH_MAX_HERE]){0});
    snprintf(path, sizeof path, "%d/comm", pid);
    snprintf(text, sizeof text, "%s\n", command);
    proc_root_write(root, path, text);
    snprintf(path, sizeof path, "%d/stat", pid);
    snprintf(text, sizeof text, "%d (%s) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n",
             pid, command);
    proc_root_write(root, path, text);
    snprintf(path, sizeof path, "%d/status", pid);
    snprintf(text, sizeof text, "Name:\t%s\nUid:\t%u\t%u\t%u\t%u\n", command, uid, uid, uid, uid);
    proc_root_write(root, path, text);
}

const char tcp_listener[] = TCP_HEADING "   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 100\n"
                                        "   1: 0100007F:0050 0100007F:9C40 01 0:0 0:0 0 0 0 101\n";

void proc_root_listener(struct proc_root *root)
{
    proc_root_make(root);
    proc_root_write(root, "net/tcp", tcp_listener);
    proc_root_process(root, 1, "init", 0);
    proc_root_process(root, 50, "srv", 33);
    proc_root_link(root, "50/fd/3", "socket:[100]");
}

bool read_recorded(const char *name, struct recorded *ret_recorded)
{
    char path[PATH_MAX_HERE];
    snprintf(path, sizeof path, "%s/sockets/%s", PH_TEST_DATA, name);
    if (htonl(1) == 1) {
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t size = read(fd, ret_recorded->bytes, sizeof ret_recorded->bytes);
    close(fd);
    assert_true(size > 0 && (size_t)size < sizeof ret_recorded->bytes);
    ret_recorded->size = (size_t)size;
    ret_recorded->count = 0;
    struct nlmsghdr header;
    for (size_t at = 0; at < ret_recorded->size; at += (header.nlmsg_len + 3) / 4 * 4) {
        memcpy(&header, ret_recorded->bytes + at, sizeof header);
        if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
            assert_true(ret_recorded->count < RECORDED_MESSAGES);
            size_t last = ret_recorded->count++;
            ret_recorded->messages[last].payload = ret_recorded->bytes + at + sizeof header;
            ret_recorded->messages[last].size = header.nlmsg_len - sizeof header;
        }
    }
    return true;
}

struct ph_snapshot *take_snapshot(const struct ph_sockets_config *cfg)
{
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    assert_int_equal(ph_sockets_new(&sockets, cfg), 0);
    assert_int_equal(ph_sockets_snapshot(sockets, 0, &snapshot), 0);
    ph_sockets_free(sockets);
    return snapshot;
}

struct ph_snapshot *take_from(const struct proc_root *root)
{
    return take_snapshot(&(struct ph_sockets_config){.proc_root = root->path, .procfs_only = true});
}

struct ph_snapshot *take_with_owners(const struct proc_root *root)
{
    struct ph_snapshot *snapshot = take_from(root);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    return snapshot;
}

enum ph_owner_unknown reason_of(const struct proc_root *root, size_t row)
{
    struct ph_snapshot *snapshot = take_with_owners(root);
    const struct ph_socket *socket = ph_snapshot_at(snapshot, row);
    assert_non_null(socket);
    enum ph_owner_unknown reason = socket->owner_unknown;
    ph_snapshot_unref(snapshot);
    return reason;
}

uint64_t inode_of(int fd)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    return info.st_ino;
}

const struct ph_socket *find_fd(const struct ph_snapshot *snapshot, int fd)
{
    const struct ph_socket *found = NULL;
    uint64_t inode = inode_of(fd);
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        if (row->inode == inode) {
            assert_null(found);
            found = row;
        }
    }
    return found;
}

const struct ph_socket *find_ports(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                   enum ph_state state, unsigned local, unsigned remote)
{
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        if (row->protocol == protocol && row->state == state && row->local_port == local &&
            row->remote_port == remote) {
            return row;
        }
    }
    return NULL;
}

struct ph_snapshot *await_row(const struct ph_sockets_config *cfg, enum ph_protocol protocol,
                              enum ph_state state, unsigned local, unsigned remote,
                              const struct ph_socket **ret_row)
{
    time_t deadline = time(NULL) + WAIT_MS / 1000;
    for (;;) {
        struct ph_snapshot *snapshot = take_snapshot(cfg);
        *ret_row = find_ports(snapshot, protocol, state, local, remote);
        if (*ret_row) {
            return snapshot;
        }
        ph_snapshot_unref(snapshot);
        assert_true(time(NULL) < deadline);
    }
}

bool has_owner(const struct ph_snapshot *snapshot, const struct ph_socket *socket, pid_t pid,
               int fd)
{
    for (uint32_t i = 0; i < socket->owner_count; i++) {
        struct ph_owner owner = ph_snapshot_owner(snapshot, socket, i);
        if (owner.process->pid == pid && owner.fd == fd) {
            return true;
        }
    }
    return false;
}

/* 7F000001 and 0A000002 are written as little-endian words. */
static const char tcp_table[] =
    TCP_HEADING "   0: 0100007F:0050 00000000:0000 0A 0:0 0:0 0    33 0 1\n"
                "   1: 0100007F:0050 0200000A:9C40 01 0:0 0:0 0    33 0 2\n"
                "   2: 0200000A:9C41 0800000A:01BB 08 0:0 0:0 0  1000 0 3\n";
static const char tcp6_table[] = TCP_HEADING
    "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 "
    "0 0 0 4\n"
    "   1: 0000000000000000FFFF00000200000A:1F90 0000000000000000FFFF00000300000A:9C40 05 0:0 0:0 "
    "0 0 0 5\n";
static const char udp_table[] =
    TCP_HEADING "   0: 00000000:0035 00000000:0000 07 0:0 0:0 0 0 0 6 2 0 0\n"
                "   1: 0200000A:9C42 0900000A:0035 01 0:0 0:0 0 0 0 7 2 0 0\n";

void machine_make(struct machine *machine, const char *unix_rows, const char *command)
{
    struct proc_root *root = &machine->root;
    char unix_table[512];
    snprintf(unix_table, sizeof unix_table, "%s%s", UNIX_HEADING, unix_rows);
    proc_root_make(root);
    proc_root_write(root, "net/tcp", tcp_table);
    proc_root_write(root, "net/tcp6", tcp6_table);
    proc_root_write(root, "net/udp", udp_table);
    proc_root_write(root, "net/unix", unix_table);
    proc_root_process(root, 1, "init", 0);
    proc_root_process(root, 50, "nginx", 33);
    proc_root_process(root, 51, command, 33);
    proc_root_link(root, "50/fd/3", "socket:[1]");
    proc_root_link(root, "51/fd/3", "socket:[1]");
    proc_root_link(root, "51/fd/4", "socket:[6]");
    machine->snapshot = take_with_owners(root);
}

void machine_remove(struct machine *machine)
{
    ph_snapshot_unref(machine->snapshot);
    proc_root_remove(&machine->root);
}

const char *machine_matching(const struct machine *machine, row_test *matches, const void *what)
{
    static char digits[16];
    size_t used = 0;
    for (uint64_t inode = 1; inode <= 9; inode++) {
        for (size_t i = 0; i < ph_snapshot_count(machine->snapshot); i++) {
            const struct ph_socket *row = ph_snapshot_at(machine->snapshot, i);
            if (row->inode == inode && matches(what, machine->snapshot, row)) {
                digits[used++] = (char)('0' + inode);
            }
        }
    }
    digits[used] = '\0';
    return digits;
}

int open_bound(int family, int type, union any_address *ret_address, socklen_t *ret_size)
{
    union any_address address = {0};
    socklen_t size = family == AF_INET ? sizeof address.ipv4 : sizeof address.ipv6;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    address.plain.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        address.ipv6.sin6_addr = in6addr_loopback;
    }
    assert_int_equal(bind(fd, &address.plain, size), 0);
    assert_int_equal(getsockname(fd, &address.plain, &size), 0);
    *ret_address = address;
    *ret_size = size;
    return fd;
}

int open_listener(int family, int backlog, union any_address *ret_address, socklen_t *ret_size)
{
    int fd = open_bound(family, SOCK_STREAM, ret_address, ret_size);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

int open_connected(const union any_address *address, socklen_t size)
{
    int fd = socket(address->plain.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address->plain, size), 0);
    return fd;
}

unsigned local_port(int fd)
{
    union any_address address = {0};
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, &address.plain, &size), 0);
    return ntohs(address.plain.sa_family == AF_INET ? address.ipv4.sin_port
                                                    : address.ipv6.sin6_port);
}

void await_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, WAIT_MS), 1);
}
