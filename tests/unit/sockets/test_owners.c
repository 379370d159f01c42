/* SPDX-License-Identifier: MIT */
#include "sockets/process.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include "sockets/files.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *refused_folder; /* opening it fails with `refusal` */
static const char *refused_link;   /* reading it fails with `refusal`; "": reading any */
static int refusal;                /* errno */
static int first_refused_list; /* which fdopendir() is the first to fail with `refusal`; 0: none */
static int later_start;        /* added to every second start time that is read */
static atomic_uint scans;      /* of the list of processes */

int __real_ph__files_open_folder(int folder, const char *path);
int __wrap_ph__files_open_folder(int folder, const char *path);
int __wrap_ph__files_open_folder(int folder, const char *path)
{
    atomic_fetch_add(&scans, strcmp(path, ".") == 0);
    if (refused_folder && strcmp(path, refused_folder) == 0) {
        return -refusal;
    }
    return __real_ph__files_open_folder(folder, path);
}

DIR *__real_fdopendir(int folder);
DIR *__wrap_fdopendir(int folder);
DIR *__wrap_fdopendir(int folder)
{
    if (first_refused_list == 1) {
        errno = refusal;
        return NULL;
    }
    first_refused_list -= first_refused_list > 0;
    return __real_fdopendir(folder);
}

ssize_t __real_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *buffer, size_t size)
{
    if (refused_link && (!refused_link[0] || strcmp(path, refused_link) == 0)) {
        errno = refusal;
        return -1;
    }
    return __real_readlinkat(folder, path, buffer, size);
}

int __real_ph__process_start(int folder, const char *path, uint64_t *ret_start);
int __wrap_ph__process_start(int folder, const char *path, uint64_t *ret_start);
int __wrap_ph__process_start(int folder, const char *path, uint64_t *ret_start)
{
    int err = __real_ph__process_start(folder, path, ret_start);
    if (err == 0 && strcmp(path, "..") != 0) {
        *ret_start += (uint64_t)later_start;
    }
    return err;
}

/* ---- on a folder that stands for /proc ---- */

static int set_up(void **state)
{
    static struct proc_root root;
    proc_root_listener(&root);
    proc_root_link(&root, "50/fd/0", "/dev/null");
    proc_root_link(&root, "50/fd/5", "socket:[100]");
    refused_folder = refused_link = NULL;
    later_start = first_refused_list = 0;
    *state = &root;
    return 0;
}

static int tear_down(void **state)
{
    proc_root_remove(*state);
    return 0;
}

static void test_owners_when_out_of_memory_then_enomem_and_tried_again(void **state)
{
    struct ph_snapshot *snapshot = take_from(*state);
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        fail_allocations(fails, false);
        err = ph_snapshot_owners(snapshot);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
    }
    assert_true(fails > 5);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    ph_snapshot_unref(snapshot);
}

/* Between the opening of its folder and the listing. */
static void test_owners_when_processes_end_before_they_are_listed_then_left_out(void **state)
{
    struct ph_snapshot *snapshot = take_from(*state);
    refusal = ENOENT;
    first_refused_list = 2; /* the first lists the processes */
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(first_refused_list, 1);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 0);
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_memory_for_a_list_is_short_then_enomem(void **state)
{
    refusal = ENOMEM;
    for (int i = 1; i <= 2; i++) {
        struct ph_snapshot *snapshot = take_from(*state);
        first_refused_list = i;
        assert_int_equal(ph_snapshot_owners(snapshot), -ENOMEM);
        first_refused_list = 0;
        assert_int_equal(ph_snapshot_owners(snapshot), 0);
        assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
        ph_snapshot_unref(snapshot);
    }
}

static void test_owners_when_out_of_descriptors_then_error_and_tried_again(void **state)
{
    struct proc_root *root = *state;
    struct ph_snapshot *snapshot = take_from(root);
    const char *const folders[] = {root->path, ".", "50/fd"};
    for (size_t i = 0; i < 3; i++) {
        refused_folder = folders[i];
        refusal = i % 2 ? ENFILE : EMFILE;
        assert_int_equal(ph_snapshot_owners(snapshot), -refusal);
    }
    refused_folder = NULL;
    refused_link = "3";
    refusal = ENOMEM;
    assert_int_equal(ph_snapshot_owners(snapshot), -ENOMEM);
    refused_link = NULL;
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 0);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_process_may_not_be_read_then_permission(void **state)
{
    refused_folder = "50/fd";
    refusal = EACCES;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
    refusal = EPERM;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
    refused_folder = NULL;
    refused_link = ""; /* the folder can be listed, its links not be read */
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_PERMISSION);
}

static void test_owners_when_pid_was_recycled_then_nobody_is_blamed(void **state)
{
    later_start = 1;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_KERNEL);
    later_start = 0;
    assert_int_equal(reason_of(*state, 0), PH_OWNER_UNKNOWN_NONE);
}

static void test_owners_when_process_or_descriptor_vanishes_then_left_out(void **state)
{
    struct proc_root *root = *state;
    refused_folder = "50/fd";
    refusal = ENOENT;
    assert_int_equal(reason_of(root, 0), PH_OWNER_UNKNOWN_KERNEL);
    refused_folder = NULL;
    refused_link = "3";
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 1);
    ph_snapshot_unref(snapshot);
    refused_link = NULL;
    proc_root_write(root, "50/status", "Name:\tsrv\n"); /* ended between two files */
    assert_int_equal(reason_of(root, 0), PH_OWNER_UNKNOWN_KERNEL);
}

static void test_owners_all_are_kept_with_what_is_known_of_them(void **state)
{
    struct proc_root *root = *state;
    proc_root_process(root, 60, "x) S 1 (y", 4294967294U);
    proc_root_link(root, "60/fd/7", "socket:[100]");
    proc_root_write(root, "50/cgroup", "0::/system.slice/srv.service\n");
    struct ph_snapshot *snapshot = take_with_owners(root);
    const struct ph_socket *socket = ph_snapshot_at(snapshot, 0);
    assert_int_equal(socket->owner_count, 3);
    assert_int_equal(socket->owner_unknown, PH_OWNER_UNKNOWN_NONE);
    assert_true(has_owner(snapshot, socket, 50, 3));
    assert_true(has_owner(snapshot, socket, 50, 5));
    assert_true(has_owner(snapshot, socket, 60, 7));
    for (uint32_t i = 0; i < 3; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (process->pid == 50) {
            assert_string_equal(process->command, "srv");
            assert_int_equal(process->uid, 33);
            assert_string_equal(process->unit, "srv.service");
            assert_null(process->container);
        } else {
            assert_string_equal(process->command, "x) S 1 (y");
            assert_null(process->user);
            assert_null(process->unit);
        }
    }
    ph_snapshot_unref(snapshot);
}

static void test_owners_when_names_are_hostile_then_ignored(void **state)
{
    struct proc_root *root = *state;
    proc_root_process(root, 70, "\x1b[31m\n\n", 0);
    static const char *const links[] = {
        "socket:[",   "socket:[x]", "socket:[-1]", "socket:", "socket:[99999999999999999999999]",
        "socket:[0]", "x"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "70/fd/%zu", i);
        proc_root_link(root, path, links[i]);
    }
    proc_root_link(root, "70/fd/x", "socket:[101]");
    proc_root_link(root, "70/fd/99999999999", "socket:[101]");
    proc_root_link(root, "99999999999/fd/1", "socket:[101]");
    proc_root_link(root, "12x/fd/1", "socket:[101]");
    struct ph_snapshot *snapshot = take_with_owners(root);
    assert_int_equal(ph_snapshot_at(snapshot, 0)->owner_count, 2);
    assert_int_equal(ph_snapshot_at(snapshot, 1)->owner_count, 0);
    ph_snapshot_unref(snapshot);
}

static void *ask_for_owners(void *snapshot)
{
    return (void *)(intptr_t)ph_snapshot_owners(snapshot);
}

static void test_owners_when_many_ask_then_one_scan(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    struct ph_snapshot *snapshot = take_from(*state);
    atomic_store(&scans, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_owners, snapshot), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    assert_int_equal(atomic_load(&scans), 1);
    ph_snapshot_unref(snapshot);
}

/* ---- on this machine ---- */

static void test_real_socket_of_two_processes_has_both(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    int hold[2];
    int listener = open_listener(AF_INET, 5, &address, &size);
    int copy = dup(listener);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) < 0); /* until the parent closes its end */
    }
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    const struct ph_socket *row = find_fd(snapshot, listener);
    assert_non_null(row);
    assert_int_equal(row->owner_count, 4);
    assert_true(has_owner(snapshot, row, getpid(), listener));
    assert_true(has_owner(snapshot, row, getpid(), copy));
    assert_true(has_owner(snapshot, row, child, listener));
    assert_true(has_owner(snapshot, row, child, copy));
    const struct ph_process *process = ph_snapshot_owner(snapshot, row, 0).process;
    assert_int_equal(process->uid, geteuid());
    assert_non_null(strstr("test_sockets_owners", process->command));
    ph_snapshot_unref(snapshot);
    close(hold[0]);
    close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(copy);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_owners_when_out_of_memory_then_enomem_and_tried_again),
        TEST(test_owners_when_processes_end_before_they_are_listed_then_left_out),
        TEST(test_owners_when_memory_for_a_list_is_short_then_enomem),
        TEST(test_owners_when_out_of_descriptors_then_error_and_tried_again),
        TEST(test_owners_when_process_may_not_be_read_then_permission),
        TEST(test_owners_when_pid_was_recycled_then_nobody_is_blamed),
        TEST(test_owners_when_process_or_descriptor_vanishes_then_left_out),
        TEST(test_owners_all_are_kept_with_what_is_known_of_them),
        TEST(test_owners_when_names_are_hostile_then_ignored),
        TEST(test_owners_when_many_ask_then_one_scan),
        cmocka_unit_test(test_real_socket_of_two_processes_has_both),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
