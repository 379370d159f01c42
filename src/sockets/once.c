/* SPDX-License-Identifier: MIT
 *
 * Work that is done once.
 */
#include "sockets/once.h"

void ph__once_init(struct ph__once *once)
{
    *once = (struct ph__once){.done = false};
    pthread_mutex_init(&once->lock, NULL);
    pthread_cond_init(&once->finished, NULL);
}

void ph__once_done(struct ph__once *once)
{
    pthread_cond_destroy(&once->finished);
    pthread_mutex_destroy(&once->lock);
}

int ph__once_run(struct ph__once *once, int (*work)(void *user), void *user)
{
    pthread_mutex_lock(&once->lock);
    unsigned attempts = once->attempts;
    while (once->running) {
        pthread_cond_wait(&once->finished, &once->lock);
    }
    /* Who waited shares the result, a failure too; who comes later tries again. */
    if (!once->done && once->attempts == attempts) {
        once->running = true;
        pthread_mutex_unlock(&once->lock);
        int err = work(user);
        pthread_mutex_lock(&once->lock);
        once->running = false;
        once->attempts++;
        once->result = err;
        once->done = err == 0;
        pthread_cond_broadcast(&once->finished);
    }
    int result = once->result;
    pthread_mutex_unlock(&once->lock);
    return result;
}
