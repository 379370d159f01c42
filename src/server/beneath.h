/* SPDX-License-Identifier: MIT
 *
 * Opening files below a folder, and none elsewhere.
 */
#ifndef PORTHOLE_SERVER_BENEATH_H
#define PORTHOLE_SERVER_BENEATH_H

#include <stdbool.h>

/* Whether the kernel can do it by itself: openat2(2), since Linux 5.6. */
bool ph__beneath_has_kernel(int root);

/*
 * Opens what stands at a relative path below `root`, for reading, and never waits for it (a FIFO).
 * With `kernel`, links are followed as long as they stay below; without, none is. Returns the
 * descriptor or a negative errno: -EXDEV, -ELOOP where the path leads out, or over a link.
 */
int ph__beneath_open(int root, const char *path, bool kernel);

#endif
