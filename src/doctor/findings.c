/* SPDX-License-Identifier: MIT
 *
 * Findings: how they are put together, and read.
 */
#include "doctor/findings.h"

#include "base/clock.h"
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

/* Without memory there will be no findings at all. */
static const char *note_text(struct ph_findings *findings, const char *text)
{
    findings->failed |= !text;
    return text ? text : "";
}

const char *ph__findings_text(struct ph_findings *findings, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = ph__say_list(&findings->arena, format, args);
    va_end(args);
    return note_text(findings, text);
}

const char *ph__findings_take(struct ph_findings *findings, struct ph__buf *buf)
{
    return note_text(findings, ph__say_buf(&findings->arena, buf));
}

void ph__findings_evidence(struct ph_finding *finding, const char *name, double number)
{
    if (finding->evidence_count < PH_EVIDENCE_MAX) {
        finding->evidence[finding->evidence_count++] = (struct ph_evidence){name, number};
    }
}

struct ph_finding *ph__findings_add_port(struct ph_findings *findings, enum ph_severity severity,
                                         const struct ph_port *port)
{
    struct ph_finding *finding =
        ph__findings_add(findings, severity, "%s:%u", ph_protocol_name(port->protocol), port->port);
    if (finding) {
        finding->subject = PH_SUBJECT_PORT;
        finding->protocol = port->protocol;
        finding->port = port->port;
    }
    return finding;
}

struct ph_finding *ph__findings_add_socket(struct ph_findings *findings, enum ph_severity severity,
                                           const struct ph_socket *socket)
{
    char id[PH_SOCKET_ID_TEXT];
    ph_socket_id(socket, id, sizeof id);
    struct ph_finding *finding = ph__findings_add(findings, severity, "%s", id);
    if (finding) {
        finding->subject = PH_SUBJECT_SOCKET;
        finding->protocol = socket->protocol;
        finding->port = socket->local_port;
        finding->socket_id = ph__findings_text(findings, "%s", id);
    }
    return finding;
}

struct ph_finding *ph__findings_add_process(struct ph_findings *findings, enum ph_severity severity,
                                            const struct ph_process *process)
{
    struct ph_finding *finding = ph__findings_add(findings, severity, "%ld", (long)process->pid);
    if (finding) {
        finding->subject = PH_SUBJECT_PROCESS;
        finding->pid = process->pid;
        finding->command =
            ph__findings_text(findings, "%s", process->command ? process->command : "");
    }
    return finding;
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
        ph__arena_done(&findings->arena);
        free(findings->items);
        free(findings);
    }
}

uint64_t ph_findings_taken_unix_ms(const struct ph_findings *findings)
{
    return findings->taken_unix_ms;
}

uint64_t ph_findings_age_ms(const struct ph_findings *findings)
{
    return (ph__clock_us() - findings->taken_us) / 1000;
}

size_t ph_findings_count(const struct ph_findings *findings)
{
    return findings->count;
}

const struct ph_finding *ph_findings_at(const struct ph_findings *findings, size_t index)
{
    return index < findings->count ? findings->items[index] : NULL;
}

const struct ph_finding *ph_findings_find(const struct ph_findings *findings, const char *id)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (strcmp(findings->items[i]->id, id) == 0) {
            return findings->items[i];
        }
    }
    return NULL;
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
