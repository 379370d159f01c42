/* SPDX-License-Identifier: MIT
 *
 * Numbers of control groups. The number is what name_to_handle_at(2) gives for the folder.
 */
#include "sockets/cgroup.h"

#include "sockets/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Where systemd mounts the hierarchy, alone and beside version 1. */
#define SYSTEMD_ROOTS "/sys/fs/cgroup", "/sys/fs/cgroup/unified"

static bool read_id(int folder, const char *path, uint64_t *ret_id)
{
    union {
        struct file_handle handle;
        unsigned char room[sizeof(struct file_handle) + sizeof(uint64_t)];
    } name = {.handle = {.handle_bytes = sizeof(uint64_t)}};
    int mount;
    if (name_to_handle_at(folder, path, &name.handle, &mount, 0) < 0) {
        return false;
    }
    memcpy(ret_id, name.room + sizeof(struct file_handle), sizeof *ret_id);
    return true;
}

static bool is_hierarchy(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

bool ph__cgroup_find(const char *path, size_t size, uint64_t *ret_id)
{
    static const char *const roots[] = {"", SYSTEMD_ROOTS};
    char full[PATH_MAX];
    if (size == 0 || memchr(path, '\0', size)) {
        return false;
    }
    for (size_t i = path[0] == '/' ? 0 : 1; i < sizeof roots / sizeof roots[0]; i++) {
        int length = snprintf(full, sizeof full, "%s%s%.*s", roots[i], path[0] == '/' ? "" : "/",
                              (int)(size < PATH_MAX ? size : PATH_MAX), path);
        if (length > 0 && (size_t)length < sizeof full && is_hierarchy(full) &&
            read_id(AT_FDCWD, full, ret_id)) {
            return true;
        }
    }
    return false;
}

static int add(struct ph__cgroups *cgroups, uint64_t id, const char *path, size_t size)
{
    if (cgroups->count == cgroups->capacity) {
        size_t capacity = cgroups->capacity ? cgroups->capacity * 2 : 64;
        struct ph__cgroup *items = realloc(cgroups->items, capacity * sizeof *items);
        if (!items) {
            return -ENOMEM;
        }
        cgroups->items = items;
        cgroups->capacity = capacity;
    }
    const char *copy = ph__arena_copy(&cgroups->arena, path, size);
    if (!copy) {
        return -ENOMEM;
    }
    cgroups->items[cgroups->count++] = (struct ph__cgroup){.id = id, .path = copy};
    return 0;
}

/* Adds the groups in a folder, which this closes. */
static int add_children(struct ph__cgroups *cgroups, DIR *folder, const char *path)
{
    const struct dirent *entry;
    char child[PATH_MAX];
    uint64_t id;
    int err = 0;
    while (!err && cgroups->count < PH__CGROUPS_MAX && (entry = readdir(folder))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.') {
            continue;
        }
        int size = snprintf(child, sizeof child, "%s/%s", path[1] ? path : "", entry->d_name);
        if (size > 0 && (size_t)size < sizeof child && read_id(dirfd(folder), entry->d_name, &id)) {
            err = add(cgroups, id, child, (size_t)size);
        }
    }
    closedir(folder);
    return err;
}

/* Those that have been found are also those whose children are still to be looked for. */
static int add_below(struct ph__cgroups *cgroups, int root)
{
    int err = 0;
    for (size_t i = 0; !err && i < cgroups->count; i++) {
        const char *path = cgroups->items[i].path;
        int fd = ph__files_open_folder(root, path[1] ? path + 1 : ".");
        DIR *folder = fd < 0 ? NULL : fdopendir(fd);
        if (folder) {
            err = add_children(cgroups, folder, path);
        } else if (fd >= 0) {
            close(fd);
        }
    }
    return err;
}

static int compare(const void *left, const void *right)
{
    const struct ph__cgroup *a = left;
    const struct ph__cgroup *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

int ph__cgroups_read(struct ph__cgroups *ret_cgroups)
{
    static const char *const roots[] = {SYSTEMD_ROOTS};
    struct ph__cgroups cgroups = {.items = NULL};
    uint64_t id;
    int err = 0;
    for (size_t i = 0; !err && cgroups.count == 0 && i < sizeof roots / sizeof roots[0]; i++) {
        int root = is_hierarchy(roots[i]) ? ph__files_open_folder(AT_FDCWD, roots[i]) : -ENOENT;
        if (root >= 0 && read_id(root, ".", &id)) {
            err = add(&cgroups, id, "/", 1);
            err = err ? err : add_below(&cgroups, root);
        }
        if (root >= 0) {
            close(root);
        }
    }
    if (err < 0) {
        ph__cgroups_done(&cgroups);
        return err;
    }
    if (cgroups.count > 0) {
        qsort(cgroups.items, cgroups.count, sizeof *cgroups.items, compare);
    }
    *ret_cgroups = cgroups;
    return 0;
}

void ph__cgroups_done(struct ph__cgroups *cgroups)
{
    ph__arena_done(&cgroups->arena);
    free(cgroups->items);
    *cgroups = (struct ph__cgroups){.items = NULL};
}

const char *ph__cgroups_path(const struct ph__cgroups *cgroups, uint64_t id)
{
    const struct ph__cgroup key = {.id = id};
    const struct ph__cgroup *found =
        cgroups->count ? bsearch(&key, cgroups->items, cgroups->count, sizeof key, compare) : NULL;
    return found ? found->path : NULL;
}
