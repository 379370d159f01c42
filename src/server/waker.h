/* SPDX-License-Identifier: MIT
 *
 * Wakers of bodies that go on later. Like a token, a waker has two holders: the program, on any
 * thread, until it frees it, and the connection, on its worker, as long as the body is being sent.
 * Unlike a token it may come to the worker any number of times.
 */
#ifndef PORTHOLE_SERVER_WAKER_H
#define PORTHOLE_SERVER_WAKER_H

#include <porthole/stream.h>

/* The body is complete, or cut: takes back the connection's hold. On its worker. */
void ph__waker_abandon(struct ph_waker *waker);

#endif
