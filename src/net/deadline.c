/* SPDX-License-Identifier: MIT
 *
 * Deadlines in lists.
 */
#include "net/deadline.h"

#include <stddef.h>

void ph__deadlines_init(struct ph__deadlines *list)
{
    list->anchor = (struct ph__deadline){.previous = &list->anchor, .next = &list->anchor};
}

void ph__deadlines_add(struct ph__deadlines *list, struct ph__deadline *entry, uint64_t due_ms)
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

void ph__deadline_cancel(struct ph__deadline *entry)
{
    if (!entry->next) {
        return;
    }
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    entry->previous = NULL;
    entry->next = NULL;
}

struct ph__deadline *ph__deadlines_first(const struct ph__deadlines *list)
{
    return list->anchor.next == &list->anchor ? NULL : list->anchor.next;
}
