/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/findings: what the doctor finds, as JSON.
 */
#include "status/document.h"

#include <porthole/doctor.h>
#include <porthole/status.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct ph__param ph__findings_params[] = {
    {"max_age_ms", PH__PARAM_INTEGER, false, PH__MAX_AGE_TEXT},
    {NULL, PH__PARAM_TEXT, false, NULL},
};

const char ph__findings_answer[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"taken_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"age_ms\":{\"type\":\"integer\"},"
    "\"findings\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\"},"
    "\"rule\":{\"type\":\"string\"},"
    "\"severity\":{\"enum\":[\"info\",\"warning\",\"error\"]},"
    "\"title\":{\"type\":\"string\"},"
    "\"subject\":{\"type\":\"object\",\"properties\":{"
    "\"type\":{\"enum\":[\"socket\",\"port\",\"process\",\"machine\"]},"
    "\"protocol\":{\"type\":\"string\"},\"port\":{\"type\":\"integer\"},"
    "\"socket_id\":{\"type\":\"string\"},\"pid\":{\"type\":\"integer\"},"
    "\"command\":{\"type\":\"string\"}}},"
    "\"evidence\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"number\","
    "\"null\"]}},"
    "\"source\":{\"type\":\"string\"},"
    "\"advice\":{\"type\":\"string\"},"
    "\"since\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"confidence\":{\"enum\":[\"certain\",\"likely\"]}}}},"
    "\"left_out\":{\"type\":\"integer\"},"
    "\"unavailable\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"rule\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"}}}},"
    "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";

static void add_subject(struct ph__json *json, const struct ph_finding *finding)
{
    ph__json_begin_object(json, "subject");
    ph__json_text(json, "type", ph_subject_name(finding->subject));
    if (finding->subject == PH_SUBJECT_SOCKET) {
        ph__json_text(json, "socket_id", finding->socket_id);
    }
    if (finding->subject == PH_SUBJECT_SOCKET || finding->subject == PH_SUBJECT_PORT) {
        ph__json_text(json, "protocol", ph_protocol_name(finding->protocol));
        ph__json_u64(json, "port", finding->port);
    }
    if (finding->subject == PH_SUBJECT_PROCESS) {
        ph__json_u64(json, "pid", (uint64_t)finding->pid);
        ph__json_text(json, "command", finding->command);
    }
    ph__json_end(json);
}

static void add_finding(struct ph__json *json, const struct ph_finding *finding)
{
    ph__json_begin_object(json, NULL);
    ph__json_text(json, "id", finding->id);
    ph__json_text(json, "rule", finding->rule);
    ph__json_text(json, "severity", ph_severity_name(finding->severity));
    ph__json_text(json, "title", finding->title);
    add_subject(json, finding);
    ph__json_begin_object(json, "evidence");
    for (size_t i = 0; i < finding->evidence_count; i++) {
        const struct ph_evidence *evidence = &finding->evidence[i];
        if (evidence->number < 0) { /* unknown */
            ph__json_null(json, evidence->name);
        } else {
            ph__json_number(json, evidence->name, evidence->number);
        }
    }
    ph__json_end(json);
    ph__json_text(json, "source", finding->source);
    ph__json_text(json, "advice", finding->advice);
    ph__json_time(json, "since", finding->since_unix_ms);
    ph__json_text(json, "confidence", finding->certain ? "certain" : "likely");
    ph__json_end(json);
}

static void add_unavailable(struct ph__json *json, const struct ph_findings *findings)
{
    const char *rule;
    const char *reason;
    ph__json_begin_array(json, "unavailable");
    for (size_t i = 0; (rule = ph_findings_unavailable(findings, i, &reason)); i++) {
        ph__json_begin_object(json, NULL);
        ph__json_text(json, "rule", rule);
        ph__json_text(json, "reason", reason);
        ph__json_end(json);
    }
    ph__json_end(json);
}

static void add_rules(struct ph__json *json)
{
    const struct ph_doctor_rule *rule;
    ph__json_begin_array(json, "rules");
    for (size_t i = 0; (rule = ph_doctor_rule_at(i)); i++) {
        ph__json_text(json, NULL, rule->name);
    }
    ph__json_end(json);
}

static void add_findings(struct ph__json *json, const struct ph_findings *findings)
{
    ph__json_time(json, "taken_at", ph_findings_taken_unix_ms(findings));
    ph__json_u64(json, "age_ms", ph_findings_age_ms(findings));
    ph__json_begin_array(json, "findings");
    for (size_t i = 0; i < ph_findings_count(findings); i++) {
        add_finding(json, ph_findings_at(findings, i));
    }
    ph__json_end(json);
    ph__json_u64(json, "left_out", ph_findings_left_out(findings));
    add_unavailable(json, findings);
    add_rules(json);
}

int ph_status_findings(const struct ph_findings *findings,
                       int (*write)(void *user, const char *text, size_t size), void *user)
{
    struct ph__json json;
    ph__json_init(&json);
    add_findings(&json, findings);
    return ph__document_write(&json, write, user);
}

int ph__serve_findings(struct ph__call *call)
{
    char problem[PH__PROBLEM_TEXT];
    unsigned max_age_ms = 0;
    if (ph__read_max_age(call->req, &max_age_ms, problem, sizeof problem) < 0) {
        return ph_reply_problem(call->res, 400, "%s", problem);
    }
    struct ph_findings *findings = NULL;
    int err = ph_doctor_look(call->status->doctor, max_age_ms, &findings, NULL);
    if (err < 0) {
        return ph__reply_failure(call->res, err);
    }
    struct ph__json json;
    ph__json_init(&json);
    add_findings(&json, findings);
    ph_findings_unref(findings);
    return ph__json_reply(&json, call->res, 200);
}
