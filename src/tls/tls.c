/* SPDX-License-Identifier: MIT
 *
 * The TLS of a server: its files, and what they have last become.
 */
#include "server/exchange.h"
#include "server/server.h"
#include "tls/openssl.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Kept with the server under the address of `key`. */
struct server_tls {
    struct ph_tls_config cfg;  /* owns its strings */
    pthread_mutex_t reloading; /* one reads the files at a time, so that what is read last stays */
    pthread_mutex_t lock;      /* of `openssl`, which each new connection takes */
    struct ph__openssl *openssl;
};

static const char key;

static void clear(char *reason, size_t size)
{
    if (size > 0) {
        reason[0] = '\0';
    }
}

static void free_config(struct ph_tls_config *cfg)
{
    /* Copies of our own. */
    free((void *)(uintptr_t)cfg->certificate_file);
    free((void *)(uintptr_t)cfg->key_file);
    free((void *)(uintptr_t)cfg->client_ca_file);
    *cfg = (struct ph_tls_config){0};
}

static int copy_config(struct ph_tls_config *copy, const struct ph_tls_config *cfg)
{
    copy->certificate_file = strdup(cfg->certificate_file);
    copy->key_file = strdup(cfg->key_file);
    copy->client_ca_file = cfg->client_ca_file ? strdup(cfg->client_ca_file) : NULL;
    if (!copy->certificate_file || !copy->key_file ||
        (cfg->client_ca_file && !copy->client_ca_file)) {
        free_config(copy);
        return -ENOMEM;
    }
    return 0;
}

/* Fits ph_server_on_free(). */
static void free_server_tls(void *user)
{
    struct server_tls *tls = user;
    ph__openssl_unref(tls->openssl);
    free_config(&tls->cfg);
    pthread_mutex_destroy(&tls->reloading);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

/* Fits struct ph__wrapper. */
static struct ph__transport *wrap(void *user, int fd)
{
    struct server_tls *tls = user;
    pthread_mutex_lock(&tls->lock);
    struct ph__transport *transport = ph__openssl_wrap(tls->openssl, fd);
    pthread_mutex_unlock(&tls->lock);
    return transport;
}

/* What the server has, made if need be. Returns 0, PH_ERR_STARTED or -ENOMEM. */
static int find_or_make(struct ph_server *server, struct server_tls **ret_tls)
{
    struct server_tls *tls = ph_server_get(server, &key);
    if (!tls) {
        tls = calloc(1, sizeof *tls);
        if (!tls) {
            return -ENOMEM;
        }
        pthread_mutex_init(&tls->reloading, NULL);
        pthread_mutex_init(&tls->lock, NULL);
        int err = ph_server_on_free(server, free_server_tls, tls);
        if (err < 0) {
            free_server_tls(tls);
            return err;
        }
        err = ph_server_set(server, &key, tls);
        if (err < 0) {
            return err; /* it is freed with the server */
        }
    }
    *ret_tls = tls;
    return 0;
}

int ph_server_tls_sized(struct ph_server *server, const struct ph_tls_config *cfg, size_t cfg_size,
                        char *reason, size_t reason_size)
{
    struct ph_tls_config known = {0};
    struct ph_tls_config copy;
    struct server_tls *tls;
    struct ph__openssl *openssl;
    clear(reason, reason_size);
    if (server->life != PH__LIFE_NEW) {
        return PH_ERR_STARTED;
    }
    memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    if (!known.certificate_file || !known.key_file) {
        return -EINVAL;
    }
    int err = find_or_make(server, &tls);
    if (err == 0) {
        err = ph__openssl_new(&openssl, &known, reason, reason_size);
    }
    if (err < 0) {
        return err;
    }
    err = copy_config(&copy, &known);
    if (err < 0) {
        ph__openssl_unref(openssl);
        return err;
    }
    ph__openssl_unref(tls->openssl);
    free_config(&tls->cfg);
    tls->openssl = openssl;
    tls->cfg = copy;
    server->wrapper = (struct ph__wrapper){wrap, tls};
    return 0;
}

/* Puts another in its place, and returns the one before. */
static struct ph__openssl *exchange(struct server_tls *tls, struct ph__openssl *openssl)
{
    pthread_mutex_lock(&tls->lock);
    struct ph__openssl *old = tls->openssl;
    tls->openssl = openssl;
    pthread_mutex_unlock(&tls->lock);
    return old;
}

int ph_server_tls_reload(struct ph_server *server, char *reason, size_t reason_size)
{
    struct server_tls *tls = ph_server_get(server, &key);
    struct ph__openssl *openssl;
    clear(reason, reason_size);
    if (!tls || !tls->cfg.certificate_file) {
        return -EINVAL;
    }
    pthread_mutex_lock(&tls->reloading);
    int err = ph__openssl_new(&openssl, &tls->cfg, reason, reason_size);
    if (err == 0) {
        ph__openssl_unref(exchange(tls, openssl));
    }
    pthread_mutex_unlock(&tls->reloading);
    return err;
}

bool ph_request_tls(const struct ph_request *req, struct ph_tls_info *ret_info)
{
    /* The exchange is not written to. */
    const struct ph__exchange *exchange = ph__exchange_of((struct ph_request *)(uintptr_t)req);
    struct ph__transport *transport = exchange->io.transport;
    return transport && ph__openssl_describe(transport, ret_info);
}
