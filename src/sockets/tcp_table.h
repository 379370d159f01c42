/* SPDX-License-Identifier: MIT
 *
 * The table of TCP sockets, the one that may be large: in one walk for both families, and by two
 * threads, half each, where it was large the last time.
 */
#ifndef PORTHOLE_SOCKETS_TCP_TABLE_H
#define PORTHOLE_SOCKETS_TCP_TABLE_H

#include "sockets/inet_diag.h"
#include "sockets/netlink.h"
#include "sockets/rows.h"

/* Adds the TCP sockets to the rows: all, or those of a narrowing, which may be NULL. `netlink` may
 * be closed, and is when this fails.
 * @return 0; as ph__netlink_dump(), and the rows may hold a part then; PH_ERR_LIMIT. */
int ph__tcp_table_dump(struct ph__netlink *netlink, struct ph__rows *rows, struct ph__cut cut,
                       const struct ph__narrowing *narrowing);

/* Where to cut the next time: in the middle of these rows, or not where they are few. */
struct ph__cut ph__tcp_table_cut(const struct ph__rows *rows);

#endif
