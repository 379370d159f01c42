/* SPDX-License-Identifier: MIT
 *
 * ph_status_mount(): copies the configuration and turns the table of endpoints into routes.
 */
#include "status/collector.h"
#include "status/endpoints.h"
#include "status/files.h"
#include "status/own_facts.h"

#include <porthole/doctor.h>
#include <porthole/status.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of the page beside index.html. */
static const struct ph__endpoint page_file = {
    .path = "/*",
    .summary = "A file of the status page",
    .handle = ph__serve_page,
    .flags = PH__ENDPOINT_OPEN | PH__ENDPOINT_PAGE,
};

/* What a route carries. */
struct binding {
    const struct ph__status *status;
    const struct ph__endpoint *endpoint;
    struct binding *next;
};

struct mount {
    struct ph__status status; /* first: what handlers see */
    struct binding *bindings;
};

static void free_mount(void *user)
{
    struct mount *mount = user;
    while (mount->bindings) {
        struct binding *next = mount->bindings->next;
        free(mount->bindings);
        mount->bindings = next;
    }
    struct ph__status *status = &mount->status;
    ph__collector_free(status->collector);
    ph_doctor_free(status->doctor);
    if (status->sockets_owned) {
        ph_sockets_free(status->sockets);
    }
    for (char **host = status->hosts; host && *host; host++) {
        free(*host);
    }
    free(status->hosts);
    free(status->token);
    free(status->hostname);
    ph__page_free(status->page);
    ph__facts_free(status->facts);
    free(mount);
}

static int copy_hosts(struct ph__status *status, const char *const *names)
{
    size_t count = 0;
    while (names && names[count]) {
        count++;
    }
    status->hosts = calloc(count + 1, sizeof *status->hosts);
    if (!status->hosts) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        status->hosts[i] = strdup(names[i]);
        if (!status->hosts[i]) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int copy_text(char **ret_copy, const char *text)
{
    *ret_copy = text ? strdup(text) : NULL;
    return text && !*ret_copy ? -ENOMEM : 0;
}

/* An observer of the server's own. A server without threads has none here either. */
static int add_sockets(struct ph__status *status, const struct ph_server *server)
{
    bool unthreaded = ph_server_config(server)->workers == PH_NO_THREADS;
    const struct ph_sockets_config cfg = {.threads_max = unthreaded ? 1 : 0};
    int err = ph_sockets_new(&status->sockets, &cfg);
    status->sockets_owned = !err;
    return err;
}

static int fill(struct ph__status *status, const struct ph_status_config *cfg,
                const struct ph_server *server)
{
    char hostname[256];
    bool named = gethostname(hostname, sizeof hostname) == 0;
    hostname[sizeof hostname - 1] = '\0';
    status->facts = calloc(1, sizeof *status->facts);
    int err = status->facts ? copy_text(&status->hostname, named ? hostname : NULL) : -ENOMEM;
    err = err ? err : copy_text(&status->token, cfg->token);
    err = err ? err : copy_hosts(status, cfg->allow_hosts);
    err = err ? err : ph__page_new(&status->page, cfg->www);
    status->sockets = cfg->sockets;
    status->probe = cfg->probe;
    if (!err && !status->sockets) {
        err = add_sockets(status, server);
    }
    err = err ? err : ph_doctor_new(&status->doctor, status->sockets);
    bool unthreaded = ph_server_config(server)->workers == PH_NO_THREADS;
    return err || unthreaded ? err : ph__collector_new(&status->collector, status->doctor);
}

static int enter(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct binding *binding = user;
    struct ph__call call = {
        .req = req, .res = res, .status = binding->status, .endpoint = binding->endpoint};
    return ph__endpoint_enter(&call);
}

static int add_route(struct mount *mount, struct ph_server *server, const char *path,
                     const struct ph__endpoint *endpoint)
{
    char pattern[300];
    int length = snprintf(pattern, sizeof pattern, "GET %s", path);
    if (length < 0 || (size_t)length >= sizeof pattern) {
        return -ENAMETOOLONG;
    }
    struct binding *binding = malloc(sizeof *binding);
    if (!binding) {
        return -ENOMEM;
    }
    *binding = (struct binding){&mount->status, endpoint, mount->bindings};
    mount->bindings = binding;
    bool blocking = endpoint->flags & PH__ENDPOINT_PAGE ? ph__page_is_folder(mount->status.page)
                                                        : endpoint->flags & PH__ENDPOINT_BLOCKING;
    const struct ph_route route = {
        .pattern = pattern, .handler = enter, .user = binding, .blocking = blocking};
    return ph_server_add(server, &route);
}

static int add_routes(struct mount *mount, struct ph_server *server)
{
    for (size_t i = 0; i < ph__endpoint_count; i++) {
        const struct ph__endpoint *endpoint = &ph__endpoints[i];
        bool there = ph__endpoint_is_there(&mount->status, endpoint);
        int err = there ? add_route(mount, server, endpoint->path, endpoint) : 0;
        if (err < 0) {
            return err;
        }
    }
    const char *name = NULL;
    for (size_t i = 0; (name = ph__page_name(mount->status.page, i)) != NULL; i++) {
        char path[280];
        if (strcmp(name, "index.html") == 0) {
            continue; /* "/" */
        }
        snprintf(path, sizeof path, "/%s", name);
        int err = add_route(mount, server, path, &page_file);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

int ph_status_mount_sized(struct ph_server *server, const struct ph_status_config *cfg,
                          size_t cfg_size)
{
    struct ph_status_config config = {.www = NULL};
    if (cfg) {
        memcpy(&config, cfg, cfg_size < sizeof config ? cfg_size : sizeof config);
    }
    struct mount *mount = calloc(1, sizeof *mount);
    if (!mount) {
        return -ENOMEM;
    }
    int err = fill(&mount->status, &config, server);
    err = err ? err : ph_server_on_free(server, free_mount, mount);
    if (err < 0) {
        free_mount(mount);
        return err;
    }
    err = ph_server_set(server, &ph__facts_key, mount->status.facts);
    return err < 0 ? err : add_routes(mount, server);
}
