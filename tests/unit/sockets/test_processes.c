/* SPDX-License-Identifier: MIT */
#include "support.h"
#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char limits[] =
    "Limit                     Soft Limit           Hard Limit           Units\n"
    "Max processes             7                    7                    processes\n"
    "Max open files            1024                 4096                 files\n";

static const char unix_rows[] = "0000000000000000: 3 0 10000 0001 01 8 /run/x\n"
                                "0000000000000000: 3 0 0 0002 03 9\n";

static int set_up(void **state)
{
    static struct machine machine;
    machine_make(&machine, unix_rows, "two words");
    /* One descriptor that is no socket, and one socket twice. */
    proc_root_link(&machine.root, "50/fd/0", "/dev/null");
    proc_root_link(&machine.root, "50/fd/9", "socket:[1]");
    proc_root_write(&machine.root, "50/limits", limits);
    ph_snapshot_unref(machine.snapshot);
    machine.snapshot = take_with_owners(&machine.root);
    *state = &machine;
    return 0;
}

static int tear_down(void **state)
{
    machine_remove(*state);
    return 0;
}

static struct ph_processes *processes_of(const struct machine *machine)
{
    struct ph_processes *processes = NULL;
    assert_int_equal(ph_processes_new(&processes, machine->snapshot), 0);
    return processes;
}

static void test_new_when_out_of_memory_then_enomem(void **state)
{
    struct machine *machine = *state;
    int left = 0;
    for (bool failed = true; failed; left++) {
        struct ph_processes *processes = NULL;
        fail_allocations(left, false);
        int err = ph_processes_new(&processes, machine->snapshot);
        failed = stop_failing();
        if (failed) {
            assert_int_equal(err, -ENOMEM);
            assert_null(processes);
        }
        ph_processes_free(processes);
    }
    assert_true(left > 3);
    ph_processes_free(NULL);
}

static void test_new_when_out_of_descriptors_then_emfile(void **state)
{
    struct machine *machine = *state;
    struct ph_processes *processes = NULL;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(lowest);
    for (int room = 0; room < 2; room++) {
        struct rlimit few = {(rlim_t)(lowest + room), before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int err = ph_processes_new(&processes, machine->snapshot);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(err, -EMFILE);
    }
}

static void test_processes_when_nobody_holds_any_then_none(void **state)
{
    struct machine *machine = *state;
    struct ph_snapshot *without = take_from(&machine->root); /* owners not looked up */
    struct ph_processes *processes = NULL;
    assert_int_equal(ph_processes_new(&processes, without), 0);
    assert_int_equal(ph_processes_count(processes), 0);
    assert_null(ph_processes_at(processes, 0));
    ph_processes_free(processes);
    ph_snapshot_unref(without);
}

static void test_processes_hold_each_socket_once(void **state)
{
    struct ph_processes *processes = processes_of(*state);
    assert_int_equal(ph_processes_count(processes), 2);
    const struct ph_process_use *first = ph_processes_at(processes, 0);
    const struct ph_process_use *second = ph_processes_at(processes, 1);
    assert_null(ph_processes_at(processes, 2));

    assert_int_equal(first->process->pid, 50);
    assert_string_equal(first->process->command, "nginx");
    assert_int_equal(first->socket_count, 1);
    assert_int_equal(first->counts[PH_PROTOCOL_TCP][PH_STATE_LISTEN], 1);
    assert_int_equal(ph_processes_socket(processes, first, 0)->inode, 1);
    assert_null(ph_processes_socket(processes, first, 1));

    assert_int_equal(second->process->pid, 51);
    assert_int_equal(second->socket_count, 2);
    assert_int_equal(second->counts[PH_PROTOCOL_TCP][PH_STATE_LISTEN], 1);
    assert_int_equal(second->counts[PH_PROTOCOL_UDP][PH_STATE_UNCONNECTED], 1);
    assert_int_equal(ph_processes_socket(processes, second, 0)->inode, 1);
    assert_int_equal(ph_processes_socket(processes, second, 1)->inode, 6);
    ph_processes_free(processes);
}

static void test_descriptors_are_counted_against_their_limit(void **state)
{
    struct ph_processes *processes = processes_of(*state);
    const struct ph_process_use *first = ph_processes_at(processes, 0);
    assert_int_equal(first->fd_count, 3);
    assert_int_equal(first->fd_limit, 1024);
    const struct ph_process_use *second = ph_processes_at(processes, 1);
    assert_int_equal(second->fd_count, 2);
    assert_int_equal(second->fd_limit, -1); /* there is no such file */
    ph_processes_free(processes);
}

/* The pid belongs to another process by now: its descriptors are not those of the first. */
static void test_descriptors_when_the_pid_was_reused_then_unknown(void **state)
{
    struct machine *machine = *state;
    proc_root_write(&machine->root, "50/stat",
                    "50 (other) S 1 50 50 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 999999 0 0\n");
    struct ph_processes *processes = processes_of(machine);
    const struct ph_process_use *first = ph_processes_at(processes, 0);
    assert_string_equal(first->process->command, "nginx");
    assert_int_equal(first->fd_count, -1);
    assert_int_equal(first->fd_limit, -1);
    assert_int_equal(ph_processes_at(processes, 1)->fd_count, 2);
    ph_processes_free(processes);
}

/* Against what this process knows of itself. */
static void test_descriptors_of_this_process(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    struct rlimit limit;
    int listener = open_listener(AF_INET, 5, &address, &size);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    assert_int_equal(ph_snapshot_owners(snapshot), 0);
    struct ph_processes *processes = NULL;
    assert_int_equal(ph_processes_new(&processes, snapshot), 0);
    int64_t open_here = 0;
    for (int fd = 0; fd < 1024; fd++) {
        open_here += fcntl(fd, F_GETFD) >= 0;
    }
    bool found = false;
    for (size_t i = 0; i < ph_processes_count(processes); i++) {
        const struct ph_process_use *use = ph_processes_at(processes, i);
        assert_true(i == 0 || use->process->pid > ph_processes_at(processes, i - 1)->process->pid);
        if (use->process->pid == getpid()) {
            found = true;
            /* Reading takes two: /proc, and the folder itself. */
            assert_in_range(use->fd_count, open_here, open_here + 2);
            assert_int_equal(use->fd_limit, limit.rlim_cur);
        }
    }
    assert_true(found);
    ph_processes_free(processes);
    ph_snapshot_unref(snapshot);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_when_out_of_memory_then_enomem),
        TEST(test_new_when_out_of_descriptors_then_emfile),
        TEST(test_processes_when_nobody_holds_any_then_none),
        TEST(test_processes_hold_each_socket_once),
        TEST(test_descriptors_are_counted_against_their_limit),
        TEST(test_descriptors_when_the_pid_was_reused_then_unknown),
        cmocka_unit_test(test_descriptors_of_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
