/* SPDX-License-Identifier: MIT
 *
 * The files of www/ as the build compiled them in; see cmake/EmbedFiles.cmake.
 */
#ifndef PORTHOLE_STATUS_EMBEDDED_H
#define PORTHOLE_STATUS_EMBEDDED_H

#include <stddef.h>

struct ph__embedded_file {
    const char *name; /* "index.html" */
    const unsigned char *data;
    size_t size;          /* of data */
    size_t inflated_size; /* of the content, where data is a gzip of it; 0: data is the content */
};

extern const struct ph__embedded_file ph__embedded_files[];
extern const size_t ph__embedded_file_count;

#endif
