/* SPDX-License-Identifier: MIT
 *
 * What the doctor asks the system beside the sockets: settings, addresses, rights, start times.
 */
#ifndef PORTHOLE_DOCTOR_FACTS_H
#define PORTHOLE_DOCTOR_FACTS_H

#include "doctor/bind.h"

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Reads up to `count` numbers at the beginning of a file below /proc. @return how many; a
 * negative errno. */
int ph__facts_numbers(int proc, const char *path, int64_t *ret_numbers, int count);

/* The range of ephemeral ports, or the kernel's default. */
void ph__facts_ephemeral(int proc, uint16_t *ret_first, uint16_t *ret_last);

/* Whether we may bind ports below the privileged limit of our network namespace. */
bool ph__facts_may_bind_low(void);

/* What bind(2) says to the address of a wish, without taking a port. */
int ph__facts_address_error(const struct ph__bind_wish *wish);

/* All of a wish. */
struct ph__bind_facts ph__facts_bind(int proc, const struct ph__bind_wish *wish);

/* When a process started; 0 unknown. */
uint64_t ph__facts_since_unix_ms(int proc, int pid);

/* The address of a wish, with its port or port 0. @return its size. */
socklen_t ph__facts_address(const struct ph__bind_wish *wish, bool with_port,
                            struct sockaddr_storage *ret_address);

/* A socket made for a wish, and its address; -EAFNOSUPPORT without IPv6. */
int ph__facts_open(const struct ph__bind_wish *wish, bool with_port,
                   struct sockaddr_storage *ret_address, socklen_t *ret_size);

#endif
