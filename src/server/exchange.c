/* SPDX-License-Identifier: MIT
 *
 * The memory of a request on its way.
 */
#include "server/exchange.h"

#include "http/router.h"
#include "server/waker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BUFFER = 32 * 1024 }; /* what an exchange may keep in the stock */

struct ph__exchange *ph__exchange_new(const struct ph__limits *limits)
{
    struct ph__exchange *exchange =
        calloc(1, sizeof *exchange + limits->headers_max * sizeof exchange->fields[0]);
    if (!exchange) {
        return NULL;
    }
    exchange->in.data = malloc(PH__INPUT_FIRST);
    exchange->in.capacity = PH__INPUT_FIRST;
    exchange->scratch = malloc(PH__SCRATCH_FIRST);
    exchange->scratch_capacity = PH__SCRATCH_FIRST;
    ph__buf_init(&exchange->out, 0);
    ph__buf_init(&exchange->body, 0);
    ph__buf_init(&exchange->begun_fields, 0);
    ph__response_init(&exchange->response, &exchange->out);
    exchange->request.fields = exchange->fields;
    if (!exchange->in.data || !exchange->scratch) {
        ph__exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

void ph__exchange_free(struct ph__exchange *exchange)
{
    if (!exchange) {
        return;
    }
    ph__response_done(&exchange->response);
    ph__buf_done(&exchange->out);
    ph__buf_done(&exchange->body);
    ph__buf_done(&exchange->begun_fields);
    free(exchange->in.data);
    free(exchange->spare.data);
    free(exchange->scratch);
    free(exchange->piece);
    free(exchange);
}

static void trim(struct ph__buf *buf)
{
    ph__buf_reset(buf);
    if (buf->capacity > KEPT_BUFFER) {
        ph__buf_done(buf);
    }
}

static void clear(struct ph__input *input)
{
    input->start = 0;
    input->size = 0;
}

/* Gives memory beyond KEPT_BUFFER back; where that fails, the buffer stays as large as it is. */
static void shrink(char **data, size_t *capacity, size_t first)
{
    char *shrunk = *capacity > KEPT_BUFFER ? realloc(*data, first) : NULL;
    if (shrunk) {
        *data = shrunk;
        *capacity = first;
    }
}

static void trim_input(struct ph__input *input)
{
    clear(input);
    shrink(&input->data, &input->capacity, PH__INPUT_FIRST);
}

void ph__exchange_drop_piece(struct ph__exchange *exchange)
{
    if (exchange->piece) {
        free(exchange->piece);
        exchange->piece = NULL;
        exchange->piece_size = 0;
    }
    exchange->piece_from = exchange->piece_to = 0;
}

void ph__exchange_drop_waker(struct ph__exchange *exchange)
{
    if (exchange->waker) {
        ph__waker_abandon(exchange->waker);
        exchange->waker = NULL;
    }
}

void ph__exchange_clear_output(struct ph__exchange *exchange)
{
    ph__response_release(&exchange->response);
    ph__exchange_drop_piece(exchange);
    ph__exchange_drop_waker(exchange);
    exchange->generated_all = false;
    exchange->quiet = false;
    exchange->sent = 0;
    ph__buf_reset(&exchange->out);
}

static void drop_receiver(struct ph__exchange *exchange)
{
    struct ph__receiver *receiver = &exchange->receiver;
    if (receiver->waker) {
        ph__waker_abandon(receiver->waker);
    }
    if (receiver->release) {
        receiver->release(receiver->user);
    }
    *receiver = (struct ph__receiver){0};
    exchange->held = false;
}

int ph__exchange_call(struct ph__exchange *exchange)
{
    struct ph_request *req = &exchange->request;
    struct ph_response *res = &exchange->response;
    const struct ph__route *route = req->route;
    switch (exchange->call) {
    case PH__CALL_BEGIN:
        return route->begin(req, res, route->user);
    case PH__CALL_RECEIVE:
        return exchange->receiver.receive(req, res, exchange->body.data, exchange->body.size,
                                          exchange->receiver.user);
    case PH__CALL_HANDLER:
        break;
    }
    return route->handler(req, res, route->user);
}

void ph__exchange_reset(struct ph__exchange *exchange)
{
    if (exchange->receiver.receive) {
        drop_receiver(exchange);
    }
    ph__exchange_clear_output(exchange);
    trim(&exchange->out);
    trim(&exchange->body);
    trim_input(&exchange->in);
    trim_input(&exchange->spare);
    shrink(&exchange->scratch, &exchange->scratch_capacity, PH__SCRATCH_FIRST);
    exchange->begun = false;
    exchange->error_reply = false;
    exchange->answered = 0;
    exchange->progress = 0;
    exchange->resume = PH__RESUME_NEXT;
    exchange->io.transport = NULL;
}

int ph__exchange_make_room(struct ph__exchange *exchange, size_t capacity_max)
{
    struct ph__input *in = &exchange->in;
    if (in->start > 0) {
        memmove(in->data, in->data + in->start, in->size - in->start);
        in->size -= in->start;
        in->start = 0;
    }
    if (in->size < in->capacity) {
        return 0;
    }
    if (in->capacity >= capacity_max) {
        return -ENOSPC;
    }
    char *data = realloc(in->data, capacity_max);
    if (!data) {
        return -ENOMEM;
    }
    in->data = data;
    in->capacity = capacity_max;
    return 0;
}

int ph__exchange_need_spare(struct ph__exchange *exchange)
{
    struct ph__input *spare = &exchange->spare;
    clear(spare);
    if (!spare->data) {
        /* As large as `in` may have to be, since the two change places. */
        spare->data = malloc(PH__INPUT_FIRST);
        spare->capacity = PH__INPUT_FIRST;
    }
    return spare->data ? 0 : -ENOMEM;
}

bool ph__exchange_has_head(const struct ph__exchange *exchange)
{
    size_t skipped = exchange->begun ? exchange->parser.skipped : 0;
    return exchange->in.size - exchange->in.start > skipped;
}

bool ph__exchange_has_more(const struct ph__exchange *exchange)
{
    return exchange->in.size > exchange->in_end || exchange->spare.size > exchange->spare.start;
}

void ph__exchange_next_request(struct ph__exchange *exchange)
{
    struct ph__input *in = &exchange->in;
    in->start = exchange->in_end;
    if (exchange->spare.size > exchange->spare.start) {
        /* The chunked body ended in the spare input, so `in` is used up. */
        struct ph__input old = *in;
        *in = exchange->spare;
        exchange->spare = old;
    }
    clear(&exchange->spare);
    if (in->start == in->size) {
        clear(in);
    }
    ph__buf_reset(&exchange->body);
    if (exchange->receiver.receive) {
        drop_receiver(exchange);
    }
    exchange->begun = false;
}

int ph__exchange_need_scratch(struct ph__exchange *exchange, size_t target_size)
{
    size_t wanted = ph__uri_scratch(target_size);
    if (wanted <= exchange->scratch_capacity) {
        return 0;
    }
    char *scratch = malloc(wanted);
    if (!scratch) {
        return -ENOMEM;
    }
    free(exchange->scratch);
    exchange->scratch = scratch;
    exchange->scratch_capacity = wanted;
    return 0;
}
