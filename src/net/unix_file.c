/* SPDX-License-Identifier: MIT
 *
 * The file of a listening unix socket.
 */
#include "net/unix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PRIVATE_MODE = S_IRUSR | S_IWUSR };

/* True when a socket file exists that nobody listens on: its server died without removing it. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat info;
    if (lstat(address->sun_path, &info) < 0 || !S_ISSOCK(info.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = result < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_to(int fd, const struct sockaddr_un *address, size_t size)
{
    return bind(fd, (const struct sockaddr *)address, (socklen_t)size) < 0 ? -errno : 0;
}

/* The file that was made just now, to be changed whatever its path leads to meanwhile. Its name is
 * opened, not the socket. */
static int open_file(const char *path, struct stat *ret_info)
{
    int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        return -errno;
    }
    int err = fstat(file, ret_info) < 0 ? -errno : 0;
    if (err == 0 && (!S_ISSOCK(ret_info->st_mode) || ret_info->st_uid != geteuid())) {
        err = -ENOTSOCK;
    }
    if (err < 0) {
        close(file);
        return err;
    }
    return file;
}

/* fchmod(2) refuses a descriptor of O_PATH; its name in /proc does not. */
static int change_mode(int file, mode_t mode)
{
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    if (chmod(name, mode) == 0) {
        return 0;
    }
    return errno == ENOENT ? -EOPNOTSUPP : -errno;
}

/* The group first, so that what the mode gives to a group is never given to the wrong one. */
static int open_up(const char *path, const struct ph__unix_access *access, mode_t mode)
{
    struct stat info = {0};
    int file = open_file(path, &info);
    if (file < 0) {
        return file;
    }
    int err = 0;
    if (access->has_group && info.st_gid != access->group &&
        fchownat(file, "", (uid_t)-1, access->group, AT_EMPTY_PATH) < 0) {
        err = -errno;
    }
    if (err == 0 && (info.st_mode & ACCESSPERMS) != mode) {
        err = change_mode(file, mode);
    }
    close(file);
    return err;
}

static int bind_abstract(int fd, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path + 1, name + 1, length - 1);
    return bind_to(fd, &address, offsetof(struct sockaddr_un, sun_path) + length);
}

int ph__unix_file_bind(int fd, const char *path, const struct ph__unix_access *access,
                       bool *ret_bound)
{
    mode_t mode = access->mode ? access->mode : PRIVATE_MODE;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *ret_bound = false;
    if (path[0] == '@') {
        return bind_abstract(fd, path);
    }
    memcpy(address.sun_path, path, strlen(path));
    /* The socket's mode becomes the file's (less the umask), with no moment in between when there
     * is more. */
    if (fchmod(fd, access->has_group ? mode & ~(mode_t)S_IRWXG : mode) < 0) {
        return -errno;
    }
    int err = bind_to(fd, &address, sizeof address);
    if (err == -EADDRINUSE && is_stale(&address) && unlink(path) == 0) {
        err = bind_to(fd, &address, sizeof address);
    }
    if (err < 0) {
        return err;
    }
    *ret_bound = true;
    return mode == PRIVATE_MODE && !access->has_group ? 0 : open_up(path, access, mode);
}
