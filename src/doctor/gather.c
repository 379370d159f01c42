/* SPDX-License-Identifier: MIT
 *
 * Settings and paths.
 */
#include "doctor/gather.h"

#include "doctor/facts.h"
#include "sockets/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int64_t number_of(int proc, const char *path)
{
    int64_t number;
    return ph__facts_numbers(proc, path, &number, 1) == 1 ? number : -1;
}

/* "8080,9148-9150"; empty when none are reserved. */
static bool read_reserved(int proc, uint8_t *reserved)
{
    enum { TEXT = 16 * 1024 };
    char *text = proc < 0 ? NULL : malloc(TEXT);
    bool known =
        text && ph__files_read(proc, "sys/net/ipv4/ip_local_reserved_ports", text, TEXT) >= 0;
    for (char *at = text, *end; known && *at; at = end + (*end == ',')) {
        long first = strtol(at, &end, 10);
        long last = end != at && *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (end == at || first < 0 || last > UINT16_MAX || !strchr(",\n", *end)) {
            break; /* the end, or nothing that we know */
        }
        for (long port = first; port <= last; port++) {
            reserved[port / 8] |= (uint8_t)(1U << port % 8);
        }
    }
    free(text);
    return known;
}

/* The addresses that a line of hosts(5) gives localhost. */
static int note_localhost(void *user, char *line, size_t size)
{
    (void)size;
    unsigned *families = user;
    line[strcspn(line, "#")] = '\0';
    char *rest = line;
    const char *address = strtok_r(rest, " \t", &rest);
    for (const char *name; address && (name = strtok_r(NULL, " \t", &rest));) {
        if (strcmp(name, "localhost") == 0) {
            *families |= strcmp(address, "::1") == 0 ? 2U : strncmp(address, "127.", 4) == 0;
        }
    }
    return 0;
}

void ph__gather_settings(int proc, struct ph__settings *ret_settings)
{
    *ret_settings = (struct ph__settings){
        .somaxconn = number_of(proc, "sys/net/core/somaxconn"),
        .tcp_max_syn_backlog = number_of(proc, "sys/net/ipv4/tcp_max_syn_backlog"),
        .conntrack_count = number_of(proc, "sys/net/netfilter/nf_conntrack_count"),
        .conntrack_max = number_of(proc, "sys/net/netfilter/nf_conntrack_max"),
    };
    ph__facts_ephemeral(proc, &ret_settings->ephemeral_first, &ret_settings->ephemeral_last);
    ret_settings->reserved_known = read_reserved(proc, ret_settings->reserved);
    unsigned families = 0;
    (void)ph__files_lines(AT_FDCWD, "/etc/hosts", note_localhost, &families);
    ret_settings->localhost_has_ipv6 = families == 3;
}

static bool has_path(const struct ph_socket *socket)
{
    return socket->protocol == PH_PROTOCOL_UNIX && socket->state == PH_STATE_LISTEN &&
           socket->path && !socket->abstract && socket->path[0] == '/';
}

int ph__gather_paths(const struct ph_snapshot *snapshot, struct ph__unix_path **ret_paths,
                     size_t *ret_count)
{
    size_t sockets = ph_snapshot_count(snapshot);
    size_t count = 0;
    for (size_t i = 0; i < sockets; i++) {
        count += has_path(ph_snapshot_at(snapshot, i));
    }
    struct ph__unix_path *paths = calloc(count ? count : 1, sizeof *paths);
    if (!paths) {
        return -ENOMEM;
    }
    count = 0;
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (has_path(socket)) {
            struct stat info;
            int error = stat(socket->path, &info) < 0 ? -errno : 0;
            paths[count++] =
                (struct ph__unix_path){socket, error, error == 0 && S_ISSOCK(info.st_mode)};
        }
    }
    *ret_paths = paths;
    *ret_count = count;
    return 0;
}
