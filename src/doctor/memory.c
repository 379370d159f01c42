/* SPDX-License-Identifier: MIT
 *
 * The doctor's memory.
 */
#include "doctor/memory.h"

#include <stdbool.h>
#include <stdlib.h>

static bool is_worth_it(const struct ph_socket *socket)
{
    bool listens = socket->protocol == PH_PROTOCOL_TCP && socket->state == PH_STATE_LISTEN;
    bool datagrams = socket->protocol == PH_PROTOCOL_UDP || socket->protocol == PH_PROTOCOL_UDPLITE;
    return socket->cookie != 0 &&
           (listens || datagrams || socket->state == PH_STATE_CLOSE_WAIT ||
            (socket->protocol == PH_PROTOCOL_TCP && socket->receive_queue_bytes > 0));
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct ph__remembered *)a)->cookie;
    uint64_t y = ((const struct ph__remembered *)b)->cookie;
    return x < y ? -1 : x > y;
}

const struct ph__remembered *ph__memory_find(const struct ph__memory *memory,
                                             const struct ph_socket *socket)
{
    const struct ph__remembered wanted = {.cookie = socket->cookie};
    return memory && memory->count > 0 && socket->cookie
               ? bsearch(&wanted, memory->sockets, memory->count, sizeof wanted, compare)
               : NULL;
}

static struct ph__remembered remember(const struct ph_socket *socket, uint64_t taken_us,
                                      const struct ph__memory *before)
{
    bool listens = socket->state == PH_STATE_LISTEN;
    struct ph__remembered now = {.cookie = socket->cookie,
                                 .state = socket->state,
                                 .queue =
                                     listens ? socket->accept_queue : socket->receive_queue_bytes,
                                 .drops = socket->drops,
                                 .since_us = taken_us};
    const struct ph__remembered *last = ph__memory_find(before, socket);
    bool lasts = now.state == PH_STATE_CLOSE_WAIT || (last && now.queue >= last->queue);
    if (last && last->state == now.state && lasts) {
        now.since_us = last->since_us;
    }
    return now;
}

struct ph__memory *ph__memory_new(const struct ph_snapshot *snapshot,
                                  const struct ph_counters *counters, uint64_t taken_us,
                                  const struct ph__memory *before)
{
    size_t sockets = ph_snapshot_count(snapshot);
    size_t count = 0;
    for (size_t i = 0; i < sockets; i++) {
        count += is_worth_it(ph_snapshot_at(snapshot, i));
    }
    struct ph__memory *memory = calloc(1, sizeof *memory);
    struct ph__remembered *items = memory ? calloc(count ? count : 1, sizeof *items) : NULL;
    if (!items) {
        free(memory);
        return NULL;
    }
    *memory = (struct ph__memory){
        .references = 1, .taken_us = taken_us, .counters = *counters, .sockets = items};
    for (size_t i = 0; i < sockets; i++) {
        const struct ph_socket *socket = ph_snapshot_at(snapshot, i);
        if (is_worth_it(socket)) {
            items[memory->count++] = remember(socket, taken_us, before);
        }
    }
    qsort(items, memory->count, sizeof *items, compare);
    return memory;
}

struct ph__memory *ph__memory_ref(struct ph__memory *memory)
{
    memory->references++;
    return memory;
}

void ph__memory_unref(struct ph__memory *memory)
{
    if (memory && --memory->references == 0) {
        free(memory->sockets);
        free(memory);
    }
}
