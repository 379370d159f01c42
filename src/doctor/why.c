/* SPDX-License-Identifier: MIT
 *
 * ph_why_new(): reads the question, takes a snapshot, and has the parts filled in.
 */
#include "doctor/why.h"

#include "doctor/facts.h"
#include "sockets/files.h"
#include "sockets/observer.h"
#include "sockets/snapshot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes "10.0.0.1", "::1", "fe80::1%eth0". */
static bool read_address(const char *text, struct ph__bind_wish *wish)
{
    char address[PH_ADDRESS_TEXT];
    size_t size = strcspn(text, "%");
    if (size >= sizeof address) {
        return false;
    }
    memcpy(address, text, size);
    address[size] = '\0';
    uint8_t bytes[16] = {0};
    wish->family = strchr(address, ':') ? PH_FAMILY_IPV6 : PH_FAMILY_IPV4;
    if (inet_pton(wish->family == PH_FAMILY_IPV4 ? AF_INET : AF_INET6, address, bytes) != 1) {
        return false;
    }
    wish->address = ph__address_of(wish->family, bytes);
    if (text[size] == '%') {
        wish->interface = if_nametoindex(text + size + 1);
        return wish->interface != 0 && wish->family == PH_FAMILY_IPV6;
    }
    return true;
}

int ph__why_read(const struct ph_why_question *question, struct ph__bind_wish *ret_wish,
                 char *problem, size_t problem_size)
{
    struct ph__bind_wish wish = {.protocol = question->protocol, .port = question->port};
    if (question->port == 0) {
        snprintf(problem, problem_size, "port: wanted is a number from 1 to 65535.");
        return PH_ERR_PARAMETER;
    }
    if (question->protocol != PH_PROTOCOL_TCP && question->protocol != PH_PROTOCOL_UDP) {
        snprintf(problem, problem_size, "protocol: wanted is tcp or udp.");
        return PH_ERR_PARAMETER;
    }
    if (!read_address(question->address ? question->address : "0.0.0.0", &wish)) {
        snprintf(problem, problem_size,
                 "address: wanted is an IP address such as 127.0.0.1, ::1 or fe80::1%%eth0, the "
                 "last with an interface of this machine.");
        return PH_ERR_PARAMETER;
    }
    *ret_wish = wish;
    return 0;
}

/* Gathers the sockets with this port; those that wait come first. */
static int gather(struct ph__why *why)
{
    const struct ph_snapshot *snapshot = why->shown.snapshot;
    size_t count = ph_snapshot_count(snapshot);
    for (int pass = 0; pass < 2; pass++) {
        why->local_count = 0;
        for (int waiting = 1; waiting >= 0; waiting--) {
            for (size_t i = 0; i < count; i++) {
                const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
                if (socket->local_port != why->shown.port ||
                    socket->protocol != why->shown.protocol ||
                    ph__bind_is_waiting(socket) != (waiting == 1)) {
                    continue;
                }
                if (pass == 1) {
                    why->local[why->local_count] = socket;
                }
                why->local_count++;
            }
            why->waiting.count = waiting ? why->local_count : why->waiting.count;
        }
        if (pass == 0) {
            why->local =
                ph__arena_alloc(&why->arena, (why->local_count + 1) * sizeof(struct ph_socket *));
        }
        if (!why->local) {
            return -ENOMEM;
        }
    }
    why->waiting.items = why->local;
    return 0;
}

static void find_row(struct ph__why *why)
{
    struct ph_why *shown = &why->shown;
    for (size_t i = 0; i < ph_ports_count(why->ports); i++) {
        const struct ph_port *row = ph_ports_at(why->ports, i);
        if (row->port == shown->port && row->protocol == shown->protocol) {
            shown->row = row;
        }
    }
    shown->service = ph__snapshot_service(shown->snapshot, shown->protocol, shown->port);
}

static int look(struct ph__why *why, struct ph_sockets *sockets,
                const struct ph_why_question *question)
{
    /* Whether a socket is inside a message is told by the unix sockets. */
    unsigned protocols =
        PH_PROTOCOL_BIT((unsigned)question->protocol) | PH_PROTOCOL_BIT(PH_PROTOCOL_UNIX);
    struct ph_why *shown = &why->shown;
    int err = ph_sockets_snapshot_of(sockets, protocols, question->max_age_ms, &shown->snapshot);
    if (err < 0) {
        return err;
    }
    if (ph_snapshot_source(shown->snapshot, shown->protocol, NULL) == PH_SOURCE_UNAVAILABLE) {
        return PH_ERR_SOURCE;
    }
    err = ph_snapshot_owners(shown->snapshot);
    err = err ? err : ph_ports_new(&why->ports, shown->snapshot);
    err = err ? err : gather(why);
    if (!err) {
        find_row(why);
    }
    return err;
}

/* Over :: alone. @return 1; 0 on a machine without IPv6; -ENOMEM. */
static int judge_ipv6(struct ph__why *why)
{
    why->wish_ipv6 = (struct ph__bind_wish){.protocol = why->wish.protocol,
                                            .port = why->wish.port,
                                            .family = PH_FAMILY_IPV6,
                                            .v6only = true};
    struct ph__bind_facts facts = ph__facts_bind(why->proc, &why->wish_ipv6);
    if (facts.address_error == -EAFNOSUPPORT) {
        return 0;
    }
    struct ph_why_bind *bind = ph__arena_alloc(&why->arena, sizeof *bind);
    int err = bind ? ph__why_judge(why, &why->wish_ipv6, &facts, bind) : -ENOMEM;
    why->shown.bind_ipv6 = err ? NULL : bind;
    return err ? err : 1;
}

static int explain(struct ph__why *why, const struct ph_why_question *question)
{
    int64_t v6only = 0;
    bool known = ph__facts_numbers(why->proc, "sys/net/ipv6/bindv6only", &v6only, 1) == 1;
    why->wish.v6only = why->wish.family == PH_FAMILY_IPV6 && known && v6only != 0;
    why->facts = ph__facts_bind(why->proc, &why->wish);
    int err = ph__why_judge(why, &why->wish, &why->facts, &why->shown.bind);
    if (!err && !question->address) {
        err = judge_ipv6(why);
    }
    err = err < 0 ? err : ph__why_reach(why);
    if (!err && question->probe) {
        err = ph__why_probe(why);
    }
    return err ? err : ph__why_advise(why);
}

int ph_why_new_sized(struct ph_why **ret_why, struct ph_sockets *sockets,
                     const struct ph_why_question *question, size_t question_size, char *problem,
                     size_t problem_size)
{
    struct ph_why_question asked = {.port = 0};
    memcpy(&asked, question, question_size < sizeof asked ? question_size : sizeof asked);
    struct ph__bind_wish wish;
    int err = ph__why_read(&asked, &wish, problem, problem_size);
    if (err < 0) {
        return err;
    }
    struct ph__why *why = calloc(1, sizeof *why);
    if (!why) {
        return -ENOMEM;
    }
    why->wish = wish;
    why->shown.protocol = asked.protocol;
    why->shown.port = asked.port;
    why->proc = ph__files_open_folder(AT_FDCWD, ph__sockets_proc_root(sockets));
    err = look(why, sockets, &asked);
    err = err ? err : explain(why, &asked);
    if (why->proc >= 0) {
        close(why->proc);
    }
    why->proc = -1;
    if (err < 0) {
        ph_why_free(&why->shown);
        return err;
    }
    *ret_why = &why->shown;
    return 0;
}

void ph_why_free(struct ph_why *shown)
{
    if (!shown) {
        return;
    }
    struct ph__why *why = (struct ph__why *)shown; /* its first member */
    ph_ports_free(why->ports);
    ph_snapshot_unref(shown->snapshot);
    ph__arena_done(&why->arena);
    free(why);
}
