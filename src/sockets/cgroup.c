/* SPDX-License-Identifier: MIT
 *
 * Numbers of control groups. The number is what name_to_handle_at(2) gives for the folder.
 */
#include "sockets/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

static bool read_id(const char *path, uint64_t *ret_id)
{
    struct statfs fs;
    union {
        struct file_handle handle;
        unsigned char room[sizeof(struct file_handle) + sizeof(uint64_t)];
    } name = {.handle = {.handle_bytes = sizeof(uint64_t)}};
    int mount;
    if (statfs(path, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
        name_to_handle_at(AT_FDCWD, path, &name.handle, &mount, 0) < 0) {
        return false;
    }
    memcpy(ret_id, name.room + sizeof(struct file_handle), sizeof *ret_id);
    return true;
}

bool ph__cgroup_find(const char *path, size_t size, uint64_t *ret_id)
{
    /* Where systemd mounts it, alone and beside version 1. */
    static const char *const roots[] = {"", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char full[PATH_MAX];
    if (size == 0 || memchr(path, '\0', size)) {
        return false;
    }
    for (size_t i = path[0] == '/' ? 0 : 1; i < sizeof roots / sizeof roots[0]; i++) {
        int length = snprintf(full, sizeof full, "%s%s%.*s", roots[i], path[0] == '/' ? "" : "/",
                              (int)(size < PATH_MAX ? size : PATH_MAX), path);
        if (length > 0 && (size_t)length < sizeof full && read_id(full, ret_id)) {
            return true;
        }
    }
    return false;
}
