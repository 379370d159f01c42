/* SPDX-License-Identifier: MIT
 *
 * One server for all tests of a program; see server.h for its routes.
 */
#ifndef PORTHOLE_TESTS_GROUP_H
#define PORTHOLE_TESTS_GROUP_H

#include <porthole/server.h>

extern struct ph_server *server;

/* Set up, with nothing special; tests that want settings have their own, and set `server`. */
int start_server(void **state);

/* Tear down; nothing that a handler handed over may be held any more. */
int stop_server(void **state);

#endif
