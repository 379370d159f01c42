/* SPDX-License-Identifier: MIT
 *
 * From one look to the next: what has come and what has gone.
 */
#include "watch/tell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Connections that are told one by one in a step. */
enum { TOLD_MAX = 1000 };

/* A connection, by the kernel's cookie. */
struct known {
    uint64_t cookie;
    const struct ph_socket *socket; /* in the snapshot of its look */
};

/* What a look has seen. */
struct seen {
    struct ph_findings *findings; /* a reference */
    struct ph_snapshot *snapshot; /* likewise */
    struct ph_ports *ports;
    struct known *connections; /* owned; by cookie */
    size_t connection_count;
};

/* What the kernel told of closed connections since the last step. */
struct news {
    struct ph__destroyed *items; /* owned; by cookie, once sorted */
    size_t count, capacity;
    bool lost;
};

struct ph_watch {
    struct ph_doctor *doctor;
    struct seen last; /* findings NULL before the first step */
    int destroyed;    /* descriptor; -1: the kernel does not tell */
};

/* ---- a look ---- */

static void forget(struct seen *seen)
{
    ph_ports_free(seen->ports);
    ph_findings_unref(seen->findings);
    ph_snapshot_unref(seen->snapshot);
    free(seen->connections);
    *seen = (struct seen){.findings = NULL};
}

/* A connection that lasts: not its request, and not what the kernel remembers of it. */
static bool is_open(const struct ph_socket *socket)
{
    if (socket->protocol != PH_PROTOCOL_TCP || !socket->has_remote || !socket->cookie) {
        return false;
    }
    switch (socket->state) {
    case PH_STATE_ESTABLISHED:
    case PH_STATE_FIN_WAIT1:
    case PH_STATE_FIN_WAIT2:
    case PH_STATE_CLOSE_WAIT:
    case PH_STATE_LAST_ACK:
    case PH_STATE_CLOSING:
        return true;
    default:
        return false;
    }
}

static int compare_known(const void *a, const void *b)
{
    uint64_t x = ((const struct known *)a)->cookie;
    uint64_t y = ((const struct known *)b)->cookie;
    return x < y ? -1 : x > y;
}

static int list_connections(struct seen *seen)
{
    const struct ph_snapshot *snapshot = seen->snapshot;
    size_t sockets = ph_snapshot_count(snapshot);
    size_t count = 0;
    for (size_t i = 0; i < sockets; i++) {
        count += is_open(ph_snapshot_at(snapshot, i));
    }
    seen->connections = calloc(count ? count : 1, sizeof *seen->connections);
    if (!seen->connections) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (is_open(socket)) {
            seen->connections[seen->connection_count++] = (struct known){socket->cookie, socket};
        }
    }
    qsort(seen->connections, count, sizeof *seen->connections, compare_known);
    return 0;
}

static int look(struct ph_watch *watch, unsigned max_age_ms, struct seen *ret_seen)
{
    struct seen seen = {.findings = NULL};
    int err = ph_doctor_look(watch->doctor, max_age_ms, &seen.findings, &seen.snapshot);
    err = err ? err : ph_ports_new(&seen.ports, seen.snapshot);
    err = err ? err : list_connections(&seen);
    if (err < 0) {
        forget(&seen);
        return err;
    }
    *ret_seen = seen;
    return 0;
}

/* ---- news of the kernel ---- */

static int compare_news(const void *a, const void *b)
{
    uint64_t x = ((const struct ph__destroyed *)a)->socket.cookie;
    uint64_t y = ((const struct ph__destroyed *)b)->socket.cookie;
    return x < y ? -1 : x > y;
}

static int take_news(void *user, const struct ph__destroyed *destroyed)
{
    struct news *news = user;
    if (!destroyed->socket.cookie || !destroyed->socket.has_remote) {
        return 0; /* one that listened, or never connected */
    }
    if (news->count == news->capacity) {
        size_t capacity = news->capacity ? news->capacity * 2 : 64;
        struct ph__destroyed *grown = realloc(news->items, capacity * sizeof *grown);
        if (!grown) {
            return -ENOMEM;
        }
        news->items = grown;
        news->capacity = capacity;
    }
    news->items[news->count++] = *destroyed;
    return 0;
}

static int read_news(struct ph_watch *watch, struct news *news)
{
    int err = watch->destroyed < 0
                  ? 0
                  : ph__destroyed_read(watch->destroyed, take_news, news, &news->lost);
    if (news->count > 1) {
        qsort(news->items, news->count, sizeof *news->items, compare_news);
    }
    return err;
}

static const struct ph__destroyed *find_news(const struct news *news, uint64_t cookie)
{
    const struct ph__destroyed wanted = {.socket = {.cookie = cookie}};
    return news->count ? bsearch(&wanted, news->items, news->count, sizeof wanted, compare_news)
                       : NULL;
}

/* ---- telling ---- */

/* Whether one more connection may be told; else it is counted. */
static bool may_tell(struct ph__tally_of_step *tally)
{
    if (tally->opened + tally->closed <= TOLD_MAX) {
        return true;
    }
    tally->untold++;
    return false;
}

static int tell_closed(struct ph__teller *teller, struct ph__tally_of_step *tally,
                       const struct ph_snapshot *snapshot, const struct ph_socket *socket,
                       const struct ph__destroyed *facts)
{
    tally->closed++;
    return may_tell(tally)
               ? ph__tell_connection(teller, PH_EVENT_CONNECTION_CLOSED, snapshot, socket, facts)
               : 0;
}

static int tell_opened(struct ph__teller *teller, struct ph__tally_of_step *tally,
                       const struct ph_snapshot *snapshot, const struct ph_socket *socket)
{
    tally->opened++;
    return may_tell(tally)
               ? ph__tell_connection(teller, PH_EVENT_CONNECTION_OPENED, snapshot, socket, NULL)
               : 0;
}

static bool knows(const struct seen *seen, uint64_t cookie)
{
    const struct known wanted = {.cookie = cookie};
    return seen->connection_count && bsearch(&wanted, seen->connections, seen->connection_count,
                                             sizeof wanted, compare_known);
}

/* Those that came and went between the looks, which only the kernel knows of. */
static int tell_short_ones(struct ph__teller *teller, struct ph__tally_of_step *tally,
                           const struct seen *before, const struct seen *now,
                           const struct news *news)
{
    for (size_t i = 0; i < news->count; i++) {
        const struct ph__destroyed *item = &news->items[i];
        bool told = knows(before, item->socket.cookie) || knows(now, item->socket.cookie);
        int err = 0;
        if (!told) {
            err = tell_opened(teller, tally, NULL, &item->socket);
            err = err ? err : tell_closed(teller, tally, NULL, &item->socket, item);
        }
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

/* Both lists are in order: walks them side by side. */
static int tell_connections(struct ph__teller *teller, struct ph__tally_of_step *tally,
                            const struct seen *before, const struct seen *now,
                            const struct news *news)
{
    size_t i = 0;
    size_t k = 0;
    int err = 0;
    while (err == 0 && (i < before->connection_count || k < now->connection_count)) {
        uint64_t x = i < before->connection_count ? before->connections[i].cookie : UINT64_MAX;
        uint64_t y = k < now->connection_count ? now->connections[k].cookie : UINT64_MAX;
        if (x < y) {
            err = tell_closed(teller, tally, before->snapshot, before->connections[i].socket,
                              find_news(news, x));
        } else if (y < x) {
            err = tell_opened(teller, tally, now->snapshot, now->connections[k].socket);
        }
        i += x <= y;
        k += y <= x;
    }
    return err ? err : tell_short_ones(teller, tally, before, now, news);
}

static int compare_ports(const struct ph_port *a, const struct ph_port *b)
{
    if (!a || !b) {
        return a ? -1 : 1; /* behind the last of its list */
    }
    if (a->port != b->port) {
        return a->port < b->port ? -1 : 1;
    }
    return a->protocol < b->protocol ? -1 : a->protocol > b->protocol;
}

/* As for connections: ports come ordered by port, and TCP first. */
static int tell_ports(struct ph__teller *teller, const struct seen *before, const struct seen *now)
{
    size_t i = 0;
    size_t k = 0;
    int err = 0;
    while (err == 0) {
        const struct ph_port *old = ph_ports_at(before->ports, i);
        const struct ph_port *new = ph_ports_at(now->ports, k);
        if (!old && !new) {
            break;
        }
        int order = compare_ports(old, new);
        if (order < 0) {
            err = ph__tell_port(teller, PH_EVENT_PORT_CLOSED, before->snapshot, before->ports, old);
        } else if (order > 0) {
            err = ph__tell_port(teller, PH_EVENT_PORT_OPENED, now->snapshot, now->ports, new);
        }
        i += order <= 0;
        k += order >= 0;
    }
    return err;
}

/* Tells the findings of one look that another does not have. */
static int tell_findings(struct ph__teller *teller, enum ph_event_type type,
                         const struct ph_findings *of, const struct ph_findings *missing_in)
{
    const struct ph_finding *finding;
    int err = 0;
    for (size_t i = 0; err == 0 && (finding = ph_findings_at(of, i)); i++) {
        if (!ph_findings_find(missing_in, finding->id)) {
            err = ph__tell_finding(teller, type, finding);
        }
    }
    return err;
}

static int tell_changes(struct ph__teller *teller, struct ph__tally_of_step *tally,
                        const struct seen *before, const struct seen *now, const struct news *news)
{
    int err = tell_ports(teller, before, now);
    err = err ? err : tell_connections(teller, tally, before, now, news);
    err =
        err ? err : tell_findings(teller, PH_EVENT_FINDING_RAISED, now->findings, before->findings);
    return err ? err
               : tell_findings(teller, PH_EVENT_FINDING_CLEARED, before->findings, now->findings);
}

static int tell(struct ph_watch *watch, struct ph__teller *teller, const struct seen *now,
                const struct news *news)
{
    struct ph__tally_of_step tally = {.ports = ph_ports_count(now->ports),
                                      .connections = now->connection_count,
                                      .lost = news->lost};
    const struct ph_finding *finding;
    for (size_t i = 0; (finding = ph_findings_at(now->findings, i)); i++) {
        tally.findings[finding->severity]++;
    }
    int err = watch->last.findings ? tell_changes(teller, &tally, &watch->last, now, news) : 0;
    return err ? err : ph__tell_summary(teller, now->snapshot, &tally);
}

/* ---- life ---- */

int ph_watch_new(struct ph_watch **ret_watch, struct ph_doctor *doctor)
{
    struct ph_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        return -ENOMEM;
    }
    watch->doctor = doctor;
    watch->destroyed = ph__destroyed_open(); /* without, looks are compared, and nothing more */
    *ret_watch = watch;
    return 0;
}

void ph_watch_free(struct ph_watch *watch)
{
    if (!watch) {
        return;
    }
    forget(&watch->last);
    if (watch->destroyed >= 0) {
        close(watch->destroyed);
    }
    free(watch);
}

int ph_watch_step(struct ph_watch *watch, unsigned max_age_ms, ph_watch_receive receive, void *user)
{
    struct seen now;
    struct news news = {.items = NULL};
    struct ph__teller teller;
    int err = look(watch, max_age_ms, &now);
    if (err < 0) {
        return err;
    }
    err = read_news(watch, &news);
    ph__teller_init(&teller, receive, user);
    err = err ? err : tell(watch, &teller, &now, &news);
    ph__teller_done(&teller);
    free(news.items);
    forget(&watch->last);
    watch->last = now;
    return err;
}
