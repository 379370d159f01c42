/* SPDX-License-Identifier: MIT
 *
 * From a query to a list that can be written: takes the snapshot, looks owners up, opens the list
 * and puts the envelope of api.md around it.
 */
#ifndef PORTHOLE_STATUS_LISTING_H
#define PORTHOLE_STATUS_LISTING_H

#include "status/list.h"

/* What PH_ERR_UNTOLD means to who asked. */
#define PH__UNTOLD_PROBLEM                                                                \
    "filter: the kernel does not tell here what it asks for; fwmark needs sock_diag and " \
    "CAP_NET_ADMIN, cgroup needs sock_diag."

/* What is found, for those who show it beside something else: of a look that may be a few seconds
 * old, since looking costs more than listing. NULL where the doctor cannot look, which is no reason
 * not to show the rest. */
struct ph_findings *ph__recent_findings(struct ph_doctor *doctor);

/*
 * Opens the view that a finished query needs. Blocks.
 *
 * @param doctor  whose findings are shown; NULL: none are.
 * @param server  may be NULL where the kind does without.
 * @return 0; as ph_sockets_snapshot() and ph_snapshot_owners(); PH_ERR_UNTOLD.
 */
int ph__view_open(const struct ph__query *query, struct ph_sockets *sockets,
                  struct ph_doctor *doctor, const struct ph_server *server,
                  struct ph__view *ret_view);

/* Makes the list of a finished query, envelope included. Blocks. @return as ph__view_open(). */
int ph__listing_new(struct ph__list **ret_list, const struct ph__query *query,
                    struct ph_sockets *sockets, struct ph_doctor *doctor,
                    const struct ph_server *server);

/* Appends `"taken_at":"…","age_ms":N`; without a snapshot now, and 0. */
void ph__write_taken(struct ph__buf *buf, const struct ph_snapshot *snapshot);

/* Appends {"tcp":{"source":"sock_diag","reason":null},…} for each protocol of a set; null without
 * a snapshot. */
void ph__write_sources(struct ph__buf *buf, const struct ph_snapshot *snapshot, unsigned protocols);

#endif
