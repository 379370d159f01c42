/* SPDX-License-Identifier: MIT
 *
 * Threads that live for a part of one call.
 */
#ifndef PORTHOLE_SOCKETS_THREAD_H
#define PORTHOLE_SOCKETS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread to be joined, which gets no signals: the program's handlers are not meant for
 * it. @return false where there is none to have; the caller then does the work itself. */
bool ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user);

#endif
