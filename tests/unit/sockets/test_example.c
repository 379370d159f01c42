/* SPDX-License-Identifier: MIT
 *
 * Runs examples/own_sockets.c, which has to show a listener of ours.
 */
#include "support.h"
#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void test_own_sockets_shows_a_listener_with_its_owner(void **state)
{
    (void)state;
    union any_address address;
    socklen_t size;
    char line[4096];
    char start[32];
    char owner[64];
    bool found = false;
    int listener = open_listener(AF_INET, 1, &address, &size);
    snprintf(start, sizeof start, "tcp  %5u  loopback", local_port(listener));
    snprintf(owner, sizeof owner, "(pid %d, fd %d)", (int)getpid(), listener);
    FILE *output = popen(OWN_SOCKETS, "r");
    assert_non_null(output);
    while (fgets(line, sizeof line, output)) {
        found |= strncmp(line, start, strlen(start)) == 0 && strstr(line, owner);
    }
    assert_int_equal(pclose(output), 0);
    assert_true(found);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_sockets_shows_a_listener_with_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
