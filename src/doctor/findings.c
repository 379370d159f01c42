/* SPDX-License-Identifier: MIT
 *
 * Findings: how they are put together, and read.
 */
#include "doctor/findings.h"

#include "doctor/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TEXT = 200 };

static bool is_silenced(const struct ph_findings *findings, const char *id)
{
    for (const char *const *each = findings->silenced; each && *each; each++) {
        if (strcmp(*each, findings->rule) == 0 || strcmp(*each, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool grow(struct ph_findings *findings)
{
    if (findings->count < findings->capacity) {
        return true;
    }
    size_t capacity = findings->capacity ? findings->capacity * 2 : 16;
    struct ph_finding **items = realloc(findings->items, capacity * sizeof(struct ph_finding *));
    if (items) {
        findings->items = items;
        findings->capacity = capacity;
    }
    return items;
}

struct ph_finding *ph__findings_add(struct ph_findings *findings, enum ph_severity severity,
                                    const char *key, ...)
{
    char key_text[KEY_TEXT];
    va_list args;
    va_start(args, key);
    vsnprintf(key_text, sizeof key_text, key, args);
    va_end(args);
    const char *id = ph__say(&findings->arena, "%s:%s", findings->rule, key_text);
    if (id && is_silenced(findings, id)) {
        return NULL;
    }
    if (findings->of_rule == PH__FINDINGS_OF_A_RULE) {
        findings->left_out++;
        return NULL;
    }
    struct ph_finding *finding =
        id && grow(findings) ? ph__arena_alloc(&findings->arena, sizeof *finding) : NULL;
    if (!finding) {
        findings->failed = true;
        return NULL;
    }
    *finding = (struct ph_finding){.id = id,
                                   .rule = findings->rule,
                                   .severity = severity,
                                   .subject = PH_SUBJECT_MACHINE,
                                   .source = findings->source,
                                   .certain = true};
    findings->items[findings->count++] = finding;
    findings->of_rule++;
    return finding;
}

const char *ph__findings_text(struct ph_findings *findings, const char *format, ...)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    va_list args;
    va_start(args, format);
    ph__buf_vprintf(&buf, format, args);
    va_end(args);
    const char *text = ph__say_buf(&findings->arena, &buf);
    findings->failed |= !text;
    return text ? text : "";
}

void ph__findings_evidence(struct ph_finding *finding, const char *name, double number)
{
    if (finding->evidence_count < PH_EVIDENCE_MAX) {
        finding->evidence[finding->evidence_count++] = (struct ph_evidence){name, number};
    }
}

void ph__findings_port(struct ph_finding *finding, enum ph_protocol protocol, uint16_t port)
{
    finding->subject = PH_SUBJECT_PORT;
    finding->protocol = protocol;
    finding->port = port;
}

void ph__findings_socket(struct ph_findings *findings, struct ph_finding *finding,
                         const struct ph_socket *socket)
{
    char id[PH_SOCKET_ID_TEXT];
    ph_socket_id(socket, id, sizeof id);
    finding->subject = PH_SUBJECT_SOCKET;
    finding->protocol = socket->protocol;
    finding->port = socket->local_port;
    finding->socket_id = ph__findings_text(findings, "%s", id);
}

void ph__findings_process(struct ph_findings *findings, struct ph_finding *finding,
                          const struct ph_process *process)
{
    finding->subject = PH_SUBJECT_PROCESS;
    finding->pid = process->pid;
    finding->command = ph__findings_text(findings, "%s", process->command ? process->command : "");
}

void ph__findings_no(struct ph_findings *findings, const char *reason)
{
    if (findings->unavailable_count < PH__UNAVAILABLE_MAX) {
        findings->unavailable[findings->unavailable_count].rule = findings->rule;
        findings->unavailable[findings->unavailable_count++].reason = reason;
    }
}

static int compare(const void *a, const void *b)
{
    const struct ph_finding *x = *(const struct ph_finding *const *)a;
    const struct ph_finding *y = *(const struct ph_finding *const *)b;
    return x->severity != y->severity ? (x->severity > y->severity ? -1 : 1) : strcmp(x->id, y->id);
}

void ph__findings_sort(struct ph_findings *findings)
{
    if (findings->count > 1) {
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
    }
}

/* ---- reading ---- */

void ph_findings_unref(struct ph_findings *findings)
{
    if (findings && atomic_fetch_sub(&findings->references, 1) == 1) {
        ph_snapshot_unref(findings->snapshot);
        ph__arena_done(&findings->arena);
        free(findings->items);
        free(findings);
    }
}

struct ph_snapshot *ph_findings_snapshot(const struct ph_findings *findings)
{
    return findings->snapshot;
}

size_t ph_findings_count(const struct ph_findings *findings)
{
    return findings->count;
}

const struct ph_finding *ph_findings_at(const struct ph_findings *findings, size_t index)
{
    return index < findings->count ? findings->items[index] : NULL;
}

size_t ph_findings_left_out(const struct ph_findings *findings)
{
    return findings->left_out;
}

const char *ph_findings_unavailable(const struct ph_findings *findings, size_t index,
                                    const char **ret_reason)
{
    if (index >= findings->unavailable_count) {
        return NULL;
    }
    *ret_reason = findings->unavailable[index].reason;
    return findings->unavailable[index].rule;
}
