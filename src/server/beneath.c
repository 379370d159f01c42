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

/* One segment after the other, no link among them. */
static int open_by_steps(int root, const char *path)
{
    int folder = root;
    for (;;) {
        char name[NAME_MAX + 1];
        size_t size = strcspn(path, "/");
        bool last = path[size] == '\0';
        int fd = -1;
        int err = 0;
        if (size > NAME_MAX) {
            err = -ENAMETOOLONG;
        } else {
            memcpy(name, path, size);
            name[size] = '\0';
            fd =
                openat(folder, name, O_NOFOLLOW | (last ? READ : O_PATH | O_DIRECTORY | O_CLOEXEC));
            err = fd < 0 ? -errno : 0;
        }
        if (folder != root) {
            close(folder);
        }
        if (last || err < 0) {
            return err < 0 ? err : fd;
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
