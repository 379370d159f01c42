/* SPDX-License-Identifier: MIT
 *
 * Clocks and counters of the load client: its own processor time, that of the server, and what
 * went by between two readings.
 */
#include "load.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) < 0
               ? 0
               : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How long this thread stood ready while others ran on its processor. */
static uint64_t waited_ns(void)
{
    unsigned long long ran = 0;
    unsigned long long waited = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    if (file) {
        if (fscanf(file, "%llu %llu", &ran, &waited) != 2) {
            waited = 0;
        }
        fclose(file);
    }
    return waited;
}

uint64_t counters_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void counters_read_processor_times(struct load_counters *counters,
                                   const struct load_options *options)
{
    counters->client_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    counters->client_wait_ns = waited_ns();
    counters->server_ns = 0;
    for (size_t i = 0; i < options->pid_count; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(options->pids[i], &clock) == 0) {
            counters->server_ns += clock_ns(clock);
        }
    }
}

void counters_subtract(const struct load_counters *at, const struct load_counters *from,
                       struct load_result *result)
{
    result->replies = at->replies - from->replies;
    result->bytes = at->bytes - from->bytes;
    result->connects = at->connects - from->connects;
    result->wakes = at->wakes - from->wakes;
    result->seconds = (double)(at->now_ns - from->now_ns) / 1e9;
    result->client_cpu = (double)(at->client_ns - from->client_ns) / 1e9;
    result->client_wait = (double)(at->client_wait_ns - from->client_wait_ns) / 1e9;
    result->server_cpu = (double)(at->server_ns - from->server_ns) / 1e9;
}
