/* SPDX-License-Identifier: MIT
 *
 * Listeners on real sockets, and with each system call failing in its turn.
 */
#include "net/listener.h"

#include <porthole/error.h>

#include "support/cmocka.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- failing system calls ---- */

enum call { CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_SETSOCKOPT, CALL_GETSOCKNAME, CALL_FCHMOD };

static int calls_left = -1; /* of the call below, before one fails; negative: none fails */
static enum call failing_call;
static int failing_errno;

static bool fails(enum call call)
{
    if (calls_left < 0 || call != failing_call || calls_left-- > 0) {
        return false;
    }
    errno = failing_errno;
    return true;
}

int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __real_listen(int fd, int backlog);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __real_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __real_fchmod(int fd, mode_t mode);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_listen(int fd, int backlog);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_fchmod(int fd, mode_t mode);

int __wrap_socket(int domain, int type, int protocol)
{
    return fails(CALL_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return fails(CALL_BIND) ? -1 : __real_bind(fd, address, length);
}

int __wrap_listen(int fd, int backlog)
{
    return fails(CALL_LISTEN) ? -1 : __real_listen(fd, backlog);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    return fails(CALL_SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, name, value, length);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return fails(CALL_GETSOCKNAME) ? -1 : __real_getsockname(fd, address, length);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    return fails(CALL_FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

/* ---- fixtures ---- */

static char folder[] = "/tmp/porthole-listener-XXXXXX";
static char path[sizeof folder + 16];
static char listen_unix[sizeof path + 8];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(listen_unix, sizeof listen_unix, "unix:%s", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left something there */
}

static struct ph__listener parsed(const char *listen)
{
    struct ph__listener listener;
    assert_int_equal(ph__listener_parse(&listener, listen), 0);
    assert_int_equal(listener.fd, -1);
    return listener;
}

static unsigned count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    unsigned count = 0;
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static bool exists(const char *file)
{
    struct stat info;
    return lstat(file, &info) == 0;
}

static const struct ph__unix_access only_us;

static bool has_ipv6(void)
{
    struct ph__listener listener = parsed("[::1]:0");
    int err = ph__listener_open(&listener, 1, &only_us);
    ph__listener_close(&listener);
    return err == 0;
}

/* Connects to where the listener says it is, and checks that it accepts. */
static void assert_accepts(const struct ph__listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t length = ph__sockaddr_expand(&listener->address, &address);
    if (listener->address.family == AF_UNIX) {
        struct sockaddr_un local = {.sun_family = AF_UNIX};
        memcpy(local.sun_path, listener->path, sizeof local.sun_path);
        memcpy(&address, &local, sizeof local);
        length = sizeof local;
    }
    int client = socket(listener->address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, length), 0);
    int server = accept(listener->fd, NULL, NULL);
    assert_true(server >= 0);
    close(server);
    close(client);
}

/* ---- open ---- */

static void test_open_when_a_system_call_fails_then_its_errno_and_closed(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int error;
        const char *listen; /* NULL: the unix socket */
        int calls;          /* how many of them an open makes at least */
    } cases[] = {
        {CALL_SOCKET, EMFILE, "127.0.0.1:0", 1},
        {CALL_BIND, EACCES, "127.0.0.1:0", 1},
        {CALL_LISTEN, EADDRINUSE, "127.0.0.1:0", 1},
        {CALL_SETSOCKOPT, ENOPROTOOPT, "*:0", 2},
        {CALL_GETSOCKNAME, ENOBUFS, "127.0.0.1:0", 1},
        {CALL_SOCKET, ENFILE, NULL, 1},
        {CALL_FCHMOD, EPERM, NULL, 1},
        {CALL_BIND, ENOENT, NULL, 1},
        {CALL_LISTEN, EOPNOTSUPP, NULL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ph__listener listener = parsed(cases[i].listen ? cases[i].listen : listen_unix);
        unsigned before = count_descriptors();
        int err = -1;
        int failures = 0;
        for (int n = 0; err != 0; n++) {
            failing_call = cases[i].call;
            failing_errno = cases[i].error;
            calls_left = n;
            err = ph__listener_open(&listener, 1, &only_us);
            calls_left = -1;
            if (err != 0) {
                failures++;
                assert_int_equal(err, -cases[i].error);
                assert_int_equal(listener.fd, -1);
                assert_int_equal(count_descriptors(), before);
                assert_false(exists(path));
            }
        }
        assert_true(failures >= cases[i].calls);
        assert_accepts(&listener); /* a retry is allowed */
        ph__listener_close(&listener);
        assert_int_equal(count_descriptors(), before);
    }
}

static void test_open_when_port_is_taken_then_eaddrinuse(void **state)
{
    (void)state;
    struct ph__listener first = parsed("127.0.0.1:0");
    assert_int_equal(ph__listener_open(&first, 1, &only_us), 0);
    struct ph__listener second = parsed(first.text);
    assert_int_equal(ph__listener_open(&second, 1, &only_us), -EADDRINUSE);
    assert_int_equal(second.fd, -1);
    assert_accepts(&first);
    ph__listener_close(&first);
    assert_int_equal(ph__listener_open(&second, 1, &only_us), 0);
    ph__listener_close(&second);
}

static void test_open_when_address_is_not_ours_then_eaddrnotavail(void **state)
{
    (void)state;
    struct ph__listener listener = parsed("192.0.2.1:0"); /* TEST-NET-1 */
    assert_int_equal(ph__listener_open(&listener, 1, &only_us), -EADDRNOTAVAIL);
    assert_int_equal(listener.fd, -1);
}

static void test_open_when_port_is_zero_then_real_port_in_address_and_text(void **state)
{
    (void)state;
    struct ph__listener listener = parsed("localhost:0");
    assert_int_equal(ph__listener_open(&listener, 16, &only_us), 0);
    assert_int_not_equal(listener.address.port, 0);
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", listener.address.port);
    assert_string_equal(listener.text, text);
    assert_accepts(&listener);
    ph__listener_close(&listener);
    assert_int_equal(listener.fd, -1);
    ph__listener_close(&listener);
}

static void test_open_then_descriptor_is_nonblocking_cloexec_and_without_delay(void **state)
{
    (void)state;
    struct ph__listener listener = parsed("127.0.0.1:0");
    assert_int_equal(ph__listener_open(&listener, 1, &only_us), 0);
    assert_true(fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(listener.fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    assert_int_not_equal(value, 0);
    assert_int_equal(accept(listener.fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    ph__listener_close(&listener);
}

static void test_open_when_both_families_on_one_port_then_side_by_side(void **state)
{
    (void)state;
    if (!has_ipv6()) {
        skip_because("this machine has no IPv6");
    }
    struct ph__listener v6 = parsed("[::]:0");
    assert_int_equal(ph__listener_open(&v6, 4, &only_us), 0);
    char listen[16];
    snprintf(listen, sizeof listen, "*:%u", v6.address.port);
    struct ph__listener v4 = parsed(listen);
    assert_int_equal(ph__listener_open(&v4, 4, &only_us), 0);
    assert_accepts(&v6);
    assert_accepts(&v4);
    ph__listener_close(&v4);
    ph__listener_close(&v6);
}

/* ---- unix sockets ---- */

static void test_open_unix_when_file_is_no_socket_then_it_stays(void **state)
{
    (void)state;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    struct ph__listener listener = parsed(listen_unix);
    assert_int_equal(ph__listener_open(&listener, 1, &only_us), -EADDRINUSE);
    ph__listener_close(&listener);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    unlink(path);
}

static void test_open_unix_when_somebody_listens_then_eaddrinuse(void **state)
{
    (void)state;
    struct ph__listener first = parsed(listen_unix);
    struct ph__listener second = parsed(listen_unix);
    assert_int_equal(ph__listener_open(&first, 4, &only_us), 0);
    assert_int_equal(ph__listener_open(&second, 4, &only_us), -EADDRINUSE);
    ph__listener_close(&second); /* must not take the other's file away */
    assert_true(exists(path));
    int pending = accept(first.fd, NULL, NULL); /* the question whether anybody listens */
    if (pending >= 0) {
        close(pending);
    }
    assert_accepts(&first);
    ph__listener_close(&first);
    assert_false(exists(path));
}

/* Asking a server whose queue is full is answered with EAGAIN: it is there all the same. */
static void test_open_unix_when_the_other_queue_is_full_then_eaddrinuse(void **state)
{
    (void)state;
    struct ph__listener first = parsed(listen_unix);
    struct ph__listener second = parsed(listen_unix);
    assert_int_equal(ph__listener_open(&first, 1, &only_us), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, sizeof path);
    int clients[8];
    int count = 0;
    int result = 0;
    while (count < 8 && result == 0) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        result = connect(clients[count++], (struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(result, -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(ph__listener_open(&second, 1, &only_us), -EADDRINUSE);
    assert_true(exists(path));
    while (count > 0) {
        close(clients[--count]);
    }
    ph__listener_close(&first);
}

/* A socket whose server died: the file is there, and nobody listens. */
static void leave_stale_socket(void)
{
    struct ph__listener dead = parsed(listen_unix);
    assert_int_equal(ph__listener_open(&dead, 1, &only_us), 0);
    close(dead.fd);
    assert_true(exists(path));
}

static void test_open_unix_when_stale_cannot_be_told_then_eaddrinuse(void **state)
{
    (void)state;
    leave_stale_socket();
    struct ph__listener listener = parsed(listen_unix);
    failing_call = CALL_SOCKET; /* the second one, with which it asks */
    failing_errno = EMFILE;
    calls_left = 1;
    assert_int_equal(ph__listener_open(&listener, 1, &only_us), -EADDRINUSE);
    calls_left = -1;
    assert_true(exists(path));
    unlink(path);
}

static void test_open_unix_when_file_is_stale_then_takes_its_place(void **state)
{
    (void)state;
    leave_stale_socket();
    struct ph__listener listener = parsed(listen_unix);
    assert_int_equal(ph__listener_open(&listener, 4, &only_us), 0);
    assert_accepts(&listener);
    ph__listener_close(&listener);
    assert_false(exists(path));
}

static void test_open_unix_when_umask_is_open_then_mode_is_0600(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct ph__listener listener = parsed(listen_unix);
    int err = ph__listener_open(&listener, 4, &only_us);
    umask(mask);
    assert_int_equal(err, 0);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_string_equal(listener.text, listen_unix);
    assert_accepts(&listener);
    ph__listener_close(&listener);
    ph__listener_close(&listener);
    assert_false(exists(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_when_a_system_call_fails_then_its_errno_and_closed),
        cmocka_unit_test(test_open_when_port_is_taken_then_eaddrinuse),
        cmocka_unit_test(test_open_when_address_is_not_ours_then_eaddrnotavail),
        cmocka_unit_test(test_open_when_port_is_zero_then_real_port_in_address_and_text),
        cmocka_unit_test(test_open_then_descriptor_is_nonblocking_cloexec_and_without_delay),
        cmocka_unit_test(test_open_when_both_families_on_one_port_then_side_by_side),
        cmocka_unit_test(test_open_unix_when_file_is_no_socket_then_it_stays),
        cmocka_unit_test(test_open_unix_when_somebody_listens_then_eaddrinuse),
        cmocka_unit_test(test_open_unix_when_the_other_queue_is_full_then_eaddrinuse),
        cmocka_unit_test(test_open_unix_when_stale_cannot_be_told_then_eaddrinuse),
        cmocka_unit_test(test_open_unix_when_file_is_stale_then_takes_its_place),
        cmocka_unit_test(test_open_unix_when_umask_is_open_then_mode_is_0600),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
