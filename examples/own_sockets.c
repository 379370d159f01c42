/* SPDX-License-Identifier: MIT
 *
 * The sockets of this machine without the server: lists the ports that something listens on,
 * with everybody who holds them.
 */
#include <porthole/sockets.h>

#include <ctype.h>
#include <stdio.h>

/* Names of programs are chosen by strangers: nothing in them may move the cursor. */
static void print_name(const char *name)
{
    for (; *name; name++) {
        putchar(isprint((unsigned char)*name) ? *name : '?');
    }
}

static void print_port(const struct ph_snapshot *snapshot, const struct ph_ports *ports,
                       const struct ph_port *port)
{
    printf("%-4s %5u  %-8s", ph_protocol_name(port->protocol), (unsigned)port->port,
           ph_scope_name(port->scope));
    for (size_t i = 0; i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(ports, port, i);
        for (uint32_t k = 0; k < socket->owner_count; k++) {
            struct ph_owner owner = ph_snapshot_owner(snapshot, socket, k);
            fputs("  ", stdout);
            print_name(owner.process->command);
            printf(" (pid %d, fd %d)", (int)owner.process->pid, owner.fd);
        }
        if (socket->owner_count == 0) {
            printf("  no owner: %s", ph_owner_unknown_name(socket->owner_unknown));
        }
    }
    putchar('\n');
}

int main(void)
{
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *snapshot = NULL;
    struct ph_ports *ports = NULL;
    int err = ph_sockets_new(&sockets, NULL);
    if (err == 0 && (err = ph_sockets_snapshot(sockets, 0, &snapshot)) == 0 &&
        (err = ph_snapshot_owners(snapshot)) == 0 && (err = ph_ports_new(&ports, snapshot)) == 0) {
        for (size_t i = 0; i < ph_ports_count(ports); i++) {
            print_port(snapshot, ports, ph_ports_at(ports, i));
        }
    }
    if (err < 0) {
        fprintf(stderr, "own_sockets: %s\n", ph_strerror(err));
    }
    ph_ports_free(ports);
    ph_snapshot_unref(snapshot);
    ph_sockets_free(sockets);
    return err < 0 ? 1 : 0;
}
