/* SPDX-License-Identifier: MIT
 *
 * The parameters that several endpoints share, and the reading of numbers and flags.
 */
#include "status/params.h"

#include "status/escape.h"

#include <porthole/error.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct ph__param ph__list_params[] = {
    {"filter", PH__PARAM_TEXT, false, "filter in the expression language of ss"},
    {"protocol", PH__PARAM_TEXT, false,
     "tcp, udp, unix, raw, packet, netlink, mptcp, udplite, vsock; several by comma"},
    {"state", PH__PARAM_TEXT, false, "listen, established, ...; several by comma"},
    {"port", PH__PARAM_TEXT, false, "local or remote port; several by comma"},
    {"local_port", PH__PARAM_TEXT, false, "local port; several by comma"},
    {"remote_port", PH__PARAM_TEXT, false, "remote port; several by comma"},
    {"address", PH__PARAM_TEXT, false, "address or prefix, either side; several by comma"},
    {"pid", PH__PARAM_TEXT, false, "process that holds the socket; several by comma"},
    {"command", PH__PARAM_TEXT, false, "command of such a process; several by comma"},
    {"user", PH__PARAM_TEXT, false, "user name or uid; several by comma"},
    {"sort", PH__PARAM_TEXT, false, "field to sort by; -field for the largest first"},
    {"limit", PH__PARAM_INTEGER, false, "return at most so many rows"},
    {"fields", PH__PARAM_TEXT, false, "fields to return, by comma"},
    {"format", PH__PARAM_TEXT, false, "json, ndjson, csv or text; default: the Accept header"},
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {"owners", PH__PARAM_BOOLEAN, false, "false leaves the owners out, which is cheaper"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

const struct ph__param ph__sockets_params[] = {
    {"details", PH__PARAM_BOOLEAN, false, "true adds all that the kernel tells of each socket"},
    {"schema", PH__PARAM_TEXT, false,
     "otel, ecs or osquery: the fields that these have, under their names; sort and fields take "
     "ours"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

const struct ph__param *ph__param_find(const struct ph__param *params, const char *name)
{
    for (; params && params->name; params++) {
        if (strcmp(params->name, name) == 0) {
            return params;
        }
    }
    return NULL;
}

static size_t append_names(const struct ph__param *params, size_t at, bool *first, char *problem,
                           size_t problem_size)
{
    for (; params && params->name; params++) {
        if (params->in_path || at >= problem_size) {
            continue;
        }
        int length =
            snprintf(problem + at, problem_size - at, "%s%s", *first ? "" : ", ", params->name);
        at += length > 0 ? (size_t)length : 0;
        *first = false;
    }
    return at;
}

void ph__param_unknown(const char *name, const struct ph__param *params,
                       const struct ph__param *more, char *problem, size_t problem_size)
{
    char quoted[PH__QUOTE_TEXT];
    int length = snprintf(problem, problem_size,
                          "There is no parameter %s here; accepted: ", ph__quote(quoted, name));
    size_t at = length > 0 ? (size_t)length : 0;
    bool first = true;
    at = append_names(params, at, &first, problem, problem_size);
    at = append_names(more, at, &first, problem, problem_size);
    if (first && at < problem_size) {
        snprintf(problem + at, problem_size - at, "none");
    }
}

int ph__param_number(const char *name, const char *value, uint64_t max, uint64_t *ret_number,
                     char *problem, size_t problem_size)
{
    uint64_t number = 0;
    const char *c = value;
    for (; *c >= '0' && *c <= '9'; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (digit > max || number > (max - digit) / 10) {
            break;
        }
        number = number * 10 + digit;
    }
    if (*c != '\0' || c == value) {
        char quoted[PH__QUOTE_TEXT];
        snprintf(problem, problem_size,
                 "%s: %s is not accepted; wanted is a whole number from 0 to %" PRIu64 ".", name,
                 ph__quote(quoted, value), max);
        return PH_ERR_PARAMETER;
    }
    *ret_number = number;
    return 0;
}

int ph__param_bool(const char *name, const char *value, bool *ret_flag, char *problem,
                   size_t problem_size)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        char quoted[PH__QUOTE_TEXT];
        snprintf(problem, problem_size, "%s: %s is not accepted; wanted is true or false.", name,
                 ph__quote(quoted, value));
        return PH_ERR_PARAMETER;
    }
    *ret_flag = value[0] == 't';
    return 0;
}
