/* SPDX-License-Identifier: MIT
 *
 * What a connection needs while a request is on its way: buffers, parser, request, reply. An idle
 * connection has none; it comes from its worker's stock and goes back there, so that after
 * warm-up a request costs no allocation.
 */
#ifndef PORTHOLE_SERVER_EXCHANGE_H
#define PORTHOLE_SERVER_EXCHANGE_H

#include "base/clock.h"
#include "http/parse.h"
#include "http/response.h"
#include "net/batch.h"
#include "server/completion.h"

#include <porthole/server.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    PH__INPUT_FIRST = 4096,   /* holds nearly every head */
    PH__SCRATCH_FIRST = 1024, /* holds nearly every decoded target */
    /* Of a generated body: the first piece, and those of a body that does not end with it. */
    PH__PIECE_FIRST = 32 * 1024,
    PH__PIECE_MORE = 128 * 1024
};

/* Bytes received: [start, size) are not used up yet. */
struct ph__input {
    char *data; /* owned */
    size_t start, size, capacity;
};

/* Where to go on once all output has been given to the kernel. */
enum ph__resume {
    PH__RESUME_NEXT,     /* the reply is complete: next request, or idle, or close */
    PH__RESUME_HEAD,     /* part of a head is there */
    PH__RESUME_BODY,     /* "100 Continue" has been sent, or the body is waited for */
    PH__RESUME_BLOCKING, /* the request goes to the pool */
    PH__RESUME_DEFERRED, /* the reply comes by a token */
    PH__RESUME_UPGRADED  /* there is no HTTP any more */
};

/* What is called of a route, here or on the pool. */
enum ph__call { PH__CALL_HANDLER, PH__CALL_BEGIN, PH__CALL_RECEIVE };

/* Who takes the body piece by piece. */
struct ph__receiver {
    ph_receive receive; /* NULL: nobody, it is gathered */
    void *user;
    void (*release)(void *user);
    struct ph_waker *waker; /* a hold of it; NULL: there is none */
};

struct ph_token;
struct ph__upgrade;
struct ph_waker;

struct ph__exchange {
    struct ph__exchange *next;   /* in the stock */
    struct ph__conn *conn;       /* whose it is meanwhile */
    struct ph_token *token;      /* a hold of it; NULL: the reply is not put off */
    struct ph__upgrade *upgrade; /* a hold of what follows the reply 101; NULL: none */
    bool waits;                  /* for the token, in state handling; the worker's own */

    struct ph__input in;
    struct ph__input spare; /* chunks are read here, since the head must stay where it is */
    bool begun;             /* the parser has been initialised for the request at in.start */
    size_t in_end;          /* in `in`, where the request ends as far as it has been taken in */
    struct ph__parser parser;
    struct ph_request request;
    struct ph__buf body; /* a body that does not fit behind its head, or the piece in hand */
    bool body_ended;     /* all of it has been received */
    uint64_t taken;      /* bytes of it that the receiver has */
    struct ph__receiver receiver;
    struct ph__buf
        begun_fields; /* fields of the reply that were added before the body was received */
    enum ph__call call;
    struct ph__completion job; /* that call, on the pool */
    bool held;     /* the receiver would not take the piece in hand, in state handling */
    bool woken;    /* by the program, since the receiver was last called */
    char *scratch; /* decoded target */
    size_t scratch_capacity;

    struct ph_response response;
    struct ph__buf out;
    size_t sent;       /* of out, and then of the tail: what the kernel has taken */
    char *piece;       /* only while a generated body is being sent */
    size_t piece_size; /* bytes allocated, but for one that a NUL may need */
    size_t piece_from, piece_to;
    bool generated_all;
    bool quiet;             /* the generator has nothing just now; until it is woken */
    struct ph_waker *waker; /* a hold of what wakes it; NULL: there is none */
    enum ph__resume resume;
    bool error_reply;  /* the request was not read to its end: linger after the reply */
    struct ph__io io;  /* the receive or send in hand */
    uint32_t progress; /* bytes since the deadline was last put off */

    uint64_t ready_us; /* when the first request of those answered in `out` was complete */
    unsigned answered; /* replies in `out` whose latency has not been counted */
    char date[PH__HTTP_DATE_TEXT]; /* for a reply made on the pool */

    struct ph__field fields[]; /* limits.headers_max */
};

static inline struct ph__exchange *ph__exchange_of(struct ph_request *req)
{
    return (struct ph__exchange *)(void *)((char *)req - offsetof(struct ph__exchange, request));
}

/* Returns NULL when out of memory. */
struct ph__exchange *ph__exchange_new(const struct ph__limits *limits);
void ph__exchange_free(struct ph__exchange *exchange);

/* Frees the piece, which has been sent. */
void ph__exchange_drop_piece(struct ph__exchange *exchange);

/* Calls what exchange->call says; on the thread that has the exchange. */
int ph__exchange_call(struct ph__exchange *exchange);

/* Lets go of what wakes the generator. */
void ph__exchange_drop_waker(struct ph__exchange *exchange);

/* Makes it ready for another connection; gives large buffers back to the heap. */
void ph__exchange_reset(struct ph__exchange *exchange);

/* Lets go of all that was to be sent, or has been. */
void ph__exchange_clear_output(struct ph__exchange *exchange);

/* Makes room to receive in `in`: moves the bytes to the front, or grows to `capacity_max`.
 * Returns 0, -ENOSPC when full at that size, -ENOMEM. */
int ph__exchange_make_room(struct ph__exchange *exchange, size_t capacity_max);

/* Gets the spare input ready to receive; returns 0 or -ENOMEM. */
int ph__exchange_need_spare(struct ph__exchange *exchange);

/* True when bytes of a request are there; empty lines before one do not count. */
bool ph__exchange_has_head(const struct ph__exchange *exchange);

/* True when bytes behind the request in hand have been received. */
bool ph__exchange_has_more(const struct ph__exchange *exchange);

/* Ends a request: what was received beyond it is where the next begins. */
void ph__exchange_next_request(struct ph__exchange *exchange);

/* Gives `scratch` room for a target of this size; returns 0 or -ENOMEM. */
int ph__exchange_need_scratch(struct ph__exchange *exchange, size_t target_size);

#endif
