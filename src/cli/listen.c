/* SPDX-License-Identifier: MIT
 *
 * Addresses of --listen.
 */
#include "cli/listen.h"

#include "cli/cli.h"
#include "cli/why.h"

#include <porthole/porthole.h>

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ph__listen_find_group(const char *text, gid_t *ret_group)
{
    size_t length = strlen(text);
    const struct group *group = getgrnam(text); /* before there are threads */
    if (group) {
        *ret_group = group->gr_gid;
        return 0;
    }
    if (length < 1 || length > 10 || strspn(text, "0123456789") != length) {
        return -ENOENT;
    }
    unsigned long number = strtoul(text, NULL, 10);
    if (number >= UINT32_MAX) { /* (gid_t)-1 means "leave it" to chown(2) */
        return -ENOENT;
    }
    *ret_group = (gid_t)number;
    return 0;
}

/* "systemd", or "systemd:NAME". */
static int listen_at_passed(struct ph_server *server, const char *address)
{
    const char *name = strchr(address, ':');
    int count = ph_systemd_listen_named(server, name ? name + 1 : NULL);
    if (count > 0) {
        return 0;
    }
    if (count < 0) {
        return ph__fail("--listen %s: cannot listen on what was passed: %s", address,
                        ph_strerror(count));
    }
    return name ? ph__fail("--listen %s: no socket of this name was passed; it is what a .socket "
                           "unit calls FileDescriptorName=",
                           address)
                : ph__fail("--listen systemd: no sockets were passed; a .socket unit has to start "
                           "this");
}

static int listen_at(struct ph_server *server, const char *address)
{
    if (strcmp(address, "systemd") == 0 || strncmp(address, "systemd:", 8) == 0) {
        return listen_at_passed(server, address);
    }
    int err = ph_server_listen(server, address);
    if (err == PH_ERR_ADDRESS) {
        return ph__fail("bad listen address '%s': want ADDR:PORT, [ADDR]:PORT, unix:PATH, fd:N or "
                        "systemd",
                        address);
    }
    return err < 0 ? ph__fail("cannot listen on %s: %s", address,
                              err == -EINVAL ? "it is no socket that listens" : ph_strerror(err))
                   : 0;
}

int ph__listen_at(struct ph_server *server, const char *const *addresses, size_t count)
{
    int status = 0;
    for (size_t i = 0; i < count && !status; i++) {
        status = listen_at(server, addresses[i]);
    }
    return status;
}

int ph__listen_check_reach(const struct ph_server *server, bool guarded)
{
    for (size_t i = 0; i < ph_server_listener_count(server) && !guarded; i++) {
        const char *listen = ph_server_listener(server, i);
        if (!ph_listen_is_loopback(listen)) {
            return ph__fail("%s can be reached from other machines: ask for a token with "
                            "--token-file FILE, or allow everyone with --public",
                            listen);
        }
    }
    return 0;
}

int ph__listen_tell_error(const struct ph_server *server, int err)
{
    const char *listen = ph_server_failed_listener(server);
    if (!listen && ph_server_config(server)->loop == PH_LOOP_IO_URING) {
        return ph__fail("cannot start with --loop io_uring: %s; --loop auto goes without where "
                        "it has to",
                        ph_strerror(err));
    }
    if (!listen) {
        return ph__fail("cannot start: %s", ph_strerror(err));
    }
    if (err == -EADDRINUSE) {
        char reason[512];
        ph__why_describe(listen, reason, sizeof reason);
        return ph__fail("%s is in use%s%s; another address goes with --listen", listen,
                        reason[0] ? ": " : "", reason);
    }
    if (err == -EACCES && strncmp(listen, "unix:", 5) != 0) {
        return ph__fail("not permitted to listen on %s: low ports need root or the capability "
                        "CAP_NET_BIND_SERVICE; choose a higher port with --listen",
                        listen);
    }
    return ph__fail("cannot listen on %s: %s", listen, ph_strerror(err));
}

int ph__listen_announce(const struct ph_server *server, const char *scheme)
{
    for (size_t i = 0; i < ph_server_listener_count(server); i++) {
        const char *listen = ph_server_listener(server, i);
        bool is_unix = strncmp(listen, "unix:", 5) == 0;
        printf("porthole %s listening on %s%s%s\n", ph_version(), is_unix ? "" : scheme, listen,
               is_unix ? "" : "/");
    }
    return ph__output_finish(0);
}
