/* SPDX-License-Identifier: MIT
 *
 * What the doctor remembers of real sockets from one look to the next.
 */
#include "doctor/memory.h"

#include "support/allocations.h"
#include "support/client.h"
#include "support/cmocka.h"
#include "support/namespace.h"
#include "unit/sockets/support.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

static const struct ph_counters counters = {.tcp_in_use = 5};

/* An accepted connection on loopback. */
struct pair {
    int listener, accepted;
    struct client client;
};

static void open_pair(struct pair *pair)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(pair->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(pair->listener, 5), 0);
    assert_int_equal(getsockname(pair->listener, (struct sockaddr *)&address, &size), 0);
    pair->client = client_open(ntohs(address.sin_port));
    pair->accepted = accept4(pair->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(pair->accepted >= 0);
}

static void close_pair(struct pair *pair)
{
    close(pair->accepted);
    close(pair->listener);
    client_close(&pair->client);
}

/* Looks, and returns since when the accepted socket has been as it is; 0: not remembered. */
static uint64_t look(int accepted, uint64_t now_us, struct ph__memory **memory)
{
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    struct ph__memory *now = ph__memory_new(snapshot, &counters, now_us, *memory);
    assert_non_null(now);
    assert_int_equal(now->counters.tcp_in_use, 5);
    ph__memory_unref(*memory);
    *memory = now;
    uint64_t since_us = 0;
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        const struct ph__remembered *found = ph__memory_find(now, socket);
        if (socket->inode == inode_of(accepted) && found) {
            since_us = found->since_us;
        }
    }
    ph_snapshot_unref(snapshot);
    return since_us;
}

static void test_queue_when_it_does_not_shrink_then_it_lasts(void **state)
{
    (void)state;
    struct pair pair;
    struct ph__memory *memory = NULL;
    char bytes[3000] = {0};
    open_pair(&pair);
    assert_int_equal(look(pair.accepted, 1000, &memory), 0); /* nothing waits */
    client_send(&pair.client, bytes, 1000);
    client_wait_sent(&pair.client);
    assert_int_equal(look(pair.accepted, 2000, &memory), 2000);
    client_send(&pair.client, bytes, 1000);
    client_wait_sent(&pair.client);
    assert_int_equal(look(pair.accepted, 3000, &memory), 2000); /* grown */
    assert_int_equal(look(pair.accepted, 4000, &memory), 2000);
    assert_int_equal(recv(pair.accepted, bytes, 500, 0), 500);
    assert_int_equal(look(pair.accepted, 5000, &memory), 5000); /* it was read from */
    ph__memory_unref(memory);
    close_pair(&pair);
}

static void test_close_wait_when_it_is_read_then_it_lasts_nevertheless(void **state)
{
    (void)state;
    struct pair pair;
    struct ph__memory *memory = NULL;
    char bytes[100] = {0};
    open_pair(&pair);
    client_send(&pair.client, bytes, sizeof bytes);
    client_half_close(&pair.client);
    client_wait_sent(&pair.client);
    uint64_t since_us = look(pair.accepted, 2000, &memory);
    assert_int_equal(since_us, 2000);
    assert_int_equal(recv(pair.accepted, bytes, sizeof bytes, MSG_WAITALL), 100);
    assert_int_equal(recv(pair.accepted, bytes, sizeof bytes, 0), 0); /* the end has come */
    uint64_t closed_us = look(pair.accepted, 3000, &memory);
    assert_true(closed_us == 2000 || closed_us == 3000); /* whether it had come by then */
    assert_int_equal(look(pair.accepted, 4000, &memory), closed_us);
    ph__memory_unref(memory);
    close_pair(&pair);
}

static void test_new_when_out_of_memory_then_null(void **state)
{
    (void)state;
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    for (long n = 0; n < 2; n++) {
        fail_allocations(n, true);
        assert_null(ph__memory_new(snapshot, &counters, 1, NULL));
        assert_true(stop_failing());
    }
    ph_snapshot_unref(snapshot);
    ph__memory_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_when_it_does_not_shrink_then_it_lasts),
        cmocka_unit_test(test_close_wait_when_it_is_read_then_it_lasts_nevertheless),
        cmocka_unit_test(test_new_when_out_of_memory_then_null),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
