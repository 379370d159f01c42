/* SPDX-License-Identifier: MIT
 *
 * The server: configuration, routes, life cycle, and what it can tell of itself.
 *
 * new → route … → start → stop → free. All functions may be called from any thread unless they
 * say otherwise; none but ph_server_stop(), ph_server_wait() and ph_server_free() blocks.
 * The library never writes to standard output or error, handles no signals and ends no process.
 */
#ifndef PORTHOLE_SERVER_H
#define PORTHOLE_SERVER_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ph_log_level { PH_LOG_DEBUG, PH_LOG_INFO, PH_LOG_WARNING, PH_LOG_ERROR };

/** Receives what the server's own threads have to report; may be called from several at once. */
typedef void (*ph_log)(void *user, enum ph_log_level level, const char *message);

struct ph_request;

/* A request that has been answered. Valid during the call only. */
struct ph_access {
    const struct ph_request *req; /* to be read by what http.h has; NULL: no whole head came */
    const char *peer;             /* as ph_request_peer() */
    int status;
    int64_t body_bytes; /* of the reply; -1: not known before it ends */
    uint64_t time_us;   /* from the last byte of the request, or of what came before it, to here */
};

/** Receives each request when its reply has been made, and before all of it is sent; on a worker's
 *  thread, which it should not hold up. May be called from several at once. */
typedef void (*ph_access_handler)(void *user, const struct ph_access *access);

/** How workers wait for connections, and move their bytes. */
enum ph_loop {
    PH_LOOP_AUTO,     /* io_uring where this kernel and build have it, else epoll */
    PH_LOOP_EPOLL,    /* epoll(7), and a system call for each receive and send */
    PH_LOOP_IO_URING, /* epoll(7), and one io_uring_enter(2) for all that a wake-up finds ready, be
                       * it only one; PH_LOOP_AUTO does one alone without */
};

/** For ph_config.workers: no thread is ever started, the program drives the server by itself. */
#define PH_NO_THREADS UINT_MAX

/**
 * Configuration. Zero always means the default given here, so a designated initialiser names
 * just what differs. Strings are copied by ph_server_new().
 */
struct ph_config {
    const char *listen;        /* "127.0.0.1:8080"; or as ph_server_listen() has it */
    unsigned workers;          /* threads that serve connections; one a processor. PH_NO_THREADS:
                                * none, see ph_server_poll() */
    enum ph_loop loop;         /* PH_LOOP_AUTO, which falls back by itself; others may fail */
    unsigned backlog;          /* listen(2) queue; SOMAXCONN */
    unsigned connections_max;  /* open at a time; 16384. Beyond it: 503 */
    unsigned blocking_threads; /* pool for blocking routes, started when the first one exists; 2 */
    unsigned blocking_queue;   /* requests waiting for that pool; 64. Beyond it: 503 */

    /* Limits on one request. What exceeds them gets the status named. */
    size_t target_max;    /* bytes of the request target; 8000 (414) */
    size_t head_max;      /* bytes of request line and header fields; 16384 (431) */
    unsigned headers_max; /* number of header fields; 100 (431) */
    size_t body_max;      /* bytes of the body; 1 MiB (413) */

    /* Deadlines in milliseconds. */
    unsigned head_ms;  /* from accept, or from the first byte of a later request; 10000 (408) */
    unsigned body_ms;  /* for each 16 KiB of a request body; 30000 (408) */
    unsigned write_ms; /* for each 16 KiB the client takes of a reply; 30000 (cut) */
    unsigned idle_ms;  /* between requests of one connection; 60000 (closed) */
    unsigned quiet_ms; /* a body that has nothing to send (stream.h) is asked again; 15000 */

    unsigned drain_delay_ms; /* ph_server_stop(): goes on accepting so long, not ready; 0 */
    unsigned drain_ms;       /* then requests in flight get so long to finish; 5000 */

    ph_log log; /* NULL: silence */
    void *log_user;
    ph_access_handler access; /* NULL: nobody hears of requests; see also access_log.h */
    void *access_user;

    unsigned unix_mode;      /* of the files of unix sockets, whatever the umask is; 0600 */
    const gid_t *unix_group; /* the same files' group; NULL: as of every new file (open(2)).
                              * Read by ph_server_new() only */
};

struct ph_server;

/**
 * Creates a server; nothing is opened yet.
 *
 * @param cfg  may be NULL for all defaults. The macro passes the size the caller was compiled
 *             with, so that the structure can grow without breaking callers.
 * @return 0; -ENOMEM; -EINVAL for a limit that makes no sense (target_max beyond head_max,
 *         head_max below 256 bytes or above 1 MiB, more than 256 workers or blocking threads,
 *         unix_mode beyond 0777);
 *         PH_ERR_ADDRESS.
 */
PH_API PH_MUST_CHECK int ph_server_new_sized(struct ph_server **ret_server,
                                             const struct ph_config *cfg, size_t cfg_size);
#define ph_server_new(ret_server, cfg) \
    ph_server_new_sized((ret_server), (cfg), sizeof(struct ph_config))

/**
 * Adds one more listener, before start.
 *
 * @param listen  "127.0.0.1:8080"; "[::1]:0", port 0: any that is free; "*:80": each IPv4 address;
 *                "localhost:80"; "unix:/run/app.sock", whose file is removed in the end;
 *                "unix:@name", an abstract name (unix(7)), which every user may connect to; "fd:3",
 *                a descriptor that listens already, which stays the program's: the server works
 *                with a copy of it, closes just that, and makes the socket one that does not block
 *                (O_NONBLOCK is shared by copies).
 * @return 0; PH_ERR_ADDRESS; PH_ERR_STARTED; -ENOMEM; of a descriptor -EBADF, -ENOTSOCK, or -EINVAL
 *         when it does not listen for streams by IP or unix.
 */
PH_API PH_MUST_CHECK int ph_server_listen(struct ph_server *server, const char *listen);

/** One route, for ph_server_add(). */
struct ph_route {
    const char *pattern; /* "GET /things/:id", "POST /echo", "GET /files/" followed by a '*' */
    ph_handler handler;
    void *user;
    bool blocking; /* the handler may block: it runs on the pool, and delays nobody. So does what is
                    * called before it: `begin`, and what takes the body */
    uint64_t body_max; /* bytes of the body, in place of ph_config.body_max; 0: that one (413) */

    /* NULL, or called before the body is received, and before a client that waits for it is told to
     * go on ("100 Continue"). It returns as a handler does: with a reply, or a token, this is the
     * answer, and the connection is closed without reading the rest. Without one the body is
     * gathered, or handed over if it calls ph_request_receive(), and then `handler` is called. */
    ph_handler begin;
};

/**
 * Adds a route, before start.
 *
 * A pattern is a method, a space and a path. A path matches exactly; a segment ":name" matches
 * one segment that is not empty; a last segment "*" matches the rest, which may be empty. Where
 * several match, the most specific wins, segment by segment: literal, then ":name", then "*".
 * GET also serves HEAD. OPTIONS (204 with Allow), 405 with Allow and 404 need no route.
 * Methods: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS.
 *
 * @return 0; PH_ERR_PATTERN; PH_ERR_ROUTE_TAKEN; PH_ERR_STARTED; -ENOMEM; -ENOSPC beyond 65534
 *         routes.
 */
PH_API PH_MUST_CHECK int ph_server_add(struct ph_server *server, const struct ph_route *route);

/** ph_server_add() for a handler that is quick. */
PH_API PH_MUST_CHECK int ph_server_route(struct ph_server *server, const char *pattern,
                                         ph_handler handler, void *user);

/**
 * Has a handler called before those of all routes at a path and below it, and before what is not
 * served there is refused (404, 405, the reply to OPTIONS); before start. For what many routes have
 * in common: guard.h has some. What is to be done after them, ph_config.access hears of.
 *
 * It is called once a request, before its body is received, in the order of being added, on the
 * worker or where the route is blocking on the pool. It returns as any handler does: with a reply,
 * or a token, this is the answer, and no other is called; without one the request goes on, and the
 * fields that it has added are those of the reply to come, unless that is one of the server's own
 * for an error. It may read the request but for the body.
 *
 * @param path  "/api": this path, and all that begins with "/api/", decoded; "/": all.
 * @return 0; PH_ERR_PATTERN for a path without a slash in front; PH_ERR_STARTED; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_server_before(struct ph_server *server, const char *path,
                                          ph_handler handler, void *user);

/* ---- bodies that are handed over piece by piece ---- */

struct ph_waker;

/**
 * Takes a piece of a body. Called on the worker, or on the pool for a blocking route, one piece at
 * a time and in order. Meanwhile nothing more is read from the client, so that memory does not
 * grow with the body, and a client that is too fast is slowed down by TCP.
 *
 * @param size  at least one byte. On the pool pieces have 16 KiB or more, but for the last.
 * @return 0: taken. -EAGAIN: not now; the same piece is offered again, or a longer one that begins
 *         with it, once the waker is woken. With a reply given to `res`, that is the answer, and
 *         the connection is closed without reading the rest. Any other negative error code is as
 *         one from a handler.
 */
typedef int (*ph_receive)(struct ph_request *req, struct ph_response *res, const void *data,
                          size_t size, void *user);

/**
 * From ph_route.begin: has the body handed over piece by piece instead of gathered. The handler
 * is called when all of it has been taken, and sees no body.
 *
 * @param release    called once with `user` after the request has been answered, or when it came
 *                   to nothing: the client went away, or was too slow. It may be called while the
 *                   reply is still being sent. NULL is allowed.
 * @param ret_waker  NULL, when `receive` never returns -EAGAIN. Else the waker, to be freed by
 *                   ph_waker_free() (stream.h), at the latest by `release`.
 * @return 0; PH_ERR_REPLIED after a reply, or when it is called a second time; PH_ERR_STARTED
 *         outside of ph_route.begin; -ENOMEM. On failure `release` is not called.
 */
PH_API PH_MUST_CHECK int ph_request_receive(struct ph_request *req, ph_receive receive, void *user,
                                            void (*release)(void *user),
                                            struct ph_waker **ret_waker);

/** The `user` of ph_request_receive(), for the handler; NULL without one. */
PH_API void *ph_request_receiver(const struct ph_request *req);

/* ---- replies that come later ---- */

/* Stands for the reply that a request still waits for. Its functions may be called from any thread,
 * also when the client or the server is gone, and none of them blocks. */
struct ph_token;

/**
 * Puts the reply off: for a handler that has to wait for something, and will not keep a thread
 * waiting. The handler takes a token, has somebody reply by it later, and returns 0 without a reply
 * of its own. Request and response end with the handler as ever: what is needed of them later has
 * to be copied. Requests behind this one on the same connection wait for its reply.
 *
 * @param ret_token  to be freed by ph_token_free(), whatever becomes of it.
 * @return 0; PH_ERR_REPLIED after a reply, or a token, for this request; -ENOMEM. Should the
 * handler then fail or reply after all, that is the reply, and the token is good for nothing.
 */
PH_API PH_MUST_CHECK int ph_defer(struct ph_request *req, struct ph_response *res,
                                  struct ph_token **ret_token);

/** ph_response_header() for the reply to come. @return as there; PH_ERR_REPLIED; -ECANCELED. */
PH_API PH_MUST_CHECK int ph_token_header(struct ph_token *token, const char *name,
                                         const char *value);

/**
 * Replies, once: the bytes are copied, and sent by the server's own threads.
 *
 * @return 0; PH_ERR_REPLIED the second time; -ECANCELED when the connection has ended meanwhile:
 * the client went away, or the server was stopped; PH_ERR_HEADER for a malformed content type;
 *         -EINVAL for a status that is none; -ENOMEM, after which another try is allowed.
 */
PH_API PH_MUST_CHECK int ph_token_reply(struct ph_token *token, int status,
                                        const char *content_type, const void *data, size_t size);

/** Whether somebody still waits for the reply: false once it is given, or the connection ended. */
PH_API bool ph_token_is_wanted(struct ph_token *token);

/** Gives the token back; without a reply the client gets 500. NULL is allowed. */
PH_API void ph_token_free(struct ph_token *token);

/**
 * Registers a function that ph_server_free() calls, last registered first: for what handlers use.
 * @return 0; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_server_on_free(struct ph_server *server, void (*release)(void *user),
                                           void *user);

/**
 * Keeps a pointer of the program's with the server, under a key of its own, for those who have only
 * the server: handlers (ph_request_server()), and libraries that add to a server. Before start.
 *
 * @param key    the address of something static; it is compared, never followed.
 * @param value  takes the place of the last one; NULL takes it away. It is not freed; see
 *               ph_server_on_free().
 * @return 0; PH_ERR_STARTED; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_server_set(struct ph_server *server, const void *key, void *value);

/** The value kept under a key, or NULL. */
PH_API void *ph_server_get(const struct ph_server *server, const void *key);

/**
 * Opens the listeners, starts the workers, and with more than one of them a thread that accepts
 * for all; returns at once.
 *
 * From here on routes are frozen and handlers run on worker threads, several at a time.
 *
 * @return 0; PH_ERR_STARTED; -ENOMEM; a negative errno of socket(2), bind(2) or listen(2)
 *         (-EADDRINUSE, -EACCES, -EADDRNOTAVAIL; ph_server_failed_listener() says which);
 *         -EAGAIN when a thread cannot be started; with PH_LOOP_IO_URING a negative errno of
 *         io_uring_setup(2), -ENOSYS where kernel or build lack it. After a failure nothing is left
 * running, and a retry is allowed.
 */
PH_API PH_MUST_CHECK int ph_server_start(struct ph_server *server);

/** The address that ph_server_start() failed to open, as configured; NULL when none did. */
PH_API const char *ph_server_failed_listener(const struct ph_server *server);

/** Starts the server and waits until it has stopped. @return as ph_server_start(). */
PH_API PH_MUST_CHECK int ph_server_run(struct ph_server *server);

/**
 * Asks the server to stop, and returns at once. Async-signal-safe; a handler may call it too.
 * A server that is not started yet stops as soon as it has been.
 * After drain_delay_ms the listeners close; idle connections are closed; requests in flight are
 * answered, with "Connection: close" unless the reply was begun before, and then closed too;
 * after drain_ms more, what is left is cut.
 */
PH_API void ph_server_request_stop(struct ph_server *server);

/**
 * Serves what is ready or due, on the calling thread: for a server with workers = PH_NO_THREADS,
 * in the loop of a program that has no threads or wants none. Handlers run within this call, those
 * of blocking routes too. Always from the same thread, never from a handler.
 *
 * @param timeout_ms  waits so long for something to do: 0 not at all, negative as long as it takes.
 * @return 1; 0 when the server is not running: not started, or stopped, and it may be started
 *         again; -EINVAL for a server with threads; a negative errno of epoll_wait(2).
 */
PH_API PH_MUST_CHECK int ph_server_poll(struct ph_server *server, int timeout_ms);

/**
 * A descriptor that is readable whenever ph_server_poll() has something to do, a deadline
 * included: for poll(2), epoll(7) or the loop of a library. When it is, call
 * ph_server_poll(server, 0). It belongs to the server and ends with its run.
 *
 * @return the descriptor; -EINVAL for a server with threads, or one that is not running; a
 *         negative errno of timerfd_create(2) (-EMFILE, -ENFILE, -ENOMEM).
 */
PH_API PH_MUST_CHECK int ph_server_fd(struct ph_server *server);

/** Waits until a started server has stopped; not to be called by a handler. Without threads of its
 *  own the server is served meanwhile by this call. */
PH_API void ph_server_wait(struct ph_server *server);

/** ph_server_request_stop() and ph_server_wait(). Does nothing when not started. */
PH_API void ph_server_stop(struct ph_server *server);

/** Stops the server if need be and frees it; NULL is allowed. Not to be called by a handler. */
PH_API void ph_server_free(struct ph_server *server);

/** True from ph_server_request_stop() on. */
PH_API bool ph_server_stopping(const struct ph_server *server);

/** How many listeners there are. */
PH_API size_t ph_server_listener_count(const struct ph_server *server);

/**
 * The address of listener `index`: "127.0.0.1:8080", "[::1]:8080", "unix:/run/app.sock",
 * "unix:@name". After start the real port stands in it. Valid until ph_server_free(); NULL beyond
 * the last.
 */
PH_API const char *ph_server_listener(const struct ph_server *server, size_t index);

/** The TCP port of the first listener that has one; 0 before start or without one. */
PH_API uint16_t ph_server_port(const struct ph_server *server);

/**
 * True when a listen address as in ph_config.listen is reachable from this machine only: a
 * loopback address, "localhost" or a unix socket.
 */
PH_API bool ph_listen_is_loopback(const char *listen);

/* ---- what the server can tell of itself; cheap, no lock on the path of requests ----
 *
 * Safe while the server serves and stops, not while another thread starts or frees it. After a
 * stop the totals of that run stay, until the next start. */

enum {
    PH_STATUS_CLASSES = 6, /* index 1 counts 101, 2 counts 2xx replies, … 5 counts 5xx; 0 unused */
    PH_LATENCY_QUANTILES = 5, /* 0.5, 0.9, 0.99, 0.999, 1 */
};

struct ph_server_stats {
    uint64_t started_unix_ms; /* wall clock at start */
    uint64_t uptime_ms;
    uint64_t connections_open;
    uint64_t connections_accepted;
    uint64_t connections_refused; /* over connections_max, or out of descriptors */
    uint64_t requests;
    uint64_t requests_by_class[PH_STATUS_CLASSES];
    uint64_t bytes_in;
    uint64_t bytes_out;
    /* From the last byte of a request to its reply given to the kernel; within 7 %. */
    uint64_t latency_us[PH_LATENCY_QUANTILES];
    unsigned workers;
};

struct ph_worker_stats {
    uint64_t connections_open;
    uint64_t requests;
    double busy_ratio; /* of the time since start: running, not waiting for events */
};

/** Fills in the totals. */
PH_API void ph_server_stats(const struct ph_server *server, struct ph_server_stats *ret_stats);

/* Latencies as a histogram. Bound `i` is 64 µs times 4 to the power of `i`: 64 µs to 67 s. */
enum { PH_LATENCY_BOUNDS = 11 };
#define PH_LATENCY_BOUND_US(i) ((uint64_t)64 << (2 * (i)))

struct ph_latency {
    uint64_t below[PH_LATENCY_BOUNDS]; /* replies that took less than the bound: cumulative */
    uint64_t count;                    /* all */
    uint64_t sum_us;
};

/** Fills in the latencies of all replies since start, in whole microseconds, rounded down. */
PH_API void ph_server_latency(const struct ph_server *server, struct ph_latency *ret_latency);

/** @return 0; -ERANGE for a worker that does not exist. */
PH_API PH_MUST_CHECK int ph_server_worker_stats(const struct ph_server *server, unsigned worker,
                                                struct ph_worker_stats *ret_stats);

/**
 * What the workers use: PH_LOOP_EPOLL or PH_LOOP_IO_URING, never PH_LOOP_AUTO. Before the start
 * PH_LOOP_EPOLL. A worker whose ring fails while it runs goes on without; this tells so as well.
 */
PH_API enum ph_loop ph_server_loop(const struct ph_server *server);

/** "auto", "epoll" or "io_uring". */
PH_API const char *ph_loop_name(enum ph_loop loop);

/** The configuration in force, defaults filled in. Valid until ph_server_free(). */
PH_API const struct ph_config *ph_server_config(const struct ph_server *server);

/** One connection of this server. Text fields are valid during the callback only. */
struct ph_connection {
    uint64_t id; /* never used twice in the life of a server */
    unsigned worker;
    /* "accepted" "head" "body" "handling" "writing" "streaming" "upgraded" "idle"
     * "lingering" */
    const char *state;
    const char *peer;          /* as ph_request_peer() */
    const char *route;         /* pattern of the request in hand, or of the last; NULL: none yet */
    uint64_t accepted_unix_ms; /* wall clock */
    uint64_t requests;         /* answered so far */
    int64_t accept_wait_ms;    /* from the handshake's end to accept; -1 unknown */
    int64_t first_byte_us;     /* from accept to the first byte of the first reply; -1 none yet */
};

/**
 * Calls `visit` for each open connection. Connections that come or go meanwhile may be missed.
 * @return 0, or what `visit` returned when it was not 0, which ends the walk.
 */
PH_API int ph_server_connections(const struct ph_server *server,
                                 int (*visit)(void *user, const struct ph_connection *connection),
                                 void *user);

#ifdef __cplusplus
}
#endif

#endif
