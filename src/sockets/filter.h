/* SPDX-License-Identifier: MIT
 *
 * Filters from within: single conditions, and the conditions joined by AND.
 */
#ifndef PORTHOLE_SOCKETS_FILTER_H
#define PORTHOLE_SOCKETS_FILTER_H

#include "sockets/address.h"

#include <porthole/sockets.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ph__filter_field {
    PH__FILTER_PROTOCOL,
    PH__FILTER_STATE,
    PH__FILTER_PORT,
    PH__FILTER_LOCAL_PORT,
    PH__FILTER_REMOTE_PORT,
    PH__FILTER_ADDRESS,
    PH__FILTER_PID,
    PH__FILTER_COMMAND,
    PH__FILTER_USER,
    PH__FILTER_FIELD_COUNT
};

/* One value that a field is compared with; which member counts follows from the field. */
struct ph__filter_value {
    union {
        uint64_t number; /* protocol, ports, pid, uid */
        struct {
            uint32_t inet; /* bit masks */
            uint32_t local;
        } states;         /* of TCP and UDP, and of unix sockets */
        char command[16]; /* as long as the kernel keeps names */
        struct {
            struct ph__address address;
            unsigned bits;
        } prefix;
    };
};

struct ph__expression;

/* A condition: a field and the values of which one has to fit, or an expression. */
struct ph__filter_condition {
    struct ph__filter_condition *next;
    struct ph__expression *expression; /* owned; NULL: field and values count */
    enum ph__filter_field field;
    size_t count;
    struct ph__filter_value values[];
};

struct ph_filter {
    struct ph__filter_condition *conditions; /* owned; newest first; all have to hold */
};

/* Reads one value of a field. @return false when malformed: ph__filter_accepted() says what is
 * wanted. */
bool ph__filter_parse(enum ph__filter_field field, const char *text, size_t size,
                      struct ph__filter_value *ret_value);

/* What a field accepts, in words. */
const char *ph__filter_accepted(enum ph__filter_field field);

bool ph__filter_compare(enum ph__filter_field field, const struct ph__filter_value *value,
                        const struct ph_snapshot *snapshot, const struct ph_socket *socket);

#endif
