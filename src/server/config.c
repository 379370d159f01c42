/* SPDX-License-Identifier: MIT
 *
 * Defaults and limits of the configuration.
 */
#include "server/server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 256,
    HEAD_LEAST = 256,
    HEAD_MOST = 1 << 20,
    HEADERS_MOST = 10000,
    CONNECTIONS_MOST = 1 << 22,
    QUEUE_MOST = 1 << 16
};

static void set_default(unsigned *value, unsigned fallback)
{
    *value = *value ? *value : fallback;
}

static void set_default_size(size_t *value, size_t fallback)
{
    *value = *value ? *value : fallback;
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

static void fill_in(struct ph_config *cfg)
{
    set_default(&cfg->workers, processors());
    set_default(&cfg->backlog, SOMAXCONN);
    set_default(&cfg->connections_max, 16384);
    set_default(&cfg->blocking_threads, 2);
    set_default(&cfg->blocking_queue, 64);
    set_default_size(&cfg->head_max, 16384);
    set_default_size(&cfg->target_max, cfg->head_max < 8000 ? cfg->head_max : 8000);
    set_default(&cfg->headers_max, 100);
    set_default_size(&cfg->body_max, 1 << 20);
    set_default(&cfg->head_ms, 10000);
    set_default(&cfg->body_ms, 30000);
    set_default(&cfg->write_ms, 30000);
    set_default(&cfg->idle_ms, 60000);
    set_default(&cfg->quiet_ms, 15000);
    set_default(&cfg->drain_ms, 5000);
}

static int check(const struct ph_config *cfg)
{
    bool known_workers = cfg->workers <= WORKERS_MAX || cfg->workers == PH_NO_THREADS;
    bool sensible = known_workers && (unsigned)cfg->loop <= PH_LOOP_IO_URING &&
                    cfg->blocking_threads <= WORKERS_MAX && cfg->blocking_queue <= QUEUE_MOST &&
                    cfg->head_max >= HEAD_LEAST && cfg->head_max <= HEAD_MOST &&
                    cfg->target_max <= cfg->head_max && cfg->headers_max <= HEADERS_MOST &&
                    cfg->connections_max <= CONNECTIONS_MOST && cfg->unix_mode <= 0777;
    return sensible ? 0 : -EINVAL;
}

int ph__config_resolve(struct ph_config *ret_cfg, const struct ph_config *cfg, size_t cfg_size)
{
    struct ph_config resolved = {0};
    if (cfg) {
        /* A caller compiled with an older header knows fewer fields: the rest are defaults. */
        memcpy(&resolved, cfg, cfg_size < sizeof resolved ? cfg_size : sizeof resolved);
    }
    fill_in(&resolved);
    int err = check(&resolved);
    if (err == 0) {
        *ret_cfg = resolved;
    }
    return err;
}
