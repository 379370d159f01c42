/* SPDX-License-Identifier: MIT
 *
 * A subscriber of a channel: the generator of one reply.
 */
#include "base/clock.h"
#include "server/channel.h"

#include <porthole/server.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ph__subscriber_wants(const struct ph__subscriber *subscriber, const char *type)
{
    const char *at = subscriber->types;
    size_t size = strlen(type);
    if (!*at) {
        return true;
    }
    while (at) {
        size_t length = strcspn(at, ",");
        if (length == size && memcmp(at, type, size) == 0) {
            return true;
        }
        at = at[length] ? at + length + 1 : NULL;
    }
    return false;
}

static void note_lost(struct ph__subscriber *subscriber, uint64_t lost)
{
    snprintf(subscriber->note, sizeof subscriber->note,
             "event: lost\ndata: {\"lost\":%" PRIu64 "}\n\n", lost);
}

/* With the lock held: finds what is to be sent next, the rest of an event first. Returns whether
 * there is any. */
static bool find_next(struct ph__subscriber *subscriber)
{
    struct ph_channel *channel = subscriber->channel;
    if (subscriber->event) {
        return true; /* a note would come in the middle of it */
    }
    if (!subscriber->note[0] && subscriber->position < channel->first) {
        note_lost(subscriber, channel->first - subscriber->position);
        subscriber->position = channel->first;
    }
    if (subscriber->note[0]) {
        return true;
    }
    while (subscriber->position < channel->next) {
        struct ph__channel_event *event = *ph__channel_slot(channel, subscriber->position++);
        if (ph__subscriber_wants(subscriber, event->type)) {
            event->holders++;
            subscriber->event = event;
            subscriber->sent = 0;
            return true;
        }
    }
    return false;
}

/* With the lock held: writes as much of the event as fits, or else the note. */
static size_t put_next(struct ph__subscriber *subscriber, char *to, size_t room)
{
    struct ph__channel_event *event = subscriber->event;
    if (!event) {
        size_t size = strlen(subscriber->note);
        memcpy(to, subscriber->note, size);
        subscriber->note[0] = '\0';
        return size;
    }
    size_t left = event->size - subscriber->sent;
    size_t size = left < room ? left : room;
    memcpy(to, event->text + subscriber->sent, size);
    subscriber->sent += size;
    if (subscriber->sent == event->size) {
        ph__channel_drop_event(event);
        subscriber->event = NULL;
    }
    return size;
}

/* With the lock held. */
static ssize_t fill(struct ph__subscriber *subscriber, char *buffer, size_t size)
{
    size_t made = 0;
    bool ends = subscriber->channel->closed || ph_server_stopping(subscriber->server);
    while (size - made >= PH__EVENT_NOTE_MAX && (!ends || subscriber->event) &&
           find_next(subscriber)) {
        made += put_next(subscriber, buffer + made, size - made);
    }
    uint64_t now_us = ph__clock_us();
    if (made == 0 && !ends && now_us - subscriber->spoke_us >= subscriber->quiet_us / 2) {
        memcpy(buffer, ":\n\n", 3); /* proxies close what is silent for long */
        made = 3;
    }
    if (made > 0) {
        subscriber->spoke_us = now_us;
    }
    return made > 0 ? (ssize_t)made : ends ? 0 : -EAGAIN;
}

static ssize_t generate(void *user, char *buffer, size_t size)
{
    struct ph__subscriber *subscriber = user;
    struct ph_channel *channel = subscriber->channel;
    pthread_mutex_lock(&channel->lock);
    ssize_t made = fill(subscriber, buffer, size);
    pthread_mutex_unlock(&channel->lock);
    return made;
}

static void tell_changed(struct ph_channel *channel)
{
    pthread_mutex_lock(&channel->calling);
    if (channel->changed) {
        channel->changed(channel, channel->cfg.user);
    }
    pthread_mutex_unlock(&channel->calling);
}

/* With the lock held: takes back one hold of a subscriber, and unlocks. */
static void let_go_subscriber(struct ph__subscriber *subscriber)
{
    struct ph_channel *channel = subscriber->channel;
    if (--subscriber->holders > 0) {
        pthread_mutex_unlock(&channel->lock);
        return;
    }
    ph__channel_drop_event(subscriber->event);
    ph_waker_free(subscriber->waker);
    free(subscriber);
    ph__channel_let_go(channel);
}

/* The reply has ended. */
static void leave(void *user)
{
    struct ph__subscriber *subscriber = user;
    struct ph_channel *channel = subscriber->channel;
    pthread_mutex_lock(&channel->lock);
    bool joined = subscriber->link;
    if (joined) {
        *subscriber->link = subscriber->next;
        if (subscriber->next) {
            subscriber->next->link = subscriber->link;
        }
        subscriber->link = NULL;
        channel->subscriber_count--;
    }
    subscriber->left = true;
    pthread_mutex_unlock(&channel->lock);
    if (joined) {
        tell_changed(channel);
    }
    pthread_mutex_lock(&channel->lock);
    let_go_subscriber(subscriber);
}

/* With the lock held: where a client goes on who knows the event `last`; NULL: he knows none. */
static void set_position(struct ph__subscriber *subscriber, const char *last)
{
    const struct ph_channel *channel = subscriber->channel;
    uint64_t origin;
    uint64_t number;
    char behind;
    char *note = subscriber->note;
    note += snprintf(note, PH__EVENT_NOTE_MAX, "retry: %u\n\n", channel->cfg.retry_ms);
    subscriber->position = channel->next;
    if (!last) {
        return;
    }
    bool ours = sscanf(last, "%" SCNx64 "-%" SCNu64 "%c", &origin, &number, &behind) == 2 &&
                origin == channel->origin && number < channel->next;
    if (ours) {
        subscriber->position = number + 1;
    } else {
        stpcpy(note, "event: lost\ndata: {\"lost\":null}\n\n");
    }
}

/* From here on it receives, unless the reply has ended already: to HEAD. */
static void join(struct ph__subscriber *subscriber, const char *last)
{
    struct ph_channel *channel = subscriber->channel;
    pthread_mutex_lock(&channel->lock);
    bool joins = !subscriber->left;
    if (joins) {
        set_position(subscriber, last);
        subscriber->next = channel->subscribers;
        subscriber->link = &channel->subscribers;
        if (subscriber->next) {
            subscriber->next->link = &subscriber->next;
        }
        channel->subscribers = subscriber;
        channel->subscriber_count++;
    }
    pthread_mutex_unlock(&channel->lock);
    if (joins) {
        tell_changed(channel);
    }
}

static struct ph__subscriber *new_subscriber(struct ph_channel *channel, struct ph_request *req,
                                             const char *types)
{
    struct ph__subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber) {
        return NULL;
    }
    subscriber->holders = 2;
    subscriber->channel = channel;
    subscriber->server = ph_request_server(req);
    subscriber->quiet_us = (uint64_t)ph_server_config(subscriber->server)->quiet_ms * 1000;
    subscriber->spoke_us = ph__clock_us();
    memcpy(subscriber->types, types, strlen(types) + 1);
    return subscriber;
}

/* Fields that keep caches and proxies from holding events back. */
static int add_fields(struct ph_response *res)
{
    int err = ph_response_header(res, "Cache-Control", "no-store");
    return err < 0 ? err : ph_response_header(res, "X-Accel-Buffering", "no");
}

int ph_channel_subscribe(struct ph_channel *channel, struct ph_request *req,
                         struct ph_response *res, const char *types)
{
    types = types ? types : "";
    if (strlen(types) > PH__EVENT_TYPES_MAX) {
        return -EINVAL;
    }
    struct ph__subscriber *subscriber = new_subscriber(channel, req, types);
    if (!subscriber) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&channel->lock);
    channel->holders++;
    pthread_mutex_unlock(&channel->lock);
    int err = add_fields(res);
    if (err == 0) {
        err = ph_reply_generate_waking(req, res, 200, "text/event-stream", generate, subscriber,
                                       leave, &subscriber->waker);
    }
    if (err == 0) {
        join(subscriber, ph_request_header(req, "Last-Event-ID"));
    } else {
        subscriber->holders--; /* the reply does not have it */
    }
    pthread_mutex_lock(&channel->lock);
    let_go_subscriber(subscriber);
    return err;
}

size_t ph_channel_subscribers(struct ph_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    size_t count = channel->subscriber_count;
    pthread_mutex_unlock(&channel->lock);
    return count;
}
