/* SPDX-License-Identifier: MIT */
#include "sockets/cgroup.h"

#include "support/cmocka.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_when_there_is_no_such_group_then_false),
        cmocka_unit_test(test_find_gives_the_number_of_a_folder_and_from_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
