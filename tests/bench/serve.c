/* SPDX-License-Identifier: MIT
 *
 * porthole as the benchmarks run it, by its public headers only.
 *
 *   serve [WORKERS [LOOP [FOLDER]]]      LOOP: auto (the default), epoll, io_uring
 *
 * GET /hello is the reply that is measured, GET /slow one that takes 100 ms, on the pool of
 * blocking handlers. GET /static/ has the files of FOLDER. Other routes stand beside them, so that
 * finding one is real work. GET /allocations tells how many allocations the program has made so
 * far: the linker puts the
 * __wrap_ functions in the place of the real ones. Prints "listening on PORT"; SIGTERM ends it.
 */
#include "reply.h"

#include <porthole/porthole.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CONNECTIONS_MAX = 200000, SLOW_MS = 100, SLOW_THREADS = 16 };

static const char *const other_routes[] = {
    "GET /",
    "GET /status",
    "GET /healthz",
    "GET /metrics",
    "GET /api/v1",
    "GET /api/v1/sensors",
    "GET /api/v1/sensors/:id",
    "PUT /api/v1/sensors/:id",
    "DELETE /api/v1/sensors/:id",
    "GET /api/v1/sensors/:id/history",
    "GET /api/v1/rooms",
    "POST /api/v1/rooms",
    "GET /api/v1/rooms/:id",
    "GET /api/v1/rooms/:id/sensors",
    "GET /api/v1/events",
    "POST /api/v1/login",
    "GET /api/v1/users/:name",
    "GET /help",
    "GET /hell",
    "GET /files/*",
};

static _Atomic unsigned long allocations;
static struct ph_server *server;

/* ---- allocations ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    allocations++;
    return __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    allocations++;
    return __real_strndup(text, size);
}

/* ---- routes ---- */

static int hello(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    return ph_reply_static(res, 200, BENCH_TYPE, BENCH_BODY, BENCH_BODY_SIZE);
}

/* Stands in for a handler that waits for a disk, or for somebody else's answer. */
static int slow(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct timespec pause = {.tv_nsec = SLOW_MS * 1000000L};
    nanosleep(&pause, NULL);
    return hello(req, res, user);
}

static int say_allocations(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req, (void)user;
    char text[32];
    snprintf(text, sizeof text, "%lu\n", (unsigned long)allocations);
    return ph_reply_text(res, 200, text);
}

static int add_routes(const char *folder)
{
    const struct ph_route slow_route = {.pattern = "GET /slow", .handler = slow, .blocking = true};
    int err = ph_server_route(server, "GET /hello", hello, NULL);
    err = err ? err : ph_server_route(server, "GET /allocations", say_allocations, NULL);
    err = err ? err : ph_server_add(server, &slow_route);
    for (size_t i = 0; !err && i < sizeof other_routes / sizeof *other_routes; i++) {
        err = ph_server_route(server, other_routes[i], hello, NULL);
    }
    const struct ph_files_config files = {.root = folder};
    return err || !folder ? err : ph_server_files(server, "/static/", &files);
}

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

static int serve(const struct ph_config *config, const char *folder)
{
    int err = ph_server_new(&server, config);
    err = err ? err : add_routes(folder);
    err = err ? err : ph_server_start(server);
    if (!err) {
        struct sigaction action = {.sa_handler = stop};
        sigaction(SIGTERM, &action, NULL);
        printf("listening on %u\n", (unsigned)ph_server_port(server));
        fflush(stdout);
        ph_server_wait(server);
    }
    ph_server_free(server);
    return err;
}

static bool read_loop(const char *name, enum ph_loop *ret_loop)
{
    for (enum ph_loop loop = PH_LOOP_AUTO; loop <= PH_LOOP_IO_URING; loop++) {
        if (strcmp(name, ph_loop_name(loop)) == 0) {
            *ret_loop = loop;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct ph_config config = {
        .listen = "127.0.0.1:0",
        .workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1,
        .connections_max = CONNECTIONS_MAX,
        .blocking_threads = SLOW_THREADS,
        .idle_ms = 600000,
    };
    if (argc > 4 || config.workers == 0 || (argc > 2 && !read_loop(argv[2], &config.loop))) {
        fprintf(stderr, "usage: serve [WORKERS [auto|epoll|io_uring [FOLDER]]]\n");
        return 2;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    int err = serve(&config, argc > 3 ? argv[3] : NULL);
    if (err) {
        fprintf(stderr, "serve: %s\n", ph_strerror(err));
    }
    return err ? 1 : 0;
}
