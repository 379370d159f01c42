/* SPDX-License-Identifier: MIT
 *
 * The part of an explanation about bind(2): who is in the way, the verdict, and a sentence.
 */
#include "base/clock.h"
#include "doctor/facts.h"
#include "doctor/say.h"
#include "doctor/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

enum { RANK_MAX = 4 };

/* What is in the way. */
struct obstacles {
    const struct ph_socket **items; /* the most telling first */
    size_t count;
    size_t certain; /* those of which we know */
    enum ph_bind kind;
};

static int find_obstacles(struct ph__why *why, const struct ph__bind_wish *wish,
                          const struct ph__bind_facts *facts, struct obstacles *found)
{
    *found = (struct obstacles){.kind = PH_BIND_FREE};
    found->items =
        ph__arena_alloc(&why->arena, (why->local_count + 1) * sizeof(struct ph_socket *));
    if (!found->items) {
        return -ENOMEM;
    }
    for (int rank = RANK_MAX; rank > 0; rank--) {
        for (size_t i = 0; i < why->local_count; i++) {
            const struct ph_socket *socket = why->local[i];
            enum ph_bind kind = ph__bind_kind(facts, socket);
            if (ph__bind_rank(kind) != rank) {
                continue;
            }
            enum ph__bind_overlap overlap = ph__bind_overlap(wish, &why->waiting, socket);
            if (overlap != PH__BIND_APART) {
                found->items[found->count++] = socket;
                found->certain += overlap == PH__BIND_OVERLAPS;
                found->kind = found->count == 1 ? kind : found->kind;
            }
        }
    }
    return 0;
}

/* One entry a process; and one for each reason that there is none. */
static bool is_told(const struct ph_why_bind *bind, const struct ph_socket *socket,
                    const struct ph_process *process)
{
    for (size_t i = 0; i < bind->holder_count; i++) {
        const struct ph_why_holder *holder = &bind->holders[i];
        if (process ? holder->process == process
                    : !holder->process && holder->socket->owner_unknown == socket->owner_unknown) {
            return true;
        }
    }
    return false;
}

static void add_holder(const struct ph__why *why, struct ph_why_bind *bind,
                       struct ph_why_holder *holders, const struct ph_socket *socket,
                       const struct ph_process *process)
{
    if (bind->holder_count == PH_WHY_HOLDERS || is_told(bind, socket, process)) {
        return;
    }
    holders[bind->holder_count++] = (struct ph_why_holder){
        .socket = socket,
        .process = process,
        .since_unix_ms = process ? ph__facts_since_unix_ms(why->proc, process->pid) : 0,
    };
}

static int find_holders(struct ph__why *why, const struct obstacles *found,
                        struct ph_why_bind *bind)
{
    struct ph_why_holder *holders = ph__arena_alloc(&why->arena, PH_WHY_HOLDERS * sizeof *holders);
    if (!holders) {
        return -ENOMEM;
    }
    bind->holders = holders;
    for (size_t i = 0; i < found->count; i++) {
        const struct ph_socket *socket = found->items[i];
        if (socket->owner_count == 0) {
            add_holder(why, bind, holders, socket, NULL);
        }
        for (uint32_t k = 0; k < socket->owner_count; k++) {
            add_holder(why, bind, holders, socket,
                       ph_snapshot_owner(why->shown.snapshot, socket, k).process);
        }
    }
    return 0;
}

static const char *say_address(struct ph__why *why, const struct ph__bind_wish *wish)
{
    char text[INET6_ADDRSTRLEN];
    char name[IF_NAMESIZE] = "";
    bool ipv4 = wish->family == PH_FAMILY_IPV4;
    if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, wish->address.bytes + (ipv4 ? 12 : 0), text,
                   sizeof text)) {
        return NULL;
    }
    bool scoped = wish->interface && if_indextoname(wish->interface, name);
    return ph__say(&why->arena, "%s%s%s", text, scoped ? "%" : "", scoped ? name : "");
}

static void say_holding(struct ph__buf *buf, const struct ph__why *why,
                        const struct ph_why_bind *bind)
{
    if (bind->holder_count == 0) {
        return; /* never: a port that is held has a holder */
    }
    const struct ph_why_holder *first = &bind->holders[0];
    const struct ph_socket *socket = first->socket;
    char local[PH__END_TEXT];
    char remote[PH__END_TEXT];
    ph__say_end(socket, false, local);
    ph__say_end(socket, true, remote);
    ph__say_holder(buf, why->shown.snapshot, socket, first->process);
    if (socket->state == PH_STATE_LISTEN) {
        ph__buf_printf(buf, " listens on %s", local);
    } else if (socket->state == PH_STATE_CLOSED) {
        ph__buf_printf(buf, " has bound %s but does not listen", local);
    } else if (socket->state == PH_STATE_UNCONNECTED) {
        ph__buf_printf(buf, " is bound to %s", local);
    } else if (bind->verdict == PH_BIND_TAKEN_BY_OUTBOUND) {
        ph__buf_printf(buf, " has it as the near end of an outgoing connection, %s to %s", local,
                       remote);
    } else {
        ph__buf_printf(buf, " still has a connection on it, %s with %s", local, remote);
    }
    if (first->since_unix_ms) {
        char since[PH__RFC3339_TEXT];
        ph__format_rfc3339(first->since_unix_ms, since, sizeof since);
        ph__buf_printf(buf, " (started %s)", since);
    }
    if (bind->socket_count > 1) {
        ph__buf_printf(buf, "; %zu sockets are in the way in all", bind->socket_count);
    }
}

/* The longest that one of them is still remembered. */
static int64_t longest_wait_ms(const struct obstacles *found)
{
    int64_t longest = 0;
    for (size_t i = 0; i < found->count; i++) {
        int64_t left = found->items[i]->timer_expires_ms;
        longest = left > longest ? left : longest;
    }
    return longest;
}

static const char *say_reason(struct ph__why *why, const struct ph__bind_facts *facts,
                              const struct obstacles *found, const struct ph_why_bind *bind)
{
    switch (bind->verdict) {
    case PH_BIND_FREE:
        return ph__say(&why->arena, "nothing is in the way");
    case PH_BIND_PRIVILEGED:
        return ph__say(&why->arena, "ports below %u need root or CAP_NET_BIND_SERVICE",
                       facts->privileged);
    case PH_BIND_ADDRESS_NOT_LOCAL:
        return facts->address_error == -EADDRNOTAVAIL
                   ? ph__say(&why->arena, "no interface of this machine has the address %s",
                             bind->address)
                   : ph__say(&why->arena, "the kernel does not take the address %s: %s",
                             bind->address, ph_strerror(facts->address_error));
    case PH_BIND_TIME_WAIT_ONLY:
        return ph__say(&why->arena,
                       "%zu ended connection%s on it %s still remembered (time_wait), for %lld s "
                       "at most",
                       found->count, found->count == 1 ? "" : "s", found->count == 1 ? "is" : "are",
                       (long long)(longest_wait_ms(found) + 999) / 1000);
    default:
        break;
    }
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    say_holding(&buf, why, bind);
    return ph__say_buf(&why->arena, &buf);
}

int ph__why_judge(struct ph__why *why, const struct ph__bind_wish *wish,
                  const struct ph__bind_facts *facts, struct ph_why_bind *ret_bind)
{
    struct obstacles found;
    struct ph_why_bind bind = {.v6only = wish->v6only, .certain = true};
    int err = find_obstacles(why, wish, facts, &found);
    err = err ? err : find_holders(why, &found, &bind);
    if (err < 0) {
        return err;
    }
    bind.socket_count = found.count;
    bind.verdict = ph__bind_beforehand(wish, facts);
    if (bind.verdict == PH_BIND_FREE) {
        bind.verdict = found.kind;
        bind.certain = found.count == 0 || found.certain > 0;
    }
    bind.error = bind.verdict == PH_BIND_ADDRESS_NOT_LOCAL ? facts->address_error
                                                           : ph__bind_error(bind.verdict);
    bind.address = say_address(why, wish);
    bind.reason = bind.address ? say_reason(why, facts, &found, &bind) : NULL;
    if (!bind.reason) {
        return -ENOMEM;
    }
    *ret_bind = bind;
    return 0;
}
