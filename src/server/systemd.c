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
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS_MAX = 1024, NOTIFY_SECONDS = 5 };

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

/* True when descriptor `index` has this name: the names stand in LISTEN_FDNAMES, with ':' between
 * them; those that are not there are "unknown" (sd_listen_fds_with_names(3)). */
static bool has_name(long index, const char *name)
{
    const char *names = getenv("LISTEN_FDNAMES");
    for (; names && index > 0; index--) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    size_t length = names ? strcspn(names, ":") : 0;
    if (length == 0) {
        return strcmp(name, "unknown") == 0;
    }
    return strlen(name) == length && memcmp(names, name, length) == 0;
}

int ph_systemd_listen(struct ph_server *server)
{
    return ph_systemd_listen_named(server, NULL);
}

int ph_systemd_listen_named(struct ph_server *server, const char *name)
{
    int added = 0;
    /* Passed to another process, which has started this one: they are not meant for us. */
    if (number_of("LISTEN_PID") != (long)getpid()) {
        return 0;
    }
    long count = number_of("LISTEN_FDS");
    if (count <= 0 || count > FDS_MAX) {
        return count == 0 ? 0 : -EINVAL;
    }
    for (int i = 0; i < (int)count; i++) {
        char listen[20];
        if (name && !has_name(i, name)) {
            continue;
        }
        snprintf(listen, sizeof listen, "fd:%d", FIRST_FD + i);
        int err = fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC) < 0 ? -errno
                                                               : ph_server_listen(server, listen);
        if (err < 0) {
            return err;
        }
        added++;
    }
    return added;
}

/* A manager that is busy has a full queue for a while: what it waits for must not be lost. */
static int send_state(int fd, const char *state, const struct sockaddr_un *address, socklen_t size)
{
    const struct timeval longest = {.tv_sec = NOTIFY_SECONDS};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest) < 0) {
        return -errno;
    }
    ssize_t sent;
    do {
        sent =
            sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)address, size);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 1;
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
    int err = send_state(fd, state, &address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
    return err;
}
