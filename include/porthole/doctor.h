/* SPDX-License-Identifier: MIT
 *
 * The doctor: what is wrong with the sockets of this machine, and why a port cannot be bound or
 * reached, without a server.
 *
 * All of it reads the kernel when it is asked, and changes nothing on the machine.
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

/* ---- findings: what is wrong ---- */

#define PH_SEVERITY_MAP(X)            \
    X(PH_SEVERITY_INFO, "info")       \
    X(PH_SEVERITY_WARNING, "warning") \
    X(PH_SEVERITY_ERROR, "error")

#define PH_SUBJECT_MAP(X)            \
    X(PH_SUBJECT_SOCKET, "socket")   \
    X(PH_SUBJECT_PORT, "port")       \
    X(PH_SUBJECT_PROCESS, "process") \
    X(PH_SUBJECT_MACHINE, "machine")

#define PH_ENUMERATOR(name, text) name,
enum ph_severity { PH_SEVERITY_MAP(PH_ENUMERATOR) PH_SEVERITY_COUNT };
enum ph_subject { PH_SUBJECT_MAP(PH_ENUMERATOR) PH_SUBJECT_COUNT };
#undef PH_ENUMERATOR

/** The names above; "unknown" for a number outside the map. The strings live for ever. */
PH_API const char *ph_severity_name(enum ph_severity severity);
PH_API const char *ph_subject_name(enum ph_subject subject);

/* A number that a rule used. */
struct ph_evidence {
    const char *name; /* with its unit, as in JSON */
    double number;
};
enum { PH_EVIDENCE_MAX = 6 };

struct ph_finding {
    const char *id;   /* rule and subject; the same as long as the finding lasts */
    const char *rule; /* see ph_doctor_rule_at() */
    enum ph_severity severity;
    const char *title; /* one line; printable, whatever names processes have */
    enum ph_subject subject;
    enum ph_protocol protocol; /* of a port, or a socket */
    uint16_t port;             /* of a port; of a socket, its local one */
    const char *socket_id;     /* of a socket, else NULL */
    int32_t pid;               /* of a process, else 0 */
    const char *command;       /* likewise, else NULL: chosen by strangers, escape it */
    struct ph_evidence evidence[PH_EVIDENCE_MAX];
    size_t evidence_count;
    const char *source;     /* where the numbers come from */
    const char *advice;     /* one or two sentences, and a command where there is one */
    bool certain;           /* false: the numbers allow another explanation */
    uint64_t since_unix_ms; /* when this doctor saw it first */
};

struct ph_doctor;
struct ph_findings;

/**
 * Creates a doctor. He remembers what he saw the last time: counters are judged by their change,
 * and what lasts by how long it does.
 *
 * @param sockets  must outlive him.
 * @return 0; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_doctor_new(struct ph_doctor **ret_doctor, struct ph_sockets *sockets);

/** NULL is allowed. Findings stay valid. */
PH_API void ph_doctor_free(struct ph_doctor *doctor);

/**
 * Sets a threshold, before the first look.
 *
 * @param name  as ph_doctor_threshold_at() names them: "accept_queue_full.warning_ratio".
 * @return 0; -ENOENT for a name that does not exist; -EINVAL for a negative or infinite value.
 */
PH_API PH_MUST_CHECK int ph_doctor_threshold(struct ph_doctor *doctor, const char *name,
                                             double value);

/**
 * Keeps findings from being told, before the first look: all of a rule ("exposed_service"), or
 * one ("exposed_service:tcp:5432").
 * @return 0; -EINVAL for what begins with no rule's name; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_doctor_silence(struct ph_doctor *doctor, const char *rule_or_id);

/**
 * Looks. Any thread; one look at a time, others wait for it. Blocks while sockets and owners are
 * read. Two looks at the same snapshot give the same findings.
 *
 * Rules about change compare with a look at least a second ago, and not more than ten minutes;
 * without one they are unavailable, and say so.
 *
 * @param ret_snapshot  NULL, or gets what was looked at, with owners: a reference for
 *                      ph_snapshot_unref(). Findings do not hold it, so that they can be kept
 *                      without all those sockets.
 * @return 0, and a reference for ph_findings_unref(); -ENOMEM; as ph_sockets_snapshot() and
 *         ph_snapshot_owners().
 */
PH_API PH_MUST_CHECK int ph_doctor_look(struct ph_doctor *doctor, unsigned max_age_ms,
                                        struct ph_findings **ret_findings,
                                        struct ph_snapshot **ret_snapshot);

/** Drops a reference; the last one frees. NULL is allowed. */
PH_API void ph_findings_unref(struct ph_findings *findings);

/** When the snapshot was taken that was looked at, and how long ago that is: as
 *  ph_snapshot_taken_unix_ms() and ph_snapshot_age_ms(). */
PH_API uint64_t ph_findings_taken_unix_ms(const struct ph_findings *findings);
PH_API uint64_t ph_findings_age_ms(const struct ph_findings *findings);

/** Ordered by severity, the worst first, and then by id. Valid as long as the findings. */
PH_API size_t ph_findings_count(const struct ph_findings *findings);
PH_API const struct ph_finding *ph_findings_at(const struct ph_findings *findings, size_t index);

/** The finding of this id, or NULL. */
PH_API const struct ph_finding *ph_findings_find(const struct ph_findings *findings,
                                                 const char *id);

/** How many more there were than are told of one rule. */
PH_API size_t ph_findings_left_out(const struct ph_findings *findings);

/** Rules that could not be judged, or not as a whole: NULL beyond the last. */
PH_API const char *ph_findings_unavailable(const struct ph_findings *findings, size_t index,
                                           const char **ret_reason);

/* What the doctor knows. */
struct ph_doctor_rule {
    const char *name;
    const char *source;
    const char *condition; /* one line */
};
PH_API const struct ph_doctor_rule *ph_doctor_rule_at(size_t index); /* NULL beyond the last */

struct ph_doctor_threshold {
    const char *name; /* "accept_queue_full.warning_ratio" */
    double value;     /* the default */
};
PH_API const struct ph_doctor_threshold *ph_doctor_threshold_at(size_t index); /* NULL likewise */

#ifdef __cplusplus
}
#endif

#endif
