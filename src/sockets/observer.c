/* SPDX-License-Identifier: MIT
 *
 * The observer: at most one snapshot is being taken at a time, and it is shared.
 *
 * Snapshots are numbered as they begin. Who asks notes the last number; a snapshot with a higher
 * one began after the question. The clock alone could not tell, for two may begin in one tick.
 *
 * Who needs few protocols can share a snapshot that has more, but not the other way round. So two
 * are kept: the last whole one, and the last one if that had less.
 */
#include "sockets/observer.h"

#include "base/clock.h"
#include "sockets/snapshot.h"
#include "sockets/tcp_table.h"
#include "sockets/thread.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_SOCKETS_MAX = 4 * 1000 * 1000,
    DEFAULT_SNAPSHOTS_MAX = 16,
    DEFAULT_OWNERS_KEPT_MAX = 500 * 1000,
    FEW_SOCKETS = 1000,
    LARGE_ROWS = 4096,
    KEPT_LARGE_US = 10 * 1000 * 1000
};

struct ph_sockets {
    struct ph_sockets_config cfg;
    char *proc_root;         /* owned */
    struct ph__tally *tally; /* owned together with the snapshots */
    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t finished; /* a snapshot has been taken, or not */
    bool taking;
    unsigned waiting;          /* those who wait for it */
    uint64_t begun;            /* number of the last snapshot that began */
    struct ph_snapshot *whole; /* a reference, or NULL */
    struct ph_snapshot *part;  /* a reference to a later one with fewer protocols, or NULL */
    uint64_t failed;           /* number of the last snapshot that failed */
    unsigned failed_protocols; /* what was asked of that one */
    int error;                 /* and what came of it */
    size_t expected[PH_PROTOCOL_COUNT]; /* how many sockets there were the last time */
    struct ph__cut cut;                 /* the middle of those of TCP */
    pthread_t tidier;                   /* gives back what nobody has asked for in a while */
    bool tidier_started;                /* and has not been joined */
    bool tidier_ended;                  /* or is about to */
    bool ending;                        /* the observer is being freed */
    pthread_cond_t tidy;                /* that it is */
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
    sockets->tally = ph__tally_new();
    if (!sockets->proc_root || !sockets->tally) {
        free(sockets->proc_root);
        ph__tally_drop(sockets->tally);
        free(sockets);
        return -ENOMEM;
    }
    memcpy(sockets->proc_root, proc_root, length + 1);
    sockets->cfg.proc_root = sockets->proc_root;
    if (sockets->cfg.sockets_max == 0) {
        sockets->cfg.sockets_max = DEFAULT_SOCKETS_MAX;
    }
    if (sockets->cfg.owners_kept_max == 0) {
        sockets->cfg.owners_kept_max = DEFAULT_OWNERS_KEPT_MAX;
    }
    if (sockets->cfg.threads_max == 0) {
        sockets->cfg.threads_max = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
    }
    if (sockets->cfg.snapshots_max == 0) {
        sockets->cfg.snapshots_max = DEFAULT_SNAPSHOTS_MAX;
    }
    pthread_mutex_init(&sockets->lock, NULL);
    pthread_cond_init(&sockets->finished, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sockets->tidy, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret_sockets = sockets;
    return 0;
}

void ph_sockets_free(struct ph_sockets *sockets)
{
    if (!sockets) {
        return;
    }
    pthread_mutex_lock(&sockets->lock);
    sockets->ending = true;
    pthread_cond_signal(&sockets->tidy);
    pthread_mutex_unlock(&sockets->lock);
    if (sockets->tidier_started) {
        pthread_join(sockets->tidier, NULL); /* before what it looks at is gone */
    }
    ph_snapshot_unref(sockets->whole);
    ph_snapshot_unref(sockets->part);
    pthread_cond_destroy(&sockets->tidy);
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

/* What is enough of the protocols that may have many sockets; NULL: all. */
struct narrowings {
    const struct ph__narrowing *tcp;
    const struct ph__narrowing *udp;
};

/* What somebody asks for. */
struct question {
    unsigned protocols;
    struct narrowings narrowings;
    uint64_t asked; /* number of the last snapshot that had begun by then */
    unsigned max_age_ms;
};

static bool has_all(unsigned protocols, unsigned wanted)
{
    return (protocols & wanted) == wanted;
}

static bool will_do(const struct ph_snapshot *snapshot, const struct question *question)
{
    if (!snapshot || !has_all(snapshot->protocols, question->protocols)) {
        return false;
    }
    return snapshot->sequence > question->asked ||
           (question->max_age_ms > 0 &&
            ph__clock_us() - snapshot->taken_us <= question->max_age_ms * UINT64_C(1000));
}

/* The one of those kept that will do, or NULL. With the lock held, as all that follows. */
static struct ph_snapshot *find_kept(const struct ph_sockets *sockets,
                                     const struct question *question)
{
    if (will_do(sockets->part, question)) {
        return sockets->part;
    }
    return will_do(sockets->whole, question) ? sockets->whole : NULL;
}

/* Acquires what others released: they have read their rows before these are written anew. */
static unsigned held_by_us_alone(const struct ph_snapshot *snapshot)
{
    return snapshot && atomic_load_explicit(&snapshot->references, memory_order_acquire) == 1;
}

static bool is_large(const struct ph_snapshot *snapshot)
{
    return snapshot && snapshot->rows.count >= LARGE_ROWS;
}

/* Lets go of a kept snapshot that is large and old. @return when that is to be done, by the
 * monotonic clock; `next` when there is none, or it is later. */
static uint64_t tidy_kept(struct ph_snapshot **kept, uint64_t next)
{
    if (!is_large(*kept)) {
        return next;
    }
    uint64_t now = ph__clock_us();
    uint64_t due = (*kept)->taken_us + KEPT_LARGE_US;
    if (due <= now && held_by_us_alone(*kept)) {
        ph_snapshot_unref(*kept);
        *kept = NULL;
        return next;
    }
    /* While others hold it, to let it go gives nothing back. */
    due = due <= now ? now + KEPT_LARGE_US : due;
    return due < next ? due : next;
}

/* What was freed in the arenas of other threads stays with the process else. */
static void trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* Fits ph__thread_start(). Ends when nothing large is kept any more. */
static void *tidy(void *user)
{
    struct ph_sockets *sockets = user;
    pthread_mutex_lock(&sockets->lock);
    while (!sockets->ending) {
        uint64_t due = tidy_kept(&sockets->part, tidy_kept(&sockets->whole, UINT64_MAX));
        if (due == UINT64_MAX) {
            break;
        }
        const struct timespec until = {.tv_sec = (time_t)(due / 1000000),
                                       .tv_nsec = (long)(due % 1000000) * 1000};
        pthread_cond_timedwait(&sockets->tidy, &sockets->lock, &until);
    }
    bool ending = sockets->ending;
    sockets->tidier_ended = true;
    pthread_mutex_unlock(&sockets->lock);
    if (!ending) {
        struct ph__holders holders = ph__tally_take_holders(sockets->tally);
        ph__holders_done(&holders);
        trim();
    }
    return NULL;
}

/* Without a thread to be had they are kept until the next one. */
static void start_tidier(struct ph_sockets *sockets)
{
    if (sockets->cfg.threads_max < 2 || (sockets->tidier_started && !sockets->tidier_ended)) {
        return;
    }
    if (sockets->tidier_started) {
        pthread_join(sockets->tidier, NULL); /* has nothing to do any more that needs the lock */
    }
    sockets->tidier_ended = false;
    sockets->tidier_started = ph__thread_start(&sockets->tidier, tidy, sockets);
}

/* A whole one takes the place of both: it is later, and has more. */
static void keep(struct ph_sockets *sockets, struct ph_snapshot *snapshot)
{
    ph_snapshot_unref(sockets->part);
    sockets->part = NULL;
    if (snapshot->protocols == PH_PROTOCOLS_ALL) {
        ph_snapshot_unref(sockets->whole);
        sockets->whole = snapshot;
    } else {
        sockets->part = snapshot;
    }
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        if (snapshot->protocols & PH_PROTOCOL_BIT(i)) {
            sockets->expected[i] = ph__snapshot_protocol_count(snapshot, (enum ph_protocol)i);
        }
    }
    if (snapshot->protocols & PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) && sockets->cfg.threads_max > 1) {
        sockets->cut = ph__tcp_table_cut(&snapshot->rows);
    }
    if (is_large(snapshot)) {
        start_tidier(sockets);
    }
}

/* Gives up the one that the next will replace, if nobody else holds it. Its memory is wanted for
 * the next: so there are never two, and the kernel need not clear as many pages again. */
static struct ph_snapshot *give_up(struct ph_sockets *sockets, unsigned protocols)
{
    struct ph_snapshot **replaced =
        protocols == PH_PROTOCOLS_ALL ? &sockets->whole : &sockets->part;
    struct ph_snapshot *old = *replaced;
    if (!held_by_us_alone(old)) {
        return NULL;
    }
    *replaced = NULL;
    return old;
}

/* A snapshot that has been taken: from here on it counts among those that are held. */
static void enter(struct ph_sockets *sockets, struct ph_snapshot *snapshot, uint64_t sequence)
{
    snapshot->sequence = sequence;
    snapshot->tally = sockets->tally;
    atomic_fetch_add_explicit(&sockets->tally->count, 1, memory_order_relaxed);
}

/* Takes one, unlocked meanwhile. Nobody else is taking. */
static void take_next(struct ph_sockets *sockets, unsigned protocols)
{
    struct ph_snapshot *old = give_up(sockets, protocols);
    struct ph__snapshot_wish wish = {
        .protocols = protocols, .cut = sockets->cut, .spare = old ? &old->rows : NULL};
    memcpy(wish.expected, sockets->expected, sizeof wish.expected);
    sockets->taking = true;
    uint64_t sequence = ++sockets->begun;
    pthread_mutex_unlock(&sockets->lock);

    struct ph_snapshot *snapshot = NULL;
    int err = ph__snapshot_take(&snapshot, &sockets->cfg, &wish);
    ph_snapshot_unref(old);

    pthread_mutex_lock(&sockets->lock);
    sockets->taking = false;
    if (err == 0) {
        enter(sockets, snapshot, sequence);
        keep(sockets, snapshot);
    } else {
        sockets->failed = sequence;
        sockets->failed_protocols = protocols;
        sockets->error = err;
    }
    pthread_cond_broadcast(&sockets->finished);
}

/* Takes one for who asks alone, unlocked meanwhile. @return 0, and the only reference. */
static int take_narrowed(struct ph_sockets *sockets, const struct question *question,
                         struct ph_snapshot **ret_snapshot)
{
    struct ph__snapshot_wish wish = {.protocols = question->protocols,
                                     .cut = sockets->cut,
                                     .tcp = question->narrowings.tcp,
                                     .udp = question->narrowings.udp};
    memcpy(wish.expected, sockets->expected, sizeof wish.expected);
    sockets->taking = true;
    uint64_t sequence = ++sockets->begun;
    pthread_mutex_unlock(&sockets->lock);

    struct ph_snapshot *snapshot = NULL;
    int err = ph__snapshot_take(&snapshot, &sockets->cfg, &wish);

    pthread_mutex_lock(&sockets->lock);
    sockets->taking = false;
    if (err == 0) {
        enter(sockets, snapshot, sequence);
        *ret_snapshot = snapshot;
    }
    pthread_cond_broadcast(&sockets->finished);
    return err;
}

/* Those that are kept make room for the next, unless others hold them too. */
static bool too_many_held(const struct ph_sockets *sockets)
{
    unsigned held = atomic_load_explicit(&sockets->tally->count, memory_order_relaxed) - 1;
    unsigned only_ours = held_by_us_alone(sockets->whole) + held_by_us_alone(sockets->part);
    return held - only_ours >= sockets->cfg.snapshots_max;
}

/* Few sockets cost little, and a snapshot that has them all serves others, too. */
static bool are_few(const struct ph_sockets *sockets)
{
    size_t count = sockets->expected[PH_PROTOCOL_TCP] + sockets->expected[PH_PROTOCOL_UDP];
    return count > 0 && count < FEW_SOCKETS;
}

static bool is_for_one(const struct ph_sockets *sockets, const struct question *question)
{
    return (question->narrowings.tcp || question->narrowings.udp) && sockets->waiting == 0 &&
           !are_few(sockets);
}

/* One step towards a snapshot. @return 0, and *ret_snapshot where it is there. */
static int advance(struct ph_sockets *sockets, const struct question *question,
                   struct ph_snapshot **ret_snapshot)
{
    struct ph_snapshot *kept = find_kept(sockets, question);
    if (kept) {
        *ret_snapshot = ph_snapshot_ref(kept);
        return 0;
    }
    if (sockets->failed > question->asked &&
        has_all(sockets->failed_protocols, question->protocols)) {
        return sockets->error; /* what happened to the one that we would have shared */
    }
    if (sockets->taking) {
        sockets->waiting++;
        pthread_cond_wait(&sockets->finished, &sockets->lock);
        sockets->waiting--;
        return 0;
    }
    if (too_many_held(sockets)) {
        return -EBUSY;
    }
    if (is_for_one(sockets, question)) {
        return take_narrowed(sockets, question, ret_snapshot);
    }
    take_next(sockets, question->protocols);
    return 0;
}

static int answer(struct ph_sockets *sockets, struct question *question,
                  struct ph_snapshot **ret_snapshot)
{
    struct ph_snapshot *snapshot = NULL;
    int err = 0;
    question->protocols &= PH_PROTOCOLS_ALL;
    if (question->protocols == 0) {
        question->protocols = PH_PROTOCOLS_ALL;
    }
    pthread_mutex_lock(&sockets->lock);
    question->asked = sockets->begun;
    while (!snapshot && err == 0) {
        err = advance(sockets, question, &snapshot);
    }
    pthread_mutex_unlock(&sockets->lock);
    if (err == 0) {
        *ret_snapshot = snapshot;
    }
    return err;
}

int ph_sockets_snapshot_of(struct ph_sockets *sockets, unsigned protocols, unsigned max_age_ms,
                           struct ph_snapshot **ret_snapshot)
{
    struct question question = {.protocols = protocols, .max_age_ms = max_age_ms};
    return answer(sockets, &question, ret_snapshot);
}

int ph_sockets_snapshot_matching(struct ph_sockets *sockets, const struct ph_filter *filter,
                                 unsigned protocols, bool joined, unsigned max_age_ms,
                                 struct ph_snapshot **ret_snapshot)
{
    struct question question = {.protocols = protocols, .max_age_ms = max_age_ms};
    struct ph__narrowing *narrowings = malloc(2 * sizeof *narrowings);
    if (!narrowings) {
        return -ENOMEM;
    }
    unsigned all = protocols ? protocols : PH_PROTOCOLS_ALL;
    if (all & PH_PROTOCOL_BIT(PH_PROTOCOL_TCP) &&
        ph__narrow(filter, PH_PROTOCOL_TCP, joined, &narrowings[0])) {
        question.narrowings.tcp = &narrowings[0];
    }
    if (all & PH_PROTOCOL_BIT(PH_PROTOCOL_UDP) &&
        ph__narrow(filter, PH_PROTOCOL_UDP, joined, &narrowings[1])) {
        question.narrowings.udp = &narrowings[1];
    }
    int err = answer(sockets, &question, ret_snapshot);
    free(narrowings);
    return err;
}

int ph_sockets_snapshot(struct ph_sockets *sockets, unsigned max_age_ms,
                        struct ph_snapshot **ret_snapshot)
{
    return ph_sockets_snapshot_of(sockets, PH_PROTOCOLS_ALL, max_age_ms, ret_snapshot);
}
