/* SPDX-License-Identifier: MIT */
#include <porthole/status.h>

#include "support/allocations.h"
#include "support/cmocka.h"

#include <errno.h>

static int set_up(void **state)
{
    struct ph_server *server = NULL;
    int err = ph_server_new(&server, NULL);
    *state = server;
    return err;
}

static int tear_down(void **state)
{
    ph_server_free(*state);
    return 0;
}

static void test_mount_when_www_cannot_be_read_then_errno(void **state)
{
    const struct ph_status_config config = {.www = "/nonexistent"};
    assert_int_equal(ph_status_mount(*state, &config), -ENOENT);
}

static void test_mount_when_mounted_already_then_route_taken(void **state)
{
    assert_int_equal(ph_status_mount(*state, NULL), 0);
    assert_int_equal(ph_status_mount(*state, NULL), PH_ERR_ROUTE_TAKEN);
}

/* A program compiled when the structure ended earlier passes a smaller size. */
static void test_mount_when_structure_is_smaller_then_rest_is_default(void **state)
{
    struct ph_status_config config = {.www = NULL, .token = (const char *)1};
    assert_int_equal(ph_status_mount_sized(*state, &config, sizeof config.www), 0);
}

static void test_mount_when_out_of_memory_anywhere_then_enomem(void **state)
{
    static const char *const hosts[] = {"one", "two", NULL};
    const struct ph_status_config config = {.token = "t", .allow_hosts = hosts};
    int failures = 0;
    for (int err = -ENOMEM; err; failures++) {
        assert_true(failures < 1000);
        tear_down(state);
        assert_int_equal(set_up(state), 0);
        fail_allocations(failures, false);
        err = ph_status_mount(*state, &config);
        stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
    }
    assert_true(failures > 20);
}

#define MOUNT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOUNT_TEST(test_mount_when_www_cannot_be_read_then_errno),
        MOUNT_TEST(test_mount_when_mounted_already_then_route_taken),
        MOUNT_TEST(test_mount_when_structure_is_smaller_then_rest_is_default),
        MOUNT_TEST(test_mount_when_out_of_memory_anywhere_then_enomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
