/* SPDX-License-Identifier: MIT
 *
 * Receives and sends, one by one or many at a time: the one user of liburing.
 *
 * A wake-up finds many sockets ready. With io_uring(7) all their receives go to the kernel in one
 * system call, and later all their sends in another; without it each is a call of its own. The
 * operations are the same, and so is what comes of them: none waits for its socket, and all are
 * done when ph__batch_run() returns, so that no buffer is ever the kernel's beyond that.
 */
#ifndef PORTHOLE_NET_BATCH_H
#define PORTHOLE_NET_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { PH__IO_PARTS = 2 };

struct ph__transport;

/* One operation on a socket. What it refers to stays in place until it is done. */
struct ph__io {
    struct ph__transport *transport; /* NULL: none; set by the user, before each is performed */
    int fd;
    bool sends;
    unsigned part_count; /* 1 or 2; a receive has one; 0: the bytes come from a file */
    struct iovec parts[PH__IO_PARTS];
    struct msghdr message; /* of a send in two parts */
    int file;              /* with part_count 0: sent is [file_offset, file_offset + file_size) */
    uint64_t file_offset;
    size_t file_size;
    /* Bytes. 0: the peer sends no more, or the file ends before `file_offset`. -EAGAIN: not now;
     * other negative errno. A file may be sent in part though there is room for more. */
    ssize_t result;
};

/* Prepares an operation. */
void ph__io_receive(struct ph__io *io, int fd, void *to, size_t room);
void ph__io_send(struct ph__io *io, int fd, const struct iovec *parts, unsigned part_count);

/* Sends from a file, on a socket that does not block. -EINVAL: this file cannot be sent so,
 * or none can by the transport. */
void ph__io_send_file(struct ph__io *io, int fd, int file, uint64_t offset, size_t size);

/* A file is sent at once: io_uring could do so by a thread of the kernel's only. And so is what
 * a transport moves, by calls of its own. */
static inline bool ph__io_may_wait(const struct ph__io *io)
{
    return io->part_count > 0 && !io->transport;
}

/* Does it, in a system call of its own. */
void ph__io_perform(struct ph__io *io);

enum { PH__BATCH_MAX = 128 };

struct ph__ring; /* batch.c only */

struct ph__batch {
    struct ph__ring *ring; /* owned; NULL: each operation by itself */
    unsigned least;        /* fewer operations than this are done without the ring */
    unsigned count;
    struct ph__io *items[PH__BATCH_MAX];
};

/* An empty batch without a ring. `least` is 1 or more: one alone costs a system call either way,
 * and the ring's is the dearer one. */
void ph__batch_init(struct ph__batch *batch, unsigned least);

/*
 * Gives it a ring. Returns 0, or a negative errno of io_uring_setup(2): -ENOSYS on old kernels and
 * in builds without liburing, -EPERM where it is forbidden, -ENOMEM. The batch works either way.
 */
int ph__batch_open_ring(struct ph__batch *batch);

void ph__batch_done(struct ph__batch *batch);

static inline bool ph__batch_has_ring(const struct ph__batch *batch)
{
    return batch->ring;
}

/* Whether so many operations would go through the ring. */
static inline bool ph__batch_pays(const struct ph__batch *batch, unsigned count)
{
    return batch->ring && count >= batch->least;
}

/* Adds an operation, unless the batch is full. */
static inline bool ph__batch_add(struct ph__batch *batch, struct ph__io *io)
{
    if (batch->count == PH__BATCH_MAX) {
        return false;
    }
    batch->items[batch->count++] = io;
    return true;
}

/*
 * Does all that is in the batch, in any order, and leaves it in place; the caller sets `count` to
 * 0. Should the ring fail, the rest is done without it, and it is not used again.
 */
void ph__batch_run(struct ph__batch *batch);

#endif
