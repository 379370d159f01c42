/* SPDX-License-Identifier: MIT
 *
 * Listening sockets.
 */
#include "net/listener.h"

#include <porthole/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char unix_prefix[] = "unix:";
static const char fd_prefix[] = "fd:";

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
    if (length == 0 || length >= sizeof listener->path || strcmp(path, "@") == 0) {
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

/* The name that the socket has: of a unix socket the path, with '@' for the NUL of abstract ones.
 */
static void read_name(struct ph__listener *listener, const struct sockaddr_storage *storage,
                      socklen_t length)
{
    listener->address = ph__sockaddr_of(storage);
    if (storage->ss_family != AF_UNIX) {
        return;
    }
    const struct sockaddr_un *address = (const struct sockaddr_un *)storage;
    size_t size = length > offsetof(struct sockaddr_un, sun_path)
                      ? length - offsetof(struct sockaddr_un, sun_path)
                      : 0;
    size = size < sizeof listener->path ? size : sizeof listener->path - 1;
    memcpy(listener->path, address->sun_path, size);
    if (size > 0 && listener->path[0] == '\0') {
        listener->path[0] = '@';
    }
    listener->path[size] = '\0';
}

/* A descriptor that was opened by somebody else. */
static int inspect(struct ph__listener *listener)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof storage;
    int type = 0;
    int listens = 0;
    socklen_t size = sizeof type;
    if (getsockname(listener->given, (struct sockaddr *)&storage, &length) < 0 ||
        getsockopt(listener->given, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(listener->given, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0) {
        return -errno;
    }
    sa_family_t family = storage.ss_family;
    if (type != SOCK_STREAM || !listens ||
        (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
        return -EINVAL;
    }
    read_name(listener, &storage, length);
    return 0;
}

static int parse_fd(struct ph__listener *listener, const char *text)
{
    size_t length = strlen(text);
    if (length < 1 || length > 7 || strspn(text, "0123456789") != length) {
        return PH_ERR_ADDRESS;
    }
    listener->given = (int)strtol(text, NULL, 10);
    return inspect(listener);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int ph__listener_parse(struct ph__listener *ret_listener, const char *listen)
{
    struct ph__listener listener = {.fd = -1, .given = -1};
    int err = 0;
    if (has_prefix(listen, unix_prefix)) {
        err = parse_unix(&listener, listen + sizeof unix_prefix - 1);
    } else if (has_prefix(listen, fd_prefix)) {
        err = parse_fd(&listener, listen + sizeof fd_prefix - 1);
    } else {
        err = parse_ip(&listener, listen);
        listener.any_port = err == 0 && listener.address.port == 0;
    }
    if (err < 0) {
        return err;
    }
    describe(&listener);
    *ret_listener = listener;
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

/* A descriptor of our own for the socket that was given, which stays open when we close it. */
static int open_given(struct ph__listener *listener)
{
    const int on = 1;
    int err = inspect(listener); /* the number may be another's by now */
    if (err < 0) {
        return err;
    }
    listener->fd = fcntl(listener->given, F_DUPFD_CLOEXEC, 0);
    int flags = listener->fd < 0 ? -1 : fcntl(listener->fd, F_GETFL);
    bool set = flags >= 0 && fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
               (listener->address.family == AF_UNIX ||
                setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    if (!set) {
        err = -errno;
        ph__listener_close(listener);
        return err;
    }
    describe(listener);
    return 0;
}

int ph__listener_open(struct ph__listener *listener, unsigned backlog,
                      const struct ph__unix_access *access)
{
    if (listener->given >= 0) {
        return open_given(listener);
    }
    bool is_unix = listener->address.family == AF_UNIX;
    if (listener->any_port) {
        listener->address.port = 0; /* that of the time before may be somebody else's now */
        describe(listener);
    }
    listener->fd = socket(listener->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0) {
        return -errno;
    }
    int err = is_unix
                  ? ph__unix_file_bind(listener->fd, listener->path, access, &listener->path_bound)
                  : bind_ip(listener);
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
