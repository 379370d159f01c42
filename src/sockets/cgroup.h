/* SPDX-License-Identifier: MIT
 *
 * Control groups by name: the kernel knows the group of a socket by a number.
 */
#ifndef PORTHOLE_SOCKETS_CGROUP_H
#define PORTHOLE_SOCKETS_CGROUP_H

#include "sockets/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of the group (of version 2) at a path: that of a folder, or, as /proc/PID/cgroup
 * shows it, from the root of the hierarchy. @return false when there is no such group. */
bool ph__cgroup_find(const char *path, size_t size, uint64_t *ret_id);

struct ph__cgroup {
    uint64_t id;
    const char *path; /* from the root of the hierarchy: "/", "/system.slice" */
};

/* All groups that there are, or the first PH__CGROUPS_MAX of them. */
struct ph__cgroups {
    struct ph__arena arena;   /* paths */
    struct ph__cgroup *items; /* ordered by id; owned */
    size_t count;
    size_t capacity;
};

enum { PH__CGROUPS_MAX = 65536 };

/* Reads them. @return 0, also where there are none, or some cannot be read; -ENOMEM, after which
 * nothing needs ph__cgroups_done(). */
int ph__cgroups_read(struct ph__cgroups *ret_cgroups);
void ph__cgroups_done(struct ph__cgroups *cgroups);

/* The path of a group, or NULL; valid as long as `cgroups`. */
const char *ph__cgroups_path(const struct ph__cgroups *cgroups, uint64_t id);

#endif
