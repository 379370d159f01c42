/* SPDX-License-Identifier: MIT
 *
 * A thread that steps a watch once a second and publishes what it tells, as long as somebody
 * listens.
 */
#include "status/collector.h"

#include <porthole/watch.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { STEP_MS = 1000, MEMORY_MAX = 1 << 20 };

struct ph__collector {
    struct ph_doctor *doctor;
    struct ph_channel *channel;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread; /* started and not joined */
    bool runs;       /* the thread will look at `wanted` again */
    bool wanted;     /* somebody listens */
    bool freeing;
};

static int publish(void *user, const struct ph_event *event)
{
    struct ph__collector *collector = user;
    return ph_channel_publish(collector->channel, ph_event_name(event->type), event->json,
                              event->json_size);
}

/* With the lock held: waits for the next second, or until nobody listens any more. */
static void wait_for_next(struct ph__collector *collector)
{
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    due.tv_sec += STEP_MS / 1000;
    while (collector->wanted &&
           pthread_cond_timedwait(&collector->changed, &collector->lock, &due) != ETIMEDOUT) {
    }
}

/* A step that fails is tried again: what was missed is told then, since the looks are compared. */
static void *run(void *user)
{
    struct ph__collector *collector = user;
    struct ph_watch *watch = NULL;
    pthread_mutex_lock(&collector->lock);
    while (collector->wanted) {
        pthread_mutex_unlock(&collector->lock);
        if (watch || ph_watch_new(&watch, collector->doctor) == 0) {
            int err = ph_watch_step(watch, STEP_MS / 2, publish, collector);
            (void)err;
        }
        pthread_mutex_lock(&collector->lock);
        wait_for_next(collector);
    }
    collector->runs = false;
    pthread_mutex_unlock(&collector->lock);
    ph_watch_free(watch);
    return NULL;
}

/* With the lock held: starts the thread unless it runs. One that has ended is taken back first,
 * which does not take long. Where none can be started, the next who comes tries again. */
static void need_thread(struct ph__collector *collector)
{
    if (collector->runs) {
        return;
    }
    if (collector->has_thread) {
        pthread_join(collector->thread, NULL);
    }
    collector->has_thread = pthread_create(&collector->thread, NULL, run, collector) == 0;
    collector->runs = collector->has_thread;
}

static void note_subscribers(struct ph_channel *channel, void *user)
{
    struct ph__collector *collector = user;
    pthread_mutex_lock(&collector->lock);
    collector->wanted = !collector->freeing && ph_channel_subscribers(channel) > 0;
    if (collector->wanted) {
        need_thread(collector);
    }
    pthread_cond_signal(&collector->changed);
    pthread_mutex_unlock(&collector->lock);
}

static bool init(struct ph__collector *collector)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&collector->lock, NULL)) {
        return false;
    }
    bool done = pthread_condattr_init(&attributes) == 0;
    if (done) {
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        done = pthread_cond_init(&collector->changed, &attributes) == 0;
        pthread_condattr_destroy(&attributes);
    }
    if (!done) {
        pthread_mutex_destroy(&collector->lock);
    }
    return done;
}

int ph__collector_new(struct ph__collector **ret_collector, struct ph_doctor *doctor)
{
    struct ph__collector *collector = calloc(1, sizeof *collector);
    if (!collector || !init(collector)) {
        free(collector);
        return -ENOMEM;
    }
    const struct ph_channel_config cfg = {
        .memory_max = MEMORY_MAX, .changed = note_subscribers, .user = collector};
    collector->doctor = doctor;
    int err = ph_channel_new(&collector->channel, &cfg);
    if (err < 0) {
        ph__collector_free(collector);
        return err;
    }
    *ret_collector = collector;
    return 0;
}

void ph__collector_free(struct ph__collector *collector)
{
    if (!collector) {
        return;
    }
    pthread_mutex_lock(&collector->lock);
    collector->freeing = true;
    collector->wanted = false;
    pthread_cond_signal(&collector->changed);
    pthread_mutex_unlock(&collector->lock);
    if (collector->has_thread) {
        pthread_join(collector->thread, NULL);
    }
    ph_channel_free(collector->channel); /* after which it is not called any more */
    pthread_cond_destroy(&collector->changed);
    pthread_mutex_destroy(&collector->lock);
    free(collector);
}

struct ph_channel *ph__collector_channel(struct ph__collector *collector)
{
    return collector->channel;
}
