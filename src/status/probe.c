/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/probe: one real attempt, as JSON.
 */
#include "status/document.h"

#include <porthole/probe.h>
#include <porthole/status.h>

#include <limits.h>

enum { TIMEOUT_MAX_MS = 3000 };

const struct ph__param ph__probe_params[] = {
    {"port", PH__PARAM_INTEGER, false, "Port number, 1 to 65535; wanted"},
    {"host", PH__PARAM_TEXT, false, "localhost (the default), or a loopback address"},
    {"protocol", PH__PARAM_TEXT, false, "tcp (the default) or udp"},
    {"timeout_ms", PH__PARAM_INTEGER, false, "for each address; at most 3000, the default"},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

const char ph__probe_answer[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"host\":{\"type\":\"string\"},"
    "\"port\":{\"type\":\"integer\"},"
    "\"protocol\":{\"enum\":[\"tcp\",\"udp\"]},"
    "\"confirmed\":{\"type\":\"boolean\"},"
    "\"resolve\":{\"type\":\"object\",\"properties\":{"
    "\"error\":{\"type\":[\"string\",\"null\"]},"
    "\"time_us\":{\"type\":\"integer\"}}},"
    "\"attempts\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"address\":{\"type\":\"string\"},"
    "\"family\":{\"enum\":[\"ipv4\",\"ipv6\"]},"
    "\"local_address\":{\"type\":[\"string\",\"null\"]},"
    "\"local_port\":{\"type\":[\"integer\",\"null\"]},"
    "\"result\":{\"enum\":[\"confirmed\",\"refused\",\"no_answer\",\"unreachable\","
    "\"failed\"]},"
    "\"error\":{\"type\":[\"string\",\"null\"]},"
    "\"time_us\":{\"type\":\"integer\"},"
    "\"rtt_us\":{\"type\":[\"integer\",\"null\"]},"
    "\"retransmissions\":{\"type\":[\"integer\",\"null\"]},"
    "\"answer_bytes\":{\"type\":[\"integer\",\"null\"]},"
    "\"said_by\":{\"type\":[\"string\",\"null\"]},"
    "\"on_this_machine\":{\"type\":\"boolean\"},"
    "\"meaning\":{\"type\":\"string\"}}}},"
    "\"why\":{\"type\":[\"object\",\"null\"]}}}";

static void add_attempt(struct ph__json *json, const struct ph_probe_attempt *attempt)
{
    ph__json_begin_object(json, NULL);
    ph__json_text(json, "address", attempt->address);
    ph__json_text(json, "family", ph_family_name(attempt->family));
    ph__json_text(json, "local_address", attempt->local_address);
    ph__json_known(json, "local_port", attempt->local_address ? attempt->local_port : -1);
    ph__json_text(json, "result", ph_probe_name(attempt->result));
    ph__json_text(json, "error", ph__error_name(attempt->error));
    ph__json_u64(json, "time_us", attempt->time_us);
    ph__json_known(json, "rtt_us", attempt->rtt_us);
    ph__json_known(json, "retransmissions", attempt->retransmissions);
    ph__json_known(json, "answer_bytes", attempt->answer_bytes);
    ph__json_text(json, "said_by", attempt->said_by);
    ph__json_bool(json, "on_this_machine", attempt->on_this_machine);
    ph__json_text(json, "meaning", attempt->meaning);
    ph__json_end(json);
}

/* What the doctor says of the port, where one of the addresses is here. It is no failure of the
 * probe that he cannot look. */
static void add_why(struct ph__json *json, const struct ph__asked *asked,
                    const struct ph_probe *probe)
{
    const struct ph_why_question question = {.port = probe->port, .protocol = probe->protocol};
    struct ph_why *why = NULL;
    char problem[PH__PROBLEM_TEXT];
    if (probe->on_this_machine &&
        ph_why_new(&why, asked->sockets, &question, problem, sizeof problem) == 0) {
        ph__json_begin_object(json, "why");
        ph__why_add(json, asked, why);
        ph__json_end(json);
    } else {
        ph__json_null(json, "why");
    }
    ph_why_free(why);
}

static void add_probe(struct ph__json *json, const struct ph__asked *asked,
                      const struct ph_probe *probe)
{
    ph__json_text(json, "host", probe->host);
    ph__json_u64(json, "port", probe->port);
    ph__json_text(json, "protocol", ph_protocol_name(probe->protocol));
    ph__json_bool(json, "confirmed", probe->confirmed);
    ph__json_begin_object(json, "resolve");
    ph__json_text(json, "error", probe->resolve_error);
    ph__json_u64(json, "time_us", probe->resolve_us);
    ph__json_end(json);
    ph__json_begin_array(json, "attempts");
    for (size_t i = 0; i < probe->attempt_count; i++) {
        add_attempt(json, &probe->attempts[i]);
    }
    ph__json_end(json);
    add_why(json, asked, probe);
}

/* What somebody asks over HTTP goes no further than this machine, and takes no long time. */
static int make(struct ph__json *json, const struct ph__asked *asked)
{
    uint64_t port = 0;
    uint64_t timeout_ms = 0;
    struct ph_probe *probe = NULL;
    const char *host = asked->param(asked->from, "host");
    int err = ph__asked_number(asked, "port", UINT16_MAX, &port);
    err = err ? err : ph__asked_number(asked, "timeout_ms", TIMEOUT_MAX_MS, &timeout_ms);
    const struct ph_probe_question question = {
        .host = host ? host : "localhost",
        .port = (uint16_t)port,
        .protocol = ph__asked_protocol(asked),
        .timeout_ms = (unsigned)timeout_ms,
        .loopback_only = true,
    };
    err = err ? err : ph_probe_new(&probe, &question, asked->problem, asked->problem_size);
    if (!err) {
        add_probe(json, asked, probe);
    }
    ph_probe_free(probe);
    return err;
}

int ph_status_probe(const struct ph_probe *probe, struct ph_sockets *sockets,
                    int (*write)(void *user, const char *text, size_t size), void *user)
{
    const struct ph__asked asked = {.sockets = sockets};
    struct ph__json json;
    ph__json_init(&json);
    add_probe(&json, &asked, probe);
    return ph__document_write(&json, write, user);
}

int ph__serve_probe(struct ph__call *call)
{
    return ph__document_reply(call, make);
}
