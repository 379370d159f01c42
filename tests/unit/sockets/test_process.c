/* SPDX-License-Identifier: MIT */
#include "sockets/process.h"

#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include "sockets/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_slice(struct ph__slice slice, const char *expected)
{
    if (!expected) {
        assert_null(slice.text);
        return;
    }
    assert_non_null(slice.text);
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.text, expected, slice.size);
}

static void test_start_when_malformed_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "1",
                                        "1 (a) S",
                                        "1 (a) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0",
                                        "1 (a) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 ",
                                        "1 (a) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 x"};
    uint64_t start;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ph__process_parse_start(wrong[i], &start));
    }
}

static void test_start_when_name_is_hostile_then_found(void **state)
{
    (void)state;
    uint64_t start;
    assert_true(ph__process_parse_start(
        "7 (a) S 1) (x) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0", &start));
    assert_int_equal(start, 123456);
}

static void test_uid_is_the_effective_one(void **state)
{
    (void)state;
    uint32_t uid;
    assert_true(ph__process_parse_uid("Name:\tx\nUid:\t1000\t33\t0\t0\nGid:\t1\n", &uid));
    assert_int_equal(uid, 33);
    assert_false(ph__process_parse_uid("Name:\tUid:\t5\t5\n", &uid));
    assert_false(ph__process_parse_uid("Name:\tx\nUid:\t1000\n", &uid));
    assert_false(ph__process_parse_uid("", &uid));
}

static void test_limit_when_malformed_or_none_then_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "Max open files",
        "Max open files            unlimited            unlimited   files\n",
        "Not Max open files 5 5 files\n",
        "Max open files -1 5 files\n",
        "Max open files 99999999999999999999 5 files\n"};
    int64_t limit = 77;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ph__process_parse_limit(wrong[i], &limit));
    }
}

static void test_limit_is_the_soft_one(void **state)
{
    (void)state;
    int64_t limit = 0;
    assert_true(ph__process_parse_limit("Limit  Soft  Hard\nMax file size  1  2  bytes\n"
                                        "Max open files            20000    524288    files\n",
                                        &limit));
    assert_int_equal(limit, 20000);
}

static void test_cgroup_names_unit_and_container(void **state)
{
    (void)state;
    static const struct {
        const char *cgroup;
        const char *unit;
        const char *container;
    } cases[] = {
        {"", NULL, NULL},
        {"nonsense", NULL, NULL},
        {"0::/\n", NULL, NULL},
        {"0::/init.scope\n", "init.scope", NULL},
        {"0::/system.slice/ssh.service\n", "ssh.service", NULL},
        {"0::/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", NULL},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n", "app-x.scope",
         NULL},
        {"0::/system.slice/docker-" ID ".scope\n", "docker-" ID ".scope", ID},
        {"0::/system.slice/docker-" ID ".scope/system.slice/nginx.service\n", "nginx.service", ID},
        {"0::/docker/" ID "\n", NULL, ID},
        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n",
         "cri-containerd-" ID ".scope", ID},
        {"0::/lxc.payload.web/system.slice/cron.service\n", "cron.service", "web"},
        {"0::/machine.slice/machine-deb.scope\n", "machine-deb.scope", "deb"},
        {"0::/machine.slice/machine-.scope\n", "machine-.scope", NULL},
        {"12:cpu:/\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service", NULL},
        {"1:name=systemd:/docker/" ID "\n", NULL, ID},
        {"0::/.service/.scope\n", NULL, NULL},
        {"0::/docker/X" ID "X\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ph__slice unit;
        struct ph__slice container;
        ph__process_parse_cgroup(cases[i].cgroup, &unit, &container);
        assert_slice(unit, cases[i].unit);
        assert_slice(container, cases[i].container);
    }
}

static void test_read_when_out_of_memory_then_enomem_everywhere(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_process(&root, 42, "srv", 33);
    proc_root_write(&root, "42/cgroup", "0::/a/docker-" ID ".scope\n");
    int folder = ph__files_open_folder(AT_FDCWD, root.path);
    int err = -ENOMEM;
    int fails;
    for (fails = 0; err != 0; fails++) {
        struct ph__arena arena = {0};
        struct ph_process process = {.pid = 42};
        fail_allocations(fails, false);
        err = ph__process_read(folder, "42", &arena, &process);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
        if (err == 0) {
            assert_string_equal(process.command, "srv");
            assert_int_equal(process.uid, 33);
            assert_string_equal(process.unit, "docker-" ID ".scope");
            assert_string_equal(process.container, ID);
        }
        ph__arena_done(&arena);
    }
    assert_true(fails >= 3);
    close(folder);
    proc_root_remove(&root);
}

static void test_read_when_process_is_gone_then_esrch(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    int folder = ph__files_open_folder(AT_FDCWD, root.path);
    struct ph__arena arena = {0};
    struct ph_process process = {.pid = 42};
    uint64_t start;
    assert_int_equal(ph__process_read(folder, "42", &arena, &process), -ESRCH);
    assert_null(process.command);
    assert_int_equal(ph__process_start(folder, "42", &start), -ENOENT);
    proc_root_write(&root, "42/stat", "not a stat\n");
    assert_int_equal(ph__process_start(folder, "42", &start), -ESRCH);
    ph__arena_done(&arena);
    close(folder);
    proc_root_remove(&root);
}

static void write_thread(const struct proc_root *root, const char *thread, char letter)
{
    char path[64];
    char text[64];
    snprintf(path, sizeof path, "42/task/%s/stat", thread);
    snprintf(text, sizeof text, "42 (x) R y) %c 1 42\n", letter);
    proc_root_write(root, path, text);
}

static void test_sleeps_when_any_thread_runs_or_the_process_is_another_then_not(void **state)
{
    (void)state;
    struct proc_root root;
    uint64_t start;
    proc_root_make(&root);
    proc_root_process(&root, 42, "x", 0);
    int folder = ph__files_open_folder(AT_FDCWD, root.path);
    assert_int_equal(ph__process_start(folder, "42", &start), 0);
    assert_false(ph__process_sleeps(folder, 42, start, 9)); /* no thread to be seen */
    write_thread(&root, "42", 'S');
    write_thread(&root, "43", 'D');
    assert_true(ph__process_sleeps(folder, 42, start, 2));
    assert_false(ph__process_sleeps(folder, 42, start, 1));
    assert_false(ph__process_sleeps(folder, 42, start + 1, 2));
    assert_false(ph__process_sleeps(folder, 41, start, 2));
    static const char others[] = "RZXI?";
    for (const char *letter = others; *letter; letter++) {
        write_thread(&root, "43", *letter);
        assert_false(ph__process_sleeps(folder, 42, start, 2));
    }
    assert_false(ph__process_clocks_fit(folder)); /* a folder that only looks like /proc */
    close(folder);
    proc_root_remove(&root);
}

static void test_clock_of_this_process_goes_on(void **state)
{
    (void)state;
    uint64_t first = 0;
    uint64_t later = 0;
    int folder = ph__files_open_folder(AT_FDCWD, "/proc");
    assert_true(ph__process_clocks_fit(folder));
    assert_true(ph__process_clock((int)getpid(), &first));
    do {
        assert_true(ph__process_clock((int)getpid(), &later));
    } while (later == first);
    assert_true(later > first);
    assert_false(ph__process_clock(99999999, &later));
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_when_malformed_then_refused),
        cmocka_unit_test(test_start_when_name_is_hostile_then_found),
        cmocka_unit_test(test_uid_is_the_effective_one),
        cmocka_unit_test(test_limit_when_malformed_or_none_then_refused),
        cmocka_unit_test(test_limit_is_the_soft_one),
        cmocka_unit_test(test_cgroup_names_unit_and_container),
        cmocka_unit_test(test_read_when_out_of_memory_then_enomem_everywhere),
        cmocka_unit_test(test_read_when_process_is_gone_then_esrch),
        cmocka_unit_test(test_sleeps_when_any_thread_runs_or_the_process_is_another_then_not),
        cmocka_unit_test(test_clock_of_this_process_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
