/* SPDX-License-Identifier: MIT
 *
 * Findings while they are made.
 */
#ifndef PORTHOLE_DOCTOR_FINDINGS_H
#define PORTHOLE_DOCTOR_FINDINGS_H

#include "base/buf.h"
#include "sockets/arena.h"

#include <porthole/doctor.h>

#include <stdatomic.h>

enum {
    PH__FINDINGS_OF_A_RULE = 50, /* more are counted, and left out */
    PH__UNAVAILABLE_MAX = 40
};

struct ph_findings {
    atomic_uint references;
    struct ph__arena arena;
    uint64_t sequence; /* of the snapshot that was looked at */
    uint64_t taken_unix_ms, taken_us;
    struct ph_finding **items; /* owned; the findings are in the arena */
    size_t count, capacity;
    size_t left_out;
    size_t of_rule; /* of the rule that is being judged */
    struct {
        const char *rule, *reason;
    } unavailable[PH__UNAVAILABLE_MAX];
    size_t unavailable_count;
    const char *rule, *source;   /* that is being judged */
    const char *const *silenced; /* rules and ids; ends in NULL */
    bool failed;                 /* out of memory */
};

/* Begins a finding of the rule that is being judged, about the machine, with the id "RULE:KEY". The
 * rest is filled in by the caller. NULL where it is not told: silenced, one too many, or out of
 * memory. */
struct ph_finding *ph__findings_add(struct ph_findings *findings, enum ph_severity severity,
                                    const char *key, ...) PH_PRINTF(3, 4);

/* The same about something else, which makes the key. */
struct ph_finding *ph__findings_add_port(struct ph_findings *findings, enum ph_severity severity,
                                         const struct ph_port *port);
struct ph_finding *ph__findings_add_socket(struct ph_findings *findings, enum ph_severity severity,
                                           const struct ph_socket *socket);
struct ph_finding *ph__findings_add_process(struct ph_findings *findings, enum ph_severity severity,
                                            const struct ph_process *process);

/* Texts of a finding, in the arena; never NULL. What is printed for %s must be printable already.
 */
const char *ph__findings_text(struct ph_findings *findings, const char *format, ...)
    PH_PRINTF(2, 3);

/* The same of what has been put together in a buffer, which is freed. */
const char *ph__findings_take(struct ph_findings *findings, struct ph__buf *buf);

void ph__findings_evidence(struct ph_finding *finding, const char *name, double number);

/* The rule that is being judged cannot be, or not as a whole. */
void ph__findings_no(struct ph_findings *findings, const char *reason);

/* Puts them in order. */
void ph__findings_sort(struct ph_findings *findings);

#endif
