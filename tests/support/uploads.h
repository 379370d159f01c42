/* SPDX-License-Identifier: MIT
 *
 * A server whose routes sum up what is uploaded, for tests of bodies that are handed over.
 */
#ifndef PORTHOLE_TESTS_UPLOADS_H
#define PORTHOLE_TESTS_UPLOADS_H

#include "support/client.h"
#include "support/server.h"

#include <porthole/stream.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST "\r\nHost: a\r\n"
#define HELLO "GET /hello HTTP/1.1" HOST "\r\n"

enum { ROUTE_MAX = 3000000 };

/* "/upload" takes pieces on the worker, "/slow-upload" on the pool. */
enum { TARGETS = 2 };
extern const char *const targets[TARGETS];

/* From here on no piece is taken, or they are again. */
void hold_pieces(void);
void take_pieces(void);

/* Starts the server with body_max 1000, but for its routes. */
struct ph_server *uploads_start(struct ph_config cfg);

/* Waits until nothing of an upload is left, and frees it. */
void uploads_end(struct ph_server *server);

/* Begun and not released. */
int uploads_open(void);
void wait_none_open(void);

/* Waits until pieces have not been taken so often since hold_pieces(). */
void wait_held(int times);

/* Wakes the upload that was last not taken. */
void wake_held(void);

/* The reply tells of the beginning of big_bytes(). */
void assert_sum(const struct reply *reply, size_t size);

/* What a reply says of an upload of these bytes. */
void sum_text(char text[60], const char *bytes, size_t size);

void put_head(struct client *client, const char *target, const char *fields);
void put_sized_head(struct client *client, const char *target, size_t size);

/* Sends the beginning of big_bytes() as chunks of different sizes, and a trailer. */
void send_chunks(struct client *client, size_t size);

#endif
