/* SPDX-License-Identifier: MIT
 *
 * The part of an explanation that says what to do: first about what keeps a server from starting,
 * then about who cannot reach it, then about its health.
 */
#include "doctor/say.h"
#include "doctor/why.h"

#include <errno.h>

enum { ADVICE_MAX = 12 };

struct advice {
    struct ph__why *why;
    const char *items[ADVICE_MAX];
    size_t count;
    bool failed; /* without memory */
};

static void take(struct advice *advice, const char *text)
{
    advice->failed = advice->failed || !text;
    if (text && advice->count < ADVICE_MAX) {
        advice->items[advice->count++] = text;
    }
}

#define GIVE(advice, ...) take((advice), ph__say(&(advice)->why->arena, __VA_ARGS__))

/* How to end who holds the port. */
static void about_holder(struct advice *advice, const struct ph_why_bind *bind)
{
    const struct ph_why_holder *holder = &bind->holders[0];
    const struct ph_process *process = holder->process;
    if (!process) {
        if (holder->socket->owner_unknown == PH_OWNER_UNKNOWN_PERMISSION) {
            GIVE(advice, "To see who holds it, ask as root: sudo porthole why %u%s",
                 advice->why->shown.port,
                 advice->why->shown.protocol == PH_PROTOCOL_UDP ? " --udp" : "");
        } else {
            GIVE(advice, "Choose another port: no process of ours has this one.");
        }
        return;
    }
    if (ph__say_is_word(process->container)) {
        GIVE(advice, "Choose another port, or stop its container: docker stop %.12s",
             process->container);
    } else if (ph__say_is_word(process->unit)) {
        GIVE(advice, "Choose another port, or stop its unit: systemctl stop %s", process->unit);
    } else {
        GIVE(advice, "Choose another port, or stop the process: kill %ld", (long)process->pid);
    }
}

static void about_leftovers(struct advice *advice, const struct ph_why_bind *bind)
{
    if (bind->holder_count > 0 && bind->holders[0].process) {
        about_holder(advice, bind);
    }
    GIVE(advice, "Set SO_REUSEADDR before bind(): it helps if the server that had the port before "
                 "had set it too.");
}

static void about_bind(struct advice *advice, const struct ph_why_bind *bind)
{
    unsigned port = advice->why->shown.port;
    switch (bind->verdict) {
    case PH_BIND_IN_USE:
        if (ph__bind_is_waiting(bind->holders[0].socket)) {
            about_holder(advice, bind);
        } else {
            about_leftovers(advice, bind);
        }
        break;
    case PH_BIND_BOUND_NOT_LISTENING:
        GIVE(advice, "Its holder has bound the port but not called listen(): it may be starting, "
                     "or have failed half-way.");
        about_holder(advice, bind);
        break;
    case PH_BIND_TAKEN_BY_OUTBOUND:
        GIVE(advice,
             "Keep the kernel from giving it to outgoing connections: sysctl -w "
             "net.ipv4.ip_local_reserved_ports=%u (beside those that are listed there)",
             port);
        about_leftovers(advice, bind);
        break;
    case PH_BIND_TIME_WAIT_ONLY:
        about_leftovers(advice, bind);
        GIVE(advice, "Or wait until they are forgotten.");
        break;
    case PH_BIND_PRIVILEGED:
        GIVE(advice,
             "Choose a port from %u on, give the program the right (setcap "
             "cap_net_bind_service=+ep PROGRAM), or run it as root.",
             advice->why->facts.privileged);
        break;
    case PH_BIND_ADDRESS_NOT_LOCAL:
        GIVE(advice, "Bind to an address that this machine has ('ip address' lists them), or to "
                     "0.0.0.0 or :: for all.");
        break;
    default:
        break;
    }
    if (!bind->certain) {
        GIVE(advice, "This hangs on IPV6_V6ONLY of a connection, which the kernel does not tell: "
                     "ask it with probe=true (--probe).");
    }
}

static void about_reach(struct advice *advice)
{
    const struct ph_why *shown = &advice->why->shown;
    if (shown->reach == PH_REACH_NOBODY && shown->bind.verdict == PH_BIND_FREE) {
        GIVE(advice, "Nobody can reach it because nothing %s: start the server.",
             shown->protocol == PH_PROTOCOL_TCP ? "listens" : "is bound");
    }
    if (shown->reach == PH_REACH_LOOPBACK) {
        GIVE(advice, "If others are to reach it, let its server listen on 0.0.0.0 and ::, or on an "
                     "address that they can reach.");
    }
}

static void about_health(struct advice *advice)
{
    const struct ph_port *row = advice->why->shown.row;
    if (row && row->accept_queue >= 0 && row->accept_queue > row->backlog) {
        GIVE(advice,
             "Its accept queue is full (%lld wait, %lld fit): new connections are dropped. "
             "Let the application accept faster, or give listen() a larger backlog.",
             (long long)row->accept_queue, (long long)row->backlog);
    }
}

int ph__why_advise(struct ph__why *why)
{
    struct advice advice = {.why = why};
    const struct ph_why_bind *ipv6 = why->shown.bind_ipv6;
    about_bind(&advice, &why->shown.bind);
    if (ipv6 && why->shown.bind.verdict == PH_BIND_FREE && ipv6->verdict != PH_BIND_FREE) {
        GIVE(&advice, "Over IPv4 it is free, over IPv6 not: %s.", ipv6->reason);
        about_bind(&advice, ipv6);
    }
    about_reach(&advice);
    about_health(&advice);
    const char **items = ph__arena_alloc(&why->arena, (advice.count + 1) * sizeof(const char *));
    if (!items || advice.failed) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < advice.count; i++) {
        items[i] = advice.items[i];
    }
    why->shown.advice = items;
    why->shown.advice_count = advice.count;
    return 0;
}
