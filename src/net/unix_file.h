/* SPDX-License-Identifier: MIT
 *
 * The file that a listening unix socket is: bound with its mode and group, in the place of one that
 * a dead server has left.
 */
#ifndef PORTHOLE_NET_UNIX_FILE_H
#define PORTHOLE_NET_UNIX_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Who may connect: whoever may write to the file (unix(7)). */
struct ph__unix_access {
    mode_t mode; /* whatever the umask is; 0: 0600 */
    bool has_group;
    gid_t group;
};

/*
 * Binds a socket to a path, or to an abstract name, which begins with '@' here and has neither mode
 * nor group. At no moment may more connect than in the end.
 * `ret_bound` says, on failure too, that the file is there now and has to be removed.
 * Returns 0; a negative errno of bind(2) or chown(2); -ENOTSOCK when the file was changed under us;
 * -EOPNOTSUPP when the umask hides some of the mode, and there is no /proc to give it back.
 */
int ph__unix_file_bind(int fd, const char *path, const struct ph__unix_access *access,
                       bool *ret_bound);

#endif
