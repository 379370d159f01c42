/* SPDX-License-Identifier: MIT
 *
 * TCP's table in two halves. The kernel walks through the whole table for each half, but what
 * takes the time is to describe the sockets, and it does that for those of the half only.
 *
 * The ports of a socket say which half it belongs to, and stay as they are once it is connected or
 * listens; what changes them meanwhile may be missed or come twice, as in any dump.
 */
#include "sockets/tcp_table.h"

#include "sockets/thread.h"

#include <linux/inet_diag.h>
#include <pthread.h>
#include <stdlib.h>

/* Below this a second thread costs more than it saves. */
enum { FEW_ROWS = 4000, SAMPLES = 512 };

/* The kernel's states of sockets that listen, or are only bound. */
#define LISTENING (1U << 10 | 1U << 13)

struct half {
    struct ph__netlink netlink;
    struct ph__rows *rows;
    struct ph__cut cut;
    enum ph__half which;
    const struct ph__narrowing *narrowing; /* or NULL */
    int err;
};

static int on_message(void *user, const unsigned char *payload, size_t size)
{
    struct half *half = user;
    struct ph_socket socket;
    int got = ph__inet_diag_parse(PH_PROTOCOL_TCP, payload, size, &socket);
    return got > 0 ? ph__rows_add(half->rows, &socket) : got;
}

/* Dumps one half. Fits ph__thread_start(). */
static void *dump(void *user)
{
    struct half *half = user;
    unsigned char bytes[PH__TCP_REQUEST];
    const struct ph__netlink_request request = {
        .type = TCPDIAG_GETSOCK,
        .data = bytes,
        .size = ph__inet_diag_request_tcp(half->cut, half->which, half->narrowing, PH__EXTENT_ROW,
                                          bytes),
    };
    half->err = half->netlink.fd < 0 ? ph__netlink_init(&half->netlink) : 0;
    if (half->err == 0) {
        half->err = ph__netlink_dump(&half->netlink, &request, on_message, half);
    }
    if (half->err < 0) {
        ph__netlink_done(&half->netlink); /* the rest of a broken dump goes with its socket */
    }
    return NULL;
}

/* Dumps the low half here, and the high one on a thread, or here too where there is none to have.
 * @return as ph__tcp_table_dump(); PH_ERR_LIMIT also where one half was larger than its room. */
static int dump_halves(struct half *low)
{
    struct ph__rows rows;
    pthread_t thread;
    if (!ph__rows_lend(low->rows, &rows)) {
        return PH_ERR_LIMIT;
    }
    struct half high = {.netlink = {.fd = -1},
                        .rows = &rows,
                        .cut = low->cut,
                        .which = PH__HALF_HIGH,
                        .narrowing = low->narrowing};
    bool started = ph__thread_start(&thread, dump, &high);
    dump(low);
    if (started) {
        pthread_join(thread, NULL);
    } else {
        dump(&high);
    }
    ph__netlink_done(&high.netlink);
    ph__rows_take_back(low->rows, &rows);
    return low->err ? low->err : high.err;
}

int ph__tcp_table_dump(struct ph__netlink *netlink, struct ph__rows *rows, struct ph__cut cut,
                       const struct ph__narrowing *narrowing)
{
    struct half half = {.netlink = *netlink,
                        .rows = rows,
                        .cut = cut,
                        .which = PH__HALF_LOW,
                        .narrowing = narrowing};
    size_t before = rows->count;
    /* The kernel's walk is most of what a narrowed dump costs: two of them save nothing. */
    bool cuts = cut.local_port && (!narrowing || narrowing->size == 0) &&
                (!narrowing || narrowing->states & ~LISTENING);
    int err = cuts ? dump_halves(&half) : PH_ERR_LIMIT;
    if (err == PH_ERR_LIMIT) {
        ph__rows_truncate(rows, before);
        half.which = PH__HALF_BOTH;
        dump(&half);
        err = half.err;
    }
    *netlink = half.netlink;
    return err;
}

static int compare_keys(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;
    return (*a > *b) - (*a < *b);
}

struct ph__cut ph__tcp_table_cut(const struct ph__rows *rows)
{
    uint32_t keys[SAMPLES]; /* both ports in one number */
    size_t count = 0;
    size_t step = rows->count / SAMPLES + 1;
    if (rows->count < FEW_ROWS) {
        return (struct ph__cut){0};
    }
    for (size_t i = 0; i < rows->count && count < SAMPLES; i += step) {
        const struct ph_socket *row = &rows->items[i];
        if (row->protocol == PH_PROTOCOL_TCP) {
            keys[count++] = (uint32_t)row->local_port << 16 | row->remote_port;
        }
    }
    if (count < SAMPLES / 4) {
        return (struct ph__cut){0}; /* mostly sockets of other kinds */
    }
    qsort(keys, count, sizeof keys[0], compare_keys);
    uint32_t middle = keys[count / 2];
    struct ph__cut cut = {(uint16_t)(middle >> 16), (uint16_t)middle};
    bool last = cut.local_port == UINT16_MAX || cut.remote_port == UINT16_MAX;
    if (last) {
        cut.local_port = 0; /* there is no port beyond */
    }
    return cut;
}
