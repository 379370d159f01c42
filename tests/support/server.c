/* SPDX-License-Identifier: MIT
 *
 * The server under test: routes, and waiting for what it does.
 */
#include "support/server.h"

#include "support/client.h"
#include "support/cmocka.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Atomic int bodies_released;
_Atomic int bodies_held;
_Atomic int waiting;

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_is_open;

/* ---- routes ---- */

static int say_hello(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_text(res, 200, "hello");
}

/* Appends "name=value\n" as far as there is room. */
static void show_pair(char *text, size_t size, const char *name, const char *value)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s=%s\n", name, value ? value : "(none)");
}

static int show(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    char text[4000] = "";
    const char *name;
    const char *value;
    show_pair(text, sizeof text, "method", ph_request_method(req));
    show_pair(text, sizeof text, "path", ph_request_path(req));
    show_pair(text, sizeof text, "target", ph_request_target(req));
    show_pair(text, sizeof text, "rest", ph_request_param(req, "*"));
    for (size_t i = 0; ph_request_query_at(req, i, &name, &value) == 0; i++) {
        show_pair(text, sizeof text, name, value);
    }
    for (size_t i = 0; ph_request_header_at(req, i, &name, &value) == 0; i++) {
        show_pair(text, sizeof text, name, value);
    }
    return ph_reply_text(res, 200, text);
}

static int echo(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    size_t size;
    const void *body = ph_request_body(req, &size);
    return ph_reply_copy(res, 200, ph_request_header(req, "Content-Type"), body, size);
}

static char big[BIG_MAX]; /* filled once, before the first server */

const char *big_bytes(void)
{
    return big;
}

static void release_body(void *data)
{
    free(data);
    bodies_released++; /* first, since tests wait for the other */
    bodies_held--;
}

struct making {
    size_t made, size, fail_at;
};

static ssize_t make_more(void *user, char *buffer, size_t size)
{
    struct making *making = user;
    size_t left = making->size - making->made;
    size_t part = left < size ? left : size;
    if (making->fail_at && making->made + part > making->fail_at) {
        return -EIO;
    }
    memcpy(buffer, big + making->made, part);
    making->made += part;
    return (ssize_t)part;
}

static size_t number(struct ph_request *req, const char *name)
{
    const char *text = ph_request_query(req, name);
    return text ? strtoul(text, NULL, 10) : 0;
}

static int generate_big(struct ph_request *req, struct ph_response *res)
{
    struct making *making = malloc(sizeof *making);
    if (!making) {
        return -ENOMEM;
    }
    *making = (struct making){.size = number(req, "size"), .fail_at = number(req, "fail_at")};
    bodies_held++;
    int err = ph_reply_generate(res, 200, "text/plain", make_more, making, release_body);
    if (err < 0) {
        bodies_held--;
        free(making);
    }
    return err;
}

static int copy_or_take_big(struct ph_response *res, size_t size, bool copy)
{
    char *data = malloc(size + 1);
    if (!data) {
        return -ENOMEM;
    }
    memcpy(data, big, size);
    if (copy) {
        int err = ph_reply_copy(res, 200, "text/plain", data, size);
        free(data);
        return err;
    }
    bodies_held++;
    int err = ph_reply_take(res, 200, "text/plain", data, size, release_body);
    if (err < 0) {
        bodies_held--;
        free(data);
    }
    return err;
}

static int reply_big(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    const char *kind = ph_request_query(req, "kind");
    size_t size = number(req, "size");
    if (size > BIG_MAX) {
        return -EINVAL;
    }
    if (!kind || strcmp(kind, "generate") == 0) {
        return generate_big(req, res);
    }
    if (strcmp(kind, "static") == 0) {
        return ph_reply_static(res, 200, "text/plain", big, size);
    }
    return copy_or_take_big(res, size, strcmp(kind, "copy") == 0);
}

static int wait_at_gate(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    pthread_mutex_lock(&gate_lock);
    waiting++;
    while (!gate_is_open) {
        pthread_cond_wait(&gate_changed, &gate_lock);
    }
    waiting--;
    pthread_mutex_unlock(&gate_lock);
    return ph_reply_text(res, 200, "waited");
}

static int be_slow(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_text(res, 200, "slow");
}

static int fail_handler(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    if (ph_request_query(req, "first")) {
        int err = reply_big(req, res, NULL);
        if (err < 0) {
            return err;
        }
    }
    return -(int)number(req, "code");
}

static int do_nothing(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)res;
    (void)user;
    return 0;
}

static void add_routes(struct ph_server *server)
{
    static const struct ph_route routes[] = {
        {.pattern = "GET /hello", .handler = say_hello},
        {.pattern = "GET /show", .handler = show},
        {.pattern = "GET /show/*", .handler = show},
        {.pattern = "POST /echo", .handler = echo},
        {.pattern = "POST /echo/slow", .handler = echo, .blocking = true},
        {.pattern = "GET /big", .handler = reply_big},
        {.pattern = "GET /big/slow", .handler = reply_big, .blocking = true},
        {.pattern = "GET /wait", .handler = wait_at_gate, .blocking = true},
        {.pattern = "GET /slow", .handler = be_slow, .blocking = true},
        {.pattern = "GET /fail", .handler = fail_handler},
        {.pattern = "GET /fail/slow", .handler = fail_handler, .blocking = true},
        {.pattern = "GET /nothing", .handler = do_nothing},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        assert_int_equal(ph_server_add(server, &routes[i]), 0);
    }
}

/* The same programs test both loops: the environment says which. Without it, the one that every
 * system has. */
static enum ph_loop loop_under_test(void)
{
    const char *wanted = getenv("PORTHOLE_TEST_LOOP");
    for (enum ph_loop loop = PH_LOOP_AUTO; wanted && loop <= PH_LOOP_IO_URING; loop++) {
        if (strcmp(wanted, ph_loop_name(loop)) == 0) {
            return loop;
        }
    }
    return PH_LOOP_EPOLL;
}

struct ph_server *server_new(const struct ph_config *cfg)
{
    struct ph_config settings = cfg ? *cfg : (struct ph_config){0};
    settings.listen = settings.listen ? settings.listen : "127.0.0.1:0";
    settings.workers = settings.workers ? settings.workers : 2;
    settings.loop = settings.loop ? settings.loop : loop_under_test();
    for (size_t i = 0; i < BIG_MAX && !big[BIG_MAX - 1]; i++) {
        big[i] = (char)('a' + i % 26 - (i % 1009 == 0 ? 32 : 0)); /* no period of a power of two */
    }
    struct ph_server *server;
    assert_int_equal(ph_server_new(&server, &settings), 0);
    add_routes(server);
    return server;
}

struct ph_server *server_start(const struct ph_config *cfg)
{
    struct ph_server *server = server_new(cfg);
    int err = ph_server_start(server);
    if (err < 0 && ph_server_config(server)->loop == PH_LOOP_IO_URING) {
        print_message("skipped: no io_uring here: %s\n", ph_strerror(err));
        exit(EXIT_SKIPPED);
    }
    assert_int_equal(err, 0);
    return server;
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate_lock);
    gate_is_open = open;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate_lock);
}

void gate_open(void)
{
    set_gate(true);
}

void gate_close(void)
{
    set_gate(false);
}

/* ---- waiting ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void wait_until(bool (*holds)(void *user), void *user)
{
    enum { QUICK_TRIES = 200 };
    int64_t end = now_ms() + CLIENT_WAIT_MS;
    for (int tries = 0; !holds(user); tries++) {
        if (tries < QUICK_TRIES) {
            sched_yield();
        } else if (now_ms() < end) {
            poll(NULL, 0, 1); /* leaves the processor to those who are waited for */
        } else {
            fail_msg("waited in vain");
        }
    }
}

struct wanted_bytes {
    const struct ph_server *server;
    uint64_t bytes;
};

static bool has_read(void *user)
{
    const struct wanted_bytes *wanted = user;
    struct ph_server_stats stats;
    ph_server_stats(wanted->server, &stats);
    return stats.bytes_in >= wanted->bytes;
}

void wait_bytes_in(const struct ph_server *server, uint64_t bytes)
{
    struct wanted_bytes wanted = {server, bytes};
    wait_until(has_read, &wanted);
}

struct wanted_connections {
    const struct ph_server *server;
    const char *state;
    int count, found;
};

static int count_one(void *user, const struct ph_connection *connection)
{
    struct wanted_connections *wanted = user;
    wanted->found += !wanted->state[0] || strcmp(connection->state, wanted->state) == 0;
    return 0;
}

static bool has_connections(void *user)
{
    struct wanted_connections *wanted = user;
    wanted->found = 0;
    ph_server_connections(wanted->server, count_one, wanted);
    return wanted->found == wanted->count;
}

int count_connections(const struct ph_server *server, const char *state)
{
    struct wanted_connections wanted = {server, state, 0, 0};
    has_connections(&wanted);
    return wanted.found;
}

void wait_connections(const struct ph_server *server, const char *state, int count)
{
    struct wanted_connections wanted = {server, state, count, 0};
    wait_until(has_connections, &wanted);
}

static bool are_waiting(void *user)
{
    const int *count = user;
    return waiting == *count;
}

void wait_waiting(int count)
{
    wait_until(are_waiting, &count);
}
