/* SPDX-License-Identifier: MIT
 *
 * The engine behind all lists: picks the rows that match, orders them, and writes them piece by
 * piece. Beyond the snapshot a client costs one number a row and the text of about one row.
 */
#ifndef PORTHOLE_STATUS_LIST_H
#define PORTHOLE_STATUS_LIST_H

#include "status/query.h"

#include <sys/types.h>

struct ph__list;

/*
 * Prepares the rows of `query->kind` that match.
 *
 * @param view  what the rows are taken from; on success the list closes it. ph__view_close().
 * @return 0; -ENOMEM.
 */
int ph__list_new(struct ph__list **ret_list, const struct ph__query *query, struct ph__view *view);

/* `user` is a list, or NULL. Fits ph_reply_generate(). */
void ph__list_free(void *user);

/* Closes the data of the kind, and drops the reference to the snapshot. */
void ph__view_close(const struct ph__list_kind *kind, struct ph__view *view);

/* How many rows match, and how many of those `limit` lets through. */
size_t ph__list_matched(const struct ph__list *list);
size_t ph__list_returned(const struct ph__list *list);

const struct ph__view *ph__list_view(const struct ph__list *list);

/* What stands before the first row and after the last, for the caller to write before the first
 * piece is taken. In JSON the caller writes the brackets of the array too. */
struct ph__buf *ph__list_before(struct ph__list *list);
struct ph__buf *ph__list_after(struct ph__list *list);

/* Writes the next piece of a list, of any size from one byte. @return as a ph_generate function. */
ssize_t ph__list_generate(void *user, char *buffer, size_t size);

#endif
