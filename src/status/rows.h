/* SPDX-License-Identifier: MIT
 *
 * What rows of sockets and rows of ports have in common, and single rows outside of lists.
 */
#ifndef PORTHOLE_STATUS_ROWS_H
#define PORTHOLE_STATUS_ROWS_H

#include "status/columns.h"
#include "status/render.h"

/* All columns of a kind that JSON shows unasked, with those of the details or without. */
void ph__choice_all(struct ph__choice *choice, const struct ph__list_kind *kind, bool details);

/* Appends one row of a kind as a JSON object with all its columns. */
void ph__row_write(const struct ph__list_kind *kind, const struct ph__view *view, size_t row,
                   struct ph__buf *buf);

/* For a view of ph__list_sockets with sockets of the caller's choice in place of all: `data`
 * points to an array of them. */
const struct ph_socket *ph__socket_row(const struct ph__view *view, size_t row);

/* What makes a text of a socket: ph_socket_id(), ph_socket_local_address(), ... */
typedef size_t (*ph__socket_text)(const struct ph_socket *socket, char *buffer, size_t size);

/* The value is such a text, of at most `size` bytes with its NUL. */
static inline void ph__value_socket_text(struct ph__value *value, const struct ph_socket *socket,
                                         ph__socket_text make, size_t size)
{
    char *room = ph__buf_reserve(value->scratch, size);
    if (room) {
        value->scratch->size += make(socket, room, size);
    }
    ph__value_scratch_word(value);
}

/* Columns of sockets: one detail, of which `which` says which, and all that are known. */
void ph__get_detail(const struct ph__view *view, size_t row, struct ph__value *value);
void ph__get_details(const struct ph__view *view, size_t row, struct ph__value *value);

/* Whether a finding is about a process, by its pid, or about a port or one of its sockets. */
bool ph__finding_is_about(const struct ph_finding *finding, enum ph_subject subject,
                          enum ph_protocol protocol, uint64_t number);

/* The ids of such findings, as JSON texts or parted by spaces; null where nobody looked. */
void ph__put_findings(const struct ph__view *view, enum ph_subject subject,
                      enum ph_protocol protocol, uint64_t number, bool json, struct ph__buf *buf);

/* Replies 200 with what is in the buffer, and frees it. */
int ph__reply_buf(struct ph_response *res, const char *content_type, struct ph__buf *buf);

#endif
