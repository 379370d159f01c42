/* SPDX-License-Identifier: MIT
 *
 * Settings, addresses, rights, start times. What cannot be read gets the kernel's default.
 */
#include "doctor/facts.h"

#include "base/clock.h"
#include "sockets/files.h"
#include "sockets/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    PRIVILEGED_DEFAULT = 1024,
    EPHEMERAL_FIRST = 32768,
    EPHEMERAL_LAST = 60999,
    BIND_NO_PORT = 24 /* IP_BIND_ADDRESS_NO_PORT, of Linux 4.2 */
};

int ph__facts_numbers(int proc, const char *path, int64_t *ret_numbers, int count)
{
    char text[256];
    int length = proc < 0 ? -ENOENT : ph__files_read(proc, path, text, sizeof text);
    if (length < 0) {
        return length;
    }
    int found = 0;
    for (char *at = text, *end; found < count; at = end) {
        errno = 0;
        long long number = strtoll(at, &end, 10);
        if (end == at || errno) {
            break;
        }
        ret_numbers[found++] = number;
    }
    return found;
}

void ph__facts_ephemeral(int proc, uint16_t *ret_first, uint16_t *ret_last)
{
    int64_t range[2];
    bool known = ph__facts_numbers(proc, "sys/net/ipv4/ip_local_port_range", range, 2) == 2 &&
                 range[0] > 0 && range[0] <= range[1] && range[1] <= UINT16_MAX;
    *ret_first = known ? (uint16_t)range[0] : (uint16_t)EPHEMERAL_FIRST;
    *ret_last = known ? (uint16_t)range[1] : (uint16_t)EPHEMERAL_LAST;
}

/* Capabilities count in the user namespace that owns the network namespace. */
static bool owns_network(void)
{
    int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int owner = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);
    bool unknown = owner < 0 && errno == ENOTTY; /* before Linux 4.9 */
    struct stat ours;
    struct stat theirs;
    bool same = owner >= 0 && stat("/proc/self/ns/user", &ours) == 0 &&
                fstat(owner, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
                ours.st_dev == theirs.st_dev;
    if (owner >= 0) {
        close(owner);
    }
    if (network >= 0) {
        close(network);
    }
    return same || unknown;
}

bool ph__facts_may_bind_low(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0) {
        return geteuid() == 0;
    }
    return (data[0].effective & 1U << CAP_NET_BIND_SERVICE) && owns_network();
}

socklen_t ph__facts_address(const struct ph__bind_wish *wish, bool with_port,
                            struct sockaddr_storage *ret_address)
{
    uint16_t port = with_port ? wish->port : 0;
    memset(ret_address, 0, sizeof *ret_address);
    if (wish->family == PH_FAMILY_IPV4) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&address.sin_addr, wish->address.bytes + 12, sizeof address.sin_addr);
        memcpy(ret_address, &address, sizeof address);
        return sizeof address;
    }
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = wish->interface};
    memcpy(&address.sin6_addr, wish->address.bytes, sizeof address.sin6_addr);
    memcpy(ret_address, &address, sizeof address);
    return sizeof address;
}

int ph__facts_open(const struct ph__bind_wish *wish, bool with_port,
                   struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
    int type = wish->protocol == PH_PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(wish->family == PH_FAMILY_IPV4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    const int on = 1;
    if (wish->v6only && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    *ret_size = ph__facts_address(wish, with_port, ret_address);
    return fd;
}

int ph__facts_address_error(const struct ph__bind_wish *wish)
{
    struct sockaddr_storage address = {0};
    socklen_t size = 0;
    int fd = ph__facts_open(wish, false, &address, &size);
    if (fd < 0) {
        return fd;
    }
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_IP, BIND_NO_PORT, &on, sizeof on); /* else it takes any port */
    int err = bind(fd, (const struct sockaddr *)&address, size) < 0 ? -errno : 0;
    close(fd);
    return err;
}

struct ph__bind_facts ph__facts_bind(int proc, const struct ph__bind_wish *wish)
{
    struct ph__bind_facts facts = {.privileged = PRIVILEGED_DEFAULT};
    int64_t number;
    if (ph__facts_numbers(proc, "sys/net/ipv4/ip_unprivileged_port_start", &number, 1) == 1 &&
        number >= 0 && number <= UINT16_MAX) {
        facts.privileged = (uint16_t)number;
    }
    ph__facts_ephemeral(proc, &facts.ephemeral_first, &facts.ephemeral_last);
    facts.capable = wish->port < facts.privileged && ph__facts_may_bind_low();
    facts.address_error = ph__facts_address_error(wish);
    return facts;
}

uint64_t ph__facts_since_unix_ms(int proc, int pid)
{
    char path[16];
    uint64_t ticks;
    struct timespec now;
    long hertz = sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof path, "%d", pid);
    if (proc < 0 || hertz <= 0 || ph__process_start(proc, path, &ticks) < 0 ||
        clock_gettime(CLOCK_BOOTTIME, &now) < 0) {
        return 0;
    }
    uint64_t up_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t start_ms = ticks * 1000 / (uint64_t)hertz;
    uint64_t unix_ms = ph__clock_unix_ms();
    return start_ms <= up_ms && up_ms - start_ms < unix_ms ? unix_ms - (up_ms - start_ms) : 0;
}
