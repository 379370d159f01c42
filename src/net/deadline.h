/* SPDX-License-Identifier: MIT
 *
 * Deadlines in lists: all entries of one list wait equally long, so a new one goes to the end
 * and the one that is due first stands at the beginning. Every operation costs O(1), however
 * many connections wait. One thread uses a list.
 */
#ifndef PORTHOLE_NET_DEADLINE_H
#define PORTHOLE_NET_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ph__deadline {
    struct ph__deadline *previous, *next; /* both NULL: in no list */
    uint64_t due_ms;                      /* CLOCK_MONOTONIC */
};

struct ph__deadlines {
    struct ph__deadline anchor; /* a ring: anchor.next is due first, anchor.previous last */
};

void ph__deadlines_init(struct ph__deadlines *list);

/*
 * Puts an entry that is in no list at its place by due_ms. That is the end, or a few steps
 * before it when the time began to run on another thread a moment ago.
 */
static inline void ph__deadlines_add(struct ph__deadlines *list, struct ph__deadline *entry,
                                     uint64_t due_ms)
{
    struct ph__deadline *before = list->anchor.previous;
    while (before != &list->anchor && before->due_ms > due_ms) {
        before = before->previous;
    }
    entry->due_ms = due_ms;
    entry->previous = before;
    entry->next = before->next;
    before->next->previous = entry;
    before->next = entry;
}

/* Takes an entry out of the list it is in, if any. */
static inline void ph__deadline_cancel(struct ph__deadline *entry)
{
    if (entry->next) {
        entry->previous->next = entry->next;
        entry->next->previous = entry->previous;
        entry->previous = NULL;
        entry->next = NULL;
    }
}

/* When the first entry is due, or UINT64_MAX: the anchor stands for one that never is. The entry is
 * anchor.next. */
static inline uint64_t ph__deadlines_due_ms(const struct ph__deadlines *list)
{
    return list->anchor.next->due_ms;
}

static inline bool ph__deadline_is_set(const struct ph__deadline *entry)
{
    return entry->next;
}

#endif
