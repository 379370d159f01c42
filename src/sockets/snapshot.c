/* SPDX-License-Identifier: MIT
 *
 * Snapshots: taking one, counting references, looking things up. Sharing among askers is in
 * observer.c.
 */
#include "sockets/snapshot.h"

#include "base/clock.h"
#include "sockets/collect.h"
#include "sockets/files.h"
#include "sockets/join.h"
#include "sockets/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ph__port_range default_ephemeral = {32768, 60999};

static struct ph__port_range read_ephemeral(const char *proc_root)
{
    char text[64];
    unsigned first;
    unsigned last;
    int proc = ph__files_open_folder(AT_FDCWD, proc_root);
    if (proc < 0) {
        return default_ephemeral;
    }
    int length = ph__files_read(proc, "sys/net/ipv4/ip_local_port_range", text, sizeof text);
    close(proc);
    if (length < 0 || sscanf(text, "%5u %5u", &first, &last) != 2 || first > UINT16_MAX ||
        last > UINT16_MAX) {
        return default_ephemeral;
    }
    return (struct ph__port_range){(uint16_t)first, (uint16_t)last};
}

/* Everything that ph_snapshot_unref() takes apart, so that it can do so after any failure. */
static struct ph_snapshot *new_snapshot(const struct ph_sockets_config *cfg)
{
    struct ph_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot) {
        return NULL;
    }
    atomic_init(&snapshot->references, 1);
    ph__once_init(&snapshot->owners.once);
    ph__once_init(&snapshot->details_once);
    snapshot->seed = ph__index_seed();
    ph__rows_init(&snapshot->rows, &snapshot->texts, cfg->sockets_max, snapshot->seed);
    snapshot->taken_unix_ms = ph__clock_unix_ms();
    snapshot->taken_us = ph__clock_us();
    snapshot->cfg = *cfg;
    snapshot->cfg.proc_root =
        ph__arena_copy(&snapshot->texts, cfg->proc_root, strlen(cfg->proc_root));
    snapshot->names = malloc(sizeof *snapshot->names);
    if (snapshot->names) {
        ph__lookup_init(&snapshot->names->users, ph__lookup_ask_user);
        ph__lookup_init(&snapshot->names->interfaces, ph__lookup_ask_interface);
        ph__lookup_init(&snapshot->names->services, ph__lookup_ask_service);
    }
    if (!snapshot->cfg.proc_root || !snapshot->names) {
        ph_snapshot_unref(snapshot);
        return NULL;
    }
    return snapshot;
}

/* With some to spare, for a machine changes. Without memory for them all at once it is taken a
 * little at a time, and fails then if it must. */
static void make_room(struct ph__rows *rows, const struct ph__snapshot_wish *wish)
{
    size_t count = 0;
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        if (wish->protocols & PH_PROTOCOL_BIT(i)) {
            count += wish->expected[i];
        }
    }
    if (wish->spare && wish->spare->capacity / 4 <= count) {
        ph__rows_recycle(rows, wish->spare);
    }
    if (count > 0) {
        (void)ph__rows_reserve(rows, count + count / 8);
    }
}

/* Who reads the details later asks the kernel for the same sockets. */
static bool keep_narrowing(struct ph_snapshot *snapshot, const struct ph__narrowing *narrowing,
                           const struct ph__narrowing **ret_kept)
{
    struct ph__narrowing *kept =
        narrowing ? ph__arena_alloc(&snapshot->texts, sizeof *narrowing) : NULL;
    if (kept) {
        *kept = *narrowing;
    }
    *ret_kept = kept;
    return kept || !narrowing;
}

int ph__snapshot_take(struct ph_snapshot **ret_snapshot, const struct ph_sockets_config *cfg,
                      const struct ph__snapshot_wish *wish)
{
    struct ph_snapshot *snapshot = new_snapshot(cfg);
    if (!snapshot) {
        return -ENOMEM;
    }
    if (!keep_narrowing(snapshot, wish->tcp, &snapshot->tcp) ||
        !keep_narrowing(snapshot, wish->udp, &snapshot->udp)) {
        ph_snapshot_unref(snapshot);
        return -ENOMEM;
    }
    make_room(&snapshot->rows, wish);
    struct ph__collection collection = {.rows = &snapshot->rows,
                                        .protocols = wish->protocols,
                                        .cut = wish->cut,
                                        .tcp = wish->tcp,
                                        .udp = wish->udp};
    int err = ph__collect(&collection, cfg);
    if (err == 0) {
        snapshot->ephemeral = read_ephemeral(cfg->proc_root);
        err = ph__join(&snapshot->rows, snapshot->ephemeral);
    }
    if (err < 0) {
        ph_snapshot_unref(snapshot);
        return err;
    }
    snapshot->protocols = wish->protocols;
    memcpy(snapshot->sources, collection.sources, sizeof snapshot->sources);
    memcpy(snapshot->reasons, collection.reasons, sizeof snapshot->reasons);
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const struct ph_socket *row = &snapshot->rows.items[i];
        snapshot->state_counts[row->protocol][row->state]++;
    }
    *ret_snapshot = snapshot;
    return 0;
}

struct ph__tally *ph__tally_new(void)
{
    struct ph__tally *tally = calloc(1, sizeof *tally);
    if (tally) {
        atomic_init(&tally->count, 1);
        pthread_mutex_init(&tally->lock, NULL);
    }
    return tally;
}

struct ph__holders ph__tally_take_holders(struct ph__tally *tally)
{
    struct ph__holders holders = {.items = NULL};
    if (tally) {
        pthread_mutex_lock(&tally->lock);
        holders = tally->holders;
        tally->holders = (struct ph__holders){.items = NULL};
        pthread_mutex_unlock(&tally->lock);
    }
    return holders;
}

void ph__tally_keep_holders(struct ph__tally *tally, struct ph__holders *holders, size_t max)
{
    if (!tally || holders->holding_count > max) {
        return;
    }
    pthread_mutex_lock(&tally->lock);
    struct ph__holders kept = tally->holders;
    tally->holders = *holders;
    *holders = kept;
    pthread_mutex_unlock(&tally->lock);
}

void ph__tally_drop(struct ph__tally *tally)
{
    if (tally && atomic_fetch_sub_explicit(&tally->count, 1, memory_order_acq_rel) == 1) {
        ph__holders_done(&tally->holders);
        pthread_mutex_destroy(&tally->lock);
        free(tally);
    }
}

struct ph_snapshot *ph_snapshot_ref(struct ph_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void ph_snapshot_unref(struct ph_snapshot *snapshot)
{
    if (!snapshot ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (snapshot->names) {
        ph__lookup_done(&snapshot->names->users);
        ph__lookup_done(&snapshot->names->interfaces);
        ph__lookup_done(&snapshot->names->services);
        free(snapshot->names);
    }
    ph__rows_done(&snapshot->rows);
    ph__arena_done(&snapshot->texts);
    ph__arena_done(&snapshot->owners.arena);
    ph__pages_free(snapshot->owners.items, snapshot->owners.room, sizeof *snapshot->owners.items);
    ph__once_done(&snapshot->owners.once);
    ph__detail_set_done(&snapshot->details);
    ph__once_done(&snapshot->details_once);
    ph__tally_drop(snapshot->tally);
    free(snapshot);
}

uint64_t ph_snapshot_taken_unix_ms(const struct ph_snapshot *snapshot)
{
    return snapshot->taken_unix_ms;
}

uint64_t ph_snapshot_age_ms(const struct ph_snapshot *snapshot)
{
    return (ph__clock_us() - snapshot->taken_us) / 1000;
}

enum ph_source ph_snapshot_source(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                  const char **ret_reason)
{
    bool known = (unsigned)protocol < PH_PROTOCOL_COUNT;
    if (ret_reason) {
        *ret_reason = known ? snapshot->reasons[protocol] : NULL;
    }
    return known ? snapshot->sources[protocol] : PH_SOURCE_UNAVAILABLE;
}

unsigned ph_snapshot_protocols(const struct ph_snapshot *snapshot)
{
    return snapshot->protocols;
}

void ph_snapshot_ephemeral_ports(const struct ph_snapshot *snapshot, uint16_t *ret_first,
                                 uint16_t *ret_last)
{
    *ret_first = snapshot->ephemeral.first;
    *ret_last = snapshot->ephemeral.last;
}

size_t ph_snapshot_count(const struct ph_snapshot *snapshot)
{
    return snapshot->rows.count;
}

const struct ph_socket *ph_snapshot_at(const struct ph_snapshot *snapshot, size_t index)
{
    return index < snapshot->rows.count ? &snapshot->rows.items[index] : NULL;
}

size_t ph_snapshot_state_count(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                               enum ph_state state)
{
    if ((unsigned)protocol >= PH_PROTOCOL_COUNT || (unsigned)state >= PH_STATE_COUNT) {
        return 0;
    }
    return snapshot->state_counts[protocol][state];
}

size_t ph__snapshot_protocol_count(const struct ph_snapshot *snapshot, enum ph_protocol protocol)
{
    size_t count = 0;
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        count += snapshot->state_counts[protocol][i];
    }
    return count;
}

const struct ph_socket *ph_snapshot_peer(const struct ph_snapshot *snapshot,
                                         const struct ph_socket *socket)
{
    return socket->peer < 0 ? NULL : ph_snapshot_at(snapshot, (size_t)socket->peer);
}

const char *ph_snapshot_user(const struct ph_snapshot *snapshot, uint32_t uid)
{
    return ph__lookup_name(&snapshot->names->users, uid);
}

const char *ph_snapshot_interface(const struct ph_snapshot *snapshot, uint32_t index)
{
    return index == 0 ? NULL : ph__lookup_name(&snapshot->names->interfaces, index);
}

const char *ph__snapshot_service(const struct ph_snapshot *snapshot, enum ph_protocol protocol,
                                 uint16_t port)
{
    uint32_t number = protocol == PH_PROTOCOL_UDP ? port + (uint32_t)PH__LOOKUP_UDP : port;
    return ph__lookup_name(&snapshot->names->services, number);
}
