/* SPDX-License-Identifier: MIT
 *
 * The observer: at most one snapshot is being taken at a time, and it is shared.
 *
 * Snapshots are numbered as they begin. Who asks notes the last number; a snapshot with a higher
 * one began after the question. The clock alone could not tell, for two may begin in one tick.
 */
#include "sockets/observer.h"

#include "base/clock.h"
#include "sockets/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SOCKETS_MAX = 4 * 1000 * 1000, DEFAULT_SNAPSHOTS_MAX = 16 };

struct ph_sockets {
    struct ph_sockets_config cfg;
    char *proc_root;         /* owned */
    struct ph__tally *tally; /* owned together with the snapshots */
    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t finished; /* a snapshot has been taken, or not */
    bool taking;
    uint64_t begun;             /* number of the last snapshot that began */
    struct ph_snapshot *latest; /* a reference, or NULL */
    uint64_t failed;            /* number of the last snapshot that failed */
    int error;                  /* of that one */
};

int ph_sockets_new_sized(struct ph_sockets **ret_sockets, const struct ph_sockets_config *cfg,
                         size_t cfg_size)
{
    struct ph_sockets *sockets = calloc(1, sizeof *sockets);
    if (!sockets) {
        return -ENOMEM;
    }
    if (cfg) {
        size_t known = cfg_size < sizeof sockets->cfg ? cfg_size : sizeof sockets->cfg;
        memcpy(&sockets->cfg, cfg, known);
    }
    const char *proc_root = sockets->cfg.proc_root ? sockets->cfg.proc_root : "/proc";
    size_t length = strlen(proc_root);
    sockets->proc_root = malloc(length + 1);
    sockets->tally = malloc(sizeof *sockets->tally);
    if (!sockets->proc_root || !sockets->tally) {
        free(sockets->proc_root);
        free(sockets->tally);
        free(sockets);
        return -ENOMEM;
    }
    atomic_init(&sockets->tally->count, 1);
    memcpy(sockets->proc_root, proc_root, length + 1);
    sockets->cfg.proc_root = sockets->proc_root;
    if (sockets->cfg.sockets_max == 0) {
        sockets->cfg.sockets_max = DEFAULT_SOCKETS_MAX;
    }
    if (sockets->cfg.snapshots_max == 0) {
        sockets->cfg.snapshots_max = DEFAULT_SNAPSHOTS_MAX;
    }
    pthread_mutex_init(&sockets->lock, NULL);
    pthread_cond_init(&sockets->finished, NULL);
    *ret_sockets = sockets;
    return 0;
}

void ph_sockets_free(struct ph_sockets *sockets)
{
    if (!sockets) {
        return;
    }
    ph_snapshot_unref(sockets->latest);
    pthread_cond_destroy(&sockets->finished);
    pthread_mutex_destroy(&sockets->lock);
    ph__tally_drop(sockets->tally);
    free(sockets->proc_root);
    free(sockets);
}

const char *ph__sockets_proc_root(const struct ph_sockets *sockets)
{
    return sockets->proc_root;
}

static bool will_do(const struct ph_snapshot *snapshot, uint64_t asked, unsigned max_age_ms)
{
    if (!snapshot) {
        return false;
    }
    return snapshot->sequence > asked ||
           (max_age_ms > 0 && ph__clock_us() - snapshot->taken_us <= max_age_ms * UINT64_C(1000));
}

/* Takes one, unlocked meanwhile. The caller holds the lock, and nobody else is taking. */
static void take_next(struct ph_sockets *sockets)
{
    sockets->taking = true;
    uint64_t sequence = ++sockets->begun;
    pthread_mutex_unlock(&sockets->lock);

    struct ph_snapshot *snapshot = NULL;
    int err = ph__snapshot_take(&snapshot, &sockets->cfg);

    pthread_mutex_lock(&sockets->lock);
    sockets->taking = false;
    struct ph_snapshot *old = NULL;
    if (err == 0) {
        snapshot->sequence = sequence;
        snapshot->tally = sockets->tally;
        atomic_fetch_add_explicit(&sockets->tally->count, 1, memory_order_relaxed);
        old = sockets->latest;
        sockets->latest = snapshot;
    } else {
        sockets->failed = sequence;
        sockets->error = err;
    }
    pthread_cond_broadcast(&sockets->finished);
    ph_snapshot_unref(old);
}

/* The latest one makes room for the next, unless others hold it too. With the lock held. */
static bool too_many_held(const struct ph_sockets *sockets)
{
    unsigned held = atomic_load_explicit(&sockets->tally->count, memory_order_relaxed) - 1;
    const struct ph_snapshot *latest = sockets->latest;
    bool only_ours = latest && atomic_load_explicit(&latest->references, memory_order_relaxed) == 1;
    return held - only_ours >= sockets->cfg.snapshots_max;
}

int ph_sockets_snapshot(struct ph_sockets *sockets, unsigned max_age_ms,
                        struct ph_snapshot **ret_snapshot)
{
    int err = 0;
    pthread_mutex_lock(&sockets->lock);
    uint64_t asked = sockets->begun;
    while (!will_do(sockets->latest, asked, max_age_ms) && err == 0) {
        if (sockets->failed > asked) {
            err = sockets->error; /* what happened to the one that we would have shared */
        } else if (sockets->taking) {
            pthread_cond_wait(&sockets->finished, &sockets->lock);
        } else if (too_many_held(sockets)) {
            err = -EBUSY;
        } else {
            take_next(sockets);
        }
    }
    if (err == 0) {
        *ret_snapshot = ph_snapshot_ref(sockets->latest);
    }
    pthread_mutex_unlock(&sockets->lock);
    return err;
}
