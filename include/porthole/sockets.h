/* SPDX-License-Identifier: MIT
 *
 * The sockets and ports of this machine, without a server: snapshots, owners, filters.
 *
 * An observer (struct ph_sockets) takes snapshots by sock_diag(7), or from /proc/net (proc(5))
 * where the kernel lacks it. A snapshot is immutable, counted, and shared by all who ask for one
 * at the same time; readers hold no lock. All functions may be called from any thread. Those
 * that read from the kernel (ph_sockets_snapshot(), ph_snapshot_owners(),
 * ph_sockets_counters()) may take long on a large machine: on a server, call them from a
 * blocking route.
 */
#ifndef PORTHOLE_SOCKETS_H
#define PORTHOLE_SOCKETS_H

#include <porthole/counters.h>
#include <porthole/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_sockets;
struct ph_snapshot;
struct ph_filter;
struct ph_ports;
struct ph_processes;

/* Each map: constant, name as it stands in JSON and in filters. */
#define PH_PROTOCOL_MAP(X)            \
    X(PH_PROTOCOL_TCP, "tcp")         \
    X(PH_PROTOCOL_UDP, "udp")         \
    X(PH_PROTOCOL_UNIX, "unix")       \
    X(PH_PROTOCOL_RAW, "raw")         \
    X(PH_PROTOCOL_PACKET, "packet")   \
    X(PH_PROTOCOL_NETLINK, "netlink") \
    X(PH_PROTOCOL_MPTCP, "mptcp")     \
    X(PH_PROTOCOL_UDPLITE, "udplite") \
    X(PH_PROTOCOL_VSOCK, "vsock")

#define PH_FAMILY_MAP(X)            \
    X(PH_FAMILY_IPV4, "ipv4")       \
    X(PH_FAMILY_IPV6, "ipv6")       \
    X(PH_FAMILY_UNIX, "unix")       \
    X(PH_FAMILY_PACKET, "packet")   \
    X(PH_FAMILY_NETLINK, "netlink") \
    X(PH_FAMILY_VSOCK, "vsock")

/* TCP's states, and MPTCP's; "closed" is also a socket that is bound but does not listen. UDP and
 * all others without connections have the last two. Unix sockets are listen, established,
 * unconnected, or connected (datagram with a peer). */
#define PH_STATE_MAP(X)                    \
    X(PH_STATE_LISTEN, "listen")           \
    X(PH_STATE_SYN_SENT, "syn_sent")       \
    X(PH_STATE_SYN_RECV, "syn_recv")       \
    X(PH_STATE_ESTABLISHED, "established") \
    X(PH_STATE_FIN_WAIT1, "fin_wait1")     \
    X(PH_STATE_FIN_WAIT2, "fin_wait2")     \
    X(PH_STATE_CLOSE_WAIT, "close_wait")   \
    X(PH_STATE_LAST_ACK, "last_ack")       \
    X(PH_STATE_CLOSING, "closing")         \
    X(PH_STATE_TIME_WAIT, "time_wait")     \
    X(PH_STATE_CLOSED, "closed")           \
    X(PH_STATE_CONNECTED, "connected")     \
    X(PH_STATE_UNCONNECTED, "unconnected")

/* Which end asked for the conversation; "local" where both ends are on this machine and their
 * roles cannot be told; "none" (null in JSON) where there is no conversation. */
#define PH_DIRECTION_MAP(X)              \
    X(PH_DIRECTION_NONE, "none")         \
    X(PH_DIRECTION_LISTEN, "listen")     \
    X(PH_DIRECTION_INBOUND, "inbound")   \
    X(PH_DIRECTION_OUTBOUND, "outbound") \
    X(PH_DIRECTION_LOCAL, "local")

/* Who can reach a listening or bound socket, narrowest first; "none" (null) for all others. */
#define PH_SCOPE_MAP(X)              \
    X(PH_SCOPE_NONE, "none")         \
    X(PH_SCOPE_LOOPBACK, "loopback") \
    X(PH_SCOPE_LINK, "link")         \
    X(PH_SCOPE_PRIVATE, "private")   \
    X(PH_SCOPE_PUBLIC, "public")     \
    X(PH_SCOPE_ALL, "all")

/* Why a socket has no owner. "none" (null): it has one, or nobody has looked yet. */
#define PH_OWNER_UNKNOWN_MAP(X)                                                                    \
    X(PH_OWNER_UNKNOWN_NONE, "none")                                                               \
    X(PH_OWNER_UNKNOWN_PERMISSION, "permission")           /* of a process we may not look into */ \
    X(PH_OWNER_UNKNOWN_KERNEL, "kernel")                   /* the kernel's own socket */           \
    X(PH_OWNER_UNKNOWN_TIME_WAIT, "time_wait")             /* nobody owns these */                 \
    X(PH_OWNER_UNKNOWN_NOT_ACCEPTED, "not_accepted")       /* confirmed, waits for accept(2) */    \
    X(PH_OWNER_UNKNOWN_OTHER_NAMESPACE, "other_namespace") /* a process outside our view */        \
    X(PH_OWNER_UNKNOWN_ORPHAN, "orphan")                   /* closed, still finishing */           \
    X(PH_OWNER_UNKNOWN_HANDSHAKE, "handshake")             /* syn_recv: no descriptor yet */       \
    X(PH_OWNER_UNKNOWN_IN_FLIGHT, "in_flight")             /* inside a message, unix(7) */

#define PH_TIMER_MAP(X)                                         \
    X(PH_TIMER_NONE, "none")                                    \
    X(PH_TIMER_RETRANSMIT, "retransmit") /* ss calls it "on" */ \
    X(PH_TIMER_KEEPALIVE, "keepalive")                          \
    X(PH_TIMER_TIME_WAIT, "time_wait")                          \
    X(PH_TIMER_PERSIST, "persist")

#define PH_SOURCE_MAP(X)                    \
    X(PH_SOURCE_UNAVAILABLE, "unavailable") \
    X(PH_SOURCE_SOCK_DIAG, "sock_diag")     \
    X(PH_SOURCE_PROCFS, "procfs")

#define PH_ENUMERATOR(name, text) name,
enum ph_protocol { PH_PROTOCOL_MAP(PH_ENUMERATOR) PH_PROTOCOL_COUNT };
enum ph_family { PH_FAMILY_MAP(PH_ENUMERATOR) PH_FAMILY_COUNT };
enum ph_state { PH_STATE_MAP(PH_ENUMERATOR) PH_STATE_COUNT };
enum ph_direction { PH_DIRECTION_MAP(PH_ENUMERATOR) PH_DIRECTION_COUNT };
enum ph_scope { PH_SCOPE_MAP(PH_ENUMERATOR) PH_SCOPE_COUNT };
enum ph_owner_unknown { PH_OWNER_UNKNOWN_MAP(PH_ENUMERATOR) PH_OWNER_UNKNOWN_COUNT };
enum ph_timer { PH_TIMER_MAP(PH_ENUMERATOR) PH_TIMER_COUNT };
enum ph_source { PH_SOURCE_MAP(PH_ENUMERATOR) PH_SOURCE_COUNT };
#undef PH_ENUMERATOR

/** The names above; "unknown" for a number outside the map. The strings live for ever. */
PH_API const char *ph_protocol_name(enum ph_protocol protocol);
PH_API const char *ph_family_name(enum ph_family family);
PH_API const char *ph_state_name(enum ph_state state);
PH_API const char *ph_direction_name(enum ph_direction direction);
PH_API const char *ph_scope_name(enum ph_scope scope);
PH_API const char *ph_owner_unknown_name(enum ph_owner_unknown reason);
PH_API const char *ph_timer_name(enum ph_timer timer);
PH_API const char *ph_source_name(enum ph_source source);

/* One socket. Where a number is unknown its field says how that is marked. */
struct ph_socket {
    enum ph_protocol protocol;
    enum ph_family family;
    enum ph_state state;
    enum ph_direction direction;
    enum ph_scope scope;

    /* IPv4: the first 4 bytes; IPv6: all 16; network order. Unix: unused. Packet, netlink and
     * vsock: see ph_socket_local_address() and ph_socket_local_port(). */
    uint8_t local_address[16];
    uint8_t remote_address[16];
    uint16_t local_port; /* IP; of a raw socket the number of its IP protocol, as ss has it */
    uint16_t remote_port;
    int64_t peer;       /* index of the other end in the same snapshot; -1 none or unknown */
    bool has_remote;    /* false: remote_* mean nothing */
    bool v6only;        /* listeners and bound UDP over IPv6 */
    bool v6only_known;  /* /proc/net does not tell */
    uint32_t interface; /* index the socket is bound to, or 0 */
    uint32_t mark;      /* SO_MARK; see mark_known */
    bool mark_known;    /* sock_diag tells it to those with CAP_NET_ADMIN */
    uint64_t cgroup;    /* number of its control group (version 2); 0 unknown */

    const char *path; /* unix: NULL when unnamed. Not always text: see ph_socket_path() */
    size_t path_size; /* bytes, without the leading NUL of an abstract name */
    bool abstract;
    uint32_t peer_inode; /* unix: 0 unknown */
    uint16_t type;       /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW; 0 unknown */

    uint64_t cookie; /* 0 unknown */
    uint64_t inode;  /* 0: no process has it open */
    uint32_t uid;
    bool uid_known; /* false for time_wait, syn_recv, unix from /proc/net, and where the kernel
                     * says 0 for want of an inode */

    int64_t accept_queue;        /* listeners: waiting to be accepted; -1 unknown or no listener */
    int64_t backlog;             /* listeners: listen(2)'s limit; -1 likewise */
    int64_t receive_queue_bytes; /* all others; -1 unknown or a listener */
    int64_t send_queue_bytes;    /* likewise */
    int64_t
        receive_buffer_bytes; /* what the queue may hold, with the kernel's overhead; -1 unknown */
    int64_t drops;            /* by this socket; -1 unknown */

    enum ph_timer timer;
    int64_t timer_expires_ms; /* -1 without a timer */
    unsigned retransmits;     /* of the running timer */

    /* Valid after ph_snapshot_owners(). */
    uint32_t owner_first; /* see ph_snapshot_owner() */
    uint32_t owner_count;
    enum ph_owner_unknown owner_unknown;
};

/* A process that holds sockets. */
struct ph_process {
    int32_t pid;
    uint32_t uid;
    const char *user;      /* NULL: the uid has no name */
    const char *command;   /* /proc/PID/comm: chosen by strangers, escape it */
    const char *unit;      /* systemd unit, from the cgroup; NULL none */
    const char *container; /* container id, from the cgroup; NULL none */
};

struct ph_owner {
    const struct ph_process *process;
    int fd;
};

/* ---- observer and snapshots ---- */

/* Zero always means the default. */
struct ph_sockets_config {
    const char *proc_root;  /* "/proc" */
    bool procfs_only;       /* leave sock_diag alone */
    size_t sockets_max;     /* more make ph_sockets_snapshot() fail with PH_ERR_LIMIT; 4 million */
    size_t owners_kept_max; /* descriptors remembered from one search for owners to the next, of
                             * processes that have not run since: 16 bytes each; 500,000 */
    unsigned threads_max;   /* that take a large snapshot together; 1 starts none; by default 2,
                             * where there are as many processors */
    unsigned snapshots_max; /* that somebody still holds; then -EBUSY in place of one more; 16 */
};

/** Creates an observer. @return 0; -ENOMEM. Nothing is read yet. */
PH_API PH_MUST_CHECK int ph_sockets_new_sized(struct ph_sockets **ret_sockets,
                                              const struct ph_sockets_config *cfg, size_t cfg_size);
#define ph_sockets_new(ret_sockets, cfg) \
    ph_sockets_new_sized((ret_sockets), (cfg), sizeof(struct ph_sockets_config))

/** Frees an observer, NULL allowed; snapshots taken of it stay valid until their last unref. */
PH_API void ph_sockets_free(struct ph_sockets *sockets);

/**
 * Gives a snapshot at most `max_age_ms` old, taking one if need be. Blocks.
 *
 * At most one is taken at a time; whoever asks meanwhile shares it, provided it began after the
 * call or is young enough. With 0 only a snapshot begun after this call counts.
 *
 * @return 0, and a reference for ph_snapshot_unref(); -ENOMEM; -EMFILE, -ENFILE; PH_ERR_LIMIT;
 *         -EBUSY when snapshots_max older ones are held, and none of them will do;
 *         PH_ERR_SOURCE when no protocol at all has a source.
 */
PH_API PH_MUST_CHECK int ph_sockets_snapshot(struct ph_sockets *sockets, unsigned max_age_ms,
                                             struct ph_snapshot **ret_snapshot);

/* Sets of protocols, a bit each. */
#define PH_PROTOCOL_BIT(protocol) (1U << (protocol))
#define PH_PROTOCOLS_ALL ((1U << PH_PROTOCOL_COUNT) - 1)

/**
 * The same for somebody who needs a few protocols only: the others cost nothing then. The
 * snapshot has at least those; what follows from all sockets together (peer, direction) stays
 * within a protocol, and is the same as in a whole snapshot.
 *
 * One fact does not: that a socket is in_flight is told by the unix sockets. Who wants
 * owner_unknown asks for PH_PROTOCOL_UNIX, too; without it such a socket counts as the kernel's.
 *
 * @param protocols  0: all.
 */
PH_API PH_MUST_CHECK int ph_sockets_snapshot_of(struct ph_sockets *sockets, unsigned protocols,
                                                unsigned max_age_ms,
                                                struct ph_snapshot **ret_snapshot);

/**
 * The same for somebody who needs only what a filter matches: the kernel then leaves out what it
 * can. The snapshot has at least those sockets of `protocols` (0: all), and others that
 * ph_filter_match() tells; what counts all sockets (ph_snapshot_state_count(), ph_ports_new(),
 * ph_processes_new()) is of no use with it. Nobody shares it, unless a whole one will do.
 * @param joined  whether peer, direction and owner_unknown are needed; else they mean nothing.
 */
PH_API PH_MUST_CHECK int ph_sockets_snapshot_matching(struct ph_sockets *sockets,
                                                      const struct ph_filter *filter,
                                                      unsigned protocols, bool joined,
                                                      unsigned max_age_ms,
                                                      struct ph_snapshot **ret_snapshot);

/** The protocols that were looked at. Of others it has no sockets, whether there are any or not. */
PH_API unsigned ph_snapshot_protocols(const struct ph_snapshot *snapshot);

/** Adds a reference, and returns the same snapshot. */
PH_API struct ph_snapshot *ph_snapshot_ref(struct ph_snapshot *snapshot);

/** Drops a reference; the last one frees. NULL is allowed. */
PH_API void ph_snapshot_unref(struct ph_snapshot *snapshot);

/** Wall clock of the beginning, in milliseconds since 1970. */
PH_API uint64_t ph_snapshot_taken_unix_ms(const struct ph_snapshot *snapshot);

/** Time since then, by the monotonic clock. */
PH_API uint64_t ph_snapshot_age_ms(const struct ph_snapshot *snapshot);

/** Where the sockets of a protocol come from; `ret_reason` (may be NULL) gets NULL or one line.
 * PH_SOURCE_UNAVAILABLE for a protocol that was not looked at. */
PH_API enum ph_source ph_snapshot_source(const struct ph_snapshot *snapshot,
                                         enum ph_protocol protocol, const char **ret_reason);

/** The range of ports that the kernel gives out by itself, first and last (ip(7),
 *  ip_local_port_range). */
PH_API void ph_snapshot_ephemeral_ports(const struct ph_snapshot *snapshot, uint16_t *ret_first,
                                        uint16_t *ret_last);

/** How many sockets there are. */
PH_API size_t ph_snapshot_count(const struct ph_snapshot *snapshot);

/** Socket `index`, valid as long as the reference; NULL beyond the last. */
PH_API const struct ph_socket *ph_snapshot_at(const struct ph_snapshot *snapshot, size_t index);

/** How many sockets of a protocol are in a state. */
PH_API size_t ph_snapshot_state_count(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                      enum ph_state state);

/** The other end, where it is on this machine and in this snapshot, else NULL. */
PH_API const struct ph_socket *ph_snapshot_peer(const struct ph_snapshot *snapshot,
                                                const struct ph_socket *socket);

/**
 * Looks the owners up, once a snapshot: the first caller scans /proc, others wait for it. Blocks.
 * @return 0, also when some processes could not be looked into; -ENOMEM; -EMFILE, -ENFILE (a
 *         later call tries again).
 */
PH_API PH_MUST_CHECK int ph_snapshot_owners(struct ph_snapshot *snapshot);

/** Owner `index` (below socket->owner_count) of a socket, once ph_snapshot_owners() succeeded. */
PH_API struct ph_owner ph_snapshot_owner(const struct ph_snapshot *snapshot,
                                         const struct ph_socket *socket, uint32_t index);

/** The name of a uid, or NULL; valid as long as the reference. */
PH_API const char *ph_snapshot_user(const struct ph_snapshot *snapshot, uint32_t uid);

/** The name of an interface index, or NULL; valid as long as the reference. */
PH_API const char *ph_snapshot_interface(const struct ph_snapshot *snapshot, uint32_t index);

/* ---- texts; all NUL-terminate within `size`, and return the length ---- */

enum { PH_ADDRESS_TEXT = 46, PH_SOCKET_ID_TEXT = 128, PH_SOCKET_PATH_TEXT = 512 };

/**
 * The local or remote address: "127.0.0.1", "::1", "::ffff:10.0.0.1". "" for unix. Of others what
 * ss shows in this place: packet the type of frames ("arp", "all", "0x88b5"), netlink the
 * subsystem ("rtnl", "genl", "20" without a name), vsock the machine's number ("2", "any").
 */
PH_API size_t ph_socket_local_address(const struct ph_socket *socket, char *buffer, size_t size);
PH_API size_t ph_socket_remote_address(const struct ph_socket *socket, char *buffer, size_t size);

/** The port: of IP sockets the field of this name, of netlink sockets the port id (0: the
 * kernel), of vsock sockets 32 bits; -1 where there is none. */
PH_API int64_t ph_socket_local_port(const struct ph_socket *socket);
PH_API int64_t ph_socket_remote_port(const struct ph_socket *socket);

/** "stream", "datagram", "seqpacket", "raw"; NULL unknown. */
PH_API const char *ph_socket_type_name(const struct ph_socket *socket);

/**
 * The id: stable while the socket lives, made of [a-z0-9.:,-]. "tcp-4097" is the kernel's
 * cookie; "tcp-i31337" the inode, "tcp-a…" the addresses, where there is no cookie.
 */
PH_API size_t ph_socket_id(const struct ph_socket *socket, char *buffer, size_t size);

/** Finds a socket by its id, or NULL. */
PH_API const struct ph_socket *ph_snapshot_find(const struct ph_snapshot *snapshot, const char *id);

/**
 * A unix path as text: control characters, backslashes and invalid UTF-8 as \xHH; an abstract
 * name begins with '@'. "" when unnamed.
 */
PH_API size_t ph_socket_path(const struct ph_socket *socket, char *buffer, size_t size);

/* ---- filters ---- */

/** Creates a filter that matches everything. @return 0; -ENOMEM. */
PH_API PH_MUST_CHECK int ph_filter_new(struct ph_filter **ret_filter);
PH_API void ph_filter_free(struct ph_filter *filter);

/**
 * Narrows a filter by one short form. Several calls are joined by AND, values within one, parted
 * by commas, by OR.
 *
 * @param name  "protocol" (as PH_PROTOCOL_MAP), "state" (as PH_STATE_MAP; '-' for '_' is accepted;
 *              "connected", ss's group: TCP neither listening nor closed, and connected UDP),
 *              "port" (local or remote), "local_port", "remote_port" (0 to 65535), "address"
 *              (address or prefix like 10.0.0.0/8, either side; an IPv4 one also matches
 *              IPv4-mapped IPv6), "pid", "command", "user" (a name or uid), "filter" (an
 *              expression in ss's language: state, exclude, sport, dport, src, dst, dev, fwmark,
 *              cgroup, autobound, and protocol, pid, command, user, unit, inode; = != < > <= >=,
 *              and, or, not, parentheses).
 * @param problem  on PH_ERR_PARAMETER: what is wrong and what is accepted, one sentence.
 * @return 0; PH_ERR_PARAMETER; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_filter_add(struct ph_filter *filter, const char *name,
                                       const char *values, char *problem, size_t problem_size);

/** The protocols, a PH_PROTOCOL_BIT() each, outside of which nothing can match. */
PH_API unsigned ph_filter_protocols(const struct ph_filter *filter);

/** True when ph_snapshot_owners() is needed before ph_filter_match(). */
PH_API bool ph_filter_needs_owners(const struct ph_filter *filter);

/**
 * False when the filter asks for something that could not be read of the sockets of a snapshot:
 * fwmark, which the kernel tells to those with CAP_NET_ADMIN only, or cgroup, where there is no
 * sock_diag. Such a filter would leave out sockets that it should match.
 */
PH_API bool ph_filter_is_told(const struct ph_filter *filter, const struct ph_snapshot *snapshot);

PH_API bool ph_filter_match(const struct ph_filter *filter, const struct ph_snapshot *snapshot,
                            const struct ph_socket *socket);

/* ---- ports ---- */

/* One protocol and port that TCP sockets listen on or UDP sockets are bound to. */
struct ph_port {
    enum ph_protocol protocol;
    uint16_t port;
    const char *service;  /* from the services database; NULL none */
    enum ph_scope scope;  /* the widest */
    int64_t accept_queue; /* sums over the listeners; -1 unknown, or UDP */
    int64_t backlog;
    int64_t drops;       /* sum; -1 unknown */
    uint32_t unaccepted; /* established, not accepted yet; TCP */
    uint32_t
        connections[PH_STATE_COUNT]; /* on the listener's side, by state; listeners not counted */
    size_t socket_count;             /* the listening or bound sockets; see ph_ports_socket() */
    size_t socket_first;
};

/**
 * Groups the listening and bound sockets by protocol and port, ordered by port, TCP first.
 * @return 0; -ENOMEM. The result holds a reference to the snapshot.
 */
PH_API PH_MUST_CHECK int ph_ports_new(struct ph_ports **ret_ports, struct ph_snapshot *snapshot);
PH_API void ph_ports_free(struct ph_ports *ports);
PH_API size_t ph_ports_count(const struct ph_ports *ports);
PH_API const struct ph_port *ph_ports_at(const struct ph_ports *ports, size_t index);

/** Socket `index` (below port->socket_count) of a port. */
PH_API const struct ph_socket *ph_ports_socket(const struct ph_ports *ports,
                                               const struct ph_port *port, size_t index);

/* ---- processes ---- */

/* A process that holds sockets, and which. */
struct ph_process_use {
    const struct ph_process *process;
    uint32_t counts[PH_PROTOCOL_COUNT][PH_STATE_COUNT]; /* its sockets, each once */
    int64_t fd_count; /* descriptors of all kinds that it has open; -1 unknown */
    int64_t fd_limit; /* how many it may have, the soft RLIMIT_NOFILE; -1 unknown or no limit */
    size_t socket_count;
    size_t socket_first; /* see ph_processes_socket() */
};

/**
 * Groups the sockets by the processes that hold them, ordered by pid, and reads how many
 * descriptors each has open and may have. Blocks. To be called once ph_snapshot_owners() succeeded.
 *
 * A socket that several processes hold is counted in each. What has ended since keeps its row, with
 * unknown numbers.
 *
 * @return 0; -ENOMEM; -EMFILE, -ENFILE. The result holds a reference to the snapshot.
 */
PH_API PH_MUST_CHECK int ph_processes_new(struct ph_processes **ret_processes,
                                          struct ph_snapshot *snapshot);
PH_API void ph_processes_free(struct ph_processes *processes);
PH_API size_t ph_processes_count(const struct ph_processes *processes);
PH_API const struct ph_process_use *ph_processes_at(const struct ph_processes *processes,
                                                    size_t index);

/** Socket `index` (below use->socket_count) of a process. */
PH_API const struct ph_socket *ph_processes_socket(const struct ph_processes *processes,
                                                   const struct ph_process_use *use, size_t index);

#ifdef __cplusplus
}
#endif

#endif
