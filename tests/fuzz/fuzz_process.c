/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what /proc says about a process and the machine: the first byte of the input chooses a
 * file in a folder that stands for /proc, the rest is what it holds, or where the link points that
 * stands for a descriptor. Must reach the parsers of process.c, holders.c, reason.c and counters.c
 * by the public calls: snapshot, owners, processes, counters.
 */
#include "fuzz/rows.h"

#include <porthole/sockets.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands there while another file is the one that is fuzzed; no content: a link. */
static const struct {
    const char *path;
    const char *content;
} files[] = {
    {"50/fd/3", NULL},
    {"50/comm", "srv\n"},
    {"50/stat", "50 (srv) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n"},
    {"50/status", "Name:\tsrv\nUid:\t33\t33\t33\t33\n"},
    {"50/cgroup", "0::/system.slice/srv.service\n"},
    {"50/limits", "Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n"},
    {"50/fdinfo/3", "pos:\t0\nflags:\t02\nscm_fds: 1\n"},
    {"net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"
                 "0: 2 0 0 1 3 100 /run/srv\n0: 2 0 0 1 3 101\n"},
    {"net/tcp", "sl\n 0: 0100007F:0050 00000000:0000 0A 0:0 0:0 0 0 0 102\n"},
    {"net/sockstat", "TCP: inuse 1 orphan 0 tw 2 alloc 3 mem 4\nUDP: inuse 1 mem 2\n"},
    {"net/snmp", "Tcp: ActiveOpens InSegs\nTcp: 1 2\nUdp: InDatagrams\nUdp: 3\n"},
    {"net/netstat", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 2\n"},
    {"sys/net/ipv4/ip_local_port_range", "32768\t60999\n"},
    {"sys/net/ipv4/tcp_mem", "1\t2\t3\n"},
};

enum { FILE_COUNT = sizeof files / sizeof files[0], PATH_ROOM = 128 };

static char root[] = "/tmp/porthole-fuzz-XXXXXX";

static void full_path(const char *path, char full[PATH_ROOM])
{
    snprintf(full, PATH_ROOM, "%s/%s", root, path);
}

static void fill(const char *path, const void *bytes, size_t size)
{
    char full[PATH_ROOM];
    full_path(path, full);
    int file = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    close(file);
}

static void point(const char *path, const char *target)
{
    char full[PATH_ROOM];
    full_path(path, full);
    (void)unlink(full);
    REQUIRE(symlink(target, full) == 0 || errno == ENAMETOOLONG || errno == ENOENT);
}

static void restore(size_t file)
{
    if (files[file].content) {
        fill(files[file].path, files[file].content, strlen(files[file].content));
    } else {
        point(files[file].path, "socket:[100]");
    }
}

static void for_each_folder(void (*act)(const char *path, char full[PATH_ROOM]), bool down)
{
    static const char *const folders[] = {"50",  "50/fd",   "50/fdinfo",   "net",
                                          "sys", "sys/net", "sys/net/ipv4"};
    enum { FOLDERS = sizeof folders / sizeof folders[0] };
    for (size_t i = 0; i < FOLDERS; i++) {
        char full[PATH_ROOM];
        const char *path = folders[down ? i : FOLDERS - 1 - i];
        full_path(path, full);
        act(path, full);
    }
}

static void make_folder(const char *path, char full[PATH_ROOM])
{
    (void)path;
    REQUIRE(mkdir(full, 0700) == 0);
}

static void remove_folder(const char *path, char full[PATH_ROOM])
{
    (void)path;
    (void)rmdir(full);
}

static void remove_root(void)
{
    char full[PATH_ROOM];
    for (size_t i = 0; i < FILE_COUNT; i++) {
        full_path(files[i].path, full);
        (void)unlink(full);
    }
    for_each_folder(remove_folder, false);
    (void)rmdir(root);
}

static void make_root(void)
{
    static bool made;
    if (!made) {
        REQUIRE(mkdtemp(root));
        atexit(remove_root);
        for_each_folder(make_folder, true);
        for (size_t i = 0; i < FILE_COUNT; i++) {
            restore(i);
        }
        made = true;
    }
}

static void check_owners(struct ph_snapshot *snapshot)
{
    REQUIRE(ph_snapshot_owners(snapshot) == 0);
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        REQUIRE(ph_owner_unknown_name(row->owner_unknown));
        REQUIRE((row->owner_count == 0) == (row->owner_unknown != PH_OWNER_UNKNOWN_NONE));
        for (uint32_t k = 0; k < row->owner_count; k++) {
            struct ph_owner owner = ph_snapshot_owner(snapshot, row, k);
            REQUIRE(owner.process->pid == 50 && owner.fd == 3);
        }
    }
}

static void check_processes(struct ph_snapshot *snapshot)
{
    struct ph_processes *processes = NULL;
    REQUIRE(ph_processes_new(&processes, snapshot) == 0);
    for (size_t i = 0; i < ph_processes_count(processes); i++) {
        const struct ph_process_use *use = ph_processes_at(processes, i);
        REQUIRE(use->fd_count >= -1 && use->fd_limit >= -1);
        REQUIRE(use->socket_count <= ph_snapshot_count(snapshot));
    }
    ph_processes_free(processes);
}

static void check_counters(const struct ph_sockets *sockets)
{
    struct ph_counters counters;
    int64_t value;
    ph_sockets_counters(sockets, &counters);
    for (size_t at = 0; at < sizeof counters; at += sizeof value) { /* it has nothing else */
        memcpy(&value, (const unsigned char *)&counters + at, sizeof value);
        REQUIRE(value >= -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > FUZZ_MAX) {
        return 0;
    }
    size_t file = data[0] % FILE_COUNT;
    make_root();
    if (files[file].content) {
        fill(files[file].path, data + 1, size - 1);
    } else {
        char target[FUZZ_MAX];
        memcpy(target, data + 1, size - 1);
        target[size - 1] = '\0';
        point(files[file].path, target);
    }
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    const struct ph_sockets_config cfg = {.proc_root = root, .procfs_only = true};
    REQUIRE(ph_sockets_new(&sockets, &cfg) == 0);
    REQUIRE(ph_sockets_snapshot(sockets, 0, &snapshot) == 0);
    check_owners(snapshot);
    check_processes(snapshot);
    check_counters(sockets);
    ph_snapshot_unref(snapshot);
    ph_sockets_free(sockets);
    restore(file);
    return 0;
}
