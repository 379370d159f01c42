/* SPDX-License-Identifier: MIT */
#include "sockets/cgroup.h"

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static bool find(const char *path, uint64_t *ret_id)
{
    return ph__cgroup_find(path, strlen(path), ret_id);
}

static void test_find_when_there_is_no_such_group_then_false(void **state)
{
    (void)state;
    char longer[PATH_MAX + 10];
    uint64_t id = 5;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(find("", &id));
    assert_false(find("/no/such/group", &id));
    assert_false(find("no-such-group", &id));
    assert_false(find("/proc", &id)); /* a folder, but no group */
    assert_false(find(longer, &id));
    assert_false(ph__cgroup_find("/\0x", 3, &id));
    assert_int_equal(id, 5);
}

/* On 64 bits the number of a group is the inode of its folder. */
static void test_find_gives_the_number_of_a_folder_and_from_the_root(void **state)
{
    (void)state;
    static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < 2; i++) {
        struct statfs fs;
        struct stat status;
        if (statfs(roots[i], &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
            continue;
        }
        assert_int_equal(stat(roots[i], &status), 0);
        uint64_t folder;
        uint64_t root;
        assert_true(find(roots[i], &folder));
        assert_true(find("/", &root));
        assert_int_equal(folder, root);
        assert_int_equal(folder, status.st_ino);
        return;
    }
    skip_because("no control groups of version 2");
}

/* Every group that is found has the number that its path has, and that is how it is found again. */
static void test_read_then_paths_by_number(void **state)
{
    (void)state;
    struct ph__cgroups cgroups;
    assert_int_equal(ph__cgroups_read(&cgroups), 0);
    for (size_t i = 0; i < cgroups.count; i++) {
        uint64_t id;
        const char *path = cgroups.items[i].path;
        assert_int_equal(path[0], '/');
        if (find(path, &id)) { /* some go meanwhile */
            assert_int_equal(id, cgroups.items[i].id);
            assert_string_equal(ph__cgroups_path(&cgroups, id), path);
        }
    }
    uint64_t root;
    assert_int_equal(find("/", &root), cgroups.count > 0);
    assert_null(ph__cgroups_path(&cgroups, UINT64_MAX));
    ph__cgroups_done(&cgroups);
    assert_null(ph__cgroups_path(&cgroups, 1));
}

static void test_read_when_out_of_memory_then_enomem(void **state)
{
    (void)state;
    int left = 0;
    for (bool failed = true; failed; left++) {
        struct ph__cgroups cgroups = {.items = NULL};
        fail_allocations(left, false);
        int err = ph__cgroups_read(&cgroups);
        failed = stop_failing();
        /* A folder that cannot be listed for want of memory is left out. */
        assert_true(err == 0 || (failed && err == -ENOMEM));
        ph__cgroups_done(&cgroups);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_then_paths_by_number),
        cmocka_unit_test(test_read_when_out_of_memory_then_enomem),
        cmocka_unit_test(test_find_when_there_is_no_such_group_then_false),
        cmocka_unit_test(test_find_gives_the_number_of_a_folder_and_from_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
