/* SPDX-License-Identifier: MIT
 *
 * Operations in batches.
 */
#include "net/batch.h"

#include "base/sigpipe.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>

void ph__io_receive(struct ph__io *io, int fd, void *to, size_t room)
{
    io->fd = fd;
    io->sends = false;
    io->part_count = 1;
    io->parts[0] = (struct iovec){to, room};
}

void ph__io_send(struct ph__io *io, int fd, const struct iovec *parts, unsigned part_count)
{
    io->fd = fd;
    io->sends = true;
    io->part_count = part_count;
    for (unsigned i = 0; i < part_count; i++) {
        io->parts[i] = parts[i];
    }
    if (part_count > 1) {
        io->message = (struct msghdr){.msg_iov = io->parts, .msg_iovlen = part_count};
    }
}

void ph__io_send_file(struct ph__io *io, int fd, int file, uint64_t offset, size_t size)
{
    io->fd = fd;
    io->sends = true;
    io->part_count = 0;
    io->file = file;
    io->file_offset = offset;
    io->file_size = size;
}

/* sendfile(2) has no MSG_NOSIGNAL. Some bytes may have gone before the end was met: then no error
 * tells of it. Apart, since its room on the stack would be made for all that is sent and received.
 */
__attribute__((noinline)) static ssize_t send_file(const struct ph__io *io)
{
    sigset_t before;
    ph__sigpipe_hold(&before);
    off_t offset = (off_t)io->file_offset;
    ssize_t sent = sendfile(io->fd, io->file, &offset, io->file_size);
    ph__sigpipe_release(&before, sent < 0 ? errno == EPIPE : (size_t)sent < io->file_size);
    return sent;
}

static ssize_t perform(struct ph__io *io)
{
    if (!io->sends) {
        return recv(io->fd, io->parts[0].iov_base, io->parts[0].iov_len, MSG_DONTWAIT);
    }
    if (io->part_count == 0) {
        return send_file(io);
    }
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return io->part_count == 1 ? send(io->fd, io->parts[0].iov_base, io->parts[0].iov_len, flags)
                               : sendmsg(io->fd, &io->message, flags);
}

static ssize_t perform_by_transport(const struct ph__io *io)
{
    struct ph__transport *transport = io->transport;
    if (!io->sends) {
        return transport->kind->receive(transport, io->parts[0].iov_base, io->parts[0].iov_len);
    }
    return io->part_count == 0 ? -EINVAL
                               : transport->kind->send(transport, io->parts, io->part_count);
}

void ph__io_perform(struct ph__io *io)
{
    if (io->transport) {
        io->result = perform_by_transport(io);
        return;
    }
    do {
        io->result = perform(io);
    } while (io->result < 0 && errno == EINTR);
    if (io->result < 0) {
        io->result = errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
}

void ph__batch_init(struct ph__batch *batch, unsigned least)
{
    batch->least = least;
    batch->ring = NULL;
    batch->count = 0;
}

static void run_alone(struct ph__batch *batch, unsigned from)
{
    for (unsigned i = from; i < batch->count; i++) {
        ph__io_perform(batch->items[i]);
    }
}

#if PH__HAVE_URING

#include <liburing.h>

struct ph__ring {
    struct io_uring uring;
};

int ph__batch_open_ring(struct ph__batch *batch)
{
    struct ph__ring *ring = malloc(sizeof *ring);
    if (!ring) {
        return -ENOMEM;
    }
    int err = io_uring_queue_init(PH__BATCH_MAX, &ring->uring, 0);
    if (err < 0) {
        free(ring);
        return err;
    }
    batch->ring = ring;
    return 0;
}

static void close_ring(struct ph__batch *batch)
{
    if (batch->ring) {
        io_uring_queue_exit(&batch->ring->uring);
        free(batch->ring);
        batch->ring = NULL;
    }
}

/* The ring has room for a whole batch, so there is always an entry. MSG_DONTWAIT keeps the kernel
 * from waiting for the socket behind our back: an operation that cannot be done now fails. */
static void queue(struct io_uring *uring, struct ph__io *io)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(uring);
    if (!io->sends) {
        io_uring_prep_recv(entry, io->fd, io->parts[0].iov_base, io->parts[0].iov_len,
                           MSG_DONTWAIT);
    } else if (io->part_count == 1) {
        io_uring_prep_send(entry, io->fd, io->parts[0].iov_base, io->parts[0].iov_len,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        io_uring_prep_sendmsg(entry, io->fd, &io->message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    io_uring_sqe_set_data(entry, io);
}

/* Takes the results that are there; returns how many. */
static unsigned reap(struct io_uring *uring)
{
    unsigned head;
    unsigned count = 0;
    struct io_uring_cqe *entry;
    io_uring_for_each_cqe(uring, head, entry)
    {
        struct ph__io *io = io_uring_cqe_get_data(entry);
        io->result = entry->res;
        count++;
    }
    io_uring_cq_advance(uring, count);
    return count;
}

void ph__batch_run(struct ph__batch *batch)
{
    if (!ph__batch_pays(batch, batch->count)) {
        run_alone(batch, 0);
        return;
    }
    struct io_uring *uring = &batch->ring->uring;
    for (unsigned i = 0; i < batch->count; i++) {
        queue(uring, batch->items[i]);
    }
    unsigned done = 0;
    int err = 0;
    while (done < batch->count && (err >= 0 || err == -EINTR)) {
        err = io_uring_submit_and_wait(uring, batch->count - done);
        done += reap(uring);
    }
    if (done == batch->count) {
        return;
    }
    /* The kernel takes entries in order, so those that it has not taken are the last ones. */
    unsigned taken = batch->count - io_uring_sq_ready(uring);
    struct io_uring_cqe *entry;
    while (done < taken && io_uring_wait_cqe(uring, &entry) == 0) {
        done += reap(uring);
    }
    close_ring(batch);
    run_alone(batch, taken);
}

#else

int ph__batch_open_ring(struct ph__batch *batch)
{
    (void)batch;
    return -ENOSYS;
}

static void close_ring(struct ph__batch *batch)
{
    (void)batch;
}

void ph__batch_run(struct ph__batch *batch)
{
    run_alone(batch, 0);
}

#endif

void ph__batch_done(struct ph__batch *batch)
{
    close_ring(batch);
    batch->count = 0;
}
