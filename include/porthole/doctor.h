/* SPDX-License-Identifier: MIT
 *
 * The doctor: why a port cannot be bound or reached, without a server.
 *
 * Both read the kernel when they are asked, and change nothing on the machine.
 */
#ifndef PORTHOLE_DOCTOR_H
#define PORTHOLE_DOCTOR_H

#include <porthole/error.h>
#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a plain bind(2), without socket options, would meet. */
#define PH_BIND_MAP(X)                                                                            \
    X(PH_BIND_FREE, "free")                                                                       \
    X(PH_BIND_IN_USE, "in_use")                                                                   \
    X(PH_BIND_TIME_WAIT_ONLY, "time_wait_only")           /* ended connections, remembered */     \
    X(PH_BIND_TAKEN_BY_OUTBOUND, "taken_by_outbound")     /* the near end of outgoing ones */     \
    X(PH_BIND_PRIVILEGED, "privileged")                   /* a low port, and no right to it */    \
    X(PH_BIND_ADDRESS_NOT_LOCAL, "address_not_local")     /* the address is not this machine's */ \
    X(PH_BIND_BOUND_NOT_LISTENING, "bound_not_listening") /* bound, but listen(2) is missing */

/* Who can reach what listens on a port, the widest. */
#define PH_REACH_MAP(X)              \
    X(PH_REACH_NOBODY, "nobody")     \
    X(PH_REACH_LOOPBACK, "loopback") \
    X(PH_REACH_LINK, "link")         \
    X(PH_REACH_PRIVATE, "private")   \
    X(PH_REACH_EVERYONE, "everyone")

#define PH_ENUMERATOR(name, text) name,
enum ph_bind { PH_BIND_MAP(PH_ENUMERATOR) PH_BIND_COUNT };
enum ph_reach { PH_REACH_MAP(PH_ENUMERATOR) PH_REACH_COUNT };
#undef PH_ENUMERATOR

/** The names above; "unknown" for a number outside the map. The strings live for ever. */
PH_API const char *ph_bind_name(enum ph_bind verdict);
PH_API const char *ph_reach_name(enum ph_reach verdict);

/* ---- why: one port, explained ---- */

/* Zero always means the default. */
struct ph_why_question {
    uint16_t port;             /* wanted */
    enum ph_protocol protocol; /* TCP or UDP */
    const char *address;       /* "10.0.0.1", "::1", "fe80::1%eth0"; NULL: 0.0.0.0, and :: apart */
    unsigned max_age_ms;       /* as in ph_sockets_snapshot() */
    bool probe;                /* also try for real: a bind, and a connect to loopback */
};

/* A process that has a socket in the way. */
struct ph_why_holder {
    const struct ph_socket *socket;
    const struct ph_process *process; /* NULL: unknown, see socket->owner_unknown */
    uint64_t since_unix_ms;           /* when the process started; 0 unknown */
};

struct ph_why_bind {
    const char *address;
    bool v6only; /* judged for a socket with IPV6_V6ONLY */
    enum ph_bind verdict;
    int error;          /* what bind(2) would return: 0, -EADDRINUSE, ... */
    bool certain;       /* false: it hangs on something that the kernel does not tell */
    const char *reason; /* one line; printable, whatever names processes have */
    const struct ph_why_holder *holders; /* the most telling first */
    size_t holder_count;                 /* at most PH_WHY_HOLDERS */
    size_t socket_count;                 /* all sockets in the way */
};
enum { PH_WHY_HOLDERS = 16 };

/* An address on which the port can be reached. */
struct ph_why_address {
    const char *address;
    enum ph_scope scope;
};

/* What the kernel said to real attempts. */
struct ph_why_probe {
    int bind_error;      /* 0 or a negative errno */
    bool has_ipv6;       /* the next is filled */
    int bind_ipv6_error; /* of bind_ipv6 */
    bool has_connect;    /* TCP only: the rest is filled */
    const char *connect_address;
    int connect_error;
    uint64_t connect_us;
};

/* Everything lives until ph_why_free(). */
struct ph_why {
    struct ph_snapshot *snapshot; /* that it is judged by, with owners */
    enum ph_protocol protocol;
    uint16_t port;
    const char *service;                 /* from the services database; NULL none */
    struct ph_why_bind bind;             /* for the address, or 0.0.0.0 */
    const struct ph_why_bind *bind_ipv6; /* for :: with IPV6_V6ONLY; NULL: an address was given,
                                          * or the machine has no IPv6 */
    enum ph_reach reach;
    const char *reach_reason;
    const struct ph_why_address *addresses; /* on which it can be reached */
    size_t address_count;
    const struct ph_port *row;        /* queue and connections; NULL: nothing listens or is bound */
    const struct ph_why_probe *probe; /* NULL: not asked for */
    const char *const *advice;        /* the most useful first */
    size_t advice_count;
};

/**
 * Explains one port. Blocks.
 *
 * Nothing is bound to find out, unless the question says so: the verdict follows from the sockets
 * there are. A bind to 0.0.0.0 and one to :: with IPV6_V6ONLY do not get in each other's way, so
 * they are judged apart.
 *
 * @param problem  on PH_ERR_PARAMETER: what is wrong with the question, one sentence.
 * @return 0; PH_ERR_PARAMETER; -ENOMEM; as ph_sockets_snapshot() and ph_snapshot_owners().
 */
PH_API PH_MUST_CHECK int ph_why_new_sized(struct ph_why **ret_why, struct ph_sockets *sockets,
                                          const struct ph_why_question *question,
                                          size_t question_size, char *problem, size_t problem_size);
#define ph_why_new(ret_why, sockets, question, problem, problem_size)                             \
    ph_why_new_sized((ret_why), (sockets), (question), sizeof(struct ph_why_question), (problem), \
                     (problem_size))

/** Frees an explanation; NULL is allowed. */
PH_API void ph_why_free(struct ph_why *why);

#ifdef __cplusplus
}
#endif

#endif
