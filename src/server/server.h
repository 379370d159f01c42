/* SPDX-License-Identifier: MIT
 *
 * The server's own structure, for the files of this layer.
 */
#ifndef PORTHOLE_SERVER_SERVER_H
#define PORTHOLE_SERVER_SERVER_H

#include "http/parse.h"
#include "http/router.h"
#include "net/transport.h"
#include "server/acceptor.h"
#include "server/before.h"
#include "server/conn_table.h"
#include "server/pool.h"
#include "server/worker.h"

#include <porthole/server.h>

/* How long a connection that is closing may go on sending what nobody reads. */
enum { PH__LINGER_MS = 2000 };

struct ph__cleanup {
    struct ph__cleanup *next;
    void (*release)(void *user);
    void *user;
};

/* A pointer that the program keeps with the server. */
struct ph__kept {
    struct ph__kept *next;
    const void *key;
    void *value;
};

/* Puts a transport on each TCP connection. */
struct ph__wrapper {
    /* On the worker; NULL: no memory. */
    struct ph__transport *(*wrap)(void *user, int fd);
    void *user;
};

enum ph__life {
    PH__LIFE_NEW,     /* routes and listeners may be added */
    PH__LIFE_STARTED, /* until somebody waits for the end */
};

struct ph_server {
    struct ph_config cfg; /* defaults filled in; what it points at is not kept here */
    struct ph__unix_access unix_access;
    struct ph__limits limits;
    struct ph__router router;
    struct ph__listener *listeners;
    size_t listener_count;
    bool default_listener; /* listeners[0] stands for "none was named" */
    int failed_listener;   /* index, or -1 */

    struct ph__before *befores;        /* owned */
    struct ph__wrapper wrapper;        /* wrap is NULL: none */
    struct ph__transport **transports; /* by a connection's index; NULL without a wrapper */
    unsigned tick_ms;                  /* how often what is upgraded looks at the clock */
    struct ph__conn_table table;
    struct ph__worker *workers;
    unsigned worker_count; /* set up */
    struct ph__pool pool;
    struct ph__acceptor acceptor;

    _Atomic bool stopping;
    _Atomic uint64_t accepted, refused;
    uint64_t started_us, started_unix_ms;
    pthread_mutex_t lock; /* held while starting, and while waiting for the end */
    _Atomic enum ph__life life;
    struct ph__cleanup *cleanups;
    struct ph__kept *kept;
};

/* True when the program drives the server by ph_server_poll(). */
static inline bool ph__server_has_no_threads(const struct ph_server *server)
{
    return server->cfg.workers == PH_NO_THREADS;
}

/* Gives a line to cfg.log. */
void ph__server_log(const struct ph_server *server, enum ph_log_level level, const char *format,
                    ...) PH_PRINTF(3, 4);

/* Fills in defaults; returns 0 or -EINVAL. */
int ph__config_resolve(struct ph_config *ret_cfg, const struct ph_config *cfg, size_t cfg_size);

#endif
