/* SPDX-License-Identifier: MIT
 *
 * Looks a port up among the machine's sockets. Command names come from strangers, and go to a
 * terminal: what is not printable ASCII is left out.
 */
#include "cli/holder.h"

#include <porthole/sockets.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t port_of(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    if (!colon || strncmp(listen, "unix:", 5) == 0) {
        return 0;
    }
    unsigned long port = strtoul(colon + 1, NULL, 10);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* How much a socket tells: a listener with an owner before one without, and any listener before
 * a connection that has the port. */
static int rank(const struct ph_socket *socket)
{
    return (socket->state == PH_STATE_LISTEN   ? 4
            : socket->state == PH_STATE_CLOSED ? 2
                                               : 0) +
           (socket->owner_count > 0 ? 1 : 0);
}

static const struct ph_socket *find(const struct ph_snapshot *snapshot, uint16_t port)
{
    const struct ph_socket *best = NULL;
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (socket->protocol == PH_PROTOCOL_TCP && socket->local_port == port &&
            (!best || rank(socket) > rank(best))) {
            best = socket;
        }
    }
    return best;
}

static void copy_printable(char *buffer, size_t size, const char *text)
{
    size_t at = 0;
    for (; *text && at + 1 < size; text++) {
        if (*text >= 0x20 && *text < 0x7F) {
            buffer[at++] = *text;
        }
    }
    buffer[at] = '\0';
}

static void describe(const struct ph_snapshot *snapshot, const struct ph_socket *socket, char *text,
                     size_t size)
{
    const char *verb = socket->state == PH_STATE_LISTEN   ? "listens on it"
                       : socket->state == PH_STATE_CLOSED ? "has bound it"
                                                          : "has a connection on it";
    if (socket->owner_count == 0) {
        const char *user = socket->uid_known ? ph_snapshot_user(snapshot, socket->uid) : NULL;
        snprintf(text, size, "a process%s%s that cannot be seen from here (%s) %s",
                 user ? " of user " : "", user ? user : "",
                 ph_owner_unknown_name(socket->owner_unknown), verb);
        return;
    }
    const struct ph_process *process = ph_snapshot_owner(snapshot, socket, 0).process;
    char command[64];
    char user[64];
    copy_printable(command, sizeof command, process->command ? process->command : "?");
    if (process->user) {
        copy_printable(user, sizeof user, process->user);
    } else {
        snprintf(user, sizeof user, "%lu", (unsigned long)process->uid);
    }
    snprintf(text, size, "process %ld (%s) of user %s %s", (long)process->pid, command, user, verb);
}

void ph__holder_describe(const char *listen, char *text, size_t size)
{
    text[0] = '\0';
    uint16_t port = port_of(listen);
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    if (port == 0 || ph_sockets_new(&sockets, NULL) < 0) {
        return;
    }
    if (ph_sockets_snapshot(sockets, 0, &snapshot) == 0 && ph_snapshot_owners(snapshot) == 0) {
        const struct ph_socket *socket = find(snapshot, port);
        if (socket) {
            describe(snapshot, socket, text, size);
        }
    }
    ph_snapshot_unref(snapshot);
    ph_sockets_free(sockets);
}
