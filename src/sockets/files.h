/* SPDX-License-Identifier: MIT
 *
 * Files of /proc, read whole or line by line.
 */
#ifndef PORTHOLE_SOCKETS_FILES_H
#define PORTHOLE_SOCKETS_FILES_H

#include <stddef.h>

/* Opens a folder. @return its descriptor; a negative errno. */
int ph__files_open_folder(int folder, const char *path);

/* Reads a file into `buffer`, NUL-terminates, and cuts what is longer. @return the length; a
 * negative errno. */
int ph__files_read(int folder, const char *path, char *buffer, size_t size);

/* Receives a line without its end, NUL-terminated. A negative return ends the reading. */
typedef int (*ph__files_line)(void *user, char *line, size_t size);

/* Hands each line of a file on; overlong lines are left out. @return 0; a negative errno; what
 * `line` returned. */
int ph__files_lines(int folder, const char *path, ph__files_line line, void *user);

#endif
