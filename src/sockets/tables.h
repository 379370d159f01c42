/* SPDX-License-Identifier: MIT
 *
 * The kernel's tables of sockets: how sock_diag(7) is asked for each, and how its messages are
 * read.
 */
#ifndef PORTHOLE_SOCKETS_TABLES_H
#define PORTHOLE_SOCKETS_TABLES_H

#include "sockets/inet_diag.h"

#include <porthole/sockets.h>

#include <stddef.h>

struct ph__table {
    enum ph_protocol protocol;
    enum ph_family family;
    const char *path; /* of the same table under /proc; NULL: not there */
};

enum { PH__TABLE_COUNT = 14 };
extern const struct ph__table ph__tables[PH__TABLE_COUNT];

/* Writes the request for a table. `narrowing` may be NULL; it and `extent` count for IP only.
 * @return its size. */
size_t ph__table_request(const struct ph__table *table, const struct ph__narrowing *narrowing,
                         enum ph__extent extent, unsigned char ret_request[PH__INET_DIAG_REQUEST]);

/* Reads one message. @return 1; 0 for a socket of another kind; -EBADMSG. */
int ph__table_parse(enum ph_protocol protocol, const unsigned char *payload, size_t size,
                    struct ph_socket *ret_socket);

#endif
