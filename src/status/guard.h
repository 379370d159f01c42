/* SPDX-License-Identifier: MIT
 *
 * Who may ask: the Host header against DNS rebinding, and the bearer token.
 */
#ifndef PORTHOLE_STATUS_GUARD_H
#define PORTHOLE_STATUS_GUARD_H

#include <stdbool.h>

/*
 * True when a Host header (with or without a port) is an IP address, "localhost", `hostname` or
 * one of `names`, which ends in NULL; both may be NULL. Without a header (NULL) true: every
 * browser sends one.
 */
bool ph__guard_host(const char *host, const char *hostname, const char *const *names);

/*
 * True when an Authorization header (NULL: absent) carries `token`. Takes the same time wherever
 * the first wrong byte is.
 */
bool ph__guard_token(const char *authorization, const char *token);

#endif
