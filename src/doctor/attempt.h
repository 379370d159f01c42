/* SPDX-License-Identifier: MIT
 *
 * One attempt to reach an address and port, and what the kernel said.
 */
#ifndef PORTHOLE_DOCTOR_ATTEMPT_H
#define PORTHOLE_DOCTOR_ATTEMPT_H

#include <porthole/sockets.h>

#include <stdint.h>
#include <sys/socket.h>

struct ph__attempt {
    int error;                       /* 0 or a negative errno; -ETIMEDOUT: no answer in time */
    uint64_t time_us;                /* from the request to that */
    struct sockaddr_storage local;   /* the near half; AF_UNSPEC: none was given out */
    struct sockaddr_storage said_by; /* who sent an ICMP message; AF_UNSPEC: unknown */
    int64_t rtt_us;                  /* TCP; -1 unknown */
    int64_t retransmissions;         /* of the request; -1 unknown */
    int64_t answer_bytes;            /* UDP; -1: nothing came */
};

/* Connects to an address and closes again, or sends it an empty datagram. */
void ph__attempt_make(enum ph_protocol protocol, const struct sockaddr *address, socklen_t size,
                      unsigned timeout_ms, struct ph__attempt *ret_attempt);

#endif
