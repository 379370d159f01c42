/* SPDX-License-Identifier: MIT
 *
 * Documents: parameters in, one JSON object out; as a reply, or as text for ph_status_document().
 */
#include "status/document.h"

#include <porthole/status.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ph__asked_number(const struct ph__asked *asked, const char *name, uint64_t max,
                     uint64_t *ret_number)
{
    const char *value = asked->param(asked->from, name);
    return value
               ? ph__param_number(name, value, max, ret_number, asked->problem, asked->problem_size)
               : 0;
}

int ph__asked_bool(const struct ph__asked *asked, const char *name, bool *ret_flag)
{
    const char *value = asked->param(asked->from, name);
    return value ? ph__param_bool(name, value, ret_flag, asked->problem, asked->problem_size) : 0;
}

enum ph_protocol ph__asked_protocol(const struct ph__asked *asked)
{
    const char *name = asked->param(asked->from, "protocol");
    return !name || strcmp(name, "tcp") == 0 ? PH_PROTOCOL_TCP
           : strcmp(name, "udp") == 0        ? PH_PROTOCOL_UDP
                                             : PH_PROTOCOL_UNIX;
}

static const char *param_of_request(const void *from, const char *name)
{
    return ph_request_query(from, name);
}

int ph__document_reply(struct ph__call *call,
                       int (*fill)(struct ph__json *json, const struct ph__asked *asked))
{
    char problem[PH__PROBLEM_TEXT] = "";
    const struct ph__asked asked = {.sockets = call->status->sockets,
                                    .doctor = call->status->doctor,
                                    .param = param_of_request,
                                    .from = call->req,
                                    .problem = problem,
                                    .problem_size = sizeof problem};
    struct ph__json json;
    ph__json_init(&json);
    int err = fill(&json, &asked);
    if (!err) {
        return ph__json_reply(&json, call->res, 200);
    }
    ph__json_done(&json);
    return err == PH_ERR_PARAMETER ? ph_reply_problem(call->res, 400, "%s", problem)
                                   : ph__reply_failure(call->res, err);
}

int ph__document_write(struct ph__json *json,
                       int (*write)(void *user, const char *text, size_t size), void *user)
{
    char *text = ph__json_print(json);
    ph__json_done(json);
    int err = text ? write(user, text, strlen(text)) : -ENOMEM;
    err = err ? err : write(user, "\n", 1);
    free(text);
    return err;
}

struct table {
    const struct ph_status_param *params;
    size_t count;
};

static const char *param_of_table(const void *from, const char *name)
{
    const struct table *table = from;
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->params[i].name, name) == 0) {
            return table->params[i].value;
        }
    }
    return NULL;
}

int ph_status_document(struct ph_sockets *sockets, const char *name,
                       const struct ph_status_param *params, size_t param_count,
                       int (*write)(void *user, const char *text, size_t size), void *user,
                       char *problem, size_t problem_size)
{
    if (strcmp(name, "why") != 0) {
        return -ENOENT;
    }
    const struct table table = {params, param_count};
    const struct ph__asked asked = {.sockets = sockets,
                                    .param = param_of_table,
                                    .from = &table,
                                    .problem = problem,
                                    .problem_size = problem_size};
    struct ph__json json;
    ph__json_init(&json);
    int err = ph__why_document(&json, &asked);
    if (err < 0) {
        ph__json_done(&json);
        return err;
    }
    return ph__document_write(&json, write, user);
}
