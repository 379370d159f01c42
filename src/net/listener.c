/* SPDX-License-Identifier: MIT
 *
 * Listening sockets.
 */
#include "net/listener.h"

#include <porthole/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char unix_prefix[] = "unix:";

/* Digits only, 0 to 65535. */
static int parse_port(const char *text, uint16_t *ret_port)
{
    size_t length = strlen(text);
    if (length < 1 || length > 5 || strspn(text, "0123456789") != length) {
        return PH_ERR_ADDRESS;
    }
    long port = strtol(text, NULL, 10);
    if (port > UINT16_MAX) {
        return PH_ERR_ADDRESS;
    }
    *ret_port = (uint16_t)port;
    return 0;
}

/* `host` is what stands before the last colon. */
static int parse_host(const char *host, struct ph__sockaddr *address)
{
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        char inner[INET6_ADDRSTRLEN];
        if (length - 2 >= sizeof inner) {
            return PH_ERR_ADDRESS;
        }
        memcpy(inner, host + 1, length - 2);
        inner[length - 2] = '\0';
        address->family = AF_INET6;
        return inet_pton(AF_INET6, inner, address->bytes) == 1 ? 0 : PH_ERR_ADDRESS;
    }
    address->family = AF_INET;
    const char *literal = strcmp(host, "localhost") == 0 ? "127.0.0.1"
                          : strcmp(host, "*") == 0       ? "0.0.0.0"
                                                         : host;
    return inet_pton(AF_INET, literal, address->bytes) == 1 ? 0 : PH_ERR_ADDRESS;
}

static void describe(struct ph__listener *listener)
{
    if (listener->address.family == AF_UNIX) {
        snprintf(listener->text, sizeof listener->text, "%s%s", unix_prefix, listener->path);
    } else {
        ph__sockaddr_format(&listener->address, listener->text, sizeof listener->text);
    }
}

static int parse_unix(struct ph__listener *listener, const char *path)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof listener->path) {
        return PH_ERR_ADDRESS;
    }
    memcpy(listener->path, path, length + 1);
    listener->address.family = AF_UNIX;
    return 0;
}

static int parse_ip(struct ph__listener *listener, const char *listen)
{
    const char *colon = strrchr(listen, ':');
    char host[INET6_ADDRSTRLEN + 2];
    if (!colon || (size_t)(colon - listen) >= sizeof host) {
        return PH_ERR_ADDRESS;
    }
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    int err = parse_host(host, &listener->address);
    return err < 0 ? err : parse_port(colon + 1, &listener->address.port);
}

int ph__listener_parse(struct ph__listener *ret_listener, const char *listen)
{
    struct ph__listener listener = {.fd = -1};
    bool is_unix = strncmp(listen, unix_prefix, sizeof unix_prefix - 1) == 0;
    int err = is_unix ? parse_unix(&listener, listen + sizeof unix_prefix - 1)
                      : parse_ip(&listener, listen);
    if (err < 0) {
        return err;
    }
    listener.any_port = !is_unix && listener.address.port == 0;
    describe(&listener);
    *ret_listener = listener;
    return 0;
}

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

static int bind_path(int fd, const struct sockaddr_un *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;
}

static int bind_unix(struct ph__listener *listener)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, listener->path, sizeof address.sun_path);
    /* The socket's mode becomes the file's (less the umask), with no moment in between. */
    if (fchmod(listener->fd, S_IRUSR | S_IWUSR) < 0) {
        return -errno;
    }
    int err = bind_path(listener->fd, &address);
    if (err == -EADDRINUSE && is_stale(&address) && unlink(listener->path) == 0) {
        err = bind_path(listener->fd, &address);
    }
    if (err < 0) {
        return err;
    }
    listener->path_bound = true;
    return 0;
}

static int bind_ip(struct ph__listener *listener)
{
    const int on = 1;
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        /* Accepted connections inherit it: no system call for each. */
        setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        return -errno;
    }
    if (listener->address.family == AF_INET6 &&
        setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) {
        return -errno;
    }
    struct sockaddr_storage storage = {0};
    socklen_t length = ph__sockaddr_expand(&listener->address, &storage);
    return bind(listener->fd, (struct sockaddr *)&storage, length) < 0 ? -errno : 0;
}

static int read_real_port(struct ph__listener *listener)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    if (getsockname(listener->fd, (struct sockaddr *)&storage, &length) < 0) {
        return -errno;
    }
    listener->address = ph__sockaddr_of(&storage);
    return 0;
}

int ph__listener_open(struct ph__listener *listener, unsigned backlog)
{
    bool is_unix = listener->address.family == AF_UNIX;
    if (listener->any_port) {
        listener->address.port = 0; /* that of the time before may be somebody else's now */
        describe(listener);
    }
    listener->fd = socket(listener->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0) {
        return -errno;
    }
    int err = is_unix ? bind_unix(listener) : bind_ip(listener);
    if (err == 0 && listen(listener->fd, (int)backlog) < 0) {
        err = -errno;
    }
    if (err == 0 && !is_unix) {
        err = read_real_port(listener);
    }
    if (err < 0) {
        ph__listener_close(listener);
        return err;
    }
    describe(listener);
    return 0;
}

void ph__listener_close(struct ph__listener *listener)
{
    if (listener->path_bound) {
        unlink(listener->path);
        listener->path_bound = false;
    }
    if (listener->fd >= 0) {
        close(listener->fd);
        listener->fd = -1;
    }
}
