/* SPDX-License-Identifier: MIT
 *
 * The endpoints as one table, which routes, /api/v1 and the OpenAPI document are made from, and
 * what an endpoint's handler gets. A new endpoint is one file with its handler, and one row.
 */
#ifndef PORTHOLE_STATUS_ENDPOINTS_H
#define PORTHOLE_STATUS_ENDPOINTS_H

#include "status/columns.h"
#include "status/params.h"

#include <porthole/http.h>
#include <porthole/server.h>
#include <porthole/sockets.h>

struct ph_doctor;
struct ph__collector;
struct ph__endpoint;
struct ph__facts;
struct ph__page;

/* What the endpoints of one server share; does not change while the server runs. */
struct ph__status {
    struct ph_sockets *sockets;
    bool sockets_owned;
    char *token;    /* NULL: none wanted */
    char *hostname; /* NULL: unknown */
    char **hosts;   /* ends in NULL; NULL: none */
    struct ph__page *page;
    struct ph__facts *facts; /* the program's own */
    struct ph_doctor *doctor;
    bool probe;                      /* endpoints with PH__ENDPOINT_PROBE are there */
    struct ph__collector *collector; /* of events; NULL: the server has no threads */
};

/* One request. */
struct ph__call {
    struct ph_request *req;
    struct ph_response *res;
    const struct ph__status *status;
    const struct ph__endpoint *endpoint;
};

enum {
    PH__ENDPOINT_BLOCKING = 1, /* reads from the kernel or from disk */
    PH__ENDPOINT_OPEN = 2,     /* answered without a token */
    PH__ENDPOINT_PAGE = 4,     /* part of the page: its own headers, any query */
    PH__ENDPOINT_EVENTS = 8,   /* a stream of events, which brings its own headers */
    PH__ENDPOINT_PROBE = 16,   /* there only where the program asked for it */
};

struct ph__endpoint {
    const char *path;    /* "/api/v1/sockets/:id" */
    const char *summary; /* one line */
    int (*handle)(struct ph__call *call);
    const struct ph__param *params;   /* besides those of lists; ends in a NULL name; may be NULL */
    const struct ph__list_kind *list; /* the list it answers with, or NULL */
    unsigned flags;
    const char *media_type; /* of the reply, where it is not JSON; or NULL */
    const char *answer;     /* JSON schema of the reply; NULL: a list, the page, or any object */
};

extern const struct ph__endpoint ph__endpoints[];
extern const size_t ph__endpoint_count;

/* Whether a server has an endpoint. */
bool ph__endpoint_is_there(const struct ph__status *status, const struct ph__endpoint *endpoint);

/* The common way in: guards, headers and parameters, then the endpoint's own handler. */
int ph__endpoint_enter(struct ph__call *call);

/* Answers a request for any list; the endpoint says which. */
int ph__serve_list(struct ph__call *call);

/* Reads max_age_ms of a request that may have it. @return 0; PH_ERR_PARAMETER and a problem. */
int ph__read_max_age(const struct ph_request *req, unsigned *ret_max_age_ms, char *problem,
                     size_t problem_size);

/* Reads owners likewise; where it is missing, *ret_owners stays as it is. */
int ph__read_owners(const struct ph_request *req, bool *ret_owners, char *problem,
                    size_t problem_size);

/* Replies with a problem where the failure is one that a client can understand.
 * @return what the handler has to return. */
int ph__reply_failure(struct ph_response *res, int err);

/* The handlers, each in the file of its name. */
int ph__serve_healthz(struct ph__call *call);
int ph__serve_readyz(struct ph__call *call);
int ph__serve_index(struct ph__call *call);
int ph__serve_openapi(struct ph__call *call);
int ph__serve_server(struct ph__call *call);
int ph__serve_socket(struct ph__call *call);
int ph__serve_port(struct ph__call *call);
int ph__serve_probe(struct ph__call *call);
int ph__serve_summary(struct ph__call *call);
int ph__serve_why(struct ph__call *call);
int ph__serve_metrics(struct ph__call *call);
int ph__serve_findings(struct ph__call *call);
int ph__serve_events(struct ph__call *call);
int ph__serve_page(struct ph__call *call);

/* Parameters that only one endpoint has; beside its handler. */
extern const struct ph__param ph__socket_params[];
extern const struct ph__param ph__port_params[];
extern const struct ph__param ph__summary_params[];
extern const struct ph__param ph__probe_params[];
extern const struct ph__param ph__why_params[];
extern const struct ph__param ph__metrics_params[];
extern const struct ph__param ph__findings_params[];
extern const struct ph__param ph__events_params[];

/* JSON schemas of replies that are described beside their handler. */
extern const char ph__probe_answer[];
extern const char ph__why_answer[];
extern const char ph__findings_answer[];

#endif
