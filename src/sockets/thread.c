/* SPDX-License-Identifier: MIT
 *
 * Starting a thread with all signals blocked.
 */
#include "sockets/thread.h"

#include <signal.h>

bool ph__thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int err = pthread_create(ret_thread, NULL, run, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0;
}
