/* SPDX-License-Identifier: MIT
 *
 * The server under test with WebSockets, and what its callbacks have seen:
 *
 * - /ws echoes; "close CODE REASON" closes, "twice TEXT" sends it twice, "big N" sends N bytes
 * - /small does the same, with messages of up to 100 bytes, and 4 KiB to be sent
 * - /quick does the same, pinged after 60 ms, cut after 120 more
 * - /listed does the same, for pages of https://good.example:8443 and http://also.example
 * - /any does the same, for all pages
 * - /closed: `open` replies 401
 * - /fails: `open` fails with -EMFILE; with the query "defer" it puts the reply off
 * - /greets: `open` adds a field and sends "welcome"
 */
#ifndef PORTHOLE_TESTS_WEBSOCKET_SERVER_H
#define PORTHOLE_TESTS_WEBSOCKET_SERVER_H

#include <porthole/websocket.h>

/* Adds these paths; before the start. */
void add_websockets(struct ph_server *server);

/* How many sockets are open. Waits until there are so many. */
void wait_sockets(int count);

/* Waits until a socket more has been closed since the last call, and tells how. */
struct ending {
    unsigned code;
    char reason[124];
};
struct ending wait_closed(void);

/* How many have been closed and not been asked for. */
int unasked_closed(void);

/* A hold of the socket that was opened last. */
struct ph_websocket *last_socket(void);

/* Lets go of it, if there is one. */
void free_last_socket(void);

/* For the end of a test: lets go of the last socket, and forgets those that have been closed. */
void forget_sockets(void);

/* How often `drained` was called. */
int drained_count(void);

#endif
