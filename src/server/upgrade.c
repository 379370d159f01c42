/* SPDX-License-Identifier: MIT
 *
 * The reply that ends HTTP on a connection. What comes then is in conn_upgrade.c.
 */
#include "server/upgrade.h"

#include "server/exchange.h"
#include "server/server.h"
#include "server/waker.h"

#include <errno.h>

int ph__upgrade_prepare(struct ph__upgrade *upgrade, struct ph_request *req)
{
    upgrade->waker = ph__waker_new(ph__exchange_of(req));
    return upgrade->waker ? 0 : -ENOMEM;
}

int ph__upgrade_begin(struct ph__upgrade *upgrade, struct ph_request *req, struct ph_response *res,
                      const char *protocol)
{
    if (res->status) {
        return PH_ERR_REPLIED;
    }
    struct ph__buf *out = res->out;
    ph__buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: ");
    ph__buf_puts(out, protocol);
    ph__buf_puts(out, "\r\nConnection: Upgrade\r\n");
    ph__buf_append(out, res->fields.data, res->fields.size);
    ph__buf_puts(out, "\r\n");
    int err = ph__buf_error(out);
    if (err < 0) {
        out->size = res->mark;
        out->error = 0;
        return err;
    }
    res->status = 101;
    res->length = 0;
    res->close = true; /* no request follows: what comes behind this one is not HTTP */
    ph__exchange_of(req)->upgrade = upgrade;
    return 0;
}

int ph__upgrade_required(struct ph_response *res, const char *protocol, const char *detail)
{
    int err = ph_response_header(res, "Upgrade", protocol);
    if (err < 0) {
        return err;
    }
    /* Handlers may not write this field, which belongs to the connection; here it has to be
     * (RFC 9110 section 7.8), beside the one that the server may write. */
    ph__buf_puts(&res->fields, "Connection: Upgrade\r\n");
    err = ph__buf_error(&res->fields);
    return err < 0 ? err : ph_reply_problem(res, 426, "%s", detail);
}

void ph__server_tick(struct ph_server *server, unsigned tick_ms)
{
    if (server->tick_ms == 0 || tick_ms < server->tick_ms) {
        server->tick_ms = tick_ms;
    }
}
