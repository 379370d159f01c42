/* SPDX-License-Identifier: MIT
 *
 * Writing to where nobody reads any more, by calls that know no MSG_NOSIGNAL: they raise SIGPIPE,
 * which would end a program that does not ignore it. The signal goes to the thread that called
 * (signal(7)), which holds it back meanwhile and takes it away.
 */
#ifndef PORTHOLE_BASE_SIGPIPE_H
#define PORTHOLE_BASE_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

/* Holds SIGPIPE back in this thread. `ret_before` is for ph__sigpipe_release(). */
void ph__sigpipe_hold(sigset_t *ret_before);

/* Lets it come again; one that may have been raised meanwhile is taken away first, unless the
 * thread held it back before. Keeps errno. */
void ph__sigpipe_release(const sigset_t *before, bool may_be_raised);

#endif
