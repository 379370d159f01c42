/* SPDX-License-Identifier: MIT
 *
 * Paths in the folder of a test.
 */
#ifndef PORTHOLE_TESTS_PATHS_H
#define PORTHOLE_TESTS_PATHS_H

/* FOLDER/NAME. Valid for 15 more calls; the test's own thread only. */
const char *path_in(const char *folder, const char *name);

/* Writes a text into the file at a path. */
void write_text(const char *path, const char *text);

#endif
