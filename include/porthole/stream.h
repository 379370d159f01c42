/* SPDX-License-Identifier: MIT
 *
 * Bodies that come in their own time: pushed by any thread, or published to many at once.
 *
 *   waker     a generator (http.h) that may have nothing just now, and is asked again when woken
 *   stream    bytes that any thread writes, with a bounded buffer in between
 *   channel   Server-Sent Events for any number of clients, who share one bounded memory
 *
 * Nothing here blocks, and no function fails because a client is slow, gone, or the server stops:
 * each says so by what it returns. While there is nothing to send a connection holds no buffer,
 * and costs no time. When the server stops, what has not ended is cut after ph_config.drain_ms.
 */
#ifndef PORTHOLE_STREAM_H
#define PORTHOLE_STREAM_H

#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- generators that wait ---- */

struct ph_waker;

/**
 * ph_reply_generate() for a body that does not come at one go.
 *
 * Here `generate` may also return -EAGAIN: nothing now. What it has made before is sent, and it is
 * asked again after ph_waker_wake(), when ph_config.quiet_ms have passed, and when the server is
 * stopping (ph_server_stopping() in server.h), so that it may end.
 *
 * @param ret_waker  to be freed by ph_waker_free(), whatever becomes of the body. It is written
 *                   before `release` can be called.
 * @return as ph_reply_generate().
 */
PH_API PH_MUST_CHECK int ph_reply_generate_waking(struct ph_request *req, struct ph_response *res,
                                                  int status, const char *content_type,
                                                  ph_generate generate, void *user,
                                                  void (*release)(void *user),
                                                  struct ph_waker **ret_waker);

/** Has the generator asked again soon. Any thread, also when the connection is long gone. */
PH_API void ph_waker_wake(struct ph_waker *waker);

/** False once the body has ended, or the client has gone. Any thread. */
PH_API bool ph_waker_is_wanted(struct ph_waker *waker);

/** Gives the waker back. Any thread; NULL is allowed. The body goes on, and is not woken again. */
PH_API void ph_waker_free(struct ph_waker *waker);

/* ---- streams ---- */

struct ph_stream;

/* Zero always means the default. */
struct ph_stream_config {
    size_t buffer_max; /* bytes that are written and not sent yet; 64 KiB */

    /* Called on a worker when the buffer has become empty, and when the stream has ended on the
     * client's side (ph_stream_is_wanted() is false then). It may call what is below but
     * ph_stream_free(), and must not block. NULL: nobody wants to know. */
    void (*drained)(struct ph_stream *stream, void *user);
    void *user;
};

/**
 * Replies with a body that is written later, by any thread: a log, a download that is made while
 * it goes, a dialogue of any kind.
 *
 * @param cfg         may be NULL.
 * @param ret_stream  to be freed by ph_stream_free(), whatever becomes of it.
 * @return as ph_reply_generate().
 */
PH_API PH_MUST_CHECK int ph_stream_open_sized(struct ph_request *req, struct ph_response *res,
                                              int status, const char *content_type,
                                              const struct ph_stream_config *cfg, size_t cfg_size,
                                              struct ph_stream **ret_stream);
#define ph_stream_open(req, res, status, content_type, cfg, ret_stream) \
    ph_stream_open_sized((req), (res), (status), (content_type), (cfg), \
                         sizeof(struct ph_stream_config), (ret_stream))

/**
 * Writes bytes, all or none; they are copied. Any thread.
 *
 * @return 0; -EAGAIN when there is no room for all of them before the client has taken more (see
 *         ph_stream_config.drained); -EMSGSIZE when there never will be; -ECANCELED when nobody
 *         waits for them any more; -EPIPE behind ph_stream_end(); -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_stream_write(struct ph_stream *stream, const void *data, size_t size);

/** How many bytes ph_stream_write() would take now. */
PH_API size_t ph_stream_room(struct ph_stream *stream);

/** False once nobody waits for what is written: the client has gone, or the server cut it off. */
PH_API bool ph_stream_is_wanted(struct ph_stream *stream);

/** The body is complete: what has been written is sent, and then the end of it. Any thread. */
PH_API void ph_stream_end(struct ph_stream *stream);

/** Gives the stream back. Without ph_stream_end() the connection is cut, so that the client can
 *  tell that the body is incomplete. NULL is allowed. Any thread, once. */
PH_API void ph_stream_free(struct ph_stream *stream);

/* ---- channels of Server-Sent Events ---- */

struct ph_channel;

/* Zero always means the default. */
struct ph_channel_config {
    size_t memory_max;   /* bytes of events kept for those who are slow, or come back; 256 KiB */
    unsigned events_max; /* events kept; 4096 */
    unsigned retry_ms;   /* told to clients: when to come back after a loss; 2000 */

    /* Called after a subscriber came or went, on any thread, with no lock held; it must not block.
     * Two calls may overtake each other: ph_channel_subscribers() tells what holds. */
    void (*changed)(struct ph_channel *channel, void *user);
    void *user;
};

/** Creates a channel; `cfg` may be NULL. @return 0; -ENOMEM; -EINVAL for memory_max below 4096. */
PH_API PH_MUST_CHECK int ph_channel_new_sized(struct ph_channel **ret_channel,
                                              const struct ph_channel_config *cfg, size_t cfg_size);
#define ph_channel_new(ret_channel, cfg) \
    ph_channel_new_sized((ret_channel), (cfg), sizeof(struct ph_channel_config))

/** Ends the streams of all subscribers, and frees the channel; NULL is allowed. */
PH_API void ph_channel_free(struct ph_channel *channel);

/**
 * Publishes an event to all who have subscribed. Any thread.
 *
 * The event is kept, oldest dropped first, so that who lost the connection may go on where it
 * broke. A subscriber who is so slow that events were dropped before he got them is told: an event
 * "lost" whose data is {"lost":N}, the number of events of all types that he has missed.
 *
 * @param type  of [A-Za-z0-9_.-], at most 63 bytes; NULL: "message".
 * @param data  text of any number of lines; NULL: none.
 * @return 0; -EINVAL for a bad type; -EMSGSIZE when it is larger than memory_max; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_channel_publish(struct ph_channel *channel, const char *type,
                                            const char *data, size_t size);

/**
 * Replies with the events from now on, or with those behind the one that the request's
 * Last-Event-ID names; if that is not among those kept, a "lost" event comes first.
 *
 * The stream ends when the channel is freed or the server stops. A comment line is sent when there
 * was nothing else for ph_config.quiet_ms.
 *
 * @param types  names of types joined by commas; NULL: all. "lost" comes always.
 * @return as ph_reply_generate(); -EINVAL for types of more than 255 bytes.
 */
PH_API PH_MUST_CHECK int ph_channel_subscribe(struct ph_channel *channel, struct ph_request *req,
                                              struct ph_response *res, const char *types);

/** How many clients receive it now. Any thread. */
PH_API size_t ph_channel_subscribers(struct ph_channel *channel);

#ifdef __cplusplus
}
#endif

#endif
