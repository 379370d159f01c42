/* SPDX-License-Identifier: MIT
 *
 * Bodies that any thread writes: a bounded buffer, and a generator that empties it. Two hold a
 * stream: the program, until it frees it, and the reply, until the body has ended or is cut.
 */
#include <porthole/stream.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MAX = 64 * 1024, BUFFER_FIRST = 4096 };

struct ph_stream {
    /* Held while `drained` is called, so that ph_stream_free() can wait for the end of that.
     * Taken before `lock`. */
    pthread_mutex_t calling;
    void (*drained)(struct ph_stream *stream, void *user);
    void *user;

    pthread_mutex_t lock; /* guards all below */
    unsigned holders;
    struct ph_waker *waker;
    size_t buffer_max;
    char *buffer; /* [from, to) has been written and not been taken yet */
    size_t from, to, capacity;
    bool ended;   /* nothing more will be written */
    bool dropped; /* freed before it was complete */
    bool gone;    /* nobody takes it any more */
};

static void destroy(struct ph_stream *stream)
{
    ph_waker_free(stream->waker);
    pthread_mutex_destroy(&stream->lock);
    pthread_mutex_destroy(&stream->calling);
    free(stream->buffer);
    free(stream);
}

/* With the lock held: unlocks, and frees when nobody holds it any more. */
static void let_go(struct ph_stream *stream)
{
    bool last = --stream->holders == 0;
    pthread_mutex_unlock(&stream->lock);
    if (last) {
        destroy(stream);
    }
}

static void tell_drained(struct ph_stream *stream)
{
    pthread_mutex_lock(&stream->calling);
    if (stream->drained) {
        stream->drained(stream, stream->user);
    }
    pthread_mutex_unlock(&stream->calling);
}

/* With the lock held: takes up to `size` bytes out. */
static size_t take(struct ph_stream *stream, char *to, size_t size)
{
    size_t there = stream->to - stream->from;
    size_t count = there < size ? there : size;
    if (count > 0) {
        memcpy(to, stream->buffer + stream->from, count);
        stream->from += count;
    }
    if (stream->from == stream->to && stream->capacity > BUFFER_FIRST) {
        free(stream->buffer); /* a stream that waits holds little */
        stream->buffer = NULL;
        stream->capacity = 0;
    }
    return count;
}

static ssize_t generate(void *user, char *buffer, size_t size)
{
    struct ph_stream *stream = user;
    pthread_mutex_lock(&stream->lock);
    size_t count = take(stream, buffer, size);
    bool emptied = count > 0 && stream->from == stream->to;
    ssize_t result = count > 0         ? (ssize_t)count
                     : stream->ended   ? 0
                     : stream->dropped ? -ECANCELED
                                       : -EAGAIN;
    pthread_mutex_unlock(&stream->lock);
    if (emptied) {
        tell_drained(stream);
    }
    return result;
}

/* The reply is complete or cut. */
static void release(void *user)
{
    struct ph_stream *stream = user;
    pthread_mutex_lock(&stream->lock);
    stream->gone = true;
    pthread_mutex_unlock(&stream->lock);
    tell_drained(stream);
    pthread_mutex_lock(&stream->lock);
    let_go(stream);
}

static struct ph_stream *new_stream(const struct ph_stream_config *cfg)
{
    struct ph_stream *stream = calloc(1, sizeof *stream);
    if (!stream || pthread_mutex_init(&stream->lock, NULL)) {
        free(stream);
        return NULL;
    }
    if (pthread_mutex_init(&stream->calling, NULL)) {
        pthread_mutex_destroy(&stream->lock);
        free(stream);
        return NULL;
    }
    stream->holders = 2;
    stream->buffer_max = cfg->buffer_max ? cfg->buffer_max : BUFFER_MAX;
    stream->drained = cfg->drained;
    stream->user = cfg->user;
    return stream;
}

int ph_stream_open_sized(struct ph_request *req, struct ph_response *res, int status,
                         const char *content_type, const struct ph_stream_config *cfg,
                         size_t cfg_size, struct ph_stream **ret_stream)
{
    struct ph_stream_config known = {0};
    if (cfg) {
        memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    }
    struct ph_stream *stream = new_stream(&known);
    if (!stream) {
        return -ENOMEM;
    }
    *ret_stream = stream; /* may be asked for by `drained`, within this very call */
    int err = ph_reply_generate_waking(req, res, status, content_type, generate, stream, release,
                                       &stream->waker);
    if (err < 0) {
        *ret_stream = NULL;
        destroy(stream);
    }
    return err;
}

/* With the lock held: makes room behind `to`. Returns 0 or -ENOMEM. */
static int make_room(struct ph_stream *stream, size_t size)
{
    size_t there = stream->to - stream->from;
    if (stream->from > 0) {
        if (there > 0) {
            memmove(stream->buffer, stream->buffer + stream->from, there);
        }
        stream->from = 0;
        stream->to = there;
    }
    if (size <= stream->capacity - there) {
        return 0;
    }
    size_t wanted = there + size;
    size_t doubled = stream->capacity > 0 ? 2 * stream->capacity : BUFFER_FIRST;
    wanted = wanted > doubled ? wanted : doubled;
    wanted = wanted > stream->buffer_max ? stream->buffer_max : wanted;
    char *buffer = realloc(stream->buffer, wanted);
    if (!buffer) {
        return -ENOMEM;
    }
    stream->buffer = buffer;
    stream->capacity = wanted;
    return 0;
}

/* With the lock held: whether so many bytes may be written now. */
static int check_room(const struct ph_stream *stream, size_t size)
{
    return stream->gone                                              ? -ECANCELED
           : stream->ended                                           ? -EPIPE
           : size > stream->buffer_max                               ? -EMSGSIZE
           : size > stream->buffer_max - (stream->to - stream->from) ? -EAGAIN
                                                                     : 0;
}

int ph_stream_write(struct ph_stream *stream, const void *data, size_t size)
{
    pthread_mutex_lock(&stream->lock);
    bool first = stream->from == stream->to; /* of others the generator knows already */
    int err = check_room(stream, size);
    if (err == 0 && size > 0) {
        err = make_room(stream, size);
        if (err == 0) {
            memcpy(stream->buffer + stream->to, data, size);
            stream->to += size;
        }
    }
    pthread_mutex_unlock(&stream->lock);
    if (err == 0 && first && size > 0) {
        ph_waker_wake(stream->waker);
    }
    return err;
}

size_t ph_stream_room(struct ph_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    size_t room = check_room(stream, 0) < 0 ? 0 : stream->buffer_max - (stream->to - stream->from);
    pthread_mutex_unlock(&stream->lock);
    return room;
}

bool ph_stream_is_wanted(struct ph_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool wanted = !stream->gone;
    pthread_mutex_unlock(&stream->lock);
    return wanted;
}

void ph_stream_end(struct ph_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    pthread_mutex_unlock(&stream->lock);
    ph_waker_wake(stream->waker);
}

void ph_stream_free(struct ph_stream *stream)
{
    if (!stream) {
        return;
    }
    pthread_mutex_lock(&stream->calling);
    stream->drained = NULL;
    pthread_mutex_unlock(&stream->calling);
    pthread_mutex_lock(&stream->lock);
    stream->dropped = !stream->ended;
    if (stream->dropped) {
        ph_waker_wake(stream->waker);
    }
    let_go(stream);
}
