/* SPDX-License-Identifier: MIT
 *
 * Deadlines in lists.
 */
#include "net/deadline.h"

void ph__deadlines_init(struct ph__deadlines *list)
{
    list->anchor = (struct ph__deadline){
        .previous = &list->anchor, .next = &list->anchor, .due_ms = UINT64_MAX};
}
