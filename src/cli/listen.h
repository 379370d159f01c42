/* SPDX-License-Identifier: MIT
 *
 * Where `serve` listens, who can reach that, and what went wrong.
 */
#ifndef PORTHOLE_CLI_LISTEN_H
#define PORTHOLE_CLI_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ph_server;

/* The group of this name or number. @return 0; -ENOENT. */
int ph__listen_find_group(const char *text, gid_t *ret_group);

/* Has a server listen at addresses as --listen has them. @return 0, or an exit status once the
 * error is told. */
int ph__listen_at(struct ph_server *server, const char *const *addresses, size_t count);

/* The data is sensitive: others than this machine get it by a token, by a certificate of their own,
 * or by intent. @return 0, or an exit status once the error is told. */
int ph__listen_check_reach(const struct ph_server *server, bool guarded);

/* Tells why a server could not start. @return an exit status. */
int ph__listen_tell_error(const struct ph_server *server, int err);

/* Prints a line for each address. @return an exit status. */
int ph__listen_announce(const struct ph_server *server, const char *scheme);

#endif
