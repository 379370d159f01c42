/* SPDX-License-Identifier: MIT
 *
 * Wakers of bodies that go on later, either way. Like a token, a waker has two holders: the
 * program, on any thread, until it frees it, and the connection, on its worker, as long as the body
 * is being sent or received. Unlike a token it may come to the worker any number of times.
 */
#ifndef PORTHOLE_SERVER_WAKER_H
#define PORTHOLE_SERVER_WAKER_H

#include <porthole/stream.h>

struct ph__exchange;

/* A waker with two holders: the connection, and the program. NULL when out of memory. */
struct ph_waker *ph__waker_new(struct ph__exchange *exchange);

/* The body is complete, or cut: takes back the connection's hold. On its worker. */
void ph__waker_abandon(struct ph_waker *waker);

#endif
