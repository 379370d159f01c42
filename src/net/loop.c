/* SPDX-License-Identifier: MIT
 *
 * The event loop on epoll(7).
 */
#include "net/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int ph__loop_init(struct ph__loop *loop)
{
    *loop = (struct ph__loop)PH__LOOP_CLOSED;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        return -errno;
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = PH__LOOP_WOKEN};
    if (loop->wake_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0) {
        int err = -errno;
        ph__loop_done(loop);
        return err;
    }
    return 0;
}

void ph__loop_done(struct ph__loop *loop)
{
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    *loop = (struct ph__loop)PH__LOOP_CLOSED;
}

static int add(struct ph__loop *loop, int fd, uint64_t item, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = item};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int ph__loop_add(struct ph__loop *loop, int fd, uint64_t item)
{
    return add(loop, fd, item, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET);
}

int ph__loop_add_listener(struct ph__loop *loop, int fd, uint64_t item)
{
    return add(loop, fd, item, EPOLLIN);
}

void ph__loop_remove(struct ph__loop *loop, int fd)
{
    struct epoll_event ignored = {0}; /* kernels before 2.6.9 wanted one */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, &ignored);
}

void ph__loop_wake(struct ph__loop *loop)
{
    int saved = errno;
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the loop has been woken anyway. */
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

static void clear_wake(struct ph__loop *loop)
{
    uint64_t count;
    ssize_t got = read(loop->wake_fd, &count, sizeof count); /* EAGAIN: cleared already */
    (void)got;
}

static unsigned translate(uint32_t events)
{
    unsigned result = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        result |= PH__EVENT_READ;
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        result |= PH__EVENT_WRITE;
    }
    if (events & (EPOLLHUP | EPOLLERR)) {
        result |= PH__EVENT_DEAD;
    }
    if (events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR)) {
        result |= PH__EVENT_HANGUP;
    }
    return result;
}

int ph__loop_wait(struct ph__loop *loop, struct ph__event events[PH__LOOP_BATCH], int timeout_ms)
{
    struct epoll_event ready[PH__LOOP_BATCH];
    int count = epoll_wait(loop->epoll_fd, ready, PH__LOOP_BATCH, timeout_ms);
    if (count < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    for (int i = 0; i < count; i++) {
        events[i].item = ready[i].data.u64;
        events[i].events = translate(ready[i].events);
        if (events[i].item == PH__LOOP_WOKEN) {
            clear_wake(loop);
        }
    }
    return count;
}
