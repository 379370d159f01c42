/* SPDX-License-Identifier: MIT
 *
 * One real attempt to reach a port, step by step: what a name resolves to, the local half that the
 * system gives out, the request, and what became of it. Needs no privilege.
 */
#ifndef PORTHOLE_PROBE_H
#define PORTHOLE_PROBE_H

#include <porthole/error.h>
#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PH_PROBE_MAP(X)                                                                        \
    X(PH_PROBE_CONFIRMED, "confirmed")     /* TCP: a connection; UDP: something answered */    \
    X(PH_PROBE_REFUSED, "refused")         /* nothing is there, or a firewall says so */       \
    X(PH_PROBE_NO_ANSWER, "no_answer")     /* within the time; UDP may be open all the same */ \
    X(PH_PROBE_UNREACHABLE, "unreachable") /* there is no way to the address */                \
    X(PH_PROBE_FAILED, "failed")           /* this machine could not even ask */

#define PH_ENUMERATOR(name, text) name,
enum ph_probe_result { PH_PROBE_MAP(PH_ENUMERATOR) PH_PROBE_COUNT };
#undef PH_ENUMERATOR

/** The names above; "unknown" for a number outside the map. The strings live for ever. */
PH_API const char *ph_probe_name(enum ph_probe_result result);

/* Zero always means the default. */
struct ph_probe_question {
    const char *host;          /* a name, "10.0.0.1", "::1", "fe80::1%eth0"; wanted */
    uint16_t port;             /* wanted */
    enum ph_protocol protocol; /* TCP or UDP */
    unsigned timeout_ms;       /* of each attempt; 3000 */
    /* Refuses all that is not this machine's loopback; then the host is an address or "localhost",
     * and no other name is looked up: for those who ask on behalf of somebody. */
    bool loopback_only;
};

/* One address. */
struct ph_probe_attempt {
    const char *address;
    enum ph_family family;
    const char *local_address; /* the near half; NULL: none was given out */
    uint16_t local_port;
    enum ph_probe_result result;
    int error;               /* what the kernel said: 0 or a negative errno */
    uint64_t time_us;        /* from the request until that was known */
    int64_t rtt_us;          /* as the kernel measured it (tcp(7), TCP_INFO); -1 unknown */
    int64_t retransmissions; /* of the request; -1 unknown */
    int64_t answer_bytes;    /* UDP: of what came back; -1 nothing, or TCP */
    const char *said_by;     /* UDP: who sent the ICMP message (ip(7), IP_RECVERR); NULL unknown */
    bool on_this_machine;    /* the address is one of this machine */
    const char *meaning;     /* one line */
};
enum { PH_PROBE_ATTEMPTS = 16 };

/* Everything lives until ph_probe_free(). */
struct ph_probe {
    const char *host;
    uint16_t port;
    enum ph_protocol protocol;
    const char *resolve_error; /* why there is no address; NULL: there are some */
    uint64_t resolve_us;
    const struct ph_probe_attempt *attempts; /* in the order in which the system prefers them */
    size_t attempt_count;                    /* at most PH_PROBE_ATTEMPTS */
    bool confirmed;                          /* one of them was */
    bool on_this_machine;                    /* one of them is to an address of this machine */
};

/**
 * Tries each address of a host, one after the other, once. Blocks: for the time that the resolver
 * takes (resolv.conf(5)), and timeout_ms an address at most.
 *
 * TCP: connects and closes; whoever listens sees a connection that says nothing. UDP: sends one
 * empty datagram. A host that cannot be resolved is a result, too.
 *
 * @param problem  on PH_ERR_PARAMETER: what is wrong with the question, one sentence.
 * @return 0; PH_ERR_PARAMETER; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_probe_new_sized(struct ph_probe **ret_probe,
                                            const struct ph_probe_question *question,
                                            size_t question_size, char *problem,
                                            size_t problem_size);
#define ph_probe_new(ret_probe, question, problem, problem_size)                             \
    ph_probe_new_sized((ret_probe), (question), sizeof(struct ph_probe_question), (problem), \
                       (problem_size))

/** Frees it; NULL is allowed. */
PH_API void ph_probe_free(struct ph_probe *probe);

#ifdef __cplusplus
}
#endif

#endif
