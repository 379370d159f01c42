/* SPDX-License-Identifier: MIT
 *
 * Work that is done once for all who need it: the first asker does it, those who ask meanwhile wait
 * for it and share how it ended. After a failure the next one who asks tries again.
 */
#ifndef PORTHOLE_SOCKETS_ONCE_H
#define PORTHOLE_SOCKETS_ONCE_H

#include <pthread.h>
#include <stdbool.h>

struct ph__once {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t finished;
    bool running;
    unsigned attempts; /* that have ended */
    int result;        /* of the last */
    bool done;         /* one succeeded */
};

void ph__once_init(struct ph__once *once);
void ph__once_done(struct ph__once *once);

/* @return what `work` returned, to whoever did it: 0 or a negative error. */
int ph__once_run(struct ph__once *once, int (*work)(void *user), void *user);

#endif
