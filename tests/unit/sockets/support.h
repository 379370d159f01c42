/* SPDX-License-Identifier: MIT
 *
 * What the tests of this layer share: a /proc of their own, real sockets on loopback, snapshots.
 * All functions assert that they succeed; to be called from the test's own thread.
 */
#ifndef PORTHOLE_TESTS_SOCKETS_SUPPORT_H
#define PORTHOLE_TESTS_SOCKETS_SUPPORT_H

#include <porthole/sockets.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* ---- a folder that stands for /proc ---- */

struct proc_root {
    char path[64];
};

void proc_root_make(struct proc_root *root);
void proc_root_remove(struct proc_root *root);

/* Writes a file and the folders above it. */
void proc_root_write(const struct proc_root *root, const char *path, const char *text);
void proc_root_link(const struct proc_root *root, const char *path, const char *target);

/* A process with everything that is read about one. */
void proc_root_process(const struct proc_root *root, int pid, const char *command, unsigned uid);

/* Headings of the tables. */
#define TCP_HEADING "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
#define UNIX_HEADING "Num       RefCount Protocol Flags    Type St Inode Path\n"

/* /proc/net/tcp with a listener on port 80, inode 100, and a connection to it, inode 101. */
extern const char tcp_listener[];

/* Makes a folder with that, init, and a process 50 of user 33 that has the listener as its
 * descriptor 3. */
void proc_root_listener(struct proc_root *root);

/* ---- recorded dumps ---- */

/* The payloads of the messages in a file below tests/data/sockets, recorded in a namespace that
 * held nothing else. The numbers in them are in the byte order of the machine that wrote them. */
enum { RECORDED_MAX = 4096, RECORDED_MESSAGES = 32 };

struct recorded {
    unsigned char bytes[RECORDED_MAX];
    size_t size;
    size_t count;
    struct {
        const unsigned char *payload; /* into bytes */
        size_t size;
    } messages[RECORDED_MESSAGES];
};

/* @return false on a machine of the other byte order. */
bool read_recorded(const char *name, struct recorded *ret_recorded);

/* ---- snapshots ---- */

/* A new observer's snapshot; NULL: the defaults. */
struct ph_snapshot *take_snapshot(const struct ph_sockets_config *cfg);

/* One of a folder that stands for /proc. */
struct ph_snapshot *take_from(const struct proc_root *root);

/* The same, with owners. */
struct ph_snapshot *take_with_owners(const struct proc_root *root);

/* Why the owner of a row is unknown in a snapshot that is taken for it. */
enum ph_owner_unknown reason_of(const struct proc_root *root, size_t row);

uint64_t inode_of(int fd);

/* The row of a descriptor of ours; asserts that there is exactly one, or returns NULL. */
const struct ph_socket *find_fd(const struct ph_snapshot *snapshot, int fd);

/* The row with these ports and state, NULL for none. */
const struct ph_socket *find_ports(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                   enum ph_state state, unsigned local, unsigned remote);

/* Takes snapshots until one has such a row, and returns it with that row; asserts that this does
 * not take for ever. The kernel may finish a step of TCP a moment after the call that began it. */
struct ph_snapshot *await_row(const struct ph_sockets_config *cfg, enum ph_protocol protocol,
                              enum ph_state state, unsigned local, unsigned remote,
                              const struct ph_socket **ret_row);

/* Whether there is an owner with this pid and descriptor. */
bool has_owner(const struct ph_snapshot *snapshot, const struct ph_socket *socket, pid_t pid,
               int fd);

/* ---- a machine of nine sockets ---- */

/* Inodes 1 to 9: 1 listens on 127.0.0.1:80, 2 is its connection from 10.0.0.2:40000, 3 goes from
 * 10.0.0.2:40001 to 10.0.0.8:443 in close_wait, 4 listens on [::]:8080, 5 is mapped, 6 and 7 are
 * UDP, 8 and 9 unix. Processes 50, "nginx", and 51 have 1; 51 has 6 as well. */
struct machine {
    struct proc_root root;
    struct ph_snapshot *snapshot; /* with owners */
};

/* `unix_rows`: those of 8 and 9; `command`: that of process 51. */
void machine_make(struct machine *machine, const char *unix_rows, const char *command);
void machine_remove(struct machine *machine);

/* The inodes of the rows that match, as digits in order; good until the next call. */
typedef bool row_test(const void *what, const struct ph_snapshot *snapshot,
                      const struct ph_socket *row);
const char *machine_matching(const struct machine *machine, row_test *matches, const void *what);

/* ---- real sockets ---- */

union any_address {
    struct sockaddr plain;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
};

/* A socket bound to loopback and a free port. */
int open_bound(int family, int type, union any_address *ret_address, socklen_t *ret_size);
int open_listener(int family, int backlog, union any_address *ret_address, socklen_t *ret_size);
int open_connected(const union any_address *address, socklen_t size);
unsigned local_port(int fd);

/* Waits until a descriptor can be read. */
void await_readable(int fd);

#endif
