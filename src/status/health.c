/* SPDX-License-Identifier: MIT
 *
 * GET /healthz and /readyz, for supervisors and load balancers.
 */
#include "status/endpoints.h"

int ph__serve_healthz(struct ph__call *call)
{
    return ph_reply_json(call->res, 200, "{\"status\":\"ok\"}");
}

int ph__serve_readyz(struct ph__call *call)
{
    if (ph_server_stopping(ph_request_server(call->req))) {
        return ph_reply_problem(call->res, 503,
                                "The server is draining: it finishes what it has "
                                "and takes nothing new.");
    }
    return ph_reply_json(call->res, 200, "{\"status\":\"ok\"}");
}
