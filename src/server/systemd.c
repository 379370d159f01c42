/* SPDX-License-Identifier: MIT
 *
 * The two protocols of systemd(1) for services: sd_listen_fds(3) and sd_notify(3).
 */
#include <porthole/systemd.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS_MAX = 1024 };

/* A whole number above 0 in the environment; 0 when it is not set, -1 for something else. */
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (!text) {
        return 0;
    }
    errno = 0;
    long number = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && number > 0 ? number
                                                                                        : -1;
}

int ph_systemd_listen(struct ph_server *server)
{
    /* Passed to another process, which has started this one: they are not meant for us. */
    if (number_of("LISTEN_PID") != (long)getpid()) {
        return 0;
    }
    long count = number_of("LISTEN_FDS");
    if (count <= 0 || count > FDS_MAX) {
        return count == 0 ? 0 : -EINVAL;
    }
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)count; fd++) {
        char listen[20];
        snprintf(listen, sizeof listen, "fd:%d", fd);
        int err = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : ph_server_listen(server, listen);
        if (err < 0) {
            return err;
        }
    }
    return (int)count;
}

int ph_systemd_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || !*path) {
        return 0;
    }
    size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof address.sun_path) {
        return -EINVAL;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    int err = sent < 0 ? -errno : 1;
    close(fd);
    return err;
}
