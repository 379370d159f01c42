/* SPDX-License-Identifier: MIT
 *
 * One condition of an expression: "sport < :1024", "dst 10.0.0.0/8:http", "command = nginx".
 */
#ifndef PORTHOLE_SOCKETS_CONDITION_H
#define PORTHOLE_SOCKETS_CONDITION_H

#include "sockets/arena.h"
#include "sockets/filter.h"

enum ph__subject {
    PH__SUBJECT_STATE,
    PH__SUBJECT_EXCLUDE, /* the states that are not this */
    PH__SUBJECT_SPORT,
    PH__SUBJECT_DPORT,
    PH__SUBJECT_SRC,
    PH__SUBJECT_DST,
    PH__SUBJECT_PID,
    PH__SUBJECT_COMMAND,
    PH__SUBJECT_USER,
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
    struct ph__filter_value value; /* .number also for ports and inodes; prefix for src, dst */
    bool any_address;              /* src, dst: only the port counts */
    bool any_port;
    uint16_t port;
    const char *pattern; /* src, dst: of a unix path, with * and ?; else NULL */
};

/* The subject of this name. @return false when there is none. */
bool ph__condition_subject(const char *name, size_t size, enum ph__subject *ret_subject);

/* Whether a subject can be less or greater than a value. */
bool ph__condition_is_ordered(enum ph__subject subject);

/**
 * Reads the value that the subject is compared with.
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
