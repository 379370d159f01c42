/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: from "127.0.0.1:8080", "[::1]:8080", "localhost:0", "*:80",
 * "unix:/run/app.sock", "unix:@abstract" or "fd:3" to a descriptor that accepts.
 */
#ifndef PORTHOLE_NET_LISTENER_H
#define PORTHOLE_NET_LISTENER_H

#include "base/sockaddr.h"
#include "net/unix_file.h"

#include <stdbool.h>
#include <sys/un.h>

struct ph__listener {
    struct ph__sockaddr address; /* AF_UNIX: the path holds the address */
    char path[sizeof(
        ((struct sockaddr_un *)0)->sun_path)]; /* unix only; an abstract name begins with '@' */
    int fd;                                    /* -1 while closed */
    int given;       /* listens already, and is the program's; -1: we open one */
    bool any_port;   /* port 0 was asked for */
    bool path_bound; /* the file is ours to remove */
    char text[PH__SOCKADDR_TEXT + sizeof(((struct sockaddr_un *)0)->sun_path)]; /* for people */
};

/*
 * Opens nothing. Returns 0 or PH_ERR_ADDRESS; of a descriptor that is given -EBADF, -ENOTSOCK, or
 * -EINVAL when it does not listen for streams by IP or unix.
 */
int ph__listener_parse(struct ph__listener *ret_listener, const char *listen);

/*
 * Opens, binds and listens; the address then holds the real port, and text both. A unix socket
 * is as `access` says, and takes the place of one that nobody listens on any more. Over IPv6 only
 * IPv6 is served, so that "*:80" and "[::]:80" can stand side by side.
 * Returns 0 or a negative errno; on failure the listener is closed.
 */
int ph__listener_open(struct ph__listener *listener, unsigned backlog,
                      const struct ph__unix_access *access);

/* Closes it and removes a unix socket's path. May be called again. */
void ph__listener_close(struct ph__listener *listener);

#endif
