/* SPDX-License-Identifier: MIT
 *
 * The files of unix sockets: mode and group, also where somebody else may write to their folder.
 */
#include "net/unix_file.h"

#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/porthole-unix-XXXXXX";
static char path[sizeof folder + 16];
static char victim[sizeof folder + 16];

/* What happens in the moment after bind(2), and what fails. */
static void (*after_bind)(void);
static int failing_chmod;
static int failing_chown;
static gid_t chowned_to;
static mode_t mode_at_chown;

int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __real_chmod(const char *name, mode_t mode);
int __wrap_chmod(const char *name, mode_t mode);
int __wrap_fchownat(int fd, const char *name, uid_t user, gid_t group, int flags);

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    int result = __real_bind(fd, address, length);
    if (after_bind) {
        after_bind();
    }
    return result;
}

int __wrap_chmod(const char *name, mode_t mode)
{
    if (failing_chmod) {
        errno = failing_chmod;
        return -1;
    }
    return __real_chmod(name, mode);
}

/* Who has one group only could not give the file to another: what is asked for is noted. */
int __wrap_fchownat(int fd, const char *name, uid_t user, gid_t group, int flags)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_string_equal(name, "");
    assert_int_equal(user, (uid_t)-1);
    assert_int_equal(flags, AT_EMPTY_PATH);
    chowned_to = group;
    mode_at_chown = info.st_mode & 0777;
    errno = failing_chown;
    return failing_chown ? -1 : 0;
}

static mode_t mode_of(const char *name)
{
    struct stat info;
    assert_int_equal(lstat(name, &info), 0);
    return info.st_mode & 0777;
}

/* Binds with this umask. */
static int bind_file(const struct ph__unix_access *access, mode_t mask, bool *ret_bound)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    mode_t before = umask(mask);
    int err = ph__unix_file_bind(fd, path, access, ret_bound);
    umask(before);
    close(fd);
    return err;
}

static void test_bind_when_modes_and_umasks_differ_then_the_mode(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 077, 0777};
    static const mode_t modes[] = {0, 0600, 0660, 0666, 0200};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        for (size_t j = 0; j < sizeof modes / sizeof modes[0]; j++) {
            bool bound = false;
            const struct ph__unix_access access = {.mode = modes[j]};
            if (masks[i] == 0777 && modes[j] <= 0600) {
                continue; /* a umask that takes from the owner is left alone with private modes */
            }
            assert_int_equal(bind_file(&access, masks[i], &bound), 0);
            assert_true(bound);
            assert_int_equal(mode_of(path), modes[j] ? modes[j] : 0600);
            assert_int_equal(unlink(path), 0);
        }
    }
}

static void test_bind_when_a_group_is_wanted_then_it_comes_before_its_rights(void **state)
{
    (void)state;
    bool bound = false;
    const struct ph__unix_access access = {.mode = 0660, .has_group = true, .group = 54321};
    assert_int_equal(bind_file(&access, 0, &bound), 0);
    assert_int_equal(chowned_to, 54321);
    assert_int_equal(mode_at_chown, 0600);
    assert_int_equal(mode_of(path), 0660);
    assert_int_equal(unlink(path), 0);

    failing_chown = EPERM;
    bound = false;
    assert_int_equal(bind_file(&access, 0, &bound), -EPERM);
    failing_chown = 0;
    assert_true(bound); /* to be removed */
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(unlink(path), 0);
}

static void put_a_link_there(void)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(victim, path), 0);
}

static void put_a_file_there(void)
{
    assert_int_equal(unlink(path), 0);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void take_it_away(void)
{
    assert_int_equal(unlink(path), 0);
}

/* Whoever may write to the folder puts something else there, hoping that its mode is changed. */
static void test_bind_when_the_file_is_replaced_then_nothing_else_is_changed(void **state)
{
    (void)state;
    static const struct {
        void (*replace)(void);
        int expected;
    } cases[] = {
        {put_a_link_there, -ENOTSOCK}, {put_a_file_there, -ENOTSOCK}, {take_it_away, -ENOENT}};
    int fd = open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool bound = false;
        after_bind = cases[i].replace;
        int err = bind_file(&(struct ph__unix_access){.mode = 0666}, 022, &bound);
        after_bind = NULL;
        assert_int_equal(err, cases[i].expected);
        assert_int_equal(mode_of(victim), 0600);
        if (cases[i].replace == put_a_file_there) {
            assert_int_equal(mode_of(path), 0600);
        }
        (void)unlink(path);
    }
    assert_int_equal(unlink(victim), 0);
}

static void test_bind_when_the_mode_cannot_be_given_back_then_why(void **state)
{
    (void)state;
    static const int failures[][2] = {{ENOENT, -EOPNOTSUPP}, {EPERM, -EPERM}};
    const struct ph__unix_access access = {.mode = 0660};
    for (size_t i = 0; i < 2; i++) {
        bool bound = false;
        failing_chmod = failures[i][0];
        assert_int_equal(bind_file(&access, 077, &bound), failures[i][1]);
        assert_true(bound);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(bind_file(&access, 0, &bound), 0); /* nothing to give back */
        failing_chmod = 0;
        assert_int_equal(unlink(path), 0);
    }
}

static void test_bind_when_the_name_is_abstract_then_no_file(void **state)
{
    (void)state;
    char name[40];
    bool bound = true;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    snprintf(name, sizeof name, "@porthole-unit-%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ph__unix_file_bind(fd, name, &(struct ph__unix_access){.mode = 0666}, &bound),
                     0);
    assert_false(bound);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(size, offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(address.sun_path[0], '\0');
    assert_memory_equal(address.sun_path + 1, name + 1, strlen(name) - 1);
    int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ph__unix_file_bind(second, name, &(struct ph__unix_access){0}, &bound),
                     -EADDRINUSE);
    close(second);
    close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(victim, sizeof victim, "%s/victim", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left something there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind_when_modes_and_umasks_differ_then_the_mode),
        cmocka_unit_test(test_bind_when_a_group_is_wanted_then_it_comes_before_its_rights),
        cmocka_unit_test(test_bind_when_the_file_is_replaced_then_nothing_else_is_changed),
        cmocka_unit_test(test_bind_when_the_mode_cannot_be_given_back_then_why),
        cmocka_unit_test(test_bind_when_the_name_is_abstract_then_no_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
