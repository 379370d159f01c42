/* SPDX-License-Identifier: MIT
 *
 * A descriptor on its way in a message (unix(7), SCM_RIGHTS).
 */
#ifndef PORTHOLE_TESTS_DESCRIPTOR_H
#define PORTHOLE_TESTS_DESCRIPTOR_H

#include "support/cmocka.h"

#include <string.h>
#include <sys/socket.h>

/* Sends it to the other end of a pair of unix sockets, where nobody need take it. */
static inline void send_descriptor(int over, int fd)
{
    char byte = 'x';
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    assert_int_equal(sendmsg(over, &message, 0), 1);
}

#endif
