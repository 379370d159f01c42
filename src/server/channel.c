/* SPDX-License-Identifier: MIT
 *
 * A channel: its memory, and how events get into it. What comes out is in subscriber.c.
 */
#include "server/channel.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEMORY_MAX = 256 * 1024,
    MEMORY_LEAST = 4096,
    EVENTS_MAX = 4096,
    EVENTS_MOST = 1 << 20,
    RETRY_MS = 2000
};

/* ---- memory ---- */

void ph__channel_drop_event(struct ph__channel_event *event)
{
    if (event && --event->holders == 0) {
        free(event);
    }
}

struct ph__channel_event **ph__channel_slot(const struct ph_channel *channel, uint64_t number)
{
    return &channel->ring[number % channel->cfg.events_max];
}

static void drop_first(struct ph_channel *channel)
{
    struct ph__channel_event **oldest = ph__channel_slot(channel, channel->first++);
    channel->bytes -= (*oldest)->size;
    ph__channel_drop_event(*oldest);
    *oldest = NULL;
}

void ph__channel_let_go(struct ph_channel *channel)
{
    bool last = --channel->holders == 0;
    pthread_mutex_unlock(&channel->lock);
    if (!last) {
        return;
    }
    while (channel->first < channel->next) {
        drop_first(channel);
    }
    pthread_mutex_destroy(&channel->lock);
    pthread_mutex_destroy(&channel->calling);
    free(channel->ring);
    free(channel);
}

static struct ph_channel *alloc_channel(unsigned events_max)
{
    struct ph_channel *channel = calloc(1, sizeof *channel);
    struct ph__channel_event **ring = calloc(events_max, sizeof *ring);
    bool has_lock = channel && ring && pthread_mutex_init(&channel->lock, NULL) == 0;
    if (!has_lock || pthread_mutex_init(&channel->calling, NULL)) {
        if (has_lock) {
            pthread_mutex_destroy(&channel->lock);
        }
        free(channel);
        free(ring);
        return NULL;
    }
    channel->ring = ring;
    return channel;
}

int ph_channel_new_sized(struct ph_channel **ret_channel, const struct ph_channel_config *cfg,
                         size_t cfg_size)
{
    struct ph_channel_config known = {0};
    if (cfg) {
        memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    }
    known.memory_max = known.memory_max ? known.memory_max : MEMORY_MAX;
    known.events_max = known.events_max ? known.events_max : EVENTS_MAX;
    known.retry_ms = known.retry_ms ? known.retry_ms : RETRY_MS;
    if (known.memory_max < MEMORY_LEAST || known.events_max > EVENTS_MOST) {
        return -EINVAL;
    }
    struct ph_channel *channel = alloc_channel(known.events_max);
    if (!channel) {
        return -ENOMEM;
    }
    channel->cfg = known;
    channel->changed = known.changed;
    channel->holders = 1;
    channel->origin = ph__clock_unix_ms();
    *ret_channel = channel;
    return 0;
}

void ph_channel_free(struct ph_channel *channel)
{
    if (!channel) {
        return;
    }
    pthread_mutex_lock(&channel->calling);
    channel->changed = NULL;
    pthread_mutex_unlock(&channel->calling);
    pthread_mutex_lock(&channel->lock);
    channel->closed = true;
    for (struct ph__subscriber *each = channel->subscribers; each; each = each->next) {
        ph_waker_wake(each->waker);
    }
    ph__channel_let_go(channel);
}

/* ---- publishing ---- */

static bool is_type(const char *type)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t size = strlen(type);
    return size > 0 && size <= PH__EVENT_TYPE_MAX && strspn(type, allowed) == size;
}

/* A line ends in CR LF, LF or CR. Returns the next line's beginning, or NULL behind the last. */
static const char *line_end(const char *line, const char *end, size_t *ret_size)
{
    const char *at = line;
    while (at < end && *at != '\n' && *at != '\r') {
        at++;
    }
    *ret_size = (size_t)(at - line);
    if (at == end) {
        return NULL;
    }
    return at + (*at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1);
}

/* Writes "data: " lines to `to`, or only counts when that is NULL. */
static size_t put_data(char *to, const char *data, size_t size)
{
    static const char field[] = "data: ";
    const char *end = data + size;
    size_t total = 0;
    for (const char *line = data; line;) {
        size_t length;
        const char *next = line_end(line, end, &length);
        if (to) {
            memcpy(to + total, field, sizeof field - 1);
            memcpy(to + total + sizeof field - 1, line, length);
            to[total + sizeof field - 1 + length] = '\n';
        }
        total += sizeof field - 1 + length + 1;
        line = next;
    }
    return total;
}

/* Makes an event but for its id, for which there is room in front. */
static struct ph__channel_event *make_event(const char *type, const char *data, size_t size,
                                            const char *id_line)
{
    char head[PH__EVENT_NOTE_MAX + PH__EVENT_TYPE_MAX];
    int head_size = snprintf(head, sizeof head, "%sevent: %s\n", id_line, type);
    size_t data_size = data ? put_data(NULL, data, size) : 0;
    size_t total = (size_t)head_size + data_size + 1;
    struct ph__channel_event *event = malloc(sizeof *event + total);
    if (!event) {
        return NULL;
    }
    event->holders = 1;
    event->size = total;
    memcpy(event->type, type, strlen(type) + 1);
    memcpy(event->text, head, (size_t)head_size);
    if (data) {
        put_data(event->text + head_size, data, size);
    }
    event->text[total - 1] = '\n';
    return event;
}

/* With the lock held: puts the event into the ring, and wakes those who want it. */
static void keep(struct ph_channel *channel, struct ph__channel_event *event)
{
    while (channel->next > channel->first &&
           (channel->next - channel->first == channel->cfg.events_max ||
            channel->bytes + event->size > channel->cfg.memory_max)) {
        drop_first(channel);
    }
    *ph__channel_slot(channel, channel->next++) = event;
    channel->bytes += event->size;
    for (struct ph__subscriber *each = channel->subscribers; each; each = each->next) {
        if (ph__subscriber_wants(each, event->type)) {
            ph_waker_wake(each->waker);
        }
    }
}

int ph_channel_publish(struct ph_channel *channel, const char *type, const char *data, size_t size)
{
    type = type ? type : "message";
    if (!is_type(type)) {
        return -EINVAL;
    }
    if (size > channel->cfg.memory_max) {
        return -EMSGSIZE;
    }
    pthread_mutex_lock(&channel->lock);
    char id[PH__EVENT_NOTE_MAX];
    snprintf(id, sizeof id, "id: %" PRIx64 "-%" PRIu64 "\n", channel->origin, channel->next);
    struct ph__channel_event *event = make_event(type, data, size, id);
    int err = !event ? -ENOMEM : event->size > channel->cfg.memory_max ? -EMSGSIZE : 0;
    if (err == 0) {
        keep(channel, event);
    } else {
        free(event);
    }
    pthread_mutex_unlock(&channel->lock);
    return err;
}
