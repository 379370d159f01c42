/* SPDX-License-Identifier: MIT
 *
 * The parts of the load client: load.c reads the options and prints the result, load_ring.c drives
 * the connections, load_reply.c tells where a reply ends, load_latency.c and load_counters.c keep
 * what is measured.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LOAD_PIDS_MAX = 16 };

/* Requests are of two kinds, counted apart. */
enum load_kind { LOAD_FAST, LOAD_SLOW, LOAD_KINDS };

struct load_request {
    char *text;  /* depth times the same request */
    size_t size; /* of one */
};

struct load_options {
    struct sockaddr_in address;
    unsigned connections;
    unsigned depth;    /* requests sent at once on a connection */
    uint64_t requests; /* in all; 0: as many as fit into the time */
    double seconds;
    double warm_up; /* seconds before counting begins */
    double slow_share;
    bool churn; /* a new connection a request */
    struct load_request request[LOAD_KINDS];
    pid_t pids[LOAD_PIDS_MAX]; /* the server's processes, whose time is measured */
    size_t pid_count;
};

/* ---- latencies: a histogram within 1.6 % ---- */

enum {
    LATENCY_FINE = 64, /* buckets for each doubling */
    LATENCY_BUCKETS = LATENCY_FINE * 40,
};

struct load_latency {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct load_latency *latency, uint64_t ns, unsigned times);

/* In µs; share is 0.5 for the median. 0 when there is none. */
double latency_quantile_us(const struct load_latency *latency, double share);

/* ---- where a reply ends ---- */

enum {
    REPLY_HEAD_MAX = 4096,
    REPLY_LENGTH_MAX = 48, /* the Content-Length line */
};

/* What the last reply looked like: the next is compared with it before it is read word by word. */
struct reply_shape {
    size_t size; /* head and body; 0: none seen yet */
    size_t head;
    size_t length_at; /* where the Content-Length line stands */
    size_t length_size;
    char length[REPLY_LENGTH_MAX];
};

/* One connection's place in its replies. */
struct reply_reader {
    size_t body_left;
    size_t kept; /* bytes of a head that has not ended */
    char *head;  /* REPLY_HEAD_MAX bytes, once one was needed */
};

/* Takes bytes as they came, in pieces of any size. Adds the number of replies that ended to
 * *done. Returns NULL, or what is wrong with a reply. */
const char *reply_feed(struct reply_reader *reader, struct reply_shape *shape, const char *data,
                       size_t size, unsigned *done);

/* ---- the run ---- */

struct load_result {
    uint64_t replies;
    uint64_t errors;
    uint64_t bytes;
    uint64_t connects;
    uint64_t wakes;
    double seconds;
    double client_cpu;  /* seconds */
    double client_wait; /* seconds that it was ready to run, and others ran */
    double server_cpu;  /* seconds, of all pids together */
    struct reply_shape shape[LOAD_KINDS];
    struct load_latency latency[LOAD_KINDS];
};

/* What has been counted so far; the result is the difference of two. */
struct load_counters {
    uint64_t now_ns; /* when this wake-up began */
    uint64_t client_ns;
    uint64_t client_wait_ns;
    uint64_t server_ns;
    uint64_t replies;
    uint64_t bytes;
    uint64_t connects;
    uint64_t wakes;
};

uint64_t counters_now_ns(void);
void counters_read_processor_times(struct load_counters *counters,
                                   const struct load_options *options);
void counters_subtract(const struct load_counters *at, const struct load_counters *from,
                       struct load_result *result);

/* Returns 0, or -1 after a message on standard error. */
int load_run(const struct load_options *options, struct load_result *result);

#endif
