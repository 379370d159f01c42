/* SPDX-License-Identifier: MIT
 *
 * Opening below a folder.
 */
#include "server/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, TRIES = 8 };

static int open_by_kernel(int root, const char *path)
{
    const struct open_how how = {.flags = READ, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = -1;
    errno = EAGAIN; /* something was renamed meanwhile: it cannot tell whether it stayed below */
    for (int i = 0; i < TRIES && fd < 0 && (errno == EAGAIN || errno == EINTR); i++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    }
    return fd < 0 ? -errno : (int)fd;
}

bool ph__beneath_has_kernel(int root)
{
    int fd = open_by_kernel(root, ".");
    if (fd >= 0) {
        close(fd);
    }
    return fd != -ENOSYS && fd != -EPERM && fd != -EINVAL; /* EPERM: forbidden by a filter */
}

/* Opens the first segment of a path, which is no link. */
static int open_segment(int folder, const char *path, size_t size)
{
    char name[NAME_MAX + 1];
    if (size > NAME_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(name, path, size);
    name[size] = '\0';
    int flags = path[size] ? O_PATH | O_DIRECTORY | O_CLOEXEC : READ;
    int fd = openat(folder, name, O_NOFOLLOW | flags);
    return fd < 0 ? -errno : fd;
}

static int open_by_steps(int root, const char *path)
{
    int folder = root;
    for (;;) {
        size_t size = strcspn(path, "/");
        int fd = open_segment(folder, path, size);
        if (folder != root) {
            close(folder);
        }
        if (fd < 0 || path[size] == '\0') {
            return fd;
        }
        folder = fd;
        path += size + 1;
    }
}

int ph__beneath_open(int root, const char *path, bool kernel)
{
    /* Whoever called has seen to it; this is the last to look. */
    for (const char *at = path; *at;
         at += at[strcspn(at, "/")] ? strcspn(at, "/") + 1 : strlen(at)) {
        if (*at == '/' || (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))) {
            return -EXDEV;
        }
    }
    return kernel ? open_by_kernel(root, path) : open_by_steps(root, path);
}
