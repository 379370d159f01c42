/* SPDX-License-Identifier: MIT
 *
 * What another thread has for a connection: the end of what was called on the pool, the reply of a
 * token, or the news that a body goes on. ph__worker_complete() brings it.
 */
#ifndef PORTHOLE_SERVER_COMPLETION_H
#define PORTHOLE_SERVER_COMPLETION_H

struct ph__conn;

struct ph__completion {
    struct ph__completion *next;
    struct ph__conn *conn;
    void (*arrive)(struct ph__completion *completion); /* called on the worker's thread */
    int result;                                        /* of what was called on the pool */
};

#endif
