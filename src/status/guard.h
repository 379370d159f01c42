/* SPDX-License-Identifier: MIT
 *
 * Who may ask: the Host header against DNS rebinding.
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

#endif
