/* SPDX-License-Identifier: MIT
 *
 * Drives the connections of the load client through one io_uring: all sends, receives and, with a
 * new connection a request, sockets and connects of one wake-up go to the kernel in one call. Each
 * connection has one multishot receive, which takes its buffers from a common pool.
 *
 * A connection:  [socket, connect,] send --> awaiting replies --> send ...
 *                                             `-> [end of file, close --> socket ...]
 */
#include "load.h"

#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SUBMISSIONS = 4096,
    BUFFER_GROUP = 0,
    BUFFERS_MIN = 64,
    BUFFERS_MAX = 8192,
    BUFFER_SIZE = 2048,       /* several replies of the kind that is measured */
    BUFFER_SIZE_DEEP = 16384, /* the same for pipelined ones */
    CHAIN = 4,                /* submissions that make a new connection */
    STALL_SECONDS = 10,
    OPERATION_BITS = 3,
};

enum operation { RECEIVE, SEND, CONNECT, SOCKET, CLOSE };

struct conn {
    struct reply_reader reader;
    uint64_t sent_ns;
    unsigned awaited; /* replies */
    enum load_kind kind;
    bool dead;
};

struct run {
    const struct load_options *options;
    struct load_result *result;
    struct io_uring ring;
    struct io_uring_buf_ring *pool;
    char *pool_memory;
    unsigned pool_size; /* a power of two */
    unsigned pool_returned;
    size_t buffer_size;
    struct conn *conns;
    uint64_t left; /* requests to send yet */
    uint64_t busy; /* connections that await something */
    bool counting; /* the warm-up is over, the time is not */
    bool ending;   /* nothing more is sent */
    uint64_t random;
    uint64_t progress_ns;
    struct load_counters at;
    struct load_counters from;
};

static int fail(const char *what, int err)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(err));
    return -1;
}

/* ---- submissions ---- */

/* Makes room for submissions that belong together. */
static void make_room(struct run *run, unsigned count)
{
    while (io_uring_sq_space_left(&run->ring) < count) {
        int err = io_uring_submit(&run->ring);
        if (err < 0) {
            fail("io_uring_submit", -err);
            exit(1);
        }
    }
}

static struct io_uring_sqe *submission(struct run *run)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&run->ring))) {
        make_room(run, 1);
    }
    return sqe;
}

static int slot_of(const struct run *run, const struct conn *conn)
{
    return (int)(conn - run->conns);
}

/* What liburing's helpers may have cleared. */
static void describe(const struct run *run, const struct conn *conn, struct io_uring_sqe *sqe,
                     enum operation operation, unsigned flags)
{
    sqe->user_data = (uint64_t)slot_of(run, conn) << OPERATION_BITS | (uint64_t)operation;
    sqe->flags = (__u8)flags;
}

static void submit_receive(struct run *run, const struct conn *conn)
{
    struct io_uring_sqe *sqe = submission(run);
    io_uring_prep_recv_multishot(sqe, slot_of(run, conn), NULL, 0, 0);
    sqe->buf_group = BUFFER_GROUP;
    describe(run, conn, sqe, RECEIVE, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
}

/* A send that does not take all ends with an error, and only then is there a completion. */
static void submit_send(struct run *run, const struct conn *conn, unsigned count, unsigned flags)
{
    const struct load_request *request = &run->options->request[conn->kind];
    struct io_uring_sqe *sqe = submission(run);
    io_uring_prep_send(sqe, slot_of(run, conn), request->text, count * request->size,
                       MSG_WAITALL | MSG_NOSIGNAL);
    describe(run, conn, sqe, SEND, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS | flags);
}

static void submit_connect(struct run *run, const struct conn *conn)
{
    const struct sockaddr_in *address = &run->options->address;
    make_room(run, CHAIN);
    struct io_uring_sqe *sqe = submission(run);
    io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, (unsigned)slot_of(run, conn), 0);
    describe(run, conn, sqe, SOCKET, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
    sqe = submission(run);
    io_uring_prep_connect(sqe, slot_of(run, conn), (const struct sockaddr *)address,
                          sizeof *address);
    describe(run, conn, sqe, CONNECT, IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
}

static void submit_close(struct run *run, const struct conn *conn)
{
    struct io_uring_sqe *sqe = submission(run);
    io_uring_prep_close_direct(sqe, (unsigned)slot_of(run, conn));
    describe(run, conn, sqe, CLOSE, IOSQE_CQE_SKIP_SUCCESS);
}

/* ---- a connection ---- */

static enum load_kind next_kind(struct run *run)
{
    if (run->options->slow_share <= 0) {
        return LOAD_FAST;
    }
    /* xorshift: the same sequence in every run */
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return (double)(run->random >> 11) * 0x1p-53 < run->options->slow_share ? LOAD_SLOW : LOAD_FAST;
}

/* Sends the next requests of a connection that awaits nothing. */
static void ask(struct run *run, struct conn *conn)
{
    if (run->ending || run->left == 0) {
        return;
    }
    unsigned count = run->options->depth < run->left ? run->options->depth : (unsigned)run->left;
    run->left -= count;
    run->busy++;
    conn->awaited = count;
    conn->kind = next_kind(run);
    conn->sent_ns = run->at.now_ns;
    if (!run->options->churn) {
        submit_send(run, conn, count, 0);
        return;
    }
    run->at.connects++;
    submit_connect(run, conn);
    submit_send(run, conn, count, IOSQE_IO_LINK);
    submit_receive(run, conn);
}

static void give_up(struct run *run, struct conn *conn, const char *why)
{
    if (conn->dead) {
        return;
    }
    if (run->result->errors++ == 0) {
        fprintf(stderr, "load: connection %d: %s\n", slot_of(run, conn), why);
    }
    run->busy -= conn->awaited > 0 || run->options->churn;
    conn->dead = true;
}

static void received(struct run *run, struct conn *conn, const char *data, size_t size)
{
    unsigned done = 0;
    const char *wrong =
        reply_feed(&conn->reader, &run->result->shape[conn->kind], data, size, &done);
    if (!wrong && done > conn->awaited) {
        wrong = "more replies than requests";
    }
    if (wrong) {
        give_up(run, conn, wrong);
        return;
    }
    run->at.bytes += size;
    run->at.replies += done;
    run->progress_ns = run->at.now_ns;
    conn->awaited -= done;
    if (done > 0 && run->counting) {
        latency_add(&run->result->latency[conn->kind], run->at.now_ns - conn->sent_ns, done);
    }
    if (done > 0 && conn->awaited == 0 && !run->options->churn) {
        run->busy--;
        ask(run, conn);
    }
}

static void ended(struct run *run, struct conn *conn)
{
    if (conn->awaited > 0) {
        give_up(run, conn, "closed before its reply was complete");
    } else if (run->options->churn) {
        submit_close(run, conn);
        run->busy--;
        ask(run, conn);
    } else if (!run->ending && run->left > 0) {
        give_up(run, conn, "closed by the server");
    }
}

/* ---- completions ---- */

static void return_buffer(struct run *run, unsigned id)
{
    io_uring_buf_ring_add(run->pool, run->pool_memory + id * run->buffer_size,
                          (unsigned)run->buffer_size, (unsigned short)id,
                          io_uring_buf_ring_mask(run->pool_size), (int)run->pool_returned++);
}

static void completed(struct run *run, const struct io_uring_cqe *cqe)
{
    struct conn *conn = &run->conns[cqe->user_data >> OPERATION_BITS];
    enum operation op = (enum operation)(cqe->user_data & ((1U << OPERATION_BITS) - 1));
    if (op != RECEIVE) {
        if (cqe->res < 0 && cqe->res != -ECANCELED) {
            give_up(run, conn, strerror(-cqe->res));
        }
        return;
    }
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0 && !conn->dead) {
            received(run, conn, run->pool_memory + id * run->buffer_size, (size_t)cqe->res);
        }
        return_buffer(run, id);
    }
    if (conn->dead || (cqe->flags & IORING_CQE_F_MORE)) {
        return;
    }
    if (cqe->res > 0 || cqe->res == -ENOBUFS) {
        submit_receive(run, conn); /* the kernel ended it; the connection goes on */
    } else if (cqe->res == 0) {
        ended(run, conn);
    } else if (cqe->res != -ECANCELED) {
        give_up(run, conn, strerror(-cqe->res));
    } else {
        give_up(run, conn, "no connection");
    }
}

/* ---- setting up ---- */

static int set_up_ring(struct run *run)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * SUBMISSIONS,
    };
    int err = io_uring_queue_init_params(SUBMISSIONS, &run->ring, &params);
    if (err == -EINVAL) { /* Linux before 6.1 */
        params =
            (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = 4 * SUBMISSIONS};
        err = io_uring_queue_init_params(SUBMISSIONS, &run->ring, &params);
    }
    return err < 0 ? fail("io_uring", -err) : 0;
}

static int set_up_pool(struct run *run)
{
    run->pool_size = BUFFERS_MIN;
    while (run->pool_size < run->options->connections && run->pool_size < BUFFERS_MAX) {
        run->pool_size *= 2;
    }
    run->buffer_size = run->options->depth > 1 ? BUFFER_SIZE_DEEP : BUFFER_SIZE;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t entries = run->pool_size * sizeof(struct io_uring_buf);
    entries = (entries + page - 1) / page * page;
    run->pool = aligned_alloc(page, entries);
    run->pool_memory = malloc(run->pool_size * run->buffer_size);
    if (!run->pool || !run->pool_memory) {
        return fail("buffers", ENOMEM);
    }
    memset(run->pool, 0, entries);
    struct io_uring_buf_reg registration = {.ring_addr = (uint64_t)(uintptr_t)run->pool,
                                            .ring_entries = run->pool_size,
                                            .bgid = BUFFER_GROUP};
    int err = io_uring_register_buf_ring(&run->ring, &registration, 0);
    if (err < 0) {
        return fail("buffer ring, which needs Linux 6.0", -err);
    }
    for (unsigned i = 0; i < run->pool_size; i++) {
        return_buffer(run, i);
    }
    io_uring_buf_ring_advance(run->pool, (int)run->pool_returned);
    run->pool_returned = 0;
    return 0;
}

/* Connects all, one after the other, and gives the sockets to the ring. */
static int set_up_connections(struct run *run)
{
    const struct load_options *options = run->options;
    int err = io_uring_register_files_sparse(&run->ring, options->connections);
    if (err < 0) {
        return fail("table of descriptors", -err);
    }
    for (unsigned i = 0; i < options->connections && !options->churn; i++) {
        const int on = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
            connect(fd, (const struct sockaddr *)&options->address, sizeof options->address) < 0) {
            return fail("connect", errno);
        }
        err = io_uring_register_files_update(&run->ring, i, &fd, 1);
        close(fd);
        if (err < 0) {
            return fail("table of descriptors", -err);
        }
        submit_receive(run, &run->conns[i]);
    }
    run->at.connects = options->churn ? 0 : options->connections;
    return 0;
}

static int set_up(struct run *run)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    run->conns = calloc(run->options->connections, sizeof *run->conns);
    if (!run->conns) {
        return fail("connections", ENOMEM);
    }
    if (set_up_ring(run) < 0) {
        return -1;
    }
    return set_up_pool(run) < 0 || set_up_connections(run) < 0 ? -1 : 0;
}

/* ---- the loop ---- */

/* Submits what there is and waits for answers. */
static int wait_for_completions(struct run *run)
{
    struct __kernel_timespec limit = {.tv_sec = 1};
    struct io_uring_cqe *cqe;
    int err = io_uring_submit_and_wait_timeout(&run->ring, &cqe, 1, &limit, NULL);
    if (err < 0 && err != -ETIME && err != -EINTR) {
        return fail("io_uring_enter", -err);
    }
    run->at.now_ns = counters_now_ns();
    run->at.wakes++;
    if (run->at.now_ns - run->progress_ns > STALL_SECONDS * 1000000000ULL) {
        return fail("the server does not answer", ETIMEDOUT);
    }
    return 0;
}

static void take_completions(struct run *run)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&run->ring, head, cqe)
    {
        completed(run, cqe);
        count++;
    }
    io_uring_cq_advance(&run->ring, count);
    io_uring_buf_ring_advance(run->pool, (int)run->pool_returned);
    run->pool_returned = 0;
}

static void end_counting(struct run *run)
{
    counters_read_processor_times(&run->at, run->options);
    counters_subtract(&run->at, &run->from, run->result);
    run->counting = false;
}

static void look_at_the_time(struct run *run, uint64_t start_ns)
{
    const struct load_options *options = run->options;
    double passed = (double)(run->at.now_ns - start_ns) / 1e9;
    if (!run->counting && !run->ending && passed >= options->warm_up) {
        counters_read_processor_times(&run->at, options);
        run->from = run->at;
        run->counting = true;
    }
    bool over = options->requests == 0 && passed >= options->warm_up + options->seconds;
    if (run->counting && over) {
        end_counting(run);
        run->ending = true;
    }
}

static int loop(struct run *run)
{
    uint64_t start_ns = counters_now_ns();
    run->at.now_ns = start_ns;
    run->progress_ns = start_ns;
    look_at_the_time(run, start_ns);
    for (unsigned i = 0; i < run->options->connections; i++) {
        ask(run, &run->conns[i]);
    }
    while (run->busy > 0) {
        if (wait_for_completions(run) < 0) {
            return -1;
        }
        take_completions(run);
        look_at_the_time(run, start_ns);
    }
    if (run->counting) {
        end_counting(run);
    }
    return 0;
}

int load_run(const struct load_options *options, struct load_result *result)
{
    struct run run = {.options = options,
                      .result = result,
                      .left = options->requests ? options->requests : UINT64_MAX,
                      .random = 0x9e3779b97f4a7c15};
    *result = (struct load_result){0};
    int err = set_up(&run) < 0 || loop(&run) < 0 ? -1 : 0;
    if (run.ring.ring_fd > 0) {
        io_uring_queue_exit(&run.ring);
    }
    for (unsigned i = 0; run.conns && i < options->connections; i++) {
        free(run.conns[i].reader.head);
    }
    free(run.conns);
    free(run.pool_memory);
    free(run.pool);
    return err;
}
