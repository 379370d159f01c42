/* SPDX-License-Identifier: MIT
 *
 * Starting and stopping the server of a program's tests.
 */
#include "support/group.h"

#include "support/cmocka.h"
#include "support/server.h"

#include <stddef.h>

struct ph_server *server;

int start_server(void **state)
{
    (void)state;
    server = server_start(NULL);
    return 0;
}

int stop_server(void **state)
{
    (void)state;
    ph_server_free(server);
    server = NULL;
    assert_int_equal(bodies_held, 0);
    return 0;
}
