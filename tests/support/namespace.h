/* SPDX-License-Identifier: MIT
 *
 * A network namespace of a test's own: what it counts there is its own doing, and what others do
 * on the machine neither slows it down nor uses up what it needs.
 */
#ifndef PORTHOLE_TESTS_NAMESPACE_H
#define PORTHOLE_TESTS_NAMESPACE_H

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enters one, with loopback up. @return false where that is not allowed. Only in a process with
 * one thread. */
static inline bool enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        return false;
    }
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int err = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
    if (fd >= 0) {
        close(fd);
    }
    return err == 0;
}

/* For cmocka_run_group_tests(): where a namespace is not allowed, the tests run among the
 * sockets of others. */
static inline int isolate(void **state)
{
    (void)state;
    (void)enter_namespace();
    return 0;
}

#endif
