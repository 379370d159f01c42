/* SPDX-License-Identifier: MIT
 *
 * Probes: a name into addresses, an attempt at each, and what that means.
 */
#include <porthole/probe.h>

#include "base/clock.h"
#include "doctor/attempt.h"
#include "doctor/facts.h"
#include "doctor/say.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 3000, HOST_MAX = 253 };

struct probe {
    struct ph_probe shown; /* first: what users see */
    struct ph__arena arena;
    unsigned timeout_ms;
    struct ph_probe_attempt attempts[PH_PROBE_ATTEMPTS];
};

static int refuse(char *problem, size_t size, const char *text)
{
    snprintf(problem, size, "%s", text);
    return PH_ERR_PARAMETER;
}

static int check(const struct ph_probe_question *question, char *problem, size_t size)
{
    const char *host = question->host;
    bool printable = host != NULL;
    for (const char *c = host; printable && *c; c++) {
        printable = *c > 0x20 && *c < 0x7F;
    }
    if (!printable || host[0] == '\0' || strlen(host) > HOST_MAX) {
        return refuse(problem, size, "host: wanted is a name or an address, 253 bytes at most.");
    }
    if (question->port == 0) {
        return refuse(problem, size, "port: wanted is a whole number from 1 to 65535.");
    }
    if (question->protocol != PH_PROTOCOL_TCP && question->protocol != PH_PROTOCOL_UDP) {
        return refuse(problem, size, "protocol: wanted is tcp or udp.");
    }
    return 0;
}

/* The wish of a bind to an address: it has the address in the form that the doctor knows. */
static struct ph__bind_wish wish_of(const struct sockaddr *address, enum ph_protocol protocol)
{
    struct ph__bind_wish wish = {.protocol = protocol, .family = PH_FAMILY_IPV4};
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    if (address->sa_family == AF_INET) {
        uint8_t bytes[16] = {0};
        memcpy(&ipv4, address, sizeof ipv4);
        memcpy(bytes, &ipv4.sin_addr, sizeof ipv4.sin_addr);
        wish.address = ph__address_of(wish.family, bytes);
    } else {
        memcpy(&ipv6, address, sizeof ipv6);
        wish.family = PH_FAMILY_IPV6;
        wish.address = ph__address_of(wish.family, ipv6.sin6_addr.s6_addr);
        wish.interface = ipv6.sin6_scope_id;
    }
    return wish;
}

static bool is_ip(const struct addrinfo *at)
{
    return at->ai_family == AF_INET || at->ai_family == AF_INET6;
}

static int resolve(struct probe *probe, const struct ph_probe_question *question,
                   struct addrinfo **ret_list)
{
    bool by_name = !question->loopback_only || strcmp(question->host, "localhost") == 0;
    const struct addrinfo hints = {
        .ai_flags = by_name ? 0 : AI_NUMERICHOST,
        .ai_socktype = question->protocol == PH_PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM};
    uint64_t start_us = ph__clock_us();
    *ret_list = NULL;
    int code = getaddrinfo(question->host, NULL, &hints, ret_list);
    probe->shown.resolve_us = ph__clock_us() - start_us;
    if (code == EAI_MEMORY) {
        return -ENOMEM;
    }
    probe->shown.resolve_error = !code                ? NULL
                                 : code == EAI_SYSTEM ? ph_strerror(errno)
                                                      : gai_strerror(code);
    return 0;
}

static int check_loopback(const struct ph_probe_question *question, const struct addrinfo *list,
                          char *problem, size_t size)
{
    bool loopback = list != NULL;
    for (const struct addrinfo *at = list; at && loopback; at = at->ai_next) {
        struct ph__bind_wish wish;
        loopback = is_ip(at);
        if (loopback) {
            wish = wish_of(at->ai_addr, question->protocol);
            loopback = ph__address_is_loopback(&wish.address);
        }
    }
    return loopback
               ? 0
               : refuse(problem, size, "host: accepted here are localhost, 127.0.0.0/8 and ::1.");
}

static enum ph_probe_result judge(const struct ph__attempt *attempt)
{
    switch (attempt->error) {
    case 0:
        return PH_PROBE_CONFIRMED;
    case -ECONNREFUSED:
    case -ECONNRESET:
        return PH_PROBE_REFUSED;
    case -ETIMEDOUT:
        return PH_PROBE_NO_ANSWER;
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -EHOSTDOWN:
    case -ENETDOWN:
    case -ENOPROTOOPT: /* ICMP: protocol unreachable */
        return PH_PROBE_UNREACHABLE;
    default:
        return PH_PROBE_FAILED;
    }
}

/* What a result means, and what to look at. */
static const char *explain(struct probe *probe, const struct ph_probe_attempt *attempt)
{
    bool udp = probe->shown.protocol == PH_PROTOCOL_UDP;
    bool here = attempt->on_this_machine;
    switch (attempt->result) {
    case PH_PROBE_CONFIRMED:
        return udp ? "something listens there, and has answered"
                   : "something listens there; the system has confirmed the connection";
    case PH_PROBE_REFUSED:
        return here ? "nothing listens on this address and port"
                    : "the machine answers, but nothing listens on this address and port, or a "
                      "firewall says so";
    case PH_PROBE_NO_ANSWER:
        if (udp) {
            return "UDP confirms nothing: something may listen and have nothing to say, or the "
                   "datagram was dropped on its way";
        }
        return here ? "the request was dropped: the accept queue of the listener is full, or a "
                      "firewall on this machine drops it"
                    : "the request or its answer was dropped: the machine is down, a firewall "
                      "drops it, or the accept queue there is full";
    case PH_PROBE_UNREACHABLE:
        return ph__say(&probe->arena, "there is no way to this address: %s",
                       ph_strerror(attempt->error));
    default:
        break;
    }
    if (attempt->error == -EADDRNOTAVAIL) {
        return "this machine has no local half to give out: all its ephemeral ports to there are "
               "in use, or it has no address of this family";
    }
    return ph__say(&probe->arena, "this machine does not let the request out: %s",
                   ph_strerror(attempt->error));
}

/* An address as text, and its port; NULL for none, and without memory. */
static const char *say_address(struct probe *probe, const struct sockaddr_storage *address,
                               uint16_t *ret_port)
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    socklen_t size =
        address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (address->ss_family == AF_UNSPEC ||
        getnameinfo((const struct sockaddr *)address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return NULL;
    }
    if (ret_port) {
        *ret_port = (uint16_t)strtoul(port, NULL, 10);
    }
    return ph__arena_copy(&probe->arena, host, strlen(host));
}

static int try_address(struct probe *probe, const struct addrinfo *at)
{
    struct ph__bind_wish wish = wish_of(at->ai_addr, probe->shown.protocol);
    struct sockaddr_storage target;
    struct ph__attempt made;
    wish.port = probe->shown.port;
    socklen_t size = ph__facts_address(&wish, true, &target);
    ph__attempt_make(wish.protocol, (const struct sockaddr *)&target, size, probe->timeout_ms,
                     &made);
    struct ph_probe_attempt attempt = {
        .address = say_address(probe, &target, NULL),
        .family = wish.family,
        .result = judge(&made),
        .error = made.error,
        .time_us = made.time_us,
        .rtt_us = made.rtt_us,
        .retransmissions = made.retransmissions,
        .answer_bytes = made.answer_bytes,
        .said_by = say_address(probe, &made.said_by, NULL),
        .on_this_machine = ph__facts_address_error(&wish) == 0,
    };
    attempt.local_address = say_address(probe, &made.local, &attempt.local_port);
    attempt.meaning = explain(probe, &attempt);
    if (!attempt.address || !attempt.meaning) {
        return -ENOMEM;
    }
    probe->shown.confirmed |= attempt.result == PH_PROBE_CONFIRMED;
    probe->shown.on_this_machine |= attempt.on_this_machine;
    probe->attempts[probe->shown.attempt_count++] = attempt;
    return 0;
}

static int run(struct probe *probe, const struct ph_probe_question *question, char *problem,
               size_t problem_size)
{
    struct addrinfo *list;
    int err = resolve(probe, question, &list);
    if (!err && question->loopback_only) {
        err = check_loopback(question, list, problem, problem_size);
    }
    for (const struct addrinfo *at = list; !err && at; at = at->ai_next) {
        if (is_ip(at) && probe->shown.attempt_count < PH_PROBE_ATTEMPTS) {
            err = try_address(probe, at);
        }
    }
    if (list) {
        freeaddrinfo(list);
    }
    return err;
}

int ph_probe_new_sized(struct ph_probe **ret_probe, const struct ph_probe_question *question,
                       size_t question_size, char *problem, size_t problem_size)
{
    struct ph_probe_question asked = {.host = NULL};
    memcpy(&asked, question, question_size < sizeof asked ? question_size : sizeof asked);
    int err = check(&asked, problem, problem_size);
    if (err) {
        return err;
    }
    struct probe *probe = calloc(1, sizeof *probe);
    if (!probe) {
        return -ENOMEM;
    }
    probe->timeout_ms = asked.timeout_ms ? asked.timeout_ms : TIMEOUT_MS;
    probe->shown = (struct ph_probe){
        .host = ph__arena_copy(&probe->arena, asked.host, strlen(asked.host)),
        .port = asked.port,
        .protocol = asked.protocol,
        .attempts = probe->attempts,
    };
    err = probe->shown.host ? run(probe, &asked, problem, problem_size) : -ENOMEM;
    if (err < 0) {
        ph_probe_free(&probe->shown);
        return err;
    }
    *ret_probe = &probe->shown;
    return 0;
}

void ph_probe_free(struct ph_probe *probe)
{
    if (probe) {
        struct probe *whole = (struct probe *)probe;
        ph__arena_done(&whole->arena);
        free(whole);
    }
}
