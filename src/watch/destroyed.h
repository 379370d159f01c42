/* SPDX-License-Identifier: MIT
 *
 * Connections as the kernel lets go of them: the multicast groups of sock_diag(7) that tell of
 * destroyed TCP sockets, with what they have carried.
 */
#ifndef PORTHOLE_WATCH_DESTROYED_H
#define PORTHOLE_WATCH_DESTROYED_H

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph__destroyed {
    struct ph_socket socket;
    /* -1: unknown. */
    int64_t sent_bytes;
    int64_t received_bytes;
    int64_t rtt_us;
    int64_t retransmissions; /* segments */
};

/* Joins the groups. @return a descriptor; a negative errno: -EPERM without CAP_NET_ADMIN. */
int ph__destroyed_open(void);

/* Reads all that has come, without waiting. `ret_lost` becomes true when some did not fit. @return
 * 0; a negative errno of recv(2); what `receive` returned. */
int ph__destroyed_read(int fd, int (*receive)(void *user, const struct ph__destroyed *destroyed),
                       void *user, bool *ret_lost);

/* Reads one payload. @return 0; -EBADMSG; -EPROTO for what is no TCP connection. */
int ph__destroyed_parse(const unsigned char *payload, size_t size, struct ph__destroyed *ret);

#endif
