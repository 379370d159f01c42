/* SPDX-License-Identifier: MIT
 *
 * Control groups by name: the kernel knows the group of a socket by a number.
 */
#ifndef PORTHOLE_SOCKETS_CGROUP_H
#define PORTHOLE_SOCKETS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of the group (of version 2) at a path: that of a folder, or, as /proc/PID/cgroup
 * shows it, from the root of the hierarchy. @return false when there is no such group. */
bool ph__cgroup_find(const char *path, size_t size, uint64_t *ret_id);

#endif
