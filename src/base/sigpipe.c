/* SPDX-License-Identifier: MIT
 *
 * SIGPIPE held back and taken away.
 */
#include "base/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void ph__sigpipe_hold(sigset_t *ret_before)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, ret_before);
}

void ph__sigpipe_release(const sigset_t *before, bool may_be_raised)
{
    int err = errno;
    if (!sigismember(before, SIGPIPE)) {
        const struct timespec at_once = {0};
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        if (may_be_raised) {
            sigtimedwait(&pipe, NULL, &at_once);
        }
        pthread_sigmask(SIG_SETMASK, before, NULL);
    }
    errno = err;
}
