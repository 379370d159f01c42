/* SPDX-License-Identifier: MIT
 *
 * One condition of an expression: "sport < :1024", "dst 10.0.0.0/8:http", "command = nginx".
 */
#ifndef PORTHOLE_SOCKETS_CONDITION_H
#define PORTHOLE_SOCKETS_CONDITION_H

#include "sockets/arena.h"
#include "sockets/filter.h"
#include "sockets/host.h"

enum ph__subject {
    PH__SUBJECT_STATE,
    PH__SUBJECT_EXCLUDE, /* becomes a state: those that are left */
    PH__SUBJECT_EXCL,    /* the same */
    PH__SUBJECT_SPORT,
    PH__SUBJECT_DPORT,
    PH__SUBJECT_SRC,
    PH__SUBJECT_DST,
    PH__SUBJECT_DEV,
    PH__SUBJECT_FWMARK,
    PH__SUBJECT_CGROUP,
    PH__SUBJECT_AUTOBOUND, /* has no value */
    PH__SUBJECT_PROTOCOL,
    PH__SUBJECT_PID,
    PH__SUBJECT_COMMAND,
    PH__SUBJECT_USER,
    PH__SUBJECT_UNIT,
    PH__SUBJECT_INODE,
    PH__SUBJECT_COUNT
};

enum ph__comparison {
    PH__COMPARISON_EQUAL,
    PH__COMPARISON_NOT_EQUAL,
    PH__COMPARISON_LESS,
    PH__COMPARISON_LESS_OR_EQUAL,
    PH__COMPARISON_GREATER,
    PH__COMPARISON_GREATER_OR_EQUAL
};

struct ph__condition {
    enum ph__subject subject;
    enum ph__comparison comparison;
    struct ph__filter_value value; /* .number also for interfaces, marks, groups and inodes */
    uint32_t mask;                 /* fwmark: the bits that count */
    struct ph__host host;          /* src, dst, sport, dport */
    const char *text;              /* unit */
};

/* The subject of this name. @return false when there is none. */
bool ph__condition_subject(const char *name, size_t size, enum ph__subject *ret_subject);

bool ph__condition_is_state(enum ph__subject subject);

/* Whether a subject can be less or greater than a value. */
bool ph__condition_is_ordered(enum ph__subject subject);

/* Whether the owners have to be looked up for it. */
bool ph__condition_needs_owners(enum ph__subject subject);

/* Whether it can be told of all sockets of a snapshot. */
bool ph__condition_is_told(enum ph__subject subject, const struct ph_snapshot *snapshot);

/* Adds the states of "state" or takes those of "exclude" away from a condition. The first of a run
 * begins with none or with all. @return false when there are no such states. */
bool ph__condition_add_states(struct ph__condition *condition, bool first, const char *text,
                              size_t size);

/**
 * Reads the value that the subject is compared with; not of states.
 *
 * @param arena  keeps what the condition points to.
 * @return 0; PH_ERR_PARAMETER: ph__condition_accepted() says what is wanted; -ENOMEM.
 */
int ph__condition_parse(struct ph__condition *condition, const char *text, size_t size,
                        struct ph__arena *arena);

const char *ph__condition_accepted(enum ph__subject subject);

bool ph__condition_match(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                         const struct ph_socket *socket);

#endif
