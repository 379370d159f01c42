/* SPDX-License-Identifier: MIT
 *
 * The event loop's interface to the kernel: the one user of epoll. One thread waits; any thread
 * may add descriptors or wake it.
 *
 * Registration is edge-triggered and happens once in the life of a descriptor, for reading and
 * writing alike, so that no system call is ever needed to change it. A user therefore remembers
 * that a descriptor is ready until recv(2) or send(2) says otherwise. A new TCP connection is
 * writable, hence it announces itself at once: that is how a worker learns of it.
 *
 * Items are numbers, not pointers: when a descriptor has been inherited by a child process, our
 * close does not end its registration (epoll(7), question 6), and an event may come for what is
 * long gone. A number that carries a version tells so; a pointer would not.
 */
#ifndef PORTHOLE_NET_LOOP_H
#define PORTHOLE_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum { PH__LOOP_BATCH = 128 };

enum {
    PH__EVENT_READ = 1,   /* bytes, or an end or error that recv(2) will tell */
    PH__EVENT_WRITE = 2,  /* room to send */
    PH__EVENT_HANGUP = 4, /* the peer sends no more, or the connection is dead; also urgent data,
                           * where recv(2) stops: few bytes do not mean that there are no more */
    PH__EVENT_DEAD = 8    /* nothing goes either way any more */
};

/* What ph__loop_wake() says; nothing else may be registered with it. */
#define PH__LOOP_WOKEN UINT64_MAX

struct ph__event {
    uint64_t item;   /* as given to ph__loop_add(), or PH__LOOP_WOKEN */
    unsigned events; /* PH__EVENT_* */
};

struct ph__loop {
    int epoll_fd;
    int wake_fd; /* eventfd(2) */
};

/* An initialiser: waking a closed loop does nothing. */
#define PH__LOOP_CLOSED               \
    {                                 \
        .epoll_fd = -1, .wake_fd = -1 \
    }

/* Returns 0 or a negative errno of epoll_create1(2), eventfd(2), epoll_ctl(2). */
int ph__loop_init(struct ph__loop *loop);

/* Closes the loop's own descriptors; a closed loop is allowed. */
void ph__loop_done(struct ph__loop *loop);

/* Registers a descriptor, edge-triggered. Any thread. */
int ph__loop_add(struct ph__loop *loop, int fd, uint64_t item);

/* Registers a listening socket, level-triggered, for reading only. */
int ph__loop_add_listener(struct ph__loop *loop, int fd, uint64_t item);

/* Removes a descriptor that stays open; closing one removes it by itself. */
void ph__loop_remove(struct ph__loop *loop, int fd);

/* Makes ph__loop_wait() return. Any thread, and async-signal-safe. */
void ph__loop_wake(struct ph__loop *loop);

/*
 * Waits for events, `timeout_ms` at most (negative: for ever). Returns how many there are, 0 on
 * a timeout or an interrupting signal, or a negative errno.
 */
int ph__loop_wait(struct ph__loop *loop, struct ph__event events[PH__LOOP_BATCH], int timeout_ms);

#endif
