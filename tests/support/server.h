/* SPDX-License-Identifier: MIT
 *
 * A server in the test's own process, with routes that do what tests want to see:
 *
 *   GET  /hello            "hello"
 *   GET  /show             what the request looked like to the handler (and with a trailing part)
 *   POST /echo             the body, with its Content-Type
 *   GET  /big              `size` bytes, made as `kind` says: copy, take, static, generate
 *   GET  /wait             blocking: waits until gate_open(), then "waited"
 *   GET  /slow             blocking: "slow" at once
 *   GET  /fail             fails with the error code in `code`; with `first`, after a reply
 *   GET  /nothing          returns 0 without a reply
 */
#ifndef PORTHOLE_TESTS_SERVER_H
#define PORTHOLE_TESTS_SERVER_H

#include <porthole/server.h>

#include <stdatomic.h>

/* How often bodies that /big handed over have been released, and how many are still held. */
extern _Atomic int bodies_released;
extern _Atomic int bodies_held;

/* Handlers of /wait that are waiting now. */
extern _Atomic int waiting;

/* Creates a server with these routes on 127.0.0.1, any port, unless `cfg` says otherwise. */
struct ph_server *server_new(const struct ph_config *cfg);

/* server_new(), and starts it. */
struct ph_server *server_start(const struct ph_config *cfg);

/* The largest body from /big, of which all others are the beginning. */
enum { BIG_MAX = 12000000 };
const char *big_bytes(void);

/* Lets all handlers of /wait go on, those to come too, until gate_close(). */
void gate_open(void);
void gate_close(void);

/* Asks `holds` again and again until it says true; fails the test after CLIENT_WAIT_MS. */
void wait_until(bool (*holds)(void *user), void *user);

/* Waits until the server has read so many bytes in all. */
void wait_bytes_in(const struct ph_server *server, uint64_t bytes);

/* Waits until so many connections are in a state; "" counts all. */
void wait_connections(const struct ph_server *server, const char *state, int count);
int count_connections(const struct ph_server *server, const char *state);

/* Waits until so many handlers of /wait are waiting. */
void wait_waiting(int count);

#endif
